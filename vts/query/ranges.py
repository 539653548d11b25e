"""Which days a question asks for: `days=30`, or `from` and `to`."""

from __future__ import annotations

import datetime as dt
from typing import Final

from vts.model.day import FIRST_DAY, day_of_date

DAYS_DEFAULT: Final = 30
DAYS_MAX: Final = 3660  # ten years of daily rows stay one quick index range

ALLOWED: Final = (
    f"days must be 1 to {DAYS_MAX}, or from and to dates (YYYY-MM-DD) with from <= to <= today "
    f"and at most {DAYS_MAX} days"
)


class BadRange(ValueError):
    """The range cannot be read; the text says which field and what is allowed."""


def parse_range(days: str | None, start: str | None, end: str | None, today: int) -> tuple[int, int]:
    """Return the first and last day number of a range. Raises BadRange.

    `days=30` is today and the 29 days before it; `to` defaults to today, `from` to 29 days before `to`.
    """
    if days is not None and (start is not None or end is not None):
        raise BadRange(f"days: give either days or from and to; {ALLOWED}")
    if start is None and end is None:
        count = _count(days)
        return today - count + 1, today
    last = _day("to", end) if end is not None else today
    first = _day("from", start) if start is not None else last - DAYS_DEFAULT + 1
    if not FIRST_DAY <= first <= last <= today or last - first >= DAYS_MAX:
        raise BadRange(f"from, to: {ALLOWED}")
    return first, last


def _count(days: str | None) -> int:
    if days is None:
        return DAYS_DEFAULT
    if not (days.isascii() and days.isdigit() and 1 <= len(days) <= 5 and 1 <= int(days) <= DAYS_MAX):
        raise BadRange(f"days: {ALLOWED}")
    return int(days)


def _day(field: str, text: str) -> int:
    try:
        return day_of_date(dt.date.fromisoformat(text))
    except ValueError:
        raise BadRange(f"{field}: {ALLOWED}") from None
