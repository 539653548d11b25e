"""Which messages are decided together: those that one turn of the loop reads, from any number of connections."""

from __future__ import annotations

import logging
from typing import Final

import trio

from vts.capture.players.reports import PlayerMessage, PlayerReports, Settled

TOGETHER_MAX: Final = 500  # messages, before those of the last read: as many as a batch by HTTP may have
_log: Final = logging.getLogger(__name__)


class _Batch:
    """Messages of many connections, and what became of them, in the same order."""

    __slots__ = ("done", "messages", "settled")

    def __init__(self) -> None:
        self.messages: list[PlayerMessage] = []
        self.settled: list[Settled] = []
        self.done = trio.Event()


class SharedBatches:
    """Gathers messages. What the gate and the journal cost for a submission is most of what they cost for one event."""

    __slots__ = ("_batch", "_nursery", "_reports")

    def __init__(self, reports: PlayerReports, nursery: trio.Nursery) -> None:
        self._reports = reports
        self._nursery = nursery
        self._batch: _Batch | None = None

    async def settle(self, messages: list[PlayerMessage]) -> list[Settled]:
        """Return what to do about each message, decided with those that other connections read in this turn."""
        if not messages:
            return []
        batch = self._batch
        if batch is None or len(batch.messages) >= TOGETHER_MAX:
            batch = self._batch = _Batch()
            self._nursery.start_soon(self._decide, batch)
        begin = len(batch.messages)
        batch.messages += messages
        await batch.done.wait()
        return batch.settled[begin : begin + len(messages)]

    async def _decide(self, batch: _Batch) -> None:
        if self._batch is batch:
            self._batch = None
        try:
            batch.settled = await self._reports.settle(batch.messages)
        except Exception:
            _log.exception("players' messages could not be decided")
            batch.settled = [Settled(keep=False)] * len(batch.messages)
        batch.done.set()
