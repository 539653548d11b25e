"""Which process rolls up: one at a time, of all on a database, rolls days up and drops them.

The turn is an advisory lock. Its session does nothing else: it is used every second, and PostgreSQL ends it when it has
been silent for `SILENT_S`, so that a process that is stopped, or whose machine is gone, delays others for no longer. A
roll-up works on other sessions, whose statements may take as long as they like. One that was stopped and goes on learns
under the lock of the day that its turn is over (`Turn.check`), before it puts anything in place.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, NamedTuple, TypeVar

import trio

from vts.store.session.connection import Connection
from vts.store.session.faults import StoreUnavailable
from vts.store.session.locks import ROLLUP

T = TypeVar("T")

ASK_EVERY_S: Final = 1.0  # for the turn, or whether it is still ours
ANSWER_S: Final = 5.0  # a database that is slower than this at a ping is unreachable
SILENT_S: Final = 10  # as for the process that reads the broker

_TRY: Final = f"SELECT pg_try_advisory_lock({ROLLUP}, 1)"
_WAIT: Final = f"SELECT pg_advisory_lock({ROLLUP}, 1)"
_SILENT: Final = f"SET idle_session_timeout = '{SILENT_S}s'"
_HOLDS: Final = """
SELECT EXISTS (
    SELECT FROM pg_locks
    WHERE locktype = 'advisory' AND granted AND classid = $1::bigint AND objid = 1 AND objsubid = 2 AND pid = $2
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))
"""


class Turn(NamedTuple):
    """A turn, known by the server process of the session that has it."""

    pid: int

    async def check(self, connection: Connection) -> None:
        """Raise StoreUnavailable when the turn is over. To be called, on any session, under the lock of the day."""
        if not await connection.fetchval(_HOLDS, ROLLUP, self.pid):
            raise StoreUnavailable("the turn to roll up was lost")


async def try_turn(connection: Connection) -> bool:
    """Take the turn if no other session has it. It ends with the session."""
    return bool(await connection.fetchval(_TRY))


async def wait_turn(connection: Connection) -> None:
    """Take the turn when it comes. Raises StoreUnavailable when that takes longer than a command may."""
    await connection.execute(_WAIT)


async def in_turn(
    connect: Callable[[], Awaitable[Connection]],
    work: Callable[[Turn], Awaitable[T]],
    *,
    wait_s: float = 0.0,
    on_wait: Callable[[], None] = lambda: None,
) -> T | None:
    """Do `work` while this process has the turn; None when another one has it for longer than `wait_s`.

    `connect` gives a session of the writer with ANSWER_S for a command; `on_wait` is called once if there is a wait.
    Raises what the work raises, and StoreUnavailable when the turn is lost: then the work is cancelled.
    """
    session = await connect()
    try:
        await session.execute(_SILENT)
        if not await _taken(session, wait_s, on_wait):
            return None
        return await _held(session, work)
    finally:
        await session.close()


async def _taken(session: Connection, wait_s: float, on_wait: Callable[[], None]) -> bool:
    until_s = trio.current_time() + wait_s
    waits = False
    while not await try_turn(session):
        if trio.current_time() >= until_s:
            return False
        if not waits:
            waits = True
            on_wait()
        await trio.sleep(ASK_EVERY_S)
    return True


async def _held(session: Connection, work: Callable[[Turn], Awaitable[T]]) -> T:
    turn = Turn(await session.fetchval("SELECT pg_backend_pid()"))
    done: list[T] = []
    fault: Exception = StoreUnavailable("the turn to roll up was lost")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_ping, session, nursery.cancel_scope)
        try:
            done.append(await work(turn))
        except Exception as raised:  # raised again outside of the nursery, which would make a group of it
            fault = raised
        nursery.cancel_scope.cancel()
    if not done:
        raise fault
    return done[0]


async def _ping(session: Connection, scope: trio.CancelScope) -> None:
    """Use the session that has the turn; end the scope when it is lost."""
    with suppress(StoreUnavailable):
        while True:
            await session.execute("SELECT 1")
            await trio.sleep(ASK_EVERY_S)
    scope.cancel()
