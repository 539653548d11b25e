"""Reads what the answer about an artist is made of: five statements, however many contents and days there are."""

from __future__ import annotations

from typing import Final

from vts.model.day import date_of
from vts.query.artist import ArtistFacts
from vts.query.daily import Engagement
from vts.query.daily_load import counters, read_days
from vts.store.connection import Readers

_COUNTERS: Final = counters("artist_stats_daily", "owner_id")
_POSTS: Final = "SELECT count(*) FROM content WHERE owner_id = $1 AND NOT deleted"
_REACTIONS: Final = """
SELECT emoji, sum(total)::bigint, sum(total_authenticated)::bigint
FROM content JOIN reaction_counts USING (post_id) WHERE owner_id = $1 AND total > 0 GROUP BY emoji
"""
_COMMENTS: Final = """
SELECT coalesce(sum(total), 0)::bigint FROM content JOIN comment_counts USING (post_id) WHERE owner_id = $1
"""


async def artist_facts(readers: Readers, user_id: int, first: int, last: int) -> ArtistFacts:
    """Read all that the answer about one artist needs, days inclusive. Raises StoreUnavailable."""
    async with readers.snapshot() as snapshot:
        rows = await read_days(snapshot, _COUNTERS, user_id, date_of(first), date_of(last))
        posts = await snapshot.fetchval(_POSTS, user_id)
        reactions = await snapshot.fetch(_REACTIONS, user_id)
        comments = await snapshot.fetchval(_COMMENTS, user_id)
    days, unique = await rows.understood()
    return ArtistFacts(
        user_id=user_id,
        total_posts=posts,
        from_day=first,
        to_day=last,
        days=days,
        unique_viewers=unique,
        engagement=Engagement(
            reactions={emoji: [total, authenticated] for emoji, total, authenticated in reactions},
            comments=[comments, comments],  # only signed-in users comment
        ),
    )
