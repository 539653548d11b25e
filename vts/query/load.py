"""Questions to PostgreSQL about contents, each in one snapshot and by primary key."""

from __future__ import annotations

from typing import Final

from vts.model.day import date_of
from vts.query.daily import Engagement
from vts.query.daily_load import counters, read_days
from vts.query.post import PostFacts
from vts.store.connection import Readers

_COUNTERS: Final = counters("post_stats_daily", "post_id")
_REACTIONS: Final = "SELECT emoji, total, total_authenticated FROM reaction_counts WHERE post_id = $1 AND total > 0"
_COMMENTS: Final = "SELECT total FROM comment_counts WHERE post_id = $1"
_VIEWS: Final = "SELECT coalesce(sum(total_views), 0)::bigint FROM post_stats_daily WHERE post_id = $1"


async def post_facts(readers: Readers, post_id: int, first: int, last: int) -> PostFacts:
    """Read all that the answer about one content needs, days inclusive. Raises StoreUnavailable."""
    async with readers.snapshot() as snapshot:
        rows = await read_days(snapshot, _COUNTERS, post_id, date_of(first), date_of(last))
        reactions = await snapshot.fetch(_REACTIONS, post_id)
        comments = await snapshot.fetchval(_COMMENTS, post_id) or 0
    days, unique = await rows.understood()
    return PostFacts(
        post_id=post_id,
        from_day=first,
        to_day=last,
        days=days,
        unique_viewers=unique,
        engagement=Engagement(
            reactions={emoji: [total, authenticated] for emoji, total, authenticated in reactions},
            comments=[comments, comments],  # only signed-in users comment
        ),
    )


async def post_views(readers: Readers, post_id: int) -> int:
    """Return the views of all time. Raises StoreUnavailable."""
    views: int = await readers.fetchval(_VIEWS, post_id)
    return views
