"""The answer about one content over a range of days, from its daily rows.

One statement snapshot serves the whole answer, so no day is read twice and none is skipped. Totals, breakdowns and
`daily_views` speak of the range; reactions and comments of all time.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, Protocol

import msgspec

from vts.model.day import date_of, datetime_of

Pair = list[int]
"""[all views, authenticated views]"""

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


class Reader(Protocol):
    """One connection in one snapshot."""

    async def fetch(self, sql: str, *args: object) -> Sequence[Mapping[str, Any]]:
        """Run a statement and return its rows."""
        ...


class DayRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `post_stats_daily` as the answer needs it; `day` is a day number."""

    day: int
    views: Pair
    unique_viewers: Pair
    imported_viewers: Pair  # of which so many are known as a number only
    first_view_at: dt.datetime | None
    last_view_at: dt.datetime | None
    first_view_at_authenticated: dt.datetime | None
    last_view_at_authenticated: dt.datetime | None
    breakdowns: dict[str, dict[str, Pair]]


class Engagement(msgspec.Struct, frozen=True, kw_only=True):
    """Reactions per emoji and comments of one content."""

    reactions: dict[str, Pair]
    comments: Pair


class PostFacts(msgspec.Struct, frozen=True, kw_only=True):
    """All that an answer is made of: daily rows in order of day, exact uniques of the range, reactions."""

    post_id: int
    from_day: int
    to_day: int
    days: list[DayRow]
    unique_viewers: Pair
    engagement: Engagement


def answer(
    facts: PostFacts, *, now_us: int, lag_s: float, top_countries: int | None = TOP_COUNTRIES
) -> dict[str, Any]:
    """Return the JSON object of `GET /api/post/{id}/stats`, every value with its `_authenticated` twin."""
    twins: dict[str, list[Any]] = {
        "total_views": [sum(row.views[who] for row in facts.days) for who in (0, 1)],
        "unique_viewers": list(facts.unique_viewers),
        "unique_viewers_imported": [sum(row.imported_viewers[who] for row in facts.days) for who in (0, 1)],
    }
    merged = merge_breakdowns(row.breakdowns for row in facts.days)
    for name, dimension in ANSWERS.items():
        limit = top_countries if dimension == "country" else None
        twins[name] = [ranked(merged.get(dimension, {}), who, limit) for who in (0, 1)]
    twins["daily_views"] = [_daily(facts, who) for who in (0, 1)]
    twins["total_reactions"] = [sum(pair[who] for pair in facts.engagement.reactions.values()) for who in (0, 1)]
    twins["reactions_by_emoji"] = [ranked(facts.engagement.reactions, who, None) for who in (0, 1)]
    twins["total_comments"] = list(facts.engagement.comments)
    twins["first_view_at"] = [
        _first(r.first_view_at for r in facts.days),
        _first(r.first_view_at_authenticated for r in facts.days),
    ]
    twins["last_view_at"] = [
        _last(r.last_view_at for r in facts.days),
        _last(r.last_view_at_authenticated for r in facts.days),
    ]
    body: dict[str, Any] = {
        "post_id": facts.post_id,
        "from": date_of(facts.from_day).isoformat(),
        "to": date_of(facts.to_day).isoformat(),
    }
    for name, (everyone, authenticated) in twins.items():
        body[name] = everyone
        body[f"{name}_authenticated"] = authenticated
    body["computed_at"] = datetime_of(now_us)
    body["lag_seconds"] = round(lag_s, 3)
    return body


def merge_breakdowns(parts: Any) -> dict[str, dict[str, Pair]]:
    """Add up breakdowns of several days: {dimension: {value: [all, authenticated]}}."""
    merged: dict[str, dict[str, Pair]] = {}
    for part in parts:
        for dimension, values in part.items():
            into = merged.setdefault(dimension, {})
            for value, (views, authenticated) in values.items():
                pair = into.setdefault(value, [0, 0])
                pair[0] += views
                pair[1] += authenticated
    return merged


def ranked(values: Mapping[str, Pair], who: int, limit: int | None) -> dict[str, int]:
    """Return {value: count} of those above zero, largest first, ties in the order of the value."""
    counted = sorted(
        ((pair[who], value) for value, pair in values.items() if pair[who]), key=lambda cv: (-cv[0], cv[1])
    )
    return {value: count for count, value in counted[:limit]}


def _daily(facts: PostFacts, who: int) -> list[dict[str, Any]]:
    rows = {row.day: row for row in facts.days}
    days = []
    for day in range(facts.from_day, facts.to_day + 1):
        row = rows.get(day)
        views, unique = (row.views[who], row.unique_viewers[who]) if row else (0, 0)
        days.append({"date": date_of(day).isoformat(), "views": views, "unique_viewers": unique})
    return days


def _first(times: Any) -> dt.datetime | None:
    return min((t for t in times if t is not None), default=None)


def _last(times: Any) -> dt.datetime | None:
    return max((t for t in times if t is not None), default=None)


LoadPostFacts = Callable[[int, int, int], Awaitable[PostFacts]]
"""(post_id, first day, last day) → facts; raises StoreUnavailable."""
