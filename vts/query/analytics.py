"""Answers about channels, play orders and peak hours: counts from the site's daily rows, the rest from analytics.

Views by channel, play order, hour and weekday are exact and as fresh as every count. Viewers, time spent and conversion
come from rows that are computed from raw views and may lag; the answer says by how much.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, Literal, TypeVar

import msgspec

from vts.model.day import date_of
from vts.model.tally import Pair, add_pairs
from vts.model.view import CHANNELS, PLAY_ORDERS
from vts.query.freshness import AnalyticsFreshness, freshness
from vts.query.shape import WHO, decode_values, range_of, union, with_twins
from vts.query.site import Sketches

K = TypeVar("K")
Dimension = Literal["channel", "play_order"]

PLAY_ORDER_NAMES: Final = dict(zip(PLAY_ORDERS, ("server", "created", "random"), strict=True))
PEAKS: Final = 3  # hours that are named as the busiest
HOURS: Final = range(24)
WEEKDAYS: Final = range(7)  # 0 is Monday


def none_seen() -> Pair:
    """Return the pair of zeros."""
    return [0, 0]


class Engagement(msgspec.Struct, frozen=True, kw_only=True):
    """What the analytics of a range add up to for one channel, context or play order; pairs [all, authenticated]."""

    views: Pair = msgspec.field(default_factory=none_seen)
    dwell_ms: Pair = msgspec.field(default_factory=none_seen)
    dwell_views: Pair = msgspec.field(default_factory=none_seen)
    shown: Pair = msgspec.field(default_factory=none_seen)
    converted: Pair = msgspec.field(default_factory=none_seen)


class EngagementFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Views by day as the site's breakdown (JSON), engagement by (value, context), sketches of a value's days."""

    from_day: int
    to_day: int
    days: Mapping[int, str | None]
    engagement: Mapping[tuple[str, str], Engagement]
    sketches: Mapping[str, Sequence[Sketches]]
    state: AnalyticsFreshness


class HoursFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Views of days as the site's breakdowns by hour and by weekday (JSON), and by (weekday, hour)."""

    from_day: int
    to_day: int
    days: Sequence[tuple[str | None, str | None]]
    cells: Mapping[tuple[int, int], Pair]
    state: AnalyticsFreshness


def channels_answer(facts: EngagementFacts, *, limit: int, now_us: int, lag_s: float) -> dict[str, Any]:
    """Return the JSON object of `GET /api/admin/channels`: every channel, the most viewed first."""
    by_day = {day: decode_values(text) for day, text in facts.days.items()}
    views = _summed(by_day.values())
    rows = [
        {
            "channel": name,
            **_engaged(facts, name, views.get(name, [0, 0])),
            "contexts": _contexts(facts.engagement, name, limit),
        }
        for name in CHANNELS
    ]
    rows.sort(key=lambda row: -row["views"])
    daily = [
        [
            {"date": date_of(day).isoformat(), **_counts(by_day.get(day, {}), CHANNELS, who)}
            for day in range(facts.from_day, facts.to_day + 1)
        ]
        for who in WHO
    ]
    return {
        **range_of(facts.from_day, facts.to_day),
        "channels": rows,
        **with_twins({"daily_views": daily}),
        **freshness(facts.state, now_us=now_us, lag_s=lag_s),
    }


def play_orders_answer(facts: EngagementFacts, *, now_us: int, lag_s: float) -> dict[str, Any]:
    """Return the JSON object of `GET /api/admin/play-orders`: every order, by its number."""
    views = _summed(decode_values(text) for text in facts.days.values())
    rows = [
        {"play_order": order, "name": name, **_engaged(facts, str(order), views.get(str(order), [0, 0]))}
        for order, name in PLAY_ORDER_NAMES.items()
    ]
    return {
        **range_of(facts.from_day, facts.to_day),
        "play_orders": rows,
        **freshness(facts.state, now_us=now_us, lag_s=lag_s),
    }


def peak_hours_answer(facts: HoursFacts, *, now_us: int, lag_s: float) -> dict[str, Any]:
    """Return the JSON object of `GET /api/admin/peak-hours`, by the viewers' own clocks; weekday 0 is Monday."""
    hours, weekdays = (_summed(decode_values(day[which]) for day in facts.days) for which in (0, 1))
    peaks = {
        "peak_hours": [_peaks(hours, HOURS, who) for who in WHO],
        "peak_weekdays": [_peaks(weekdays, WEEKDAYS, who)[:1] for who in WHO],
    }
    cells = [{"weekday": day, "hour": hour, **_views(facts.cells, (day, hour))} for day in WEEKDAYS for hour in HOURS]
    return {
        **range_of(facts.from_day, facts.to_day),
        "hours": [{"hour": hour, **_views(hours, str(hour))} for hour in HOURS],
        "weekdays": [{"weekday": day, **_views(weekdays, str(day))} for day in WEEKDAYS],
        "weekday_hours": cells,
        **with_twins(peaks),
        **freshness(facts.state, now_us=now_us, lag_s=lag_s),
    }


def engagement_fields(engagement: Engagement) -> dict[str, Sequence[Any]]:
    """Return what is reported of time and conversion, as twins; a mean or a rate of nothing is null."""
    return {
        "dwell_seconds": [engagement.dwell_ms[who] / 1000 for who in WHO],
        "dwell_views": engagement.dwell_views,
        "dwell_seconds_per_view": [_ratio(engagement.dwell_ms[w] / 1000, engagement.dwell_views[w]) for w in WHO],
        "shown": engagement.shown,
        "converted": engagement.converted,
        "conversion_rate": [_ratio(engagement.converted[who], engagement.shown[who]) for who in WHO],
    }


def _engaged(facts: EngagementFacts, value: str, views: Pair) -> dict[str, Any]:
    unique = union(facts.sketches.get(value, ()), views)
    fields = engagement_fields(facts.engagement.get((value, ""), Engagement()))
    return with_twins({"views": views, "unique_viewers": unique, **fields})


def _contexts(engagement: Mapping[tuple[str, str], Engagement], channel: str, limit: int) -> list[dict[str, Any]]:
    found = [(context, row) for (value, context), row in engagement.items() if value == channel and context]
    found.sort(key=lambda one: (-one[1].views[0], one[0]))
    return [
        {"context": context, **with_twins({"views": row.views, **engagement_fields(row)})}
        for context, row in found[:limit]
    ]


def _summed(parts: Any) -> dict[str, Pair]:
    whole: dict[str, Pair] = {}
    for values in parts:
        add_pairs(whole, values)
    return whole


def _counts(values: Mapping[str, Pair], names: Sequence[str], who: int) -> dict[str, int]:
    return {name: values[name][who] if name in values else 0 for name in names}


def _views(values: Mapping[K, Pair], key: K) -> dict[str, Any]:
    return with_twins({"views": values.get(key, [0, 0])})


def _peaks(values: Mapping[str, Pair], places: Sequence[int], who: int) -> list[int]:
    """Return where the largest counts are, the largest first; ties in order, and never where nothing was seen."""
    counts = {place: values[str(place)][who] for place in places if str(place) in values}
    busy = [place for place, count in counts.items() if count]
    return sorted(busy, key=lambda place: (-counts[place], place))[:PEAKS]


def _ratio(part: float, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


LoadEngagement = Callable[[Dimension, int, int], Awaitable[EngagementFacts]]
"""(kind, first day, last day) → facts; raises StoreUnavailable."""
LoadHours = Callable[[int, int], Awaitable[HoursFacts]]
"""(first day, last day) → facts; raises StoreUnavailable."""
