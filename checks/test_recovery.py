"""How soon the drain is back when the database is well again."""

from __future__ import annotations

import random
import tempfile
from functools import partial
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import trio

from supervisors.engine.child import Child
from supervisors.engine.supervisor import Supervisor
from tests.store.cutting_proxy import Cut, CuttingProxy, cutting_proxy
from tests.store.drained import ListJournal, Told, assert_counted, drain_of, event
from tests.support.postgres import database, postgres_server  # noqa: F401
from tests.support.waiting import until
from vts.model.view import ViewEvent
from vts.store.session.connection import Database

CUTS = 12  # the waits double: after the tenth they have the longest
BACK_WITHIN_S = (
    12.0  # 2 s of waiting and the rest for a busy machine; less than half of the longest wait of other outages
)


def fires(proxy: CuttingProxy, journal: ListJournal, view: ViewEvent) -> bool:
    """Append the view, again and again, so that the drain has something to send; return whether it was cut."""
    journal.append(view)
    return proxy.fired


async def test_after_many_cuts_the_drain_is_back_soon(database: Database) -> None:  # noqa: F811
    chance = random.Random(1)
    journal, told = ListJournal(chance.randbytes(16)), Told()
    server = Path(parse_qs(urlsplit(database.url()).query)["host"][0])
    with tempfile.TemporaryDirectory() as folder:
        behind = Database(url=lambda: database.url().replace(str(server), folder))
        async with cutting_proxy(Path(folder), server) as proxy, trio.open_nursery() as nursery:
            drain = drain_of(partial(behind.connect, "writer"), journal, told)
            child = Child(name="drain", run=drain.run, stop=drain.stop)
            supervisor = Supervisor("group", [child], on_event=lambda _: None)
            await nursery.start(supervisor.run)
            events = [event(chance) for _ in range(CUTS + 1)]
            for view in events[:-1]:
                proxy.arm(chance.randrange(20), chance.choice(list(Cut)))
                await until(partial(fires, proxy, journal, view), pause_s=0.05)
            journal.append(events[-1])
            healed_s = trio.current_time()
            await until(lambda: journal.told >= len(journal.rows), BACK_WITHIN_S)
            print(f"back after {trio.current_time() - healed_s:.1f} s")
            supervisor.stop()
    await assert_counted(database, events)
