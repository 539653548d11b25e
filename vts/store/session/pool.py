"""Sessions that are used again: never one that is broken, and never one that is inside a transaction."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar

import trio

from vts.store.session.connection import Connection, Database
from vts.store.session.faults import StoreUnavailable

T = TypeVar("T")

_SNAPSHOT: Final = "ISOLATION LEVEL REPEATABLE READ, READ ONLY"


def _is_reusable(connection: Connection) -> bool:
    """Whether the next user may have a session. One inside a transaction is ended, and the transaction with it."""
    if connection.in_transaction:
        connection.terminate()
    return not connection.is_closed


class Readers:
    """A few sessions for questions. An answer or StoreUnavailable within `query_timeout_s`, also when the server hangs.

    The deadline holds for everything together: waiting for a free session, connecting, and the question. `greet` is
    awaited with every new session, before its first question.
    """

    def __init__(
        self,
        database: Database,
        size: int = 4,
        query_timeout_s: float = 2.0,
        greet: Callable[[Connection], Awaitable[None]] | None = None,
    ) -> None:
        self._database = database
        self._free = trio.CapacityLimiter(size)
        self._idle: list[Connection] = []
        self._query_timeout_s = query_timeout_s
        self.greet = greet

    async def fetch(self, query: str, *args: object) -> list[Any]:
        """Return all rows."""
        async with self.connection() as connection:
            return await connection.fetch(query, *args)

    async def fetchrow(self, query: str, *args: object) -> Any | None:
        """Return the first row, or None."""
        async with self.connection() as connection:
            return await connection.fetchrow(query, *args)

    async def fetchval(self, query: str, *args: object) -> Any:
        """Return the first column of the first row, or None."""
        async with self.connection() as connection:
            return await connection.fetchval(query, *args)

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Connection]:
        """Lend a session inside a read-only transaction, so that several questions see one state."""
        async with (
            self.connection() as connection,
            connection.transaction(_SNAPSHOT),
        ):
            yield connection

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Lend a session; the block, too, has to end before the deadline. A session that broke is not taken back."""
        try:
            with trio.fail_after(self._query_timeout_s):
                async with self._free:
                    connection = await self._take()
                    try:
                        yield connection
                    finally:
                        self._give_back(connection)
        except trio.TooSlowError:
            raise StoreUnavailable(f"no answer within {self._query_timeout_s:g} s") from None

    async def _take(self) -> Connection:
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed:
                return connection
        connection = await self._database.connect("reader", command_timeout_s=self._query_timeout_s)
        if self.greet is not None:
            try:
                await self.greet(connection)
            except BaseException:
                connection.terminate()
                raise
        return connection

    def _give_back(self, connection: Connection) -> None:
        if _is_reusable(connection):
            self._idle.append(connection)

    def close(self) -> None:
        """Cut every idle session."""
        while self._idle:
            self._idle.pop().terminate()


class Writer:
    """One session for pieces of work that write, one at a time."""

    def __init__(self, connect: Callable[[], Awaitable[Connection]], timeout_s: float) -> None:
        """`timeout_s` holds for everything together: waiting for the session, connecting, and the work."""
        self._connect = connect
        self._timeout_s = timeout_s
        self._turn = trio.Lock()
        self._session: Connection | None = None

    async def write(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Do a piece of work. Raises StoreUnavailable, and what the work raises."""
        try:
            with trio.fail_after(self._timeout_s):
                async with self._turn:
                    return await self._do(work)
        except trio.TooSlowError:
            raise StoreUnavailable("the database does not answer in time") from None

    async def _do(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        session, self._session = self._session, None
        if session is None or session.is_closed:
            session = await self._connect()
        try:
            return await work(session)
        finally:
            self._session = session if _is_reusable(session) else None

    def close(self) -> None:
        """Cut the session, if there is one."""
        if self._session is not None:
            self._session.terminate()
