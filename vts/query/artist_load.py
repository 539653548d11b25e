"""Reads what the answer about an artist is made of: two statements, however many contents and days there are."""

from __future__ import annotations

from typing import Final

from vts.model.day import date_of
from vts.query.artist import ArtistFacts
from vts.query.daily_load import days_of, engagement_of, read_days
from vts.store.session.pool import Readers

_DAYS: Final = days_of("artist_stats_daily", "owner_id")
_CONTENTS: Final = """
SELECT posts, first_post_at, latest_post_at,
       (SELECT json_object_agg(emoji, json_build_array(total, total_authenticated))
        FROM (SELECT emoji, sum(total) AS total, sum(total_authenticated) AS total_authenticated
              FROM content JOIN reaction_counts USING (post_id)
              WHERE owner_id = $1 AND total > 0 GROUP BY emoji) AS summed) AS reactions,
       (SELECT sum(total)::bigint FROM content JOIN comment_counts USING (post_id) WHERE owner_id = $1) AS comments
FROM (SELECT count(*) AS posts, min(created_at) AS first_post_at, max(created_at) AS latest_post_at
      FROM content WHERE owner_id = $1 AND NOT deleted) AS owned
"""


async def artist_facts(readers: Readers, user_id: int, first: int, last: int) -> ArtistFacts:
    """Read all that the answer about one artist needs, days inclusive. Raises StoreUnavailable."""
    async with readers.connection() as connection:
        read = await read_days(connection, _DAYS, user_id, date_of(first), date_of(last))
        contents = await connection.fetchrow(_CONTENTS, user_id)
    assert contents is not None, "aggregates without GROUP BY are one row"
    days, unique = await read.understood()
    return ArtistFacts(
        user_id=user_id,
        total_posts=contents["posts"],
        first_post_at=contents["first_post_at"],
        latest_post_at=contents["latest_post_at"],
        from_day=first,
        to_day=last,
        days=days,
        unique_viewers=unique,
        engagement=engagement_of(contents),
    )
