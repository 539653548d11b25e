"""The drain: takes what the journal holds and puts it into PostgreSQL, exactly once.

One transaction moves the journal's offset and stores what lies between: the rows, the viewers, the counters. After a
commit whose outcome is unknown nothing is guessed: the offset in the database decides, on the next connection. The
drain never tries again by itself: StoreUnavailable ends `run`, and its supervisor starts it anew.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import msgspec
import trio

from vts.model.committed import Committed
from vts.model.faults import StoreUnavailable
from vts.model.ports import Clock
from vts.store.drain.counting import OwnerOf
from vts.store.drain.intake import Intake
from vts.store.drain.offsets import beyond_the_journal, first_undrained
from vts.store.drain.pace import DEFAULT_PACE, Pace
from vts.store.drain.source import Part, Slice, Source
from vts.store.session.connection import Connection

LOOK_EVERY_S: Final = 5.0  # a drain without work looks whether its session and its offset are still there
DOORS_TURNS: Final = 8  # between two batches, beside those within: nothing when the doors are idle, 40 ms when busy
WAITS_S: Final = 3.0  # twelve of the longest pauses: a longer wait has a cause that people should know


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
        pace: Pace = DEFAULT_PACE,
    ) -> None:
        self._connect = connect
        self._journal = journal
        self._on_committed = on_committed
        self._clock = clock
        self._slot_id = slot_id
        self._on_offsets = on_offsets
        self._on_went_back = on_went_back
        self._owner_of = owner_of
        self._pace = pace
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
        """Return the state for the health page: "ok" while it commits, also when no event waits."""
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
        offsets = await intake.offsets.read([run.id for run in self._journal.runs])
        at = await self._resume(intake, offsets)
        linger_until_s = 0.0
        while True:
            part = await self._next(at, linger_until_s)
            if self._session is None:
                raise StoreUnavailable("the drain's session has ended")
            if part.last_seq == at:
                if self._stopping:
                    return
                await self._expect(intake, offsets)
                continue
            passed = min(offsets.get(part.run.id, 0), part.last_seq) if part.records else part.last_seq
            if passed > at:  # the database has these rows, or they are lost
                at = passed
                self._journal.drained(at)
                continue
            at = offsets[part.run.id] = await self._store(intake, at, part)
            for _ in range(DOORS_TURNS):
                await trio.lowlevel.checkpoint()
            pause_s = self._pace.pause_s(depth=self._journal.depth, stored=len(part.records))
            linger_until_s = trio.current_time() + pause_s

    async def _resume(self, intake: Intake, offsets: Mapping[bytes, int]) -> int:
        """Return the row to go on behind, and report the commit in doubt and an older copy."""
        self._on_offsets(offsets)
        self._settle_doubt(offsets)
        elsewhere = await intake.offsets.drained_elsewhere(self._journal.runs)
        runs, last_seq = self._journal.runs, self._journal.last_seq
        for here, there in beyond_the_journal(runs, last_seq, offsets, elsewhere):
            self._on_went_back(here, there)
        at = first_undrained(runs, last_seq, offsets)
        self._journal.drained(at)
        return at

    async def _expect(self, intake: Intake, offsets: Mapping[bytes, int]) -> None:
        """Raise StoreUnavailable when the database has other offsets: without a batch no transaction would find out."""
        runs = [run.id for run in self._journal.runs]
        if await intake.offsets.read(runs) != {run: offsets[run] for run in runs if run in offsets}:
            raise StoreUnavailable("the journal's offset in the database has changed")

    async def _next(self, at: int, linger_until_s: float) -> Slice:
        if not self._stopping:
            with trio.move_on_after(LOOK_EVERY_S) as self._idle:
                if self._session is None:
                    self._idle.cancel()
                await self._journal.wait_beyond(at)
                await trio.sleep_until(linger_until_s)
            self._idle = None
        return await self._journal.read(at, self._pace.batch_rows)

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
        """A commit whose answer was lost did happen when the offset is there: `on_committed` is called now."""
        doubtful, self._in_doubt = self._in_doubt, None
        if doubtful is not None and offsets.get(doubtful.run_id) == doubtful.last_seq:
            self._on_committed(doubtful)
