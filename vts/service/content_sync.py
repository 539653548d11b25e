"""A full sync of the catalog: opened, sent in parts, committed. Every step may be sent again, to any process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from vts.model.content import ContentRow
from vts.model.content_sync import Committed, Opened, PartDone
from vts.model.ports import Clock
from vts.service.catalog_writes import CatalogWrites
from vts.store.facts import content_sync
from vts.store.facts.content_sync import Part


class ContentSync:
    """`writes` commits each step, appends what it wrote to the journal and makes it known here."""

    def __init__(self, writes: CatalogWrites, clock: Clock) -> None:
        self._writes = writes
        self._clock = clock

    async def open(self, sync_id: str, *, dry_run: bool) -> Opened:
        """Open a sync, or find it open. Raises StoreUnavailable."""
        return await self._writes.beside(lambda session: content_sync.open_sync(session, sync_id, dry_run=dry_run))

    async def part(self, part: Part, rows: Sequence[ContentRow], texts: Mapping[int, str]) -> PartDone:
        """Merge the rows of a part, or in a dry run compare them.

        Raises UnknownSync, SyncClosed, PartUsed, ReferenceTaken, StoreUnavailable, JournalFull.
        """
        now_us = self._clock()
        return await self._writes.journaled(
            lambda session, write: content_sync.apply_part(session, part, rows, write, now_us=now_us, texts=texts)
        )

    async def commit(self, sync_id: str, parts: int, *, dry_run: bool, force: bool) -> Committed:
        """Remove what no part named. One that broke off goes on when it is sent again.

        Raises UnknownSync, PartsMissing, TooManyParts, TooManyRemoved, StoreUnavailable, JournalFull.
        """
        asked, has_work = await self._writes.beside(
            lambda session: content_sync.begin_commit(session, sync_id, parts, dry_run=dry_run, force=force)
        )
        if not has_work:
            return asked
        await self._writes.journaled(lambda session, write: content_sync.keep_unkept(session, sync_id, write))
        gone = [0]
        while gone:
            gone = await self._writes.journaled(partial(content_sync.remove_some, sync_id=sync_id, after=gone[-1]))
        removed = await self._writes.beside(lambda session: content_sync.end_commit(session, sync_id))
        return asked._replace(removed=removed)
