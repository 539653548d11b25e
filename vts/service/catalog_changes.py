"""Where the catalog in memory comes from: changes since a revision, and notices that there are new ones."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from vts.model.content import Change
from vts.store.facts.catalog import changes_since
from vts.store.session import channels
from vts.store.session.connection import Connection

OpenSession = Callable[[], AbstractAsyncContextManager[Connection]]


class CatalogChanges:
    """`check` is awaited with each session before its changes are read: it detects a database that has gone back."""

    def __init__(self, session: OpenSession, check: Callable[[Connection], Awaitable[None]]) -> None:
        self._session = session
        self._check = check

    async def since(self, revision: int) -> Change:
        """Return what has changed since a revision. Raises StoreUnavailable."""
        async with self._session() as connection:
            await self._check(connection)
            return await changes_since(connection, revision)

    @asynccontextmanager
    async def listening(self, wake: Callable[[], None]) -> AsyncIterator[Callable[[], Awaitable[None]]]:
        """Call `wake` at every change of another process, within the block.

        Gives a function that waits until the session is lost and raises StoreUnavailable.
        """
        async with self._session() as connection:
            await connection.listen(channels.CATALOG, lambda _: wake())
            yield connection.stay
