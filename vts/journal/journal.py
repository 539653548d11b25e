"""The journal: what was acknowledged, on disk, until PostgreSQL has it.

Its parts: `GroupCommit` writes, `Backlog` holds how far it is written and drained, `ReaderThread` reads what is not in
memory, `DamageWatch` has the file opened anew, `Housekeeping` ages drained rows out, `Capacity` refuses. SQLite runs in
threads of its own, so a disk that stalls stalls acknowledgements and nothing else.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Container, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

import trio

from vts.journal.backlog import Backlog
from vts.journal.capacity import Capacity, not_now
from vts.journal.damage_watch import DamageWatch, OnLost
from vts.journal.entry import Entry, OnSettled, Record
from vts.journal.format import RUN_BYTES, JournalDamaged
from vts.journal.group_commit import Box, GroupCommit, OnCommit
from vts.journal.housekeeping import Housekeeping
from vts.journal.reader_thread import ReaderThread
from vts.journal.writer_thread import WriterThread
from vts.model.faults import JournalFull
from vts.model.journal_run import Run
from vts.model.ports import Clock, MailboxFull

RECENT_RECORDS: Final = 2_000  # in one reading of the warm-up after a start


class Slice(NamedTuple):
    """Records of one run in the order of their acknowledgement, and where to go on reading.

    There are none, and `last_seq` is farther on, where rows are known to be lost.
    """

    records: list[Record]
    last_seq: int
    run: Run


class Journal:
    """The actor, and the one object that others use. `read` and `drained` work while `run` is being restarted."""

    def __init__(
        self,
        path: Path,
        inbox: Box,
        *,
        max_bytes: int,
        keep_drained_s: float,
        clock: Clock,
        on_commit: OnCommit | None = None,
        on_lost: OnLost | None = None,
        entropy: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._inbox = inbox
        self._clock = clock
        self._new_run = partial(entropy, RUN_BYTES)
        self._process = entropy(RUN_BYTES)
        self._capacity = Capacity()
        self._backlog = Backlog()
        self._damage = DamageWatch(on_lost)
        self._writer = WriterThread(path, max_bytes)
        self._reader = ReaderThread(path, self._damage)
        self._group_commit = GroupCommit(inbox, self._writer, self._backlog, self._capacity, clock, on_commit)
        self._housekeeping = Housekeeping(self._writer, self._backlog, self._capacity, clock, keep_drained_s)

    # ---- for the tree: one run

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Commit until the mailbox is sealed and empty. Raises BadStart when the file is no use at all."""
        await self._open()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._housekeeping.run)
            nursery.start_soon(self._end_on_damage)
            task_status.started()
            await self._group_commit.run()
            nursery.cancel_scope.cancel()
        await self._close()

    async def _open(self) -> None:
        await self._group_commit.last_ended()
        await self._reader.close()  # the file may be replaced
        self._damage.opening()
        is_first, run = not self._writer.was_opened, self._new_run()
        opened = await self._writer.open(run)
        self._capacity.used_bytes = opened.used_bytes
        self._backlog.open(opened, run, is_first=is_first)
        self._damage.opened(opened, await self._writer.quarantined())

    async def _end_on_damage(self) -> None:
        """End the run: the next one opens the journal without what is damaged."""
        await self._damage.wait_found()
        self._writer.set_aside()
        raise JournalDamaged("the journal is opened anew, without what is damaged")

    async def _close(self) -> None:
        with suppress(JournalFull, JournalDamaged):  # only a hint: the next start asks the database, too
            await self._housekeeping.note_drained()
        await self._reader.close()
        await self._writer.close()
        self._reader.stop()

    # ---- for the doors

    def submit(self, records: Sequence[Record], on_settled: OnSettled | None = None) -> Entry:
        """Hand records in without waiting; they share one outcome. Raises JournalFull when there is no room now."""
        if self._capacity.refusing:
            raise not_now()
        entry = Entry(records, on_settled)
        try:
            self._inbox.put_nowait(entry)
        except MailboxFull:
            raise JournalFull("the journal's mailbox is full") from None
        return entry

    async def append(self, records: Sequence[Record], on_settled: OnSettled | None = None) -> None:
        """Return when the records are durable. Raises JournalFull (none is kept) or BadRecord.

        Cancelling the wait takes nothing back: `on_settled` is still called with the outcome.
        """
        await self.submit(records, on_settled).wait()

    # ---- for metrics and answers

    @property
    def journal_id(self) -> bytes:
        """16 bytes that are new with every process; notices of commits carry them."""
        return self._process

    @property
    def runs(self) -> Sequence[Run]:
        """The runs whose rows the journal holds, the oldest first. The database has an offset for each."""
        return self._backlog.runs.held

    def newest_run(self) -> dict[bytes, int]:
        """Return the run that this opening writes, with its last row: nothing before its first."""
        newest = self._backlog.runs.newest()
        return {} if newest is None else {newest.id: self._backlog.last.seq}

    @property
    def quarantined(self) -> int:
        """Damaged rows and lost ranges that wait for the operator."""
        return self._damage.quarantined

    @property
    def depth(self) -> int:
        """Records that PostgreSQL does not have yet."""
        return self._backlog.depth

    @property
    def oldest_age_s(self) -> float:
        """How long the oldest of them has been waiting."""
        return self._backlog.oldest_age_s(self._clock())

    @property
    def last_seq(self) -> int:
        """The number of the newest row."""
        return self._backlog.last.seq

    @property
    def bytes(self) -> int:
        """Bytes in use in the file, drained rows included, free pages and the write-ahead log not."""
        return self._capacity.used_bytes

    @property
    def refusing(self) -> bool:
        """Whether the last attempt to write was refused, by the cap or by the disk, within the last moment."""
        return self._capacity.refusing

    def last_undrained(self, post_ids: Container[int]) -> int:
        """Return the newest row in memory with a view of one of these contents that PostgreSQL lacks; 0: none."""
        return self._backlog.last_undrained(post_ids)

    @property
    def has_unread(self) -> bool:
        """Whether PostgreSQL lacks rows that are on disk only, so that their contents are not known here."""
        return self._backlog.has_unread

    async def wait_drained(self, seq: int) -> None:
        """Return when PostgreSQL has everything up to row `seq`."""
        await self._backlog.wait_drained(seq)

    # ---- for the drain

    async def wait_beyond(self, seq: int) -> None:
        """Return when there is a row behind `seq`."""
        await self._backlog.wait_beyond(seq)

    async def read(self, after: int, limit_rows: int) -> Slice:
        """Return the records behind row `after`, whole rows of one run, about `limit_rows` records.

        Raises JournalFull when the disk does not read, JournalDamaged when it reads something else than was written:
        the journal is then opened anew without it.
        """
        run, end = self._backlog.runs.behind(after, self._backlog.last.seq)
        found = self._backlog.tail.read(after, end, limit_rows)
        if found is not None:
            self._reader.forget_ahead()
            await trio.lowlevel.checkpoint()
            return Slice(*found, run)
        chunk = await self._reader.read(after, end, limit_rows, run)
        self._backlog.measure(after, chunk)
        last_seq = chunk.rows[-1].seq if chunk.rows else end
        if last_seq < end and self._backlog.tail.read(last_seq, end, 1) is None:
            self._reader.read_ahead(last_seq, end, limit_rows, run)
        return Slice(chunk.records, last_seq, run)

    def drained(self, seq: int) -> None:
        """Note that PostgreSQL has everything up to row `seq`, and no more: it may go back (a restored database)."""
        self._backlog.set_drained(seq)

    # ---- for tables in memory, and for erasing a person

    async def recent(self, since_us: int) -> AsyncIterator[list[Record]]:
        """Give what was written since then, drained or not, oldest first: for tables that must survive a restart.

        A damaged row does not end it: it goes on when the journal was opened anew.
        """
        after = await self._reader.first_since(since_us) - 1
        upto = self._backlog.last.seq
        while after < upto:
            chunk = await self._reader.read_all_runs(after, upto, RECENT_RECORDS)
            if not chunk.rows:
                return
            yield chunk.records
            after = chunk.rows[-1].seq

    async def rewrite(self, change: Callable[[Record], Record]) -> int:
        """Change the records that are kept, on disk and in memory, drained or not; returns how many were changed.

        `change` returns the same object for what stays. Commits come in between, of records that are not changed; what
        the drain has already taken it may still store as it was. Raises JournalFull.
        """
        upto, after, changed = self._backlog.last.seq, 0, 0
        self._backlog.tail.change(change)
        while after < upto:
            with self._damage.reporting():
                seq, more = await self._writer.rewrite(after, upto, change)
            if seq == after:
                break
            after, changed = seq, changed + more
        self._reader.forget_ahead()  # it may have been read before it was changed
        await self._reader.close()  # a reader's snapshot would keep the log as it is
        await self._writer.scrub()
        return changed
