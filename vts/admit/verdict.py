"""Which verdicts the gate gives on a report: admitted, refused, or waiting for the outcome of the same event."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from vts.model.outcome import Refused
from vts.model.view import ViewEvent


class PendingOutcome:
    """The outcome, still open, of an event that the journal is writing. Second reports of the event wait for it."""

    __slots__ = ("_listeners",)

    def __init__(self) -> None:
        self._listeners: list[Callable[[bool], None]] | None = None  # most events have none

    def on_settled(self, listener: Callable[[bool], None]) -> None:
        """Call a listener once with whether the event became durable. It must not raise."""
        if self._listeners is None:
            self._listeners = []
        self._listeners.append(listener)

    def settle(self, durable: bool) -> None:
        """Call every listener."""
        if self._listeners is not None:
            listeners, self._listeners = self._listeners, None
            for listener in listeners:
                listener(durable)


class Waiting(msgspec.Struct, frozen=True):
    """The same event is being written: its outcome decides."""

    pending: PendingOutcome


class Admitted(msgspec.Struct, eq=False):
    """An event that counts once it is durable, and the reservations to undo when it is not.

    `viewer` and `provisional_payer` are the keys whose allowances were used. An equal event would be found under the
    names `identity` (its id and content), `repeat` (of a player without a clock) and `once` (its viewer, content and
    day, where only one view of them counts).
    """

    event: ViewEvent
    viewer: bytes | None = None
    provisional_payer: bytes | None = None
    identity: bytes | None = None
    repeat: bytes | None = None
    pending: PendingOutcome | None = None
    arrived_us: int = 0
    window_us: int = 0
    once: bytes | None = None


Verdict = Admitted | Waiting | Refused
