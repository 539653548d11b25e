"""The days of one value of a breakdown."""

from __future__ import annotations

import pytest

from vts.query.ranges import BadRange
from vts.query.value_trend import OF_VIEWS, TrendOf, parse_trend_of, value_trend

DAY = 20_400  # 2025-11-08


def test_every_day_is_there_with_its_twin() -> None:
    days = {DAY: {"BR": [3, 1], "US": [9, 9]}, DAY + 2: {"US": [1, 0]}}
    assert value_trend(TrendOf("country", "BR"), days, DAY, DAY + 2) == {
        "value_trend": [
            {"date": "2025-11-08", "views": 3},
            {"date": "2025-11-09", "views": 0},
            {"date": "2025-11-10", "views": 0},
        ],
        "value_trend_authenticated": [
            {"date": "2025-11-08", "views": 1},
            {"date": "2025-11-09", "views": 0},
            {"date": "2025-11-10", "views": 0},
        ],
    }


def test_an_answer_has_none_unless_it_is_asked_for() -> None:
    assert parse_trend_of(None, OF_VIEWS) is None
    assert value_trend(None, {DAY: {"BR": [3, 1]}}, DAY, DAY) == {}


def test_a_value_may_have_colons_itself() -> None:
    assert parse_trend_of("referrer:example.org:8080", OF_VIEWS) == ("referrer", "example.org:8080")


@pytest.mark.parametrize("text", ["", "country", "country:", "playlist:7", "viewer:1", ":BR", "country:" + "B" * 513])
def test_what_cannot_be_read_names_what_can(text: str) -> None:
    with pytest.raises(BadRange, match="like country:BR; one of country, device") as refused:
        parse_trend_of(text, OF_VIEWS)
    assert "B" * 20 not in str(refused.value)
