"""An entry is what is acknowledged as one: the records of one request, on disk together or not at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import trio

from vts.model.record import Record

__all__ = ["BadRecord", "Entry", "OnSettled", "Record"]

OnSettled = Callable[[Exception | None], None]
"""Called once, in the loop, without a checkpoint: None = durable, else why it is not. Must not raise."""


class BadRecord(ValueError):
    """A record of the entry cannot be written in the journal's format; trying again will not help."""


class Entry:
    """Records that wait for one outcome. The outcome comes exactly once, also when the waiting task is cancelled."""

    __slots__ = ("_event", "_fault", "_on_settled", "records", "settled")

    def __init__(self, records: Sequence[Record], on_settled: OnSettled | None = None) -> None:
        self.records = records
        self.settled = False
        self._on_settled = on_settled
        self._fault: Exception | None = None
        self._event: trio.Event | None = None

    def settle(self, fault: Exception | None = None) -> None:
        """Give the outcome. Only the first call counts, so a crash after a commit cannot give it twice."""
        if self.settled:
            return
        self.settled = True
        self._fault = fault
        if self._event is not None:
            self._event.set()
        if self._on_settled is not None:
            self._on_settled(fault)

    async def wait(self) -> None:
        """Return when the records are durable; raise what kept them from it. Any number of tasks may wait."""
        if not self.settled:
            if self._event is None:
                self._event = trio.Event()
            await self._event.wait()
        if self._fault is not None:
            raise type(self._fault)(*self._fault.args) from self._fault
