"""The answer about the whole site over a range of days: page views, host events, views, players.

It is made of daily rows only, at most six for a day, so that it costs the same however large the site is.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import msgspec

from vts.model.content import Player
from vts.model.day import HOUR_US, date_of, datetime_of
from vts.model.tally import OTHER, Pair, add_pairs, merge
from vts.query.freshness import AnalyticsFreshness, freshness
from vts.query.shape import WHO, at_most, decode_pairs, range_of, tops, total, union, with_twins
from vts.query.value_trend import TrendOf, value_trend
from vts.query.visits import VisitDay
from vts.query.visits import of_day as visits_of_day
from vts.query.visits import totals as visit_totals

SITE_COUNTS: Final = ("page_views", "unique_visitors", "signups", "posts", "api_calls", "errors")
TOP_PAGE_VIEWS: Final = {"top_pages": "page", "countries": "country", "devices": "device", "referrers": "referrer"}
TOP_VIEWS: Final = {
    "views_by_country": "country",
    "views_by_device": "device",
    "views_by_type": "type",
    "views_by_source": "source",
    "views_by_referrer": "referrer",
}
"""Name in the answer → name in the breakdowns of page views, and of views."""
HOURS: Final = 24
NOTHING: Final = (0, 0)

PlayerOf = Callable[[bytes], Player | None]
"""The key of a player → what the catalog knows of it."""
Sketches = tuple[bytes | None, bytes | None]


class _Views(msgspec.Struct):
    """Those breakdowns of views that are in `TOP_VIEWS`: the others are passed over, which saves most of the time."""

    country: dict[str, Pair] = {}
    device: dict[str, Pair] = {}
    type: dict[str, Pair] = {}
    source: dict[str, Pair] = {}
    referrer: dict[str, Pair] = {}


_views: Final = msgspec.json.Decoder(_Views)


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """A daily row as it was read: pairs by name, breakdowns as JSON, sketches of all and of the authenticated."""

    day: int
    counts: Mapping[str, Pair]
    breakdowns: str = "{}"
    sketches: Sketches = (None, None)


class CatalogCounts(msgspec.Struct, frozen=True, kw_only=True):
    """What services have described: contents by the day of their creation, registered players by country."""

    contents: Mapping[int, int] = {}
    players_registered: int = 0
    players_by_country: Mapping[str, int] = {}


class SiteFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of the range in order of day, and breakdowns of the last two: {"page_views": {day: JSON}, "views": …}."""

    from_day: int
    to_day: int
    site: Sequence[Day]
    views: Sequence[Day]
    players: Sequence[Day]
    recent: Mapping[str, Mapping[int, str]]
    catalog: CatalogCounts
    state: AnalyticsFreshness
    visits: Mapping[int, VisitDay] = {}


def answer(
    facts: SiteFacts,
    *,
    limit: int,
    player_of: PlayerOf,
    now_us: int,
    lag_s: float,
    trend_of: TrendOf | None = None,
) -> dict[str, Any]:
    """Return the JSON object of `GET /api/admin/sitewide-stats`."""
    of_pages, of_players = _merged(facts.site), _merged(facts.players)
    of_views, player_views = _merged_views(facts.views)
    twins: dict[str, Sequence[Any]] = {name: total(row.counts[name] for row in facts.site) for name in SITE_COUNTS}
    pages = total(row.counts["page_views"] for row in facts.site)
    visitors = total(row.counts.get("unique_visitors_imported", [0, 0]) for row in facts.site)
    twins["unique_visitors"] = at_most(total((union([row.sketches for row in facts.site], pages), visitors)), pages)
    twins["total_views"] = views = total(row.counts["views"] for row in facts.views)
    imported = total(row.counts["unique_viewers_imported"] for row in facts.views)  # numbers: no union with other days
    twins["unique_viewers"] = at_most(total((union([row.sketches for row in facts.views], views), imported)), views)
    twins["unique_viewers_imported"] = imported
    twins |= visit_totals(facts.visits.values())
    twins["daily_trend"] = [_daily(facts, player_views, who) for who in WHO]
    twins["hourly_trend"] = [_hourly(facts.recent, now_us, who) for who in WHO]
    twins |= {name: tops(of_pages.get(dimension, {}), limit) for name, dimension in TOP_PAGE_VIEWS.items()}
    twins["errors_by_type"] = tops(of_pages.get("error_type", {}), limit)
    twins |= {name: tops(of_views[dimension], limit) for name, dimension in TOP_VIEWS.items()}
    seen = total(player_views.values())
    active = union([row.sketches for row in facts.players], seen)
    countries = tops(of_players.get("country", {}), limit)
    by_player = _by_player(of_players.get("player", {}), limit, player_of)
    twins["player_activity"] = [
        {
            "views": seen[who],
            "active_players": active[who],
            "views_by_country": countries[who],
            "views_by_player": by_player[who],
        }
        for who in WHO
    ]
    return {
        **range_of(facts.from_day, facts.to_day),
        **with_twins(twins),
        **value_trend(trend_of, _values(facts.views, trend_of), facts.from_day, facts.to_day),
        "posts_registered": sum(facts.catalog.contents.values()),
        "players_registered": facts.catalog.players_registered,
        "players_registered_by_country": dict(facts.catalog.players_by_country),
        **freshness(facts.state, now_us=now_us, lag_s=lag_s),
    }


