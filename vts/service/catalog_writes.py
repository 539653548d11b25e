"""What a service writes to the catalog: contents and players. A write is in force in this process before it returns."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol, TypeVar

from vts.catalog.memory import MemoryCatalog
from vts.model.content import ContentRow, PlayerRow
from vts.model.faults import JournalFull
from vts.model.ports import Clock
from vts.model.record import Record
from vts.store.drain.texts import NO_TEXTS
from vts.store.facts.catalog import Write, delete_contents, delete_players, upsert_contents, upsert_players
from vts.store.session.connection import Connection
from vts.store.session.pool import Writer

T = TypeVar("T")


class CatalogJournal(Protocol):
    """The journal, as a catalog write uses it."""

    @property
    def refusing(self) -> bool:
        """Whether the journal takes nothing at the moment."""
        ...

    async def append(self, records: Sequence[Record], /) -> None:
        """Return when the records are durable. Raises JournalFull."""
        ...


class CatalogWrites:
    """Every write is committed in PostgreSQL, appended to the journal and read into the catalog in memory.

    The journal has the written rows, because a database that fails over to an older copy would lack them.
    `on_written` is awaited after each commit: it makes the change known in this process.
    """

    def __init__(
        self,
        writer: Writer,
        journal: CatalogJournal,
        catalog: MemoryCatalog,
        on_written: Callable[[], Awaitable[None]],
        clock: Clock,
    ) -> None:
        self._writer = writer
        self._journal = journal
        self._catalog = catalog
        self._on_written = on_written
        self._clock = clock

    async def upsert_contents(self, rows: Sequence[ContentRow], texts: Mapping[int, str] = NO_TEXTS) -> int:
        """Insert or change contents; return how many. `texts` are those of hashed numbers in the rows.

        Raises StoreUnavailable, JournalFull, ReferenceTaken.
        """
        return await self.journaled(
            lambda session, write: upsert_contents(session, rows, write, now_us=self._clock(), texts=texts)
        )

    async def upsert_players(self, rows: Sequence[PlayerRow], texts: Mapping[int, str] = NO_TEXTS) -> int:
        """Insert or change players likewise."""
        return await self.journaled(
            lambda session, write: upsert_players(session, rows, write, now_us=self._clock(), texts=texts)
        )

    async def delete_content(self, post_id: int) -> bool:
        """Mark a content as deleted; False for an unknown one. Raises StoreUnavailable, JournalFull."""
        return await self.delete_contents([post_id]) == 1

    async def delete_contents(self, post_ids: Sequence[int]) -> int:
        """Mark contents as deleted, all or none; return how many were known. Raises likewise."""
        return await self.journaled(lambda session, write: delete_contents(session, post_ids, write))

    async def delete_player(self, player_key: bytes) -> bool:
        """Remove a player; False for an unknown one. Raises StoreUnavailable, JournalFull."""
        return await self.delete_players([player_key]) == 1

    async def delete_players(self, keys: Sequence[bytes]) -> int:
        """Remove players, all or none; return how many were known. Raises likewise."""
        return await self.journaled(lambda session, write: delete_players(session, keys, write))

    async def write(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Do a piece of work that changes the catalog, and make the change known. Raises what the work raises."""
        done = await self._writer.write(work)
        await self._on_written()
        return done

    async def beside(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Do a piece of work that does not change the catalog. Raises what the work raises."""
        return await self._writer.write(work)

    async def journaled(self, work: Callable[[Connection, Write], Awaitable[T]]) -> T:
        """Write, and append the rows to the journal.

        Raises JournalFull before the write; also after it, when the write is committed and the journal refuses the
        rows: then the same write has to be sent again.
        """
        if self._journal.refusing:
            raise JournalFull("the journal takes nothing at the moment")
        write = Write(above=self._catalog.revision)
        done = await self.write(lambda session: work(session, write))
        if write.rows:
            await self._journal.append(write.rows)
        return done
