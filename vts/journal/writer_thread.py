"""The writing side of the journal, for the loop: each call runs in one thread, in the order in which they were made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from vts.journal.entry import Record
from vts.journal.file import JournalFile
from vts.journal.format import Opened, Written
from vts.journal.worker import Call, Worker


class WriterThread:
    """`JournalFile` in its thread. What its methods return and raise is the same."""

    def __init__(self, path: Path, max_bytes: int) -> None:
        self.was_opened = False
        self._file = JournalFile(path, max_bytes)
        self._worker = Worker("journal-writer")

    async def open(self, run: bytes) -> Opened:
        """Open the file. The first time a file of no use is BadStart, later an outage."""
        open_ = self._file.open if self.was_opened else self._file.open_first
        opened = await self._worker.call(lambda: open_(run))
        self.was_opened = True
        return opened

    def append(
        self, groups: Sequence[Sequence[Record]], at_us: int, drained: int, on_done: Callable[[Call[Written]], None]
    ) -> Call[Written]:
        """Start one group commit. `on_done` runs in the loop when it has ended, whether or not a task waits for it."""
        return self._worker.start(lambda: self._file.append(groups, at_us, drained), on_done)

    async def delete(self, upto: int) -> int:
        """Delete some of the oldest rows up to this one."""
        return await self._worker.call(lambda: self._file.delete(upto))

    async def first_since(self, at_us: int) -> int:
        """Return the number of the first row that is not older than this time."""
        return await self._worker.call(lambda: self._file.first_since(at_us))

    async def note_drained(self, drained: int) -> int:
        """Note in the file how far PostgreSQL is. Returns the bytes in use."""
        return await self._worker.call(lambda: self._file.note_drained(drained))

    async def rewrite(self, after: int, upto: int, change: Callable[[Record], Record]) -> tuple[int, int]:
        """Change some of the records behind row `after`."""
        return await self._worker.call(lambda: self._file.rewrite(after, upto, change))

    async def scrub(self) -> None:
        """Leave nothing of changed rows in the write-ahead log, nor of damaged ones in the quarantine."""
        await self._worker.call(self._file.scrub)
        await self._worker.call(self._file.quarantine.forget_bodies)

    async def quarantined(self) -> int:
        """Return how many lines the quarantine has."""
        return await self._worker.call(lambda: len(self._file.quarantine.lines()))

    def set_aside(self) -> None:
        """Have the next `open` make the file anew. Does not block."""
        self._file.set_aside()

    async def close(self) -> None:
        """Close the file and end the thread."""
        await self._worker.call(self._file.close)
        self._worker.stop()
