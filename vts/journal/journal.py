"""The journal's actor: takes what waits, makes it durable in one commit, and tells everyone exactly once.

Group commit without timers: while one commit waits for the disk, the next group gathers in the mailbox. SQLite runs in
a thread of its own, so a disk that stalls stalls acknowledgements and nothing else. The outcome of a commit reaches its
entries from the thread's own news, not from `run`: a run that is cancelled or crashes in the middle loses none, and the
run after it finds those entries settled.
"""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple, Protocol, TypeVar

import trio

from vts.journal.entry import BadRecord, Entry, OnSettled, Record
from vts.journal.file import DELETE_ROWS, JournalFile
from vts.journal.format import NO_ROW, RUN_BYTES, Chunk, JournalDamaged, Lost, Opened, RowPosition, Written
from vts.journal.reader import JournalReader
from vts.journal.tail import Tail
from vts.journal.worker import Call, Worker
from vts.model.day import SECOND_US
from vts.model.faults import JournalFull
from vts.model.journal_run import Run
from vts.model.ports import Clock, Inbox, MailboxFull, Outbox

GROUP_ENTRIES: Final = 256  # one commit: twice the connections of a busy site, 5 ms of encoding at one record each
REFUSE_S: Final = 0.2  # after a refusal the disk is left alone so long, then the next entry tries
HOUSE_S: Final = 30.0  # how often drained rows are aged out and the drain's progress is noted
RECENT_RECORDS: Final = 2_000  # a bite of the warm-up after a start

T = TypeVar("T")
OnLost = Callable[[Sequence[Lost], str], None]
"""Called after an open that found damage, with the rows that are in the quarantine and why the file was made anew."""
OnCommit = Callable[[int, float], None]
"""(records, seconds from hand-over to news): the metrics of commit size and latency."""


class Box(Inbox[Entry], Outbox[Entry], Protocol):
    """The journal's mailbox, both ends."""


class Slice(NamedTuple):
    """Records of one run in the order of their acknowledgement, and where to go on reading.

    There are none, and `last_seq` is farther on, where rows are known to be lost.
    """

    records: list[Record]
    last_seq: int
    run: Run


