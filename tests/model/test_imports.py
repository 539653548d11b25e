"""Rows of imported days: which contradict themselves, and what a row without a field stands for."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec
import pytest

from vts.model.imports import VALUES_MAX, BadRow, DailyRow, SiteRow, check

DAY = "2025-12-22"
ROW: dict[str, Any] = {"post_id": 42, "day": DAY, "views": 10, "views_authenticated": 4}


def row(kind: type[DailyRow] = DailyRow, **fields: Any) -> DailyRow:
    return msgspec.convert(ROW | fields, kind)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"day": "1969-12-31"}, "day"),
        ({"views": 0}, "views"),
        ({"views_authenticated": 11}, "views_authenticated"),
        ({"unique_viewers": 11}, "unique_viewers"),
        ({"unique_viewers": 6, "unique_viewers_imported": 5}, "unique_viewers"),
        ({"unique_viewers": 5, "unique_viewers_authenticated": 5}, "unique_viewers_authenticated"),
        ({"unique_viewers": 2, "unique_viewers_authenticated": 3}, "unique_viewers_authenticated"),
        ({"first_view_at": f"{DAY}T10:00:00"}, "first_view_at"),
        ({"first_view_at": "2025-12-21T23:59:59Z"}, "first_view_at"),
        ({"last_view_at": f"{DAY}T23:30:00-01:00"}, "last_view_at"),
        ({"first_view_at": f"{DAY}T10:00:01Z", "last_view_at": f"{DAY}T10:00:00Z"}, "first_view_at"),
        ({"breakdowns": {"mood": {"good": 1}}}, "breakdowns"),
        ({"breakdowns": {"country": {f"{n}": 0 for n in range(VALUES_MAX + 1)}}}, "breakdowns.country"),
        ({"breakdowns": {"country": {"a\0": 1}}}, "breakdowns.country"),
        ({"breakdowns": {"country": {"BR": [1, 2]}}}, "breakdowns.country"),
        ({"breakdowns": {"country": {"BR": 6, "FR": 5}}}, "breakdowns.country"),
        ({"breakdowns": {"country": {"BR": [5, 3], "FR": [5, 2]}}}, "breakdowns.country"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_row_that_contradicts_itself_is_refused_by_the_name_of_a_field(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(BadRow) as fault:
        check(row(**fields))
    assert str(fault.value).split(":")[0] == field


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"unique_viewers": 10, "unique_viewers_authenticated": 4},
        {"first_view_at": f"{DAY}T01:30:00+01:00", "last_view_at": f"{DAY}T23:59:59.999999Z"},
        {"breakdowns": {"country": {"BR": [6, 4], "FR": 4}, "device": {}}},
    ],
    ids=["least", "all viewers", "whole day", "breakdowns"],
)
def test_sound_rows_pass(fields: dict[str, Any]) -> None:
    check(row(**fields))


def test_a_row_of_the_site_may_give_the_viewers_alone() -> None:
    viewers = {"post_id": 0, "views": 0, "views_authenticated": 0, "unique_viewers": 3}
    check(row(SiteRow, **viewers))
    with pytest.raises(BadRow, match=r"^views"):
        check(row(**viewers | {"post_id": 42}))
    with pytest.raises(BadRow, match=r"^views"):
        check(row(SiteRow, **viewers | {"breakdowns": {"country": {"BR": 1}}}))


def test_an_exported_row_is_a_row() -> None:
    exported = row(
        views=0, views_authenticated=0, total_views=8, total_views_authenticated=3, unique_viewers_imported=2
    )
    assert (exported.views, exported.views_authenticated, exported.viewers) == (8, 3, (2, 0))
    assert row(total_views=8).views == 10, "the row's own count goes first"


def test_a_span_that_is_not_known_is_the_day() -> None:
    begin = dt.datetime(2025, 12, 22, tzinfo=dt.UTC)
    assert row().span() == (begin, begin + dt.timedelta(days=1, microseconds=-1))


def test_a_count_alone_has_no_authenticated_views() -> None:
    assert row(breakdowns={"country": {"BR": 3, "FR": [2, 1]}, "device": {}}).pairs() == {
        "country": {"BR": [3, 0], "FR": [2, 1]}
    }
