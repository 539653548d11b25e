"""Reads daily rows of a content or an artist, by primary key, and counts the viewers of the whole range."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from vts.model import sketch
from vts.model.day import day_of_date
from vts.model.tally import Pair, decode
from vts.query.daily import DayRow
from vts.query.shape import WHO, worked_out
from vts.store.connection import Connection

_DAYS: Final = """
SELECT day, total_views, total_views_authenticated, unique_viewers, unique_viewers_authenticated,
       unique_viewers_imported, unique_viewers_imported_authenticated,
       first_view_at, last_view_at, first_view_at_authenticated, last_view_at_authenticated, breakdowns
FROM {table} WHERE {key} = $1 AND day BETWEEN $2 AND $3 ORDER BY day
"""
_SKETCHES: Final = "SELECT sketch, sketch_authenticated FROM {table} WHERE {key} = $1 AND day BETWEEN $2 AND $3"


class Counters(NamedTuple):
    """A table of daily counters and its statements."""

    days: str
    sketches: str


def counters(table: str, key: str) -> Counters:
    """Return how a table is asked."""
    return Counters(*(text.format(table=table, key=key) for text in (_DAYS, _SKETCHES)))


class Rows(NamedTuple):
    """Daily rows as they were read; sketches only of more than one day, which says its viewers itself."""

    days: Sequence[Any]
    sketches: Sequence[Any]

    async def understood(self) -> tuple[list[DayRow], Pair]:
        """Return the days, and [all, authenticated] unique viewers of the whole range."""
        return await worked_out(len(self.days), self._understand)

    def _understand(self) -> tuple[list[DayRow], Pair]:
        days = [_day_row(row) for row in self.days]
        return days, unique_viewers(days, self.sketches)


async def read_days(snapshot: Connection, asked: Counters, name: int, first: dt.date, last: dt.date) -> Rows:
    """Read the days of a content or an artist. Raises StoreUnavailable."""
    days = await snapshot.fetch(asked.days, name, first, last)
    return Rows(days, await snapshot.fetch(asked.sketches, name, first, last) if len(days) > 1 else ())


def unique_viewers(days: Sequence[DayRow], sketches: Sequence[Any]) -> Pair:
    """Count the viewers of several days: the union of their sketches, never their sum.

    Only numbers are known of imported viewers, so those are added.
    """
    if len(days) == 1:
        return days[0].unique_viewers
    imported = [sum(day.imported_viewers[who] for day in days) for who in WHO]
    return [sketch.union(row[who] for row in sketches) + imported[who] for who in WHO]


def _day_row(row: Any) -> DayRow:
    imported = [row["unique_viewers_imported"], row["unique_viewers_imported_authenticated"]]
    return DayRow(
        day=day_of_date(row["day"]),
        views=[row["total_views"], row["total_views_authenticated"]],
        unique_viewers=[row["unique_viewers"] + imported[0], row["unique_viewers_authenticated"] + imported[1]],
        imported_viewers=imported,
        first_view_at=row["first_view_at"],
        last_view_at=row["last_view_at"],
        first_view_at_authenticated=row["first_view_at_authenticated"],
        last_view_at_authenticated=row["last_view_at_authenticated"],
        breakdowns=decode(row["breakdowns"]),
    )
