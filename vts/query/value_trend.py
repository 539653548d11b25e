"""The days of one value of a breakdown: the views from Brazil, by day. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final, NamedTuple

from vts.model.day import date_of
from vts.model.tally import Pair
from vts.query.ranges import BadRange
from vts.query.shape import WHO, with_twins

FIELD: Final = "value_trend"
VALUE_MAX_CHARS: Final = 512
NOTHING: Final = (0, 0)
OF_VIEWS: Final = ("country", "device", "type", "source", "channel", "play_order", "referrer", "hour_local")
OF_SITE: Final = ("country", "device", "type", "source", "referrer")
"""The breakdowns whose values have days in an answer. Playlists have a question of their own."""


class TrendOf(NamedTuple):
    """A value of a breakdown."""

    dimension: str
    value: str


def parse_trend_of(text: str | None, allowed: Collection[str]) -> TrendOf | None:
    """Return the value that a question names, like `country:BR`; None for none. Raises BadRange."""
    if text is None:
        return None
    dimension, colon, value = text.partition(":")
    if dimension not in allowed or not colon or not 1 <= len(value) <= VALUE_MAX_CHARS:
        raise BadRange(f"trend_of: a breakdown and a value are expected, like country:BR; one of {', '.join(allowed)}")
    return TrendOf(dimension, value)


def value_trend(asked: TrendOf | None, days: Mapping[int, Mapping[str, Pair]], first: int, last: int) -> dict[str, Any]:
    """Return `value_trend` and its twin: [{"date", "views"}] with every day; nothing where none is asked for.

    `days` has the values of the breakdown by day. A day keeps its 100 largest values, so a smaller one has 0 on days on
    which it stands under `other`.
    """
    if asked is None:
        return {}
    pairs = [(date_of(day).isoformat(), days.get(day, {}).get(asked.value, NOTHING)) for day in range(first, last + 1)]
    return with_twins({FIELD: [[{"date": date, "views": pair[who]} for date, pair in pairs] for who in WHO]})
