"""How far the analytics of a range are behind its views, which every answer names."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

import msgspec

from vts.model.day import date_of, datetime_of, us_of
from vts.store.session.connection import Connection

_FRESHNESS: Final = """
SELECT max(known.computed_at) AS computed_at,
    min(COALESCE(known.computed_at, site.first_view_at))
        FILTER (WHERE rolled.dropped_at IS NULL AND known.site_views IS DISTINCT FROM site.total_views) AS behind_since
FROM post_stats_daily AS site
    LEFT JOIN player_stats_daily AS known USING (day)
    LEFT JOIN rollup_days AS rolled USING (day)
WHERE site.post_id = 0 AND day BETWEEN $1 AND $2
"""


class AnalyticsFreshness(msgspec.Struct, frozen=True):
    """When the newest analytics of the range were computed; since when views are missing in them, None if none are."""

    computed_at: dt.datetime | None
    behind_since: dt.datetime | None


async def analytics_freshness(snapshot: Connection, first: int, last: int) -> AnalyticsFreshness:
    """Read how fresh the analytics of these days are. Raises StoreUnavailable."""
    (row,) = await snapshot.fetch(_FRESHNESS, date_of(first), date_of(last))
    return AnalyticsFreshness(row["computed_at"], row["behind_since"])


def freshness(state: AnalyticsFreshness, *, now_us: int, lag_s: float) -> dict[str, Any]:
    """Return the last fields of an answer: those of the counts, and those of what is computed from raw views."""
    behind_s = 0.0 if state.behind_since is None else max(0.0, (now_us - us_of(state.behind_since)) / 1e6)
    return {
        "computed_at": datetime_of(now_us),
        "lag_seconds": round(lag_s, 3),
        "analytics_computed_at": state.computed_at,
        "analytics_lag_seconds": round(behind_s + lag_s if behind_s else 0.0, 3),
    }
