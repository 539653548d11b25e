"""The actor that keeps this process in step with the sessions and share links that were ended, here or elsewhere."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

import trio

from vts.auth.sessions import EndedSessions
from vts.model.day import SECOND_US
from vts.model.ports import Clock
from vts.store.facts import sessions
from vts.store.session import channels
from vts.store.session.connection import Connection

LOOK_EVERY_S: Final = 300.0  # without any notice, should one ever be lost


class EndedSessionsActor:
    """Loads the list, then loads it again at every notice. `connect` opens a session that may write."""

    def __init__(self, connect: Callable[[], Awaitable[Connection]], ended: EndedSessions, clock: Clock) -> None:
        self._connect = connect
        self._ended = ended
        self._clock = clock

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Follow until cancelled. Raises StoreUnavailable when the database is lost; the list stays in force."""
        task_status.started()
        connection = await self._connect()
        try:
            changed = trio.Event()
            await connection.listen(channels.SESSIONS, lambda _: changed.set())
            async with trio.open_nursery() as nursery:
                nursery.start_soon(connection.stay)
                while True:
                    await self._load(connection)
                    with trio.move_on_after(LOOK_EVERY_S):
                        await changed.wait()
                    changed = trio.Event()
        finally:
            await connection.close()

    async def _load(self, connection: Connection) -> None:
        if unwritten := set(self._ended.unwritten):
            await sessions.end(connection, sorted(unwritten))
            self._ended.unwritten -= unwritten
        self._ended.add(await sessions.ended(connection))
        self._ended.forget_expired(self._clock() / SECOND_US)
        self._ended.is_loaded = True
