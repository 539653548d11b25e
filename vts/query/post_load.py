"""Questions to PostgreSQL about contents, by primary key."""

from __future__ import annotations

from typing import Final, NamedTuple, Protocol

import trio

from vts.model.day import date_of
from vts.query.daily_load import days_of, engagement_of, read_days
from vts.query.post import PostFacts
from vts.store.session.pool import Readers

_DAYS: Final = days_of("post_stats_daily", "post_id")
_ENGAGEMENT: Final = """
SELECT (SELECT json_object_agg(emoji, json_build_array(total, total_authenticated))
        FROM reaction_counts WHERE post_id = $1 AND total > 0) AS reactions,
       (SELECT total FROM comment_counts WHERE post_id = $1) AS comments
"""
_VIEWS: Final = "SELECT coalesce(sum(total_views), 0)::bigint FROM post_stats_daily WHERE post_id = $1"

OWN_VIEWS_S: Final = 0.2  # twice what a drain that keeps up takes for a view: 50 ms of linger and its transaction


class PostViews(NamedTuple):
    """The views of all time, and the seconds by which they are known to lag: 0.0 when they are whole."""

    views: int
    lag_s: float


class Undrained(Protocol):
    """The journal, as a question about one content sees it."""

    @property
    def oldest_age_s(self) -> float:
        """How long the oldest record that the database lacks has been waiting."""
        ...

    def last_undrained(self, post_id: int) -> int:
        """Return the newest row that may hold a view of this content and that the database lacks; 0 for none."""
        ...

    async def wait_drained(self, seq: int) -> None:
        """Return when the database has everything up to row `seq`."""
        ...


async def post_facts(readers: Readers, post_id: int, first: int, last: int) -> PostFacts:
    """Read all that the answer about one content needs, days inclusive. Raises StoreUnavailable."""
    async with readers.connection() as connection:
        read = await read_days(connection, _DAYS, post_id, date_of(first), date_of(last))
        engagement = await connection.fetchrow(_ENGAGEMENT, post_id)
    days, unique = await read.understood()
    return PostFacts(
        post_id=post_id,
        from_day=first,
        to_day=last,
        days=days,
        unique_viewers=unique,
        engagement=engagement_of(engagement),
    )


async def post_views(readers: Readers, post_id: int) -> int:
    """Return the views of all time. Raises StoreUnavailable."""
    views: int = await readers.fetchval(_VIEWS, post_id)
    return views


async def wait_for_own_views(journal: Undrained, post_id: int) -> float:
    """Wait until the database has every view of a content that this process has acknowledged, `OWN_VIEWS_S` at most.

    Returns 0.0 when it has them, else the seconds by which an answer that is read now may lag. Without such a view
    there is no wait.
    """
    seq = journal.last_undrained(post_id)
    with trio.move_on_after(OWN_VIEWS_S):
        await journal.wait_drained(seq)
        return 0.0
    return max(OWN_VIEWS_S, journal.oldest_age_s)
