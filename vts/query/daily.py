"""What answers about a content and about an artist have in common: everything in their daily rows. Pure.

Totals, breakdowns and `daily_views` speak of the range; reactions and comments of all time.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from vts.model.day import date_of
from vts.model.tally import Breakdowns, Pair, merge
from vts.query.shape import WHO, range_of, with_twins
from vts.query.value_trend import TrendOf, value_trend

TOP_COUNTRIES: Final = 10

ANSWERS: Final = {
    "views_by_country": "country",
    "views_by_device": "device",
    "views_by_type": "type",
    "views_by_source": "source",
    "views_by_channel": "channel",
    "views_by_play_order": "play_order",
    "views_by_referrer": "referrer",
    "views_by_hour_local": "hour_local",
    "views_by_playlist": "playlist",
}
"""Name in the answer → name in `breakdowns`."""

IMPRESSION: Final = "listing"
"""The view type of a content that was shown among others."""


class DayRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `post_stats_daily` or `artist_stats_daily` as an answer needs it; `day` is a day number."""

    day: int
    views: Pair
    unique_viewers: Pair
    imported_viewers: Pair  # of which so many are known as a number only
    first_view_at: dt.datetime | None
    last_view_at: dt.datetime | None
    first_view_at_authenticated: dt.datetime | None
    last_view_at_authenticated: dt.datetime | None
    breakdowns: Breakdowns


class Engagement(msgspec.Struct, frozen=True, kw_only=True):
    """Reactions per emoji, and comments."""

    reactions: dict[str, Pair]
    comments: Pair


class DailyFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Daily rows in order of day, unique viewers of the whole range, reactions and comments of all time."""

    from_day: int
    to_day: int
    days: list[DayRow]
    unique_viewers: Pair
    engagement: Engagement


def daily_fields(facts: DailyFacts, top_countries: int | None, trend_of: TrendOf | None = None) -> dict[str, Any]:
    """Return the range and all that is counted in it, every value with its `_authenticated` twin."""
    values = {} if trend_of is None else {row.day: row.breakdowns.get(trend_of.dimension, {}) for row in facts.days}
    breakdowns = _breakdowns(facts, top_countries)
    twins: dict[str, Sequence[Any]] = {
        "total_views": [sum(row.views[who] for row in facts.days) for who in WHO],
        "unique_viewers": facts.unique_viewers,
        "unique_viewers_imported": [sum(row.imported_viewers[who] for row in facts.days) for who in WHO],
        "total_impressions": [by_type.get(IMPRESSION, 0) for by_type in breakdowns["views_by_type"]],
        **breakdowns,
        "daily_views": [_daily(facts, who) for who in WHO],
        **_engagement(facts.engagement),
        "first_view_at": [
            _first(row.first_view_at for row in facts.days),
            _first(row.first_view_at_authenticated for row in facts.days),
        ],
        "last_view_at": [
            _last(row.last_view_at for row in facts.days),
            _last(row.last_view_at_authenticated for row in facts.days),
        ],
    }
    trend = value_trend(trend_of, values, facts.from_day, facts.to_day)
    return {**range_of(facts.from_day, facts.to_day), **with_twins(twins), **trend}


def ranked(values: Mapping[str, Pair], who: int, limit: int | None) -> dict[str, int]:
    """Return {value: count} of those above zero, largest first, ties in the order of the value."""
    counted = sorted((-pair[who], value) for value, pair in values.items() if pair[who])
    return {value: -count for count, value in counted[:limit]}


def _breakdowns(facts: DailyFacts, top_countries: int | None) -> dict[str, Sequence[Any]]:
    whole: Breakdowns = {}
    for row in facts.days:
        merge(whole, row.breakdowns)
    limits = {"country": top_countries}
    return {
        name: [ranked(whole.get(dimension, {}), who, limits.get(dimension)) for who in WHO]
        for name, dimension in ANSWERS.items()
    }


def _engagement(engagement: Engagement) -> dict[str, Sequence[Any]]:
    reactions = engagement.reactions
    return {
        "total_reactions": [sum(pair[who] for pair in reactions.values()) for who in WHO],
        "reactions_by_emoji": [ranked(reactions, who, None) for who in WHO],
        "total_comments": engagement.comments,
    }


def _daily(facts: DailyFacts, who: int) -> list[dict[str, Any]]:
    rows = {row.day: row for row in facts.days}
    days = []
    for day in range(facts.from_day, facts.to_day + 1):
        row = rows.get(day)
        views, unique = (row.views[who], row.unique_viewers[who]) if row else (0, 0)
        days.append({"date": date_of(day).isoformat(), "views": views, "unique_viewers": unique})
    return days


def _first(times: Iterable[dt.datetime | None]) -> dt.datetime | None:
    return min((at for at in times if at is not None), default=None)


def _last(times: Iterable[dt.datetime | None]) -> dt.datetime | None:
    return max((at for at in times if at is not None), default=None)