class Journal:
    """What was acknowledged, until PostgreSQL has it. `read` and `drained` work while `run` is being restarted."""

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
        self._keep_drained_us = int(keep_drained_s * SECOND_US)
        self._clock = clock
        self._on_commit = on_commit
        self._on_lost = on_lost
        self._new_run = partial(entropy, RUN_BYTES)
        self._process = entropy(RUN_BYTES)
        self._file = JournalFile(path, max_bytes)
        self._reading = JournalReader(path)
        self._writer = Worker("journal-writer")
        self._reader = Worker("journal-reader")
        self._runs: list[Run] = []
        self._is_open = False
        self._damage = trio.Event()
        self._reopened = trio.Event()
        self._last = NO_ROW
        self._drained = NO_ROW
        self._noted = (-1, -1)
        self._used_bytes = 0
        self._commit: Call[Written] | None = None
        self._ahead: tuple[int, int, Call[Chunk]] | None = None  # behind which row, up to which, the reading
        self._tail = Tail()
        self._grown = trio.Event()
        self._emptied = trio.Event()
        self._refusing_until = -1.0
        self._quarantined = 0
        self._opened_run: bytes | None = None

    # ---- what the tree and the doors use

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Commit what comes until the mailbox is sealed and empty. Raises BadStart when the file is no use at all."""
        await self._open()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._keep_house)
            nursery.start_soon(self._mind_damage)
            task_status.started()
            await self._commit_groups()
            nursery.cancel_scope.cancel()
        await self._close()

    def submit(self, records: Sequence[Record], on_settled: OnSettled | None = None) -> Entry:
        """Hand records in without waiting; they share one outcome. Raises JournalFull when there is no room now."""
        if trio.current_time() < self._refusing_until:
            raise JournalFull("the journal takes nothing at the moment")
        entry = Entry(records, on_settled)
        try:
            self._inbox.put_nowait(entry)
        except MailboxFull:
            raise JournalFull("the journal's mailbox is full") from None
        return entry

    async def append(self, records: Sequence[Record], on_settled: OnSettled | None = None) -> None:
        """Return when the records are durable. Raises JournalFull (none is kept) or BadRecord.

        Cancelling the wait takes nothing back: `on_settled` still hears the outcome.
        """
        await self.submit(records, on_settled).wait()

    @property
    def journal_id(self) -> bytes:
        """16 bytes that are new with every process: what is committed in the name of this one says so."""
        return self._process

    @property
    def runs(self) -> Sequence[Run]:
        """The runs whose rows the journal holds, the oldest first. The database has an offset for each."""
        return self._runs

    def newest_run(self) -> dict[bytes, int]:
        """Return the run that this opening writes, with its last row: nothing before its first."""
        return {self._runs[-1].id: self._last.seq} if self._runs and self._opened_run is None else {}

    @property
    def quarantined(self) -> int:
        """Damaged rows and lost ranges that wait for the operator."""
        return self._quarantined

    @property
    def depth(self) -> int:
        """Records that PostgreSQL does not have yet."""
        return self._last.upto - self._drained.upto

    @property
    def oldest_age_s(self) -> float:
        """How long the oldest of them has been waiting."""
        if self._drained.seq >= self._last.seq:
            return 0.0
        return max(0.0, (self._clock() - self._drained.at_us) / SECOND_US)

    @property
    def last_seq(self) -> int:
        """The number of the newest row."""
        return self._last.seq

    @property
    def bytes(self) -> int:
        """Bytes in use in the file, drained rows included, free pages and the write-ahead log not."""
        return self._used_bytes

    @property
    def refusing(self) -> bool:
        """Whether the last attempt to write was refused, by the cap or by the disk, within the last moment."""
        return trio.current_time() < self._refusing_until

    # ---- what the drain uses

    async def wait_beyond(self, seq: int) -> None:
        """Return when there is a row behind `seq`."""
        await trio.lowlevel.checkpoint()
        while self._last.seq <= seq:
            await self._grown.wait()

    async def read(self, after: int, limit_rows: int) -> Slice:
        """Return the records behind row `after`, whole rows of one run, about `limit_rows` records.

        Raises JournalFull when the disk does not read, JournalDamaged when it reads something else than was written:
        the journal is then opened anew without it.
        """
        run, end = self._run_behind(after)
        found = self._tail.read(after, end, limit_rows)
        if found is not None:
            self._ahead = None
            await trio.lowlevel.checkpoint()
            return Slice(*found, run)
        chunk = await self._chunk(after, end, limit_rows, run)
        self._learn(after, chunk)
        last_seq = chunk.rows[-1].seq if chunk.rows else end
        if last_seq < end and self._tail.read(last_seq, end, 1) is None:
            self._ahead = last_seq, end, self._start_reading(last_seq, end, limit_rows, run)
        return Slice(chunk.records, last_seq, run)

    def _run_behind(self, after: int) -> tuple[Run, int]:
        """Return the run that the next row belongs to, and where it ends as far as it is written."""
        if not self._runs:
            return Run(after + 1, b""), after
        place = bisect_right(self._runs, after + 1, key=lambda run: run.first)
        end = self._runs[place].first - 1 if place < len(self._runs) else self._last.seq
        return self._runs[max(place - 1, 0)], end

    def last_undrained(self, post_id: int) -> int:
        """Return the newest row that may hold a view of this content and that PostgreSQL lacks; 0 when there is none.

        At most `TAIL_RECORDS` records in memory are looked at. Of a longer backlog the last row before them is
        returned: what is in it is on disk only.
        """
        first = self._tail.first()
        before = self._last.seq if first is None else first.seq - 1
        return self._tail.last_with(post_id) or (before if before > self._drained.seq else 0)

    async def wait_drained(self, seq: int) -> None:
        """Return when PostgreSQL has everything up to row `seq`."""
        await trio.lowlevel.checkpoint()
        while self._drained.seq < seq:
            await self._emptied.wait()

    def drained(self, seq: int) -> None:
        """Note that PostgreSQL has everything up to row `seq`, and no more: it may go back (a restored database)."""
        before = self._drained
        upto, next_us = before.upto, before.at_us
        last, first = self._tail.forget(seq), self._tail.first()
        upto = last.upto if last is not None else upto
        if first is not None and first.seq == seq + 1:
            next_us = first.at_us
        if seq >= self._last.seq:
            upto = self._last.upto
        self._drained = RowPosition(seq, next_us, upto)
        self._emptied.set()
        self._emptied = trio.Event()

    async def recent(self, since_us: int) -> AsyncIterator[list[Record]]:
        """Give what was written since then, drained or not, oldest first: for tables that must survive a restart."""
        after = await self._surely(lambda: self._reading.first_since(since_us)) - 1
        upto = self._last.seq
        while after < upto:
            chunk = await self._surely(partial(self._reading.read, after, upto, RECENT_RECORDS))
            if not chunk.rows:
                return
            yield chunk.records
            after = chunk.rows[-1].seq

    async def _surely(self, do: Callable[[], T]) -> T:
        """Read; when it meets damage, again after the journal was opened anew. A start must not fail by a row."""
        while True:
            reopened = self._reopened
            try:
                with self._telling_damage():
                    return await self._reader.call(do)
            except JournalDamaged:
                await reopened.wait()

    # ---- what erasing a person uses

    async def rewrite(self, change: Callable[[Record], Record]) -> int:
        """Change the records that are kept, on disk and in memory, drained or not; returns how many were changed.

        `change` returns the same object for what stays. Commits come in between, of records that are not changed; what
        the drain has already taken it may still store as it was. Raises JournalFull.
        """
        upto, at, changed = self._last.seq, 0, 0
        self._tail.change(change)
        while at < upto:
            bite = partial(self._file.rewrite, at, upto, change)
            with self._telling_damage():
                seq, more = await self._writer.call(bite)
            if seq == at:
                break
            at, changed = seq, changed + more
        self._ahead = None  # it may have been read before it was changed
        await self._reader.call(self._reading.close)  # a reader's snapshot would keep the log as it is
        await self._writer.call(self._file.scrub)
        await self._writer.call(self._file.quarantine.forget_bodies)
        return changed

    # ---- committing

    async def _commit_groups(self) -> None:
        while True:
            await trio.lowlevel.checkpoint()  # the doors have a turn: whoever is heard in it comes along
            async with self._inbox.lease(GROUP_ENTRIES) as batch:
                if not batch:
                    return
                await self._commit_group([entry for entry in batch if not entry.settled])

    async def _commit_group(self, entries: list[Entry]) -> None:
        if not entries:
            return
        if self.refusing:
            _settle(entries, JournalFull("the journal takes nothing at the moment"))
            return
        groups = [entry.records for entry in entries]
        at_us, drained = self._clock(), self._drained.seq
        on_done = partial(self._on_committed, entries, trio.current_time())
        self._commit = self._writer.start(lambda: self._file.append(groups, at_us, drained), on_done)
        try:
            await self._commit.wait()
        except BadRecord:
            for entry in entries:  # one of them: each on its own, so that the others do not pay for it
                await self._commit_group([entry])

    def _on_committed(self, entries: list[Entry], started_s: float, call: Call[Written]) -> None:
        """Tell everyone, in the loop, whether or not a run is there. What is left unsettled goes back into the box."""
        match call.fault:
            case None:
                assert call.value is not None
                self._grow(call.value)
                if self._on_commit is not None:
                    self._on_commit(
                        sum(len(records) for _, records in call.value.rows), trio.current_time() - started_s
                    )
                _settle(entries, None)
            case JournalFull() as fault:
                self._refusing_until = trio.current_time() + REFUSE_S
                call.fault, call.value = None, Written([], self._used_bytes)
                _settle(entries, fault)
            case BadRecord() as fault if len(entries) == 1:
                call.fault, call.value = None, Written([], self._used_bytes)
                _settle(entries, fault)
            case _:
                pass  # a bug, or a group to be taken apart: raised where the run waits

    def _grow(self, written: Written) -> None:
        self._used_bytes = written.used_bytes
        if not written.rows:
            return
        if self._drained.seq >= self._last.seq:
            self._drained = self._drained._replace(at_us=written.rows[0][0].at_us)
        if self._opened_run is not None:
            self._runs.append(Run(written.rows[0][0].seq, self._opened_run))
            self._opened_run = None
        self._last = written.rows[-1][0]
        self._tail.grow(written.rows)
        self._grown.set()
        self._grown = trio.Event()

    # ---- reading

    async def _chunk(self, after: int, end: int, limit: int, run: Run) -> Chunk:
        """Read from the disk, where a drain that is behind finds the next chunk read already."""
        ahead, self._ahead = self._ahead, None
        with self._telling_damage():
            if ahead is not None and ahead[0] == after:
                chunk = await ahead[2].wait()
                if chunk.rows or ahead[1] == end:
                    return chunk
            return await self._start_reading(after, end, limit, run).wait()

    def _start_reading(self, after: int, end: int, limit: int, run: Run) -> Call[Chunk]:
        return self._reader.start(lambda: self._reading.read(after, end, limit, run.id))

    def _learn(self, after: int, chunk: Chunk) -> None:
        if after == self._drained.seq and chunk.rows:
            self._drained = RowPosition(after, chunk.rows[0].at_us, chunk.before)

    # ---- damage

    @contextmanager
    def _telling_damage(self) -> Iterator[None]:
        """Have the journal opened anew when what is read is not what was written."""
        try:
            yield
        except JournalDamaged:
            self._damage.set()
            raise

    async def _mind_damage(self) -> None:
        await self._damage.wait()
        self._file.set_aside()
        raise JournalDamaged("the journal is opened anew, without what is damaged")

    # ---- opening, keeping, closing

    async def _open(self) -> None:
        if self._commit is not None:
            await self._commit.over()  # of the run before: its entries are settled, or still in the box
        await self._reader.call(self._reading.close)  # the file may be replaced
        self._ahead, self._damage = None, trio.Event()
        first, run = not self._is_open, self._new_run()
        open_ = self._file.open_first if first else self._file.open
        opened: Opened = await self._writer.call(lambda: open_(run))
        self._runs, self._opened_run = list(opened.runs), run
        self._last, self._used_bytes, self._is_open = opened.last, opened.used_bytes, True
        self._tail.clear()
        self._quarantined = await self._writer.call(lambda: len(self._file.quarantine.lines()))
        if first:
            self._drained = opened.drained
        self._reopened.set()
        self._reopened = trio.Event()
        if (opened.lost or opened.mended) and self._on_lost is not None:
            self._on_lost(opened.lost, opened.mended)

    async def _keep_house(self) -> None:
        while True:
            await trio.sleep(HOUSE_S)
            with suppress(JournalFull):  # the disk is full or broken: the commits say so, and this has time
                await self._note_drained()
                await self._age_out()

    async def _note_drained(self) -> None:
        noted = self._drained.seq, self._last.seq
        if noted != self._noted:
            self._used_bytes = await self._writer.call(lambda: self._file.note_drained(noted[0]))
            self._noted = noted

    async def _age_out(self) -> None:
        since_us = self._clock() - self._keep_drained_us
        first_kept = await self._writer.call(lambda: self._file.first_since(since_us))
        while await self._writer.call(lambda: self._file.delete(min(first_kept - 1, self._drained.seq))) == DELETE_ROWS:
            pass  # each bite is a call of its own: commits come in between

    async def _close(self) -> None:
        with suppress(JournalFull, JournalDamaged):  # the next start looks for itself
            await self._note_drained()
        await self._reader.call(self._reading.close)
        await self._writer.call(self._file.close)
        self._reader.stop()
        self._writer.stop()


def _settle(entries: list[Entry], fault: Exception | None) -> None:
    """Tell them all, also when one of the listeners fails: who was written must not go back into the box."""
    bug: Exception | None = None
    for entry in entries:
        try:
            entry.settle(fault)
        except Exception as error:
            bug = error
    if bug is not None:
        raise bug
