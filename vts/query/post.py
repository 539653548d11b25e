"""The answer about one content over a range of days, from its daily rows.

One statement reads all days, so none is read twice and none is skipped.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from vts.model.day import datetime_of
from vts.query.daily import TOP_COUNTRIES, DailyFacts, daily_fields
from vts.query.value_trend import TrendOf


class PostFacts(DailyFacts, frozen=True, kw_only=True):
    """All that an answer is made of."""

    post_id: int
    title: str | None
    kind: str | None
    owner_id: int | None
    visibility: str


def answer(
    facts: PostFacts,
    *,
    now_us: int,
    lag_s: float,
    top_countries: int | None = TOP_COUNTRIES,
    trend_of: TrendOf | None = None,
) -> dict[str, Any]:
    """Return the JSON object of `GET /api/post/{id}/stats`, every value with its `_authenticated` twin."""
    return {
        "post_id": facts.post_id,
        "title": facts.title,
        "kind": facts.kind,
        "owner_id": facts.owner_id,
        "visibility": facts.visibility,
        **daily_fields(facts, top_countries, trend_of),
        "computed_at": datetime_of(now_us),
        "lag_seconds": round(lag_s, 3),
    }


LoadPostFacts = Callable[[int, int, int], Awaitable[PostFacts]]
"""(post_id, first day, last day) → facts; raises StoreUnavailable."""
