"""How actors get their sessions: not before the server runs and its schema is there."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import trio

from vts.query.export.stored_tables import COMMAND_TIMEOUT_S as EXPORT_TIMEOUT_S
from vts.query.export.stored_tables import Connect
from vts.store.schema.migrate import Migrator
from vts.store.server.embedded import Embedded
from vts.store.session.connection import IDLE_IN_TRANSACTION_S, Connection, Database, Role

Check = Callable[[Connection], Awaitable[None]]


class Sessions:
    """Opens sessions on a database; `embedded` is the server that VTS runs itself, if any."""

    def __init__(self, database: Database, embedded: Embedded | None) -> None:
        self._database = database
        self._embedded = embedded
        self.migrator = Migrator(replace(database, schema=0))

    async def migrate(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Bring the schema up to date, as an actor. Every connector waits for it."""
        task_status.started()
        await self._wait_server()
        await self.migrator.run()

    def connector(
        self,
        role: Role,
        timeout_s: float | None = None,
        idle_s: float = IDLE_IN_TRANSACTION_S,
        check: Check | None = None,
    ) -> Connect:
        """Return a function that opens a session. `timeout_s` is for one command; `check` is awaited before use."""

        async def connect() -> Connection:
            await self._wait_server()
            await self.migrator.done.wait()
            session = await self._database.connect(role, command_timeout_s=timeout_s, idle_in_transaction_s=idle_s)
            return session if check is None else await _checked(session, check)

        return connect

    @asynccontextmanager
    async def reader(self) -> AsyncIterator[Connection]:
        """Lend a session of its own for reading. Raises StoreUnavailable."""
        session = await self.connector("reader")()
        try:
            yield session
        finally:
            await session.close()

    async def export(self) -> Connection:
        """Return a session for one export. Raises StoreUnavailable."""
        return await self._database.connect("reader", command_timeout_s=EXPORT_TIMEOUT_S, name="vts export")

    async def leader(self, name: str, answer_s: float) -> Connection:
        """Return a session for the lock of the process that reads the broker. Raises StoreUnavailable."""
        await self._wait_server()
        return await self._database.connect("reader", command_timeout_s=answer_s, name=name)

    async def _wait_server(self) -> None:
        if self._embedded is not None:
            await self._embedded.wait_ready()


async def _checked(session: Connection, check: Check) -> Connection:
    try:
        await check(session)
    except BaseException:
        session.terminate()
        raise
    return session
