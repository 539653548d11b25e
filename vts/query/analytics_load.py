"""Questions to PostgreSQL about analytics: a fixed number of statements over daily rows, in one snapshot each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from vts.model.day import date_of, day_of_date
from vts.model.tally import Pair
from vts.query.analytics import Dimension, Engagement, EngagementFacts, HoursFacts
from vts.query.freshness import analytics_freshness
from vts.query.playlist import PlaylistDay, PlaylistFacts
from vts.query.site import Sketches
from vts.store.session.pool import Readers

_SITE: Final = """
SELECT day, breakdowns -> $1 AS counts FROM post_stats_daily WHERE post_id = 0 AND day BETWEEN $2 AND $3 ORDER BY day
"""
_SITE_HOURS: Final = """
SELECT breakdowns -> 'hour_local' AS hours, breakdowns -> 'weekday_local' AS weekdays
FROM post_stats_daily WHERE post_id = 0 AND day BETWEEN $1 AND $2
"""
_ENGAGEMENT: Final = """
SELECT value, context,
    sum(views)::bigint AS views, sum(views_authenticated)::bigint AS views_authenticated,
    sum(dwell_ms)::bigint AS dwell_ms, sum(dwell_ms_authenticated)::bigint AS dwell_ms_authenticated,
    sum(dwell_views)::bigint AS dwell_views, sum(dwell_views_authenticated)::bigint AS dwell_views_authenticated,
    sum(shown)::bigint AS shown, sum(shown_authenticated)::bigint AS shown_authenticated,
    sum(converted)::bigint AS converted, sum(converted_authenticated)::bigint AS converted_authenticated
FROM engagement_stats_daily WHERE kind = $1 AND day BETWEEN $2 AND $3 GROUP BY value, context
"""
_SKETCHES: Final = """
SELECT value, sketch, sketch_authenticated FROM engagement_stats_daily
WHERE kind = $1 AND day BETWEEN $2 AND $3 AND context = ''
"""
_CELLS: Final = """
SELECT weekday, hour, sum(views)::bigint AS views, sum(views_authenticated)::bigint AS views_authenticated
FROM local_hours_daily WHERE day BETWEEN $1 AND $2 GROUP BY weekday, hour
"""
# Without `other` among its playlists a day has counted every one of them by name.
_COUNTED: Final = """
SELECT day, (pair ->> 0)::bigint AS views, (pair ->> 1)::bigint AS views_authenticated FROM (
    SELECT day, playlists -> $1 AS pair FROM (
        SELECT day, breakdowns -> 'playlist' AS playlists FROM post_stats_daily
        WHERE post_id = 0 AND day BETWEEN $2 AND $3
    ) AS site
    WHERE playlists IS NOT NULL AND playlists -> 'other' IS NULL
) AS named
WHERE pair IS NOT NULL
"""
_PLAYLIST: Final = """
SELECT * FROM playlist_stats_daily WHERE playlist_id = $1 AND day BETWEEN $2 AND $3 ORDER BY day
"""
_KNOWN: Final = "SELECT EXISTS (SELECT FROM playlist_stats_daily WHERE playlist_id = $1) AS known"


async def engagement_facts(readers: Readers, kind: Dimension, first: int, last: int) -> EngagementFacts:
    """Read what the answers about channels and play orders need. Raises StoreUnavailable."""
    span = date_of(first), date_of(last)
    async with readers.snapshot() as snapshot:
        days = {day_of_date(row["day"]): row["counts"] for row in await snapshot.fetch(_SITE, kind, *span)}
        summed = await snapshot.fetch(_ENGAGEMENT, kind, *span)
        sketched = await snapshot.fetch(_SKETCHES, kind, *span)
        state = await analytics_freshness(snapshot, first, last)
    sketches: dict[str, list[Sketches]] = {}
    for row in sketched:
        sketches.setdefault(row["value"], []).append((row["sketch"], row["sketch_authenticated"]))
    return EngagementFacts(
        from_day=first,
        to_day=last,
        days=days,
        engagement={(row["value"], row["context"]): _engagement(row) for row in summed},
        sketches=sketches,
        state=state,
    )


async def hours_facts(readers: Readers, first: int, last: int) -> HoursFacts:
    """Read what the answer about peak hours needs. Raises StoreUnavailable."""
    span = date_of(first), date_of(last)
    async with readers.snapshot() as snapshot:
        days = [(row["hours"], row["weekdays"]) for row in await snapshot.fetch(_SITE_HOURS, *span)]
        cells = await snapshot.fetch(_CELLS, *span)
        state = await analytics_freshness(snapshot, first, last)
    return HoursFacts(
        from_day=first,
        to_day=last,
        days=days,
        cells={(row["weekday"], row["hour"]): _pair(row, "views") for row in cells},
        state=state,
    )


async def playlist_facts(readers: Readers, playlist_id: int, first: int, last: int) -> PlaylistFacts:
    """Read what the answer about one playlist needs. Raises StoreUnavailable."""
    span = date_of(first), date_of(last)
    async with readers.snapshot() as snapshot:
        counted = await snapshot.fetch(_COUNTED, str(playlist_id), *span)
        days = await snapshot.fetch(_PLAYLIST, playlist_id, *span)
        (row,) = await snapshot.fetch(_KNOWN, playlist_id)
        state = await analytics_freshness(snapshot, first, last)
    return PlaylistFacts(
        playlist_id=playlist_id,
        from_day=first,
        to_day=last,
        counted={day_of_date(row["day"]): _pair(row, "views") for row in counted},
        days={day_of_date(row["day"]): _playlist_day(row) for row in days},
        known=row["known"] or bool(counted),
        state=state,
    )


def _engagement(row: Mapping[str, Any]) -> Engagement:
    return Engagement(**{name: _pair(row, name) for name in Engagement.__struct_fields__})


def _playlist_day(row: Mapping[str, Any]) -> PlaylistDay:
    return PlaylistDay(
        views=_pair(row, "views"),
        dwell_ms=_pair(row, "dwell_ms"),
        dwell_views=_pair(row, "dwell_views"),
        breakdowns=row["breakdowns"],
        sketches=(row["sketch"], row["sketch_authenticated"]),
    )


def _pair(row: Mapping[str, Any], name: str) -> Pair:
    return [row[name], row[f"{name}_authenticated"]]
