"""The answer about one artist over a range of days, from the artist's own daily rows. Pure.

Deleted contents are none of `total_posts`; what was counted for them stays in the totals.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable
from typing import Any

from vts.model.day import datetime_of
from vts.query.artist_posts import ListFacts, lines
from vts.query.daily import TOP_COUNTRIES, DailyFacts, daily_fields
from vts.query.value_trend import TrendOf


class ArtistFacts(DailyFacts, frozen=True, kw_only=True):
    """All that an answer is made of."""

    user_id: int
    total_posts: int
    first_post_at: dt.datetime | None
    latest_post_at: dt.datetime | None


def answer(
    facts: ArtistFacts,
    *,
    now_us: int,
    lag_s: float,
    top_countries: int | None = TOP_COUNTRIES,
    posts: ListFacts | None = None,
    trend_of: TrendOf | None = None,
) -> dict[str, Any]:
    """Return the JSON object of `GET /api/user/{id}/artist-stats`, every count with its `_authenticated` twin.

    `posts` are the contents that are listed in the same answer, if any.
    """
    return {
        "user_id": facts.user_id,
        "total_posts": facts.total_posts,
        "first_post_at": facts.first_post_at,
        "latest_post_at": facts.latest_post_at,
        **daily_fields(facts, top_countries, trend_of),
        **({} if posts is None else {"posts": lines(posts)}),
        "computed_at": datetime_of(now_us),
        "lag_seconds": round(lag_s, 3),
    }


LoadArtistFacts = Callable[[int, int, int], Awaitable[ArtistFacts]]
"""(user id, first day, last day) → facts; raises StoreUnavailable."""
