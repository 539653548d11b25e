"""Reads what the statistics of one content are made of, by primary key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from vts.model.day import date_of
from vts.query.daily_load import days_of, engagement_of, read_days
from vts.query.post import PostFacts
from vts.store.session.pool import Readers

_DAYS: Final = days_of("post_stats_daily", "post_id")
_DESCRIBED: Final = "SELECT title, kind, owner_id, visibility FROM content WHERE post_id = $1"
_UNDESCRIBED: Final[Mapping[str, Any]] = {"title": None, "kind": None, "owner_id": None, "visibility": "public"}
_ENGAGEMENT: Final = """
SELECT (SELECT json_object_agg(emoji, json_build_array(total, total_authenticated))
        FROM reaction_counts WHERE post_id = $1 AND total > 0) AS reactions,
       (SELECT total FROM comment_counts WHERE post_id = $1) AS comments
"""


async def post_facts(readers: Readers, post_id: int, first: int, last: int) -> PostFacts:
    """Read all that the answer about one content needs, days inclusive. Raises StoreUnavailable."""
    async with readers.connection() as connection:
        read = await read_days(connection, _DAYS, post_id, date_of(first), date_of(last))
        engagement = await connection.fetchrow(_ENGAGEMENT, post_id)
        described = await connection.fetchrow(_DESCRIBED, post_id)
    days, unique = await read.understood()
    return PostFacts(
        post_id=post_id,
        **dict(described or _UNDESCRIBED),
        from_day=first,
        to_day=last,
        days=days,
        unique_viewers=unique,
        engagement=engagement_of(engagement),
    )
