"""The database as a journal knows it: offsets of runs, and identities, changed together or not at all."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import trio

from supervisors.engine.mailbox import Mailbox
from tests.journal.stories import journal_at
from tests.support.waiting import until
from vts.journal.entry import Entry
from vts.journal.format import JournalDamaged, Lost
from vts.journal.journal import Journal
from vts.model.committed import Committed
from vts.model.journal_run import Run
from vts.model.view import ViewEvent
from vts.store.drain.actor import Drain
from vts.store.drain.pace import Pace
from vts.store.drain.source import Part


@dataclass
class Stored:
    """What a database holds. `copy` is a backup."""

    offsets: dict[bytes, int] = field(default_factory=dict)
    events: dict[bytes, ViewEvent] = field(default_factory=dict)
    counted: Counter[bytes] = field(default_factory=Counter)

    def copy(self) -> Stored:
        return Stored(dict(self.offsets), dict(self.events), Counter(self.counted))


class MemoryIntake:
    """What the drain asks of its intake, with exactly the rules of its SQL."""

    def __init__(self, stored: Stored) -> None:
        self._stored = stored

    @property
    def offsets(self) -> MemoryIntake:
        return self

    async def read(self, runs: list[bytes]) -> dict[bytes, int]:
        await trio.lowlevel.checkpoint()
        return {run: self._stored.offsets[run] for run in runs if run in self._stored.offsets}

    async def drained_elsewhere(self, runs: list[Run]) -> int | None:
        await trio.lowlevel.checkpoint()
        return None

    async def store(self, part: Part, now_us: int, before_commit: object) -> Committed:
        await trio.lowlevel.checkpoint()
        known = self._stored.offsets.get(part.run.id)
        is_first = part.after < part.run.first
        assert known == part.after or (is_first and (known is None or known <= part.after)), "the offset has moved"
        for event in part.records:
            if event.event_id not in self._stored.events:
                self._stored.events[event.event_id] = event
                self._stored.counted[event.event_id] += 1
        self._stored.offsets[part.run.id] = part.last_seq
        return Committed(journal_id=b"", last_seq=part.last_seq, records=len(part.records), events=[], totals=[])


async def life(
    path: Path, stored: Stored | None, new: list[list[ViewEvent]], lost: list[Lost], *, batch_rows: int = 300
) -> None:
    """Start the journal as its supervisor does, append, and drain all of it into the database when there is one."""
    box: Mailbox[Entry] = Mailbox(1000)
    journal = journal_at(path, box, on_lost=lambda more, mended: lost.extend(more))
    async with trio.open_nursery() as nursery:
        await nursery.start(_keep, journal)
        async for _ in journal.recent(0):
            pass  # as the gate's tables are warmed
        for group in new:
            await journal.append(group)
        if stored is not None:
            drain = Drain(
                connect=_no_connection,
                journal=journal,
                on_committed=lambda committed: None,
                clock=lambda: 0,
                pace=Pace(batch_rows, linger_s=0),
            )
            drain.stop()
            drain._session = stored  # type: ignore[assignment]  # what `run` sets
            await until(partial(_is_drained, drain, stored))  # it is refused while the journal is damaged
        box.seal()


async def _is_drained(drain: Drain, stored: Stored) -> bool:
    try:
        await drain._drain(MemoryIntake(stored))  # type: ignore[arg-type]
    except JournalDamaged:
        return False
    return True


async def _keep(journal: Journal, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
    """A small supervisor: a damaged journal is opened anew."""
    for again in range(20):
        try:
            return await journal.run(**({} if again else {"task_status": task_status}))
        except ExceptionGroup as group:
            if group.split(JournalDamaged)[1] is not None:
                raise
    raise AssertionError("the journal stays damaged")


async def _no_connection() -> object:
    raise AssertionError("not asked for")
