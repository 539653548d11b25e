"""The drain: takes what the journal holds and puts it into PostgreSQL, exactly once.

One transaction moves the journal's offset and stores what lies between: the rows, the viewers, the counters. After a
commit whose outcome is unknown nothing is guessed: the offset in the database decides, on the next connection. The
drain never tries again by itself: StoreUnavailable ends `run`, and its supervisor starts it anew.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, Protocol

import msgspec
import trio

from vts.model.committed import Committed
from vts.model.faults import StoreUnavailable
from vts.model.journal_run import Run
from vts.model.ports import Clock
from vts.model.record import Record
from vts.store.drain.counting import OwnerOf
from vts.store.drain.intake import Intake, Part
from vts.store.session.connection import Connection

LOOK_EVERY_S: Final = 5.0  # a drain without work looks whether its session and its offset are still there
BATCH_ROWS: Final = 10_000  # a quarter of a second of work: what a stop has to wait for
LINGER_S: Final = 0.05  # under load a small batch waits for company: 50 rows cost PostgreSQL what 500 do
FLOOD_LINGER_S: Final = 0.25  # the most: a quarter of a second of the second that we have
DOORS_TURNS: Final = 8  # between two batches, beside those within: nothing when the doors are idle, 40 ms when busy
WAITS_S: Final = 3.0  # twelve of the longest pauses: a longer wait has a cause that people should know
FLOOD_ROWS: Final = 5_000  # which a batch as large as this earns: ten thousand a second and more


class Slice(Protocol):
    """Records of one run in the order of their acknowledgement, and the number of the last journal row among them.

    Rows that are known to be lost are passed over: there are no records then, and `last_seq` is farther on.
    """

    @property
    def records(self) -> Sequence[Record]:
        """The events, oldest first."""
        ...

    @property
    def last_seq(self) -> int:
        """Where to go on reading."""
        ...

    @property
    def run(self) -> Run:
        """The run that they belong to."""
        ...


class Source(Protocol):
    """The journal, as the drain sees it."""

    @property
    def journal_id(self) -> bytes:
        """16 bytes that name this process in notices."""
        ...

    @property
    def runs(self) -> Sequence[Run]:
        """The runs whose rows it holds, the oldest first: the database keeps an offset for each."""
        ...

    @property
    def last_seq(self) -> int:
        """The number of the newest row."""
        ...

    @property
    def depth(self) -> int:
        """How many records the database does not have yet."""
        ...

    async def read(self, after: int, limit_rows: int) -> Slice:
        """Return what lies behind row `after`; no records and the same number when there is nothing."""
        ...

    async def wait_beyond(self, seq: int) -> None:
        """Return when there is a row behind `seq`."""
        ...

    def drained(self, seq: int) -> None:
        """Take note that the database has everything up to `seq`, and nothing behind it."""
        ...


class Drain:
    """The actor. `stop` makes it finish what the journal holds and return."""

    def __init__(
        self,
        *,
        connect: Callable[[], Awaitable[Connection]],
        journal: Source,
        on_committed: Callable[[Committed], None],
        clock: Clock,
        slot_id: bytes = bytes(16),
        on_offsets: Callable[[Mapping[bytes, int]], None] = lambda offsets: None,
        on_went_back: Callable[[int, int], None] = lambda last, expected: None,
        owner_of: OwnerOf = lambda post_id: None,
        batch_rows: int = BATCH_ROWS,
        linger_s: float = LINGER_S,
    ) -> None:
        self._connect = connect
        self._journal = journal
        self._on_committed = on_committed
        self._clock = clock
        self._slot_id = slot_id
        self._on_offsets = on_offsets
        self._on_went_back = on_went_back
        self._owner_of = owner_of
        self._batch_rows = batch_rows
        self._linger_s = linger_s
        self._stopping = False
        self._idle: trio.CancelScope | None = None
        self._in_doubt: Committed | None = None
        self._session: Connection | None = None
        self._committed_s = -math.inf

    @property
    def connected(self) -> bool:
        """Whether it has a session."""
        return self._session is not None

    def waits_s(self, oldest_age_s: float) -> float:
        """Seconds for which the oldest event of the journal, which came so long ago, has waited without any commit."""
        return min(oldest_age_s, trio.current_time() - self._committed_s)

    def state(self, oldest_age_s: float) -> str:
        """Say how the drain is: to run is not enough while events wait and nothing is committed."""
        if (waits_s := self.waits_s(oldest_age_s)) > WAITS_S:
            return f"no commit for {waits_s:.0f} s"
        return "ok" if self.connected else "not connected"

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Drain until stopped and empty. Raises StoreUnavailable; what was not committed is drained by the next run."""
        task_status.started()
        self._session = connection = await self._connect()
        connection.on_lost(lambda: self._lose(connection))
        try:
            await self._drain(Intake(connection, self._journal.journal_id, self._slot_id, self._owner_of))
        finally:
            self._session = None
            await connection.close()

    def stop(self) -> None:
        """Ask `run`, this one or the next, to return as soon as it finds the journal empty."""
        self._stopping = True
        if self._idle is not None:
            self._idle.cancel()

    def reconnect(self) -> None:
        """Have `run` end by StoreUnavailable, between two batches: its database may not be the one that others have."""
        if self._session is not None:
            self._lose(self._session)

    def _lose(self, session: Connection) -> None:
        if session is self._session:
            self._session = None
            if self._idle is not None:
                self._idle.cancel()

    async def _drain(self, intake: Intake) -> None:
        offsets = await intake.offsets([run.id for run in self._journal.runs])
        self._on_offsets(offsets)
        self._settle_doubt(offsets)
        self._tell_older_copy(offsets, await intake.drained_elsewhere(self._journal.runs))
        at = self._first_undrained(offsets)
        self._journal.drained(at)
        linger_until_s = 0.0
        while True:
            part = await self._next(at, linger_until_s)
            if self._session is None:
                raise StoreUnavailable("the drain's session has ended")
            if part.last_seq == at:
                if self._stopping:
                    return
                runs = [run.id for run in self._journal.runs]
                known = {run: offsets[run] for run in runs if run in offsets}
                if await intake.offsets(runs) != known:  # without an event nothing else would tell
                    raise StoreUnavailable("the journal's offset in the database has changed")
                continue
            passed = min(offsets.get(part.run.id, 0), part.last_seq) if part.records else part.last_seq
            if passed > at:  # the database has these rows, or they are lost
                at = passed
                self._journal.drained(at)
                continue
            at = offsets[part.run.id] = await self._store(intake, at, part)
            for _ in range(DOORS_TURNS):
                await trio.lowlevel.checkpoint()
            linger_until_s = trio.current_time() + self._linger(len(part.records))

    def _tell_older_copy(self, offsets: Mapping[bytes, int], elsewhere: int | None) -> None:
        """Say so when the database has rows that the journal should have: its file is an older copy."""
        runs = self._journal.runs
        ends = [*(run.first - 1 for run in runs[1:]), self._journal.last_seq]
        for run, end in zip(runs, ends, strict=False):
            if offsets.get(run.id, 0) > end:
                self._on_went_back(end, offsets[run.id])
        new = next((run.first for run in runs if run.id not in offsets), self._journal.last_seq + 1)
        if elsewhere is not None and elsewhere >= new:
            self._on_went_back(new - 1, elsewhere)

    def _first_undrained(self, offsets: Mapping[bytes, int]) -> int:
        """Return the row behind which the database lacks something, as far as the runs' offsets say."""
        runs = self._journal.runs
        ends = [*(run.first - 1 for run in runs[1:]), self._journal.last_seq]
        for run, end in zip(runs, ends, strict=False):
            if offsets.get(run.id, 0) < end:
                return max(offsets.get(run.id, 0), run.first - 1)
        return self._journal.last_seq

    def _linger(self, rows: int) -> float:
        if self._journal.depth >= self._batch_rows // 2:
            return 0.0  # there is a backlog
        return max(self._linger_s, FLOOD_LINGER_S * min(1.0, rows / FLOOD_ROWS))

    async def _next(self, at: int, linger_until_s: float) -> Slice:
        if not self._stopping:
            with trio.move_on_after(LOOK_EVERY_S) as self._idle:
                if self._session is None:
                    self._idle.cancel()
                await self._journal.wait_beyond(at)
                await trio.sleep_until(linger_until_s)
            self._idle = None
        return await self._journal.read(at, self._batch_rows)

    async def _store(self, intake: Intake, at: int, part: Slice) -> int:
        started_s = trio.current_time()
        committed = await intake.store(Part(part.run, at, part.last_seq, part.records), self._clock(), self._doubt)
        self._in_doubt = None
        self._committed_s = trio.current_time()
        self._journal.drained(part.last_seq)
        self._on_committed(msgspec.structs.replace(committed, took_s=trio.current_time() - started_s))
        return part.last_seq

    def _doubt(self, committed: Committed) -> None:
        self._in_doubt = committed

    def _settle_doubt(self, offsets: Mapping[bytes, int]) -> None:
        """A commit whose answer was lost did happen when the offset says so: its counts are told now."""
        doubtful, self._in_doubt = self._in_doubt, None
        if doubtful is not None and offsets.get(doubtful.run_id) == doubtful.last_seq:
            self._on_committed(doubtful)
