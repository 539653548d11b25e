"""The start of the server: what it writes before its own log is open, and how long its first answer may take."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

import trio

from vts.model.faults import Outage, StoreUnavailable
from vts.store.server.layout import Layout
from vts.store.server.stale import busy_seconds
from vts.store.session.connection import Database

LOOK_EVERY_S: Final = 0.1
IDLE_START_S: Final = 300.0  # a recovery may last as long as it works; one that does nothing for so long is stuck


async def first_answer(layout: Layout) -> None:
    """Return when the server answers. It may take as long as its processes use processor time; else raises Outage."""
    database = Database(url=lambda: layout.url, connect_timeout_s=2.0)
    quiet_since = trio.current_time()
    worked = None
    while not await _answers(database):
        now = trio.current_time()
        seen = busy_seconds(layout.data)
        if seen is None or seen != worked:
            worked, quiet_since = seen, now
        if now - quiet_since > IDLE_START_S:
            raise Outage(f"PostgreSQL has neither answered nor worked for {IDLE_START_S:.0f} s")
        await trio.sleep(LOOK_EVERY_S)


async def _answers(database: Database) -> bool:
    try:
        connection = await database.connect("login")
    except StoreUnavailable:
        return False
    await connection.close()
    return True


@contextmanager
def startup_log(home: Path) -> Iterator[IO[bytes]]:
    """What the server writes before its own log is open. Made anew: an old one may belong to another user."""
    path = home / "startup.log"
    path.unlink(missing_ok=True)
    with path.open("xb") as file:
        yield file


def fatal_line(layout: Layout) -> str:
    """Return the reason that the server gave when it ended, to be added to a message; else where its log is."""
    try:
        lines = (layout.home / "startup.log").read_text(errors="replace").strip().splitlines()
    except OSError:
        return ""
    fatal = [line for line in lines if "FATAL" in line or "PANIC" in line]
    return f": {fatal[-1]}" if fatal else f" (see {layout.data / 'log'})"
