"""Which contents take views: registered ones, and in open mode unknown ones, which become provisional. Pure."""

from __future__ import annotations

from typing import Final

from vts.admit.tables import PROVISIONAL_PAYERS_MAX, Windows
from vts.model.content import Content
from vts.model.day import SECOND_US
from vts.model.outcome import Reason, Refused
from vts.model.ports import Catalog
from vts.model.view import Report

NO_ROOM_RETRY_S: Final = 60.0  # provisional contents go one by one, after a day

NO_CATALOG: Final = Refused(Reason.UNAVAILABLE, retry_after_s=2.0, detail="no catalog yet")
_NOT_FOUND: Final = Refused(Reason.NOT_FOUND)
_DELETED: Final = Refused(Reason.DELETED)
_NO_ROOM: Final = Refused(
    Reason.RATE_LIMITED, retry_after_s=NO_ROOM_RETRY_S, detail="too many contents that are not registered"
)


class ContentRules:
    """Checks contents, and limits how many unknown ones a key may register in a minute (0: no limit)."""

    __slots__ = ("_catalog", "_payers", "_strict")

    def __init__(self, catalog: Catalog, *, strict: bool, provisional_per_minute: int) -> None:
        self._catalog = catalog
        self._strict = strict
        self._payers = Windows(provisional_per_minute, PROVISIONAL_PAYERS_MAX)

    def check(self, report: Report, content: Content | None, now_us: int) -> Refused | None:
        """Return why a view of a content does not count, None when it may. An unknown content may become provisional.

        `content` is what the catalog has under the report's `post_id`.
        """
        if not self._catalog.ready:
            return NO_CATALOG
        if content is None:
            return self._register(report, now_us)
        if content.deleted:
            return _DELETED
        if content.provisional:
            self._catalog.note_view(report.post_id)
        return _NOT_FOUND if content.provisional and self._strict else None

    def give_back(self, payer: bytes) -> None:
        """Give back the allowance of one registration. The content stays: a second report of it may be under way."""
        self._payers.give_back(payer)

    def age(self, now_us: int) -> None:
        """Forget allowances whose minute is over."""
        self._payers.age(now_us)

    def _register(self, report: Report, now_us: int) -> Refused | None:
        """Note an unknown content at its first sight, unless only known ones count.

        Where there is no room for more the answer is `rate_limited`: `unavailable` would have brokers hold back
        everything else that a player sends.
        """
        if self._strict:
            return _NOT_FOUND
        payer = provisional_payer(report)
        if payer is not None and (wait_us := self._payers.wait_us(payer, now_us)):
            return Refused(Reason.RATE_LIMITED, retry_after_s=wait_us / SECOND_US)
        if not self._catalog.register_provisional(report.post_id, now_us):
            return _NO_ROOM
        if payer is not None:
            self._payers.use(payer, now_us)
        return None


def provisional_payer(report: Report) -> bytes | None:
    """Return the key charged for registering an unknown content; None for services."""
    return None if report.trusted else report.address_key or report.player_key
