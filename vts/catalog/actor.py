"""Keeps the catalog in memory in step with the database: from the file at the start, then change by change."""

from __future__ import annotations

import logging
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
_log: Final = logging.getLogger(__name__)

LoadSince = Callable[[int], Awaitable[Change]]
"""(revision) → what has changed since. Raises StoreUnavailable."""
Listening = Callable[[Callable[[], None]], AbstractAsyncContextManager[Callable[[], Awaitable[None]]]]
"""(callback) → while open, `callback` is called at every change; the value waits until the connection is lost."""


class CatalogActor:
    """An actor. `refresh` may be called by anybody who has just written to the catalog in the database."""

    def __init__(
        self,
        memory: MemoryCatalog,
        file: CatalogFile,
        load_since: LoadSince,
        listening: Listening,
        clock: Clock,
    ) -> None:
        self._memory = memory
        self._file = file
        self._load_since = load_since
        self._listening = listening
        self._clock = clock
        self._turn = trio.Lock()
        self.loaded = trio.Event()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Load, then follow until cancelled. Raises StoreUnavailable when the database goes away."""
        if not self._memory.ready:
            await self._load_file()
        task_status.started()
        changed = trio.Event()

        def wake() -> None:
            changed.set()

        async with self._listening(wake) as lost, trio.open_nursery() as nursery:
            nursery.start_soon(lost)
            nursery.start_soon(self._forget)
            while True:
                changed = trio.Event()
                await self.refresh()
                await changed.wait()

    async def refresh(self) -> None:
        """Return when every change that is committed by now is in force here. Raises StoreUnavailable."""
        async with self._turn:
            change = await self._load_since(self._memory.revision)
            if change.revision == self._memory.revision and not change.whole:
                return
            await self._apply(change)
            try:
                await trio.to_thread.run_sync(self._file.save, change)
            except OSError as fault:
                _log.warning("the catalog's copy is behind: %s", fault)

    async def _load_file(self) -> None:
        bites = self._file.load()
        revision = None
        while (bite := await trio.to_thread.run_sync(next, bites, None)) is not None:
            self._memory.apply(bite.contents, bite.players)
            revision = bite.revision
        if revision is not None:
            self._memory.revision = revision
            self.loaded.set()

    async def _apply(self, change: Change) -> None:
        into = MemoryCatalog() if change.whole else self._memory
        contents, players = iter(change.contents), iter(change.players)
        while some := list(islice(contents, BITE)):
            into.apply(some, ())
            await trio.lowlevel.checkpoint()
        while others := list(islice(players, BITE)):
            into.apply((), others)
            await trio.lowlevel.checkpoint()
        if change.whole:
            self._memory.replace(into)
        self._memory.revision = change.revision
        self.loaded.set()

    async def _forget(self) -> None:
        while True:
            self._memory.forget(self._clock())
            await trio.sleep(FORGET_EVERY_S)
