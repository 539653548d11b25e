"""What the live counts ask when a topic is first watched: totals by content, by artist, and the top of today."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, Final

from vts.store.connection import Readers

SITE: Final = 0
"""The post_id under which the whole site is counted."""

_COUNTS: Final = """
SELECT post_id, sum(total_views)::bigint AS views,
       coalesce(sum(total_views) FILTER (WHERE day = $2), 0)::bigint AS views_today,
       coalesce(sum(unique_viewers) FILTER (WHERE day = $2), 0)::bigint AS unique_viewers_today
FROM post_stats_daily WHERE post_id = ANY($1::bigint[]) GROUP BY post_id
"""
_ARTIST: Final = """
SELECT coalesce(sum(total_views), 0)::bigint AS views,
       coalesce(sum(total_views) FILTER (WHERE day = $2), 0)::bigint AS views_today,
       (SELECT count(DISTINCT viewer_key) FROM post_viewers_daily JOIN content USING (post_id)
        WHERE owner_id = $1 AND day = $2)::bigint AS unique_viewers_today
FROM post_stats_daily JOIN content USING (post_id) WHERE owner_id = $1
"""
_TOP: Final = """
SELECT post_id FROM post_stats_daily WHERE day = $1 AND post_id > 0 ORDER BY total_views DESC, post_id LIMIT $2
"""
_TITLES: Final = (
    "SELECT post_id, title FROM content WHERE post_id = ANY($1::bigint[]) AND visibility = 'public' AND NOT deleted"
)

Counts = tuple[int, int, int]
"""(views of all time, views today, unique viewers today)"""


async def counts(readers: Readers, post_ids: Sequence[int], today: dt.date) -> dict[int, Counts]:
    """Return the counts of contents; those never viewed are left out. `SITE` may be among them."""
    rows = await readers.fetch(_COUNTS, list(post_ids), today)
    return {row["post_id"]: _counts(row) for row in rows}


async def artist_counts(readers: Readers, user_id: int, today: dt.date) -> Counts:
    """Return the counts over all contents of one owner."""
    return _counts(await readers.fetchrow(_ARTIST, user_id, today))


async def top_posts(readers: Readers, limit: int, today: dt.date) -> list[int]:
    """Return the most viewed contents of a day, the first first."""
    return [row["post_id"] for row in await readers.fetch(_TOP, today, limit)]


async def titles(readers: Readers, post_ids: Sequence[int]) -> dict[int, str | None]:
    """Return the titles of the public ones among these contents."""
    return {row["post_id"]: row["title"] for row in await readers.fetch(_TITLES, list(post_ids))}


def _counts(row: Any) -> Counts:
    return row["views"], row["views_today"], row["unique_viewers_today"]
