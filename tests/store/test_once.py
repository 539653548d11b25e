"""One intentional view of a viewer, content and day, whichever processes acknowledged several of them."""

from __future__ import annotations

import random

import trio
from msgspec.structs import replace

from tests.store.drained import DAY, ListJournal, Told, assert_counted, drain_of, event, finish
from tests.support.waiting import until
from vts.model.view import ViewEvent
from vts.store.drain.batch import VIEWS, Dates, rows_of
from vts.store.session import locks

SEED = 20260102
VIEWERS = [bytes([n]) * 16 for n in range(12)]


async def test_processes_that_each_acknowledged_a_view_of_the_viewer_store_one(database, connect):
    chance = random.Random(SEED)
    journals, tolds, views = [], [], []
    for _ in range(3):
        journal = ListJournal(chance.randbytes(16))
        own = [event(chance, post_id=post, viewer_key=viewer, once=True) for post in (1, 2) for viewer in VIEWERS]
        views += own
        journal.append(*own)
        journals.append(journal)
        tolds.append(Told())
    restarts: list[int] = []

    async def drain(journal: ListJournal, told: Told) -> None:
        restarts.append(await finish(drain_of(connect, journal, told)))

    async with trio.open_nursery() as nursery:
        for journal, told in zip(journals, tolds, strict=True):
            nursery.start_soon(drain, journal, told)
    assert restarts == [0, 0, 0]
    stored = [one for told in tolds for one in told.events()]
    assert sorted((one.post_id, one.viewer_key) for one in stored) == [(p, v) for p in (1, 2) for v in VIEWERS]
    assert sum(commit.duplicates for told in tolds for commit in told.commits) == len(views) - len(stored)
    await assert_counted(database, stored)


async def test_other_days_types_and_views_without_the_rule_are_no_duplicates(database, connect):
    chance = random.Random(SEED)
    journal = ListJournal(chance.randbytes(16))
    first = event(chance, viewer_key=VIEWERS[0], once=True)
    kept: list[ViewEvent] = [
        first,
        event(chance, viewer_key=VIEWERS[0], day=DAY - 1, once=True),
        event(chance, viewer_key=VIEWERS[0], view_type="listing"),
        event(chance, viewer_key=VIEWERS[0]),
        event(chance, viewer_key=VIEWERS[0], post_id=2, once=True),
        event(chance, viewer_key=VIEWERS[1], once=True),
    ]
    journal.append(*kept)
    journal.append(replace(event(chance, viewer_key=VIEWERS[0], once=True), created_at=first.created_at))
    told = Told()
    assert await finish(drain_of(connect, journal, told)) == 0
    assert len(told.events()) == len(kept)
    await assert_counted(database, kept if first in told.events() else told.events())


async def test_a_drain_lets_another_finish_before_it_meets_its_viewers(look, connect):
    """The other stores its rows in another order: if neither waited first, each would wait for a row of the other."""
    chance = random.Random(SEED)
    journal, told = ListJournal(chance.randbytes(16)), Told()
    journal.append(*(event(chance, viewer_key=viewer, once=True) for viewer in VIEWERS))
    others = [event(chance, viewer_key=viewer, once=True) for viewer in reversed(VIEWERS[1:])]
    other = await connect()
    waiting = f"SELECT EXISTS (SELECT FROM pg_locks WHERE classid = {locks.ONCE} AND NOT granted)"
    async with trio.open_nursery() as nursery, other.transaction():
        await other.execute("SELECT pg_advisory_xact_lock($1, $2)", locks.ONCE, DAY)
        nursery.start_soon(finish, drain_of(connect, journal, told))

        async def waits() -> bool:
            return bool(await look.fetchval(waiting))

        await until(waits)
        for row in rows_of(others, Dates()):
            await other.copy_records(VIEWS.name, [row], VIEWS.columns)
    assert [one.viewer_key for one in told.events()] == VIEWERS[:1]
    await other.close()