def _values(days: Sequence[Day], trend_of: TrendOf | None) -> dict[int, dict[str, Pair]]:
    if trend_of is None:
        return {}
    return {row.day: getattr(_views.decode(row.breakdowns), trend_of.dimension) for row in days}


def _by_player(values: Mapping[str, Pair], limit: int, player_of: PlayerOf) -> list[list[dict[str, Any]]]:
    """Return the players with most views, and the same players with their authenticated views."""
    ranked = sorted((-pair[0], key) for key, pair in values.items() if key != OTHER)[:limit]
    return [[_player_line(key, values[key][who], player_of(UUID(key).bytes)) for _, key in ranked] for who in WHO]


def _player_line(key: str, views: int, player: Player | None) -> dict[str, Any]:
    name, owner_id = (None, None) if player is None else (player.name, player.owner_id)
    return {"player_key": key, "name": name, "owner_id": owner_id, "views": views}


def _merged(days: Sequence[Day]) -> dict[str, dict[str, Pair]]:
    merged: dict[str, dict[str, Pair]] = {}
    for row in days:
        merge(merged, decode_pairs(row.breakdowns))
    return merged


def _merged_views(days: Sequence[Day]) -> tuple[dict[str, dict[str, Pair]], dict[int, Pair]]:
    """Return what answers speak of, and the views by players of each day."""
    merged: dict[str, dict[str, Pair]] = {dimension: {} for dimension in TOP_VIEWS.values()}
    players: dict[int, Pair] = {}
    for row in days:
        read = _views.decode(row.breakdowns)
        for dimension, into in merged.items():
            add_pairs(into, getattr(read, dimension))
        players[row.day] = read.source.get("player", [0, 0])
    return merged, players


def _daily(facts: SiteFacts, player_views: Mapping[int, Pair], who: int) -> list[dict[str, Any]]:
    site, views, players = ({row.day: row.counts for row in days} for days in (facts.site, facts.views, facts.players))
    trend = []
    for day in range(facts.from_day, facts.to_day + 1):
        of_site, of_views = site.get(day, {}), views.get(day, {})
        trend.append(
            {
                "date": date_of(day).isoformat(),
                **{name: of_site.get(name, NOTHING)[who] for name in SITE_COUNTS},
                **visits_of_day(facts.visits.get(day), of_site.get("page_views", NOTHING)[who], who),
                "posts_registered": facts.catalog.contents.get(day, 0),
                "views": of_views.get("views", NOTHING)[who],
                "unique_viewers": of_views.get("unique_viewers", NOTHING)[who],
                "player_views": player_views.get(day, NOTHING)[who],
                "active_players": players.get(day, {}).get("players", NOTHING)[who],
            }
        )
    return trend


def _hourly(recent: Mapping[str, Mapping[int, str]], now_us: int, who: int) -> list[dict[str, Any]]:
    """Return the hour that runs and the 23 before it, in UTC."""
    read = {
        name: {day: decode_pairs(text).get("hour_utc", {}) for day, text in days.items()}
        for name, days in recent.items()
    }
    trend = []
    for hour in range(now_us // HOUR_US - HOURS + 1, now_us // HOUR_US + 1):
        day, of_day = divmod(hour, 24)
        point: dict[str, Any] = {"hour": datetime_of(hour * HOUR_US)}
        for name, days in read.items():
            point[name] = days.get(day, {}).get(str(of_day), NOTHING)[who]
        trend.append(point)
    return trend


LoadSiteFacts = Callable[[int, int, int], Awaitable[SiteFacts]]
"""(first day, last day, today) → facts; raises StoreUnavailable."""
