"""Which texts of references go into the journal with the events that hold their numbers. Pure.

A text must be durable before an event with its number is acknowledged, and it need not be written with every event. A
registered content has its text in the database: registering put it there. A provisional content may vanish with its
text, so every event of it brings the text again. Which texts of users are durable, this process remembers for an hour.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from vts.admit.tables import Recent
from vts.model.content import KINDS
from vts.model.day import HOUR_US
from vts.model.ports import Catalog
from vts.model.reference import ReferenceText

USERS_REMEMBERED: Final = 100_000  # 10 MB; another one costs 50 bytes more of the journal
REMEMBERED_US: Final = (
    HOUR_US  # by default drained entries stay for a day: what a replay needs is among them, or in the database
)

_KINDS: Final = frozenset(KINDS)


class JournaledTexts:
    """Remembers which texts are durable. Shared by the admissions of one process."""

    __slots__ = ("_catalog", "_users")

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._users: Recent[int, bool] = Recent(USERS_REMEMBERED)

    def missing(self, texts: Iterable[ReferenceText]) -> list[ReferenceText]:
        """Return those of the texts, each once, that have to be written with the events that bring them."""
        return [one for one in {one.number: one for one in texts}.values() if not self._is_durable(one)]

    def confirm(self, texts: Iterable[ReferenceText]) -> None:
        """Remember texts that are durable now."""
        for one in texts:
            if not _may_name_content(one.text):
                self._users.put(one.number, True)

    def age(self, now_us: int) -> None:
        """Forget what was written more than an hour ago."""
        self._users.forget_after(REMEMBERED_US, now_us)

    def _is_durable(self, one: ReferenceText) -> bool:
        if self._users.get(one.number):
            return True
        content = self._catalog.content(one.number)
        return content is not None and not content.provisional


def _may_name_content(text: str) -> bool:
    """Whether a text has the form of a content's. A user's may, too: it is then written with every event."""
    return text.partition(":")[0] in _KINDS
