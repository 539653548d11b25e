"""Which drained rows go, and when the file gets a note of how far PostgreSQL is."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

import trio

from vts.journal.backlog import Backlog
from vts.journal.capacity import Capacity
from vts.journal.file import DELETE_ROWS
from vts.journal.writer_thread import WriterThread
from vts.model.day import SECOND_US
from vts.model.faults import JournalFull
from vts.model.ports import Clock

HOUSEKEEPING_S: Final = 30.0  # how often drained rows are aged out and the drain's progress is noted


class Housekeeping:
    """Keeps drained rows for `keep_drained_s`, in case the database goes back, and deletes older ones."""

    def __init__(
        self, writer: WriterThread, backlog: Backlog, capacity: Capacity, clock: Clock, keep_drained_s: float
    ) -> None:
        self._writer = writer
        self._backlog = backlog
        self._capacity = capacity
        self._clock = clock
        self._keep_drained_us = int(keep_drained_s * SECOND_US)
        self._noted = (-1, -1)

    async def run(self) -> None:
        """Do it again and again."""
        while True:
            await trio.sleep(HOUSEKEEPING_S)
            with suppress(JournalFull):  # the disk is full or broken: commits report it, and this can wait
                await self.note_drained()
                await self._age_out()

    async def note_drained(self) -> None:
        """Write into the file how far PostgreSQL is, unless nothing has changed since. Raises JournalFull."""
        noted = self._backlog.drained.seq, self._backlog.last.seq
        if noted != self._noted:
            self._capacity.used_bytes = await self._writer.note_drained(noted[0])
            self._noted = noted

    async def _age_out(self) -> None:
        first_kept = await self._writer.first_since(self._clock() - self._keep_drained_us)
        while await self._writer.delete(min(first_kept - 1, self._backlog.drained.seq)) == DELETE_ROWS:
            pass  # each bite is a call of its own: commits come in between
