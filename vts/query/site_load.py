"""Questions to PostgreSQL about the whole site: a fixed number of statements over daily rows, in one snapshot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from vts.model.day import date_of, day_of_date
from vts.query.freshness import analytics_freshness
from vts.query.site import SITE_COUNTS, CatalogCounts, Day, SiteFacts
from vts.query.visits_load import visit_days, visit_freshness
from vts.store.session.pool import Readers

_SITE: Final = """
SELECT day, page_views, page_views_authenticated, signups, signups_authenticated, uploads AS posts,
    uploads_authenticated AS posts_authenticated, api_calls, api_calls_authenticated, errors, errors_authenticated,
    LEAST(unique_visitors + unique_visitors_imported, page_views) AS unique_visitors,
    LEAST(unique_visitors_authenticated + unique_visitors_imported_authenticated, page_views_authenticated)
        AS unique_visitors_authenticated,
    unique_visitors_imported, unique_visitors_imported_authenticated, breakdowns, sketch, sketch_authenticated
FROM site_stats_daily WHERE day BETWEEN $1 AND $2 ORDER BY day
"""
_VIEWS: Final = """
SELECT day, total_views AS views, total_views_authenticated AS views_authenticated,
    LEAST(unique_viewers + unique_viewers_imported, total_views) AS unique_viewers,
    LEAST(unique_viewers_authenticated + unique_viewers_imported_authenticated, total_views_authenticated)
        AS unique_viewers_authenticated,
    LEAST(unique_viewers_imported, total_views) AS unique_viewers_imported,
    LEAST(unique_viewers_imported_authenticated, total_views_authenticated) AS unique_viewers_imported_authenticated,
    breakdowns, sketch, sketch_authenticated
FROM post_stats_daily WHERE post_id = 0 AND day BETWEEN $1 AND $2 ORDER BY day
"""
_PLAYERS: Final = """
SELECT day, players, players_authenticated, breakdowns, sketch, sketch_authenticated
FROM player_stats_daily WHERE day BETWEEN $1 AND $2 ORDER BY day
"""
_RECENT: Final = {
    "page_views": "SELECT day, breakdowns FROM site_stats_daily WHERE day BETWEEN $1 AND $2",
    "views": "SELECT day, breakdowns FROM post_stats_daily WHERE post_id = 0 AND day BETWEEN $1 AND $2",
}
_CATALOG: Final = "SELECT players_registered, players_by_country FROM catalog_stats"
_CONTENTS: Final = "SELECT day, contents FROM catalog_stats_daily WHERE day BETWEEN $1 AND $2 AND contents > 0"

_countries: Final = msgspec.json.Decoder(dict[str, int])


async def site_facts(readers: Readers, first: int, last: int, today: int) -> SiteFacts:
    """Read all that the answer about the site needs, days inclusive. Raises StoreUnavailable."""
    span = date_of(first), date_of(last)
    recent = date_of(today - 1), date_of(today)
    async with readers.snapshot() as snapshot:
        site = _days(await snapshot.fetch(_SITE, *span), (*SITE_COUNTS, "unique_visitors_imported"))
        views = _days(await snapshot.fetch(_VIEWS, *span), ("views", "unique_viewers", "unique_viewers_imported"))
        players = _days(await snapshot.fetch(_PLAYERS, *span), ("players",))
        two_days = {
            name: {day_of_date(row["day"]): row["breakdowns"] for row in await snapshot.fetch(sql, *recent)}
            for name, sql in _RECENT.items()
        }
        catalog = _catalog(await snapshot.fetch(_CATALOG), await snapshot.fetch(_CONTENTS, *span))
        visits = await visit_days(snapshot, first, last)
        state = await visit_freshness(snapshot, first, last, await analytics_freshness(snapshot, first, last))
    return SiteFacts(
        from_day=first,
        to_day=last,
        site=site,
        views=views,
        players=players,
        visits=visits,
        recent=two_days,
        catalog=catalog,
        state=state,
    )


def _days(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> list[Day]:
    return [
        Day(
            day=day_of_date(row["day"]),
            counts={name: [row[name], row[f"{name}_authenticated"]] for name in names},
            breakdowns=row["breakdowns"],
            sketches=(row["sketch"], row["sketch_authenticated"]),
        )
        for row in rows
    ]


def _catalog(summary: Sequence[Mapping[str, Any]], days: Sequence[Mapping[str, Any]]) -> CatalogCounts:
    if not summary:
        return CatalogCounts()  # the first count is still to come
    return CatalogCounts(
        contents={day_of_date(row["day"]): row["contents"] for row in days},
        players_registered=summary[0]["players_registered"],
        players_by_country=_countries.decode(summary[0]["players_by_country"]),
    )
