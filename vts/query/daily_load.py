"""Reads daily rows of a content or an artist, by primary key, and counts the viewers of the whole range.

One statement reads the days with their sketches, so they are of one moment without a transaction around them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import msgspec

from vts.model import sketch
from vts.model.day import day_of_date
from vts.model.tally import Pair, decode
from vts.query.daily import DayRow, Engagement
from vts.query.shape import WHO, at_most, total, worked_out
from vts.store.session.connection import Connection

# A single day says its viewers itself.
_DAYS: Final = """
SELECT day, total_views, total_views_authenticated, unique_viewers, unique_viewers_authenticated,
       unique_viewers_imported, unique_viewers_imported_authenticated,
       first_view_at, last_view_at, first_view_at_authenticated, last_view_at_authenticated, breakdowns,
       CASE WHEN $2::date < $3::date THEN sketch END AS sketch,
       CASE WHEN $2::date < $3::date THEN sketch_authenticated END AS sketch_authenticated
FROM {table} WHERE {key} = $1 AND day BETWEEN $2 AND $3 ORDER BY day
"""
_reactions = msgspec.json.Decoder(dict[str, Pair])


def days_of(table: str, key: str) -> str:
    """Return the statement that reads daily rows of a content or an artist: (name, first day, last day)."""
    return _DAYS.format(table=table, key=key)


class Days(NamedTuple):
    """Daily rows as they were read, and not yet understood."""

    rows: Sequence[Any]

    async def understood(self) -> tuple[list[DayRow], Pair]:
        """Return the days, and [all, authenticated] unique viewers of the whole range."""
        return await worked_out(len(self.rows), self._understand)

    def _understand(self) -> tuple[list[DayRow], Pair]:
        days = [_day_row(row) for row in self.rows]
        sketches = [(row["sketch"], row["sketch_authenticated"]) for row in self.rows]
        return days, unique_viewers(days, sketches)


async def read_days(connection: Connection, statement: str, name: int, first: dt.date, last: dt.date) -> Days:
    """Read the days of a content or an artist. Raises StoreUnavailable."""
    return Days(await connection.fetch(statement, name, first, last))


def engagement_of(row: Any) -> Engagement:
    """Return what a row says of `reactions`, as JSON by emoji, and of `comments`."""
    comments = row["comments"] or 0
    return Engagement(
        reactions=_reactions.decode(row["reactions"] or "{}"),
        comments=[comments, comments],  # only signed-in users comment
    )


def unique_viewers(days: Sequence[DayRow], sketches: Sequence[Any]) -> Pair:
    """Count the viewers of several days: the union of their sketches, never their sum.

    Only numbers are known of imported viewers, so those are added.
    """
    if len(days) == 1:
        return days[0].unique_viewers
    imported = total(day.imported_viewers for day in days)
    seen = [sketch.union(row[who] for row in sketches) + imported[who] for who in WHO]
    return at_most(seen, total(day.views for day in days))


def _day_row(row: Any) -> DayRow:
    views = [row["total_views"], row["total_views_authenticated"]]
    imported = at_most([row["unique_viewers_imported"], row["unique_viewers_imported_authenticated"]], views)
    seen = [row["unique_viewers"] + imported[0], row["unique_viewers_authenticated"] + imported[1]]
    return DayRow(
        day=day_of_date(row["day"]),
        views=views,
        unique_viewers=at_most(seen, views),
        imported_viewers=imported,
        first_view_at=row["first_view_at"],
        last_view_at=row["last_view_at"],
        first_view_at_authenticated=row["first_view_at_authenticated"],
        last_view_at_authenticated=row["last_view_at_authenticated"],
        breakdowns=decode(row["breakdowns"]),
    )
