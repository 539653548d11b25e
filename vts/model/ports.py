"""Which shapes rooms share without importing each other: mailboxes, the catalog, callables that the tree passes in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeVar

from vts.model.content import Content, Player
from vts.model.outcome import Outcome, Reason
from vts.model.reference import References
from vts.model.site import PlaybackReport, SiteReport
from vts.model.view import Report

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
T_contra = TypeVar("T_contra", contravariant=True)


class Inbox(Protocol[T_co]):
    """The receiving end of a mailbox."""

    def lease(self, limit: int) -> AbstractAsyncContextManager[Sequence[T_co]]:
        """Wait for at least one item, take up to `limit`; leaving by an exception puts them back in order.

        An empty batch means sealed and empty: the actor returns.
        """
        ...


class Outbox(Protocol[T_contra]):
    """The sending end of a mailbox."""

    def put_nowait(self, item: T_contra) -> None:
        """Put an item in. Raises `MailboxFull` when the box is full or sealed."""
        ...


class OutcomeObserver(Protocol):
    """What is told the outcome of each report, while it is watched."""

    @property
    def is_watched(self) -> bool:
        """Whether anything reads it."""
        ...

    def note(self, report: Report | SiteReport | PlaybackReport, outcome: Outcome, /) -> None:
        """Note what became of a report."""
        ...


class MailboxFull(Exception):
    """The mailbox holds as many items as it may, or takes no more."""


class Catalog(Protocol):
    """Contents and players, for the gate. Every method is synchronous and constant-time."""

    @property
    def ready(self) -> bool:
        """Whether any catalog has ever been loaded."""
        ...

    @property
    def references(self) -> References | None:
        """What gives texts their numbers, None before its key was loaded."""
        ...

    def content(self, post_id: int) -> Content | None:
        """Return what is known of a content."""
        ...

    def player(self, player_key: bytes) -> Player | None:
        """Return what is known of a player."""
        ...

    def player_with(self, credential_hash: bytes) -> bytes | None:
        """Return the key of the player that has a credential."""
        ...

    def note_view(self, post_id: int) -> None:
        """Note that a provisional content was viewed again."""
        ...

    def register_provisional(self, post_id: int, now_us: int) -> bool:
        """Note a content at its first sight (open mode). False when the cap of provisional contents is reached."""
        ...


CountOutcome = Callable[[str, str, int], None]
"""(source, outcome or reason, how many): the metric of events by source and outcome."""
CountRefused = Callable[[str, Reason, str | None], None]
"""(source, reason, what was wrong): counts a report that was refused before an admission decided it."""
Clock = Callable[[], int]
"""Microseconds since the epoch."""
