"""What the live counts ask when a topic is first watched: totals by content, by artist, and the top of today."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, Final

from vts.store.session.pool import Readers

SITE: Final = 0
"""The post_id under which the whole site is counted."""

_COUNTS: Final = """
SELECT post_id, sum(total_views)::bigint AS views,
       coalesce(sum(total_views) FILTER (WHERE day = $2), 0)::bigint AS views_today,
       coalesce(sum(unique_viewers) FILTER (WHERE day = $2), 0)::bigint AS unique_viewers_today
FROM post_stats_daily WHERE post_id = ANY($1::bigint[]) AND day <= $2 GROUP BY post_id
"""
_ARTIST: Final = """
SELECT coalesce(sum(total_views), 0)::bigint AS views,
       coalesce(sum(total_views) FILTER (WHERE day = $2), 0)::bigint AS views_today,
       coalesce(sum(unique_viewers) FILTER (WHERE day = $2), 0)::bigint AS unique_viewers_today
FROM artist_stats_daily WHERE owner_id = $1 AND day <= $2
"""
_ARTIST_POSTS: Final = "SELECT post_id FROM content WHERE owner_id = $1"
_PLAYER: Final = """
SELECT count(*) AS views, count(*) FILTER (WHERE event_day = $2) AS views_today
FROM view_events WHERE player_key = $1 AND event_day <= $2
"""
_TOP: Final = """
WITH top AS (
    SELECT post_id, total_views, unique_viewers FROM post_stats_daily JOIN content USING (post_id)
    WHERE day = $1 AND post_id > 0 AND visibility = 'public' AND NOT deleted
    ORDER BY total_views DESC, post_id LIMIT $2)
SELECT post_id, title, reference_texts.text AS ref,
       top.total_views AS views_today, top.unique_viewers AS unique_viewers_today,
       (SELECT sum(total_views)::bigint FROM post_stats_daily AS d
        WHERE d.post_id = top.post_id AND d.day <= $1) AS views
FROM top JOIN content USING (post_id) LEFT JOIN reference_texts ON number = post_id ORDER BY views_today DESC, post_id
"""

Counts = tuple[int, int, int]
"""(views of all time, views today, unique viewers today)"""


async def counts(readers: Readers, post_ids: Sequence[int], today: dt.date) -> dict[int, Counts]:
    """Return the counts of contents; those never viewed are left out. `SITE` may be among them."""
    rows = await readers.fetch(_COUNTS, list(post_ids), today)
    return {row["post_id"]: _counts(row) for row in rows}


async def artist_counts(readers: Readers, user_id: int, today: dt.date) -> Counts:
    """Return the counts over all contents of one owner, as the artist's statistics have them."""
    row = await readers.fetchrow(_ARTIST, user_id, today)
    return (0, 0, 0) if row is None else _counts(row)


async def artist_posts(readers: Readers, user_id: int) -> list[int]:
    """Return the contents of one owner."""
    return [row["post_id"] for row in await readers.fetch(_ARTIST_POSTS, user_id)]


async def player_counts(readers: Readers, player_key: bytes, today: dt.date) -> Counts:
    """Return the views that a player reported, of the days kept raw; its only viewer is itself."""
    views, views_today = await readers.fetchrow(_PLAYER, player_key, today) or (0, 0)
    return views, views_today, int(views_today > 0)


async def top_posts(readers: Readers, limit: int, today: dt.date) -> list[dict[str, Any]]:
    """Return the most viewed public contents of a day, the first first, by the names of the live messages."""
    return [dict(row) for row in await readers.fetch(_TOP, today, limit)]


def _counts(row: Any) -> Counts:
    return row["views"], row["views_today"], row["unique_viewers_today"]
