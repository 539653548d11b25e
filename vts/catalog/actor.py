"""Keeps the catalog in memory in step with the database: from the file at the start, then change by change."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from itertools import islice
from typing import Final

import trio

from vts.catalog.file import CatalogFile
from vts.catalog.memory import MemoryCatalog
from vts.model.content import Change
from vts.model.ports import Clock

BITE: Final = 5_000  # rows taken in between two checkpoints: about 5 ms
FORGET_EVERY_S: Final = 60.0
LOOK_EVERY_S: Final = 300.0  # without any news, should one ever be lost
COPY_AGAIN_S: Final = 60.0  # after a disk that did not take the copy
UNSAVED_MAX: Final = 1_000  # changes; beyond that the copy catches up from the database
_log: Final = logging.getLogger(__name__)

LoadSince = Callable[[int], Awaitable[Change]]
"""(revision) → what has changed since. Raises StoreUnavailable."""
Listening = Callable[[Callable[[], None]], AbstractAsyncContextManager[Callable[[], Awaitable[None]]]]
"""(callback) → while open, `callback` is called at every change; the value waits until the connection is lost."""


class CatalogActor:
    """An actor. `refresh` may be called by any task that has just written to the catalog in the database."""

    def __init__(
        self,
        memory: MemoryCatalog,
        file: CatalogFile,
        load_since: LoadSince,
        listening: Listening,
        clock: Clock,
        is_behind: Callable[[], bool] = lambda: False,
    ) -> None:
        self._memory = memory
        self._load_since = load_since
        self._listening = listening
        self._clock = clock
        self._is_behind = is_behind
        self._is_mixed = False  # of what an older copy of the database had, and what was known before
        self._copy = _Copy(file, load_since)
        self._turn = trio.Lock()
        self._begun = 0  # loads, to know which began after a call
        self._ended = 0
        self.loaded = trio.Event()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Load, then follow until cancelled. Raises StoreUnavailable when the database is lost."""
        if not self._memory.ready and await self._copy.load_into(self._memory):
            self.loaded.set()
        task_status.started()
        changed = trio.Event()

        def wake() -> None:
            changed.set()

        async with self._listening(wake) as lost, trio.open_nursery() as nursery:
            nursery.start_soon(lost)
            nursery.start_soon(self._forget)
            nursery.start_soon(self._copy.run)
            while True:
                changed = trio.Event()
                await self.refresh()
                with trio.move_on_after(LOOK_EVERY_S):
                    await changed.wait()

    async def refresh(self) -> None:
        """Return when every change that is committed by now is in force here. Raises StoreUnavailable."""
        wanted = self._begun + 1
        async with self._turn:
            if self._ended >= wanted:
                return  # the call that had the turn began to look after this one
            self._begun += 1
            mine = self._begun
            unmixes = self._is_mixed and not self._is_behind()
            change = self._guard(await self._load_since(-1 if unmixes else self._memory.revision))
            if change.whole or change.revision != self._memory.revision:
                await self._apply(change)
                self._copy.note(change)
            self._is_mixed = self._is_mixed and not unmixes
            self._ended = mine

    def _guard(self, change: Change) -> Change:
        """While the database lacks what it held before, what is known is kept: an older copy adds to it at most."""
        if not (change.whole and self._is_behind() and self._memory.ready):
            return change
        self._is_mixed = True
        if change.revision < self._memory.revision:
            return Change(self._memory.revision, [], [])
        return change._replace(whole=False)

    async def _apply(self, change: Change) -> None:
        whole = MemoryCatalog() if change.whole else None
        into = self._memory if whole is None else whole
        contents, players = iter(change.contents), iter(change.players)
        while some := list(islice(contents, BITE)):
            into.apply(some, ())
            await trio.lowlevel.checkpoint()
        while others := list(islice(players, BITE)):
            into.apply((), others)
            await trio.lowlevel.checkpoint()
        if whole is not None:
            self._memory.replace(whole)
        self._memory.use_reference_key(change.reference_key)
        self._memory.revision = change.revision
        self.loaded.set()
        while whole is not None and whole.shrink(BITE):
            await trio.lowlevel.checkpoint()

    async def _forget(self) -> None:
        while True:
            self._memory.forget(self._clock())
            await trio.sleep(FORGET_EVERY_S)


class _Copy:
    """The file, written after the tasks that wait for a change, and never with a gap: a later change is not written
    before an earlier one. What was not written is loaded from the database again."""

    def __init__(self, file: CatalogFile, load_since: LoadSince) -> None:
        self._file = file
        self._load_since = load_since
        self._unsaved: deque[Change] = deque()
        self._is_behind = False
        self._noted = trio.Event()

    async def load_into(self, memory: MemoryCatalog) -> bool:
        """Fill a catalog that no other task changes yet. False when there is no copy."""
        found = MemoryCatalog()
        if not await trio.to_thread.run_sync(self._file.load_into, found, trio.from_thread.check_cancelled):
            return False
        memory.replace(found)
        memory.references = found.references
        memory.revision = found.revision
        return True

    def note(self, change: Change) -> None:
        """Take a change for the file."""
        if change.whole:
            self._unsaved.clear()
            self._is_behind = False
        self._unsaved.append(change)
        if len(self._unsaved) > UNSAVED_MAX:
            self._fall_behind()
        self._noted.set()

    async def run(self) -> None:
        """Write until cancelled. Raises StoreUnavailable."""
        while True:
            self._noted = trio.Event()
            if self._is_behind:
                await self._catch_up()
            while self._unsaved and await self._save_next(self._unsaved[0]):
                pass
            with trio.move_on_after(COPY_AGAIN_S if self._is_behind else float("inf")):
                await self._noted.wait()

    async def _save_next(self, change: Change) -> bool:
        is_news = change.whole or change.revision > self._file.revision
        if is_news and not await self._save(change):
            return False
        if self._unsaved and self._unsaved[0] is change:  # a whole catalog may have come meanwhile
            self._unsaved.popleft()
        await _free(change)
        return True

    async def _catch_up(self) -> None:
        self._unsaved.clear()
        self._is_behind = False  # what is noted from now on is written after this
        try:
            await self._save(await self._load_since(self._file.revision))
        except BaseException:
            self._is_behind = True
            raise

    async def _save(self, change: Change) -> bool:
        try:
            await trio.to_thread.run_sync(self._file.save, change, trio.from_thread.check_cancelled)
        except OSError as fault:
            _log.warning("%s", fault)
            self._fall_behind()
            return False
        return True

    def _fall_behind(self) -> None:
        self._is_behind = True
        self._unsaved.clear()


async def _free(change: Change) -> None:
    """Release a change; releasing a million rows at once would hold the loop for a tenth of a second."""
    while change.contents or change.players:
        del change.contents[-BITE:], change.players[-BITE:]
        await trio.lowlevel.checkpoint()
