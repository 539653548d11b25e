"""Reads the visits of days, and since when page views are missing in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from vts.model.day import date_of, day_of_date
from vts.query.freshness import AnalyticsFreshness
from vts.query.visits import VisitDay
from vts.store.session.connection import Connection

_VISITS: Final = """
SELECT day, visits, visits_authenticated, page_views, page_views_authenticated, duration_ms, duration_ms_authenticated,
    bounces, bounces_authenticated
FROM visit_stats_daily WHERE day BETWEEN $1 AND $2
"""
# A day that was never computed has been behind since the hour of its first page view.
_FRESHNESS: Final = """
SELECT max(known.computed_at) AS computed_at,
    min(COALESCE(known.computed_at, (day + make_interval(hours => (
        SELECT min(hour::int) FROM json_object_keys(site.breakdowns -> 'hour_utc') AS hour))) AT TIME ZONE 'UTC'))
        FILTER (WHERE rolled.dropped_at IS NULL AND site.page_views > 0
            AND known.site_page_views IS DISTINCT FROM site.page_views) AS behind_since
FROM site_stats_daily AS site
    LEFT JOIN visit_stats_daily AS known USING (day)
    LEFT JOIN rollup_days AS rolled USING (day)
WHERE day BETWEEN $1 AND $2
"""


async def visit_days(snapshot: Connection, first: int, last: int) -> dict[int, VisitDay]:
    """Return the visits of those days that have any. Raises StoreUnavailable."""
    rows = await snapshot.fetch(_VISITS, date_of(first), date_of(last))
    return {day_of_date(row["day"]): _visit_day(row) for row in rows}


async def visit_freshness(
    snapshot: Connection, first: int, last: int, analytics: AnalyticsFreshness
) -> AnalyticsFreshness:
    """Return the freshness of the analytics of these days, their visits included. Raises StoreUnavailable."""
    (row,) = await snapshot.fetch(_FRESHNESS, date_of(first), date_of(last))
    computed = [at for at in (analytics.computed_at, row["computed_at"]) if at is not None]
    behind = [at for at in (analytics.behind_since, row["behind_since"]) if at is not None]
    return AnalyticsFreshness(max(computed, default=None), min(behind, default=None))


def _visit_day(row: Mapping[str, Any]) -> VisitDay:
    return VisitDay(**{name: [row[name], row[f"{name}_authenticated"]] for name in VisitDay.__struct_fields__})
