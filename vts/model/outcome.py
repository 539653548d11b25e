"""Which outcomes a report can have: a closed union and a closed list of reasons."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

import msgspec

from vts.model.view import BOT_CLASSES, BotClass


class Reason(StrEnum):
    """Why a report does not count. Every reason has its own counter and its own answer."""

    INVALID = "invalid"
    IDENTITY_MISMATCH = "identity_mismatch"
    AUTHENTICATION_FAILED = "authentication_failed"
    BOT = "bot"
    TOO_LATE = "too_late"
    DUPLICATE = "duplicate"
    RATE_LIMITED = "rate_limited"
    NOT_FOUND = "not_found"
    DELETED = "deleted"
    AUTHOR = "author"
    UNAVAILABLE = "unavailable"


COUNTED: Final = "accepted"
"""The metrics' word for an event that is durable."""
OUTCOMES: Final = (COUNTED, *(reason.value for reason in Reason))
"""The closed list of what may become of an event."""


class Accepted(msgspec.Struct, frozen=True, gc=False):
    """The event is durable and will be stored exactly once."""


class AcceptedPart(Accepted, frozen=True, gc=False):
    """Of the events of a report so many are durable; `dropped` says how many others there were, by reason."""

    events: int
    dropped: Mapping[Reason, int]


class Refused(msgspec.Struct, frozen=True, gc=False):
    """The report does not count. `retry_after_s` is set for rate_limited and unavailable, `bot` for bot."""

    reason: Reason
    retry_after_s: float | None = None
    detail: str | None = None
    bot: BotClass | None = None


Outcome = Accepted | Refused
ACCEPTED: Final = Accepted()
BOTS: Final[dict[BotClass, Refused]] = {one: Refused(Reason.BOT, bot=one) for one in BOT_CLASSES}
