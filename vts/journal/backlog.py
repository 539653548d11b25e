"""How far the journal is written, how far PostgreSQL has it, and what lies between. Nothing here touches the disk."""

from __future__ import annotations

from collections.abc import Container

import trio

from vts.journal.format import NO_ROW, Chunk, Opened, RowPosition, Written
from vts.journal.runs import Runs
from vts.journal.tail import Tail
from vts.model.day import SECOND_US


class Backlog:
    """The newest row, the last row that PostgreSQL has, the runs of the rows, and the newest records in memory.

    `drained.at_us` is the time of the first row that PostgreSQL does not have.
    """

    def __init__(self) -> None:
        self.last = NO_ROW
        self.drained = NO_ROW
        self.runs = Runs()
        self.tail = Tail()
        self._grown = trio.Event()
        self._emptied = trio.Event()

    @property
    def depth(self) -> int:
        """Records that PostgreSQL does not have yet."""
        return self.last.upto - self.drained.upto

    def oldest_age_s(self, now_us: int) -> float:
        """Return the age of the oldest of them, 0 when there is none."""
        if self.drained.seq >= self.last.seq:
            return 0.0
        return max(0.0, (now_us - self.drained.at_us) / SECOND_US)

    def last_undrained(self, post_ids: Container[int]) -> int:
        """Return the newest row in memory with a view of one of these contents, 0 when there is none.

        PostgreSQL lacks all rows in memory. These are at most `TAIL_RECORDS` records: see `has_unread`.
        """
        return self.tail.last_with(post_ids)

    @property
    def has_unread(self) -> bool:
        """Whether rows that PostgreSQL lacks are on disk only, so that their contents are not known here."""
        first = self.tail.first()
        return (self.last.seq if first is None else first.seq - 1) > self.drained.seq

    def open(self, opened: Opened, run: bytes, *, is_first: bool) -> None:
        """Take over what an opening found. Only the first of a process believes the file how far PostgreSQL is."""
        self.runs.open(opened.runs, run)
        self.last = opened.last
        self.tail.clear()
        if is_first:
            self.drained = opened.drained

    def grow(self, written: Written) -> None:
        """Add the rows of a commit, and wake the drain."""
        if not written.rows:
            return
        if self.drained.seq >= self.last.seq:
            self.drained = self.drained._replace(at_us=written.rows[0][0].at_us)
        self.runs.grow(written.rows[0][0].seq)
        self.last = written.rows[-1][0]
        self.tail.grow(written.rows)
        self._grown.set()
        self._grown = trio.Event()

    def set_drained(self, seq: int) -> None:
        """Note that PostgreSQL has everything up to row `seq`, and no more: it may go back (a restored database)."""
        upto, next_us = self.drained.upto, self.drained.at_us
        last, first = self.tail.forget(seq), self.tail.first()
        upto = last.upto if last is not None else upto
        if first is not None and first.seq == seq + 1:
            next_us = first.at_us
        if seq >= self.last.seq:
            upto = self.last.upto
        self.drained = RowPosition(seq, next_us, upto)
        self._emptied.set()
        self._emptied = trio.Event()

    def measure(self, after: int, chunk: Chunk) -> None:
        """Correct the depth and the age by what was read from the disk behind row `after`."""
        if after == self.drained.seq and chunk.rows:
            self.drained = RowPosition(after, chunk.rows[0].at_us, chunk.before)

    async def wait_beyond(self, seq: int) -> None:
        """Return when there is a row behind `seq`."""
        await trio.lowlevel.checkpoint()
        while self.last.seq <= seq:
            await self._grown.wait()

    async def wait_drained(self, seq: int) -> None:
        """Return when PostgreSQL has everything up to row `seq`."""
        await trio.lowlevel.checkpoint()
        while self.drained.seq < seq:
            await self._emptied.wait()
