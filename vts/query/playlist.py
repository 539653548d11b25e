"""The answer about views via a playlist. Its views of a day are the site's count of them, as fresh as every count.

A day of the site keeps its largest playlists by name and the others together. When it had to, the views of a day are
those that its analytics know of, which may lag like time spent, contents, countries and viewers.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import msgspec

from vts.model.day import date_of
from vts.model.tally import Pair, add_pairs
from vts.query.analytics import Engagement, engagement_fields
from vts.query.freshness import AnalyticsFreshness, freshness
from vts.query.shape import WHO, decode_pairs, range_of, tops, total, union, with_twins
from vts.query.site import Sketches


class PlaylistDay(msgspec.Struct, frozen=True, kw_only=True):
    """What the analytics of a day say of a playlist."""

    views: Pair
    dwell_ms: Pair
    dwell_views: Pair
    breakdowns: str
    sketches: Sketches


class PlaylistFacts(msgspec.Struct, frozen=True, kw_only=True):
    """`counted` holds the days whose count by the site is exact, `days` those with analytics. `known`: ever viewed."""

    playlist_id: int
    from_day: int
    to_day: int
    counted: Mapping[int, Pair]
    days: Mapping[int, PlaylistDay]
    known: bool
    state: AnalyticsFreshness


def answer(facts: PlaylistFacts, *, limit: int, now_us: int, lag_s: float) -> dict[str, Any]:
    """Return the JSON object of `GET /api/admin/playlists/{id}`."""
    breakdowns: dict[str, dict[str, Pair]] = {"post": {}, "country": {}}
    for row in facts.days.values():
        for dimension, values in decode_pairs(row.breakdowns).items():
            add_pairs(breakdowns[dimension], values)
    views = {day: _views(facts, day) for day in range(facts.from_day, facts.to_day + 1)}
    stay = Engagement(
        dwell_ms=total(row.dwell_ms for row in facts.days.values()),
        dwell_views=total(row.dwell_views for row in facts.days.values()),
    )
    time_spent = {name: twins for name, twins in engagement_fields(stay).items() if name.startswith("dwell")}
    all_views = total(views.values())
    twins: dict[str, Sequence[Any]] = {
        "views": all_views,
        "unique_viewers": union([row.sketches for row in facts.days.values()], all_views),
        **time_spent,
        "views_by_post": tops(breakdowns["post"], limit),
        "views_by_country": tops(breakdowns["country"], limit),
        "daily_views": [
            [{"date": date_of(day).isoformat(), "views": pair[who]} for day, pair in views.items()] for who in WHO
        ],
    }
    return {
        "playlist_id": facts.playlist_id,
        **range_of(facts.from_day, facts.to_day),
        **with_twins(twins),
        **freshness(facts.state, now_us=now_us, lag_s=lag_s),
    }


def _views(facts: PlaylistFacts, day: int) -> Pair:
    counted = facts.counted.get(day)
    if counted is not None:
        return counted
    row = facts.days.get(day)
    return [0, 0] if row is None else row.views


LoadPlaylist = Callable[[int, int, int], Awaitable[PlaylistFacts]]
"""(playlist, first day, last day) → facts; raises StoreUnavailable."""
