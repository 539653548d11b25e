"""What happens when a read finds something else than was written: the journal is opened anew, without it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

import trio

from vts.journal.format import JournalDamaged, Lost, Opened

T = TypeVar("T")
OnLost = Callable[[Sequence[Lost], str], None]
"""Called after an open that found damage, with the rows that are in the quarantine and why the file was made anew."""


class DamageWatch:
    """Connects the tasks that read with the one that opens the file anew."""

    def __init__(self, on_lost: OnLost | None) -> None:
        self.quarantined = 0
        self._on_lost = on_lost
        self._found = trio.Event()
        self._reopened = trio.Event()

    @contextmanager
    def reporting(self) -> Iterator[None]:
        """Have the journal opened anew when the block raises JournalDamaged."""
        try:
            yield
        except JournalDamaged:
            self._found.set()
            raise

    async def retried(self, read: Callable[[], Awaitable[T]]) -> T:
        """Read; when that finds damage, read again after the journal was opened anew."""
        while True:
            reopened = self._reopened
            try:
                with self.reporting():
                    return await read()
            except JournalDamaged:
                await reopened.wait()

    async def wait_found(self) -> None:
        """Return when something that was read is damaged."""
        await self._found.wait()

    def opening(self) -> None:
        """Forget earlier reports: the file is looked over now."""
        self._found = trio.Event()

    def opened(self, opened: Opened, quarantined: int) -> None:
        """Let waiting reads go on, and report what this opening has lost. `quarantined`: lines in the quarantine."""
        self.quarantined = quarantined
        self._reopened.set()
        self._reopened = trio.Event()
        if (opened.lost or opened.mended) and self._on_lost is not None:
            self._on_lost(opened.lost, opened.mended)
