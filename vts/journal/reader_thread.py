"""Reading the journal from disk, for the loop: in a thread of its own, for a drain that is behind one chunk ahead."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from vts.journal.damage_watch import DamageWatch
from vts.journal.format import Chunk
from vts.journal.reader import JournalReader
from vts.journal.worker import Call, Worker
from vts.model.journal_run import Run


class _ReadAhead(NamedTuple):
    """A reading of rows `after` < seq ≤ `end`, started before `read` was called."""

    after: int
    end: int
    call: Call[Chunk]


class ReaderThread:
    """`JournalReader` in its thread. Damage that it finds is reported to `damage`."""

    def __init__(self, path: Path, damage: DamageWatch) -> None:
        self._reader = JournalReader(path)
        self._worker = Worker("journal-reader")
        self._damage = damage
        self._ahead: _ReadAhead | None = None

    async def read(self, after: int, end: int, limit: int, run: Run) -> Chunk:
        """Return rows of this run with after < seq ≤ end, about `limit` records. Raises JournalFull, JournalDamaged."""
        ahead, self._ahead = self._ahead, None
        with self._damage.reporting():
            if ahead is not None and ahead.after == after:
                chunk = await ahead.call.wait()
                if chunk.rows or ahead.end == end:
                    return chunk
            return await self._start(after, end, limit, run).wait()

    def read_ahead(self, after: int, end: int, limit: int, run: Run) -> None:
        """Start the reading that the next `read` is likely to need."""
        self._ahead = _ReadAhead(after, end, self._start(after, end, limit, run))

    def forget_ahead(self) -> None:
        """Have the next `read` look at the disk: what was read ahead is not needed, or may have been changed."""
        self._ahead = None

    async def read_all_runs(self, after: int, upto: int, limit: int) -> Chunk:
        """Return rows of any run. Where it finds damage it reads again after the journal was opened anew."""
        return await self._damage.retried(lambda: self._worker.call(lambda: self._reader.read(after, upto, limit)))

    async def first_since(self, at_us: int) -> int:
        """Return the number of the first row that is not older than this time; damage as in `read_all_runs`."""
        return await self._damage.retried(lambda: self._worker.call(lambda: self._reader.first_since(at_us)))

    async def close(self) -> None:
        """Close the connection; the next reading opens it again. What was read ahead is dropped."""
        await self._worker.call(self._reader.close)
        self._ahead = None

    def stop(self) -> None:
        """End the thread."""
        self._worker.stop()

    def _start(self, after: int, end: int, limit: int, run: Run) -> Call[Chunk]:
        return self._worker.start(lambda: self._reader.read(after, end, limit, run.id))
