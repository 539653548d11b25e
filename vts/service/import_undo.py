"""Undoing an import by its id: views, counters, page views, playback, viewing history, provider numbers."""

from __future__ import annotations

from vts.store.facts.undo_import import Undone, undo_import
from vts.store.session.pool import Writer


class ImportUndo:
    """Takes out what an import added."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    async def undo(self, import_id: str) -> Undone:
        """Take an import out. Raises NoSuchImport, NotRecorded, StoreUnavailable."""
        return await self._writer.write(lambda session: undo_import(session, import_id))
