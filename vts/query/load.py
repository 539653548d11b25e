"""Questions to PostgreSQL about contents, each in one snapshot and by primary key."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from vts.model import sketch
from vts.model.day import date_of, day_of_date
from vts.query.post import DayRow, Engagement, PostFacts
from vts.store.connection import Readers

_DAYS: Final = """
SELECT day, total_views, total_views_authenticated, unique_viewers, unique_viewers_authenticated,
       unique_viewers_imported, unique_viewers_imported_authenticated,
       first_view_at, last_view_at, first_view_at_authenticated, last_view_at_authenticated, breakdowns
FROM post_stats_daily WHERE post_id = $1 AND day BETWEEN $2 AND $3 ORDER BY day
"""
_SKETCHES: Final = """
SELECT sketch, sketch_authenticated FROM post_stats_daily WHERE post_id = $1 AND day BETWEEN $2 AND $3
"""
_REACTIONS: Final = "SELECT emoji, total, total_authenticated FROM reaction_counts WHERE post_id = $1 AND total > 0"
_COMMENTS: Final = "SELECT total FROM comment_counts WHERE post_id = $1"
_VIEWS: Final = "SELECT coalesce(sum(total_views), 0)::bigint FROM post_stats_daily WHERE post_id = $1"

_breakdowns = msgspec.json.Decoder(dict[str, dict[str, list[int]]])


async def post_facts(readers: Readers, post_id: int, first: int, last: int) -> PostFacts:
    """Read all that the answer about one content needs, days inclusive. Raises StoreUnavailable."""
    span = (post_id, date_of(first), date_of(last))
    async with readers.snapshot() as snapshot:
        days = [_day_row(row) for row in await snapshot.fetch(_DAYS, *span)]
        unique = days[0].unique_viewers if len(days) == 1 else await _unique(snapshot, span, days)
        reactions = await snapshot.fetch(_REACTIONS, post_id)
        comments = await snapshot.fetchval(_COMMENTS, post_id) or 0
    engagement = Engagement(
        reactions={emoji: [total, authenticated] for emoji, total, authenticated in reactions},
        comments=[comments, comments],  # only signed-in users comment
    )
    return PostFacts(
        post_id=post_id, from_day=first, to_day=last, days=days, unique_viewers=unique, engagement=engagement
    )


async def post_views(readers: Readers, post_id: int) -> int:
    """Return the views of all time. Raises StoreUnavailable."""
    views: int = await readers.fetchval(_VIEWS, post_id)
    return views


async def _unique(snapshot: Any, span: tuple[Any, ...], days: Sequence[DayRow]) -> list[int]:
    """Count the viewers of the whole range: the union of the days' sketches, never their sum.

    Only numbers are known of imported days, so those are added.
    """
    if not days:
        return [0, 0]
    sketches = await snapshot.fetch(_SKETCHES, *span)
    imported = [sum(day.imported_viewers[who] for day in days) for who in (0, 1)]
    return [sketch.union(row[who] for row in sketches) + imported[who] for who in (0, 1)]


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
        breakdowns=_breakdowns.decode(row["breakdowns"]),
    )
