"""Days of a time zone from UTC hours: exact where an hour lies in one day, and said where it does not."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vts.model.day import HOUR_US, date_of, datetime_of, day_of_date
from vts.query.zone_days import HourRow, Zone, in_zone, zone_days


def zone(name: str) -> Zone:
    return Zone(name, ZoneInfo(name))


def day(text: str) -> int:
    return day_of_date(dt.date.fromisoformat(text))


def row(text: str, *hours: int, total: int | None = None) -> HourRow:
    """A UTC day with a signed-in view in each of these hours."""
    counted = {str(hour): [1, 1] for hour in hours}
    return HourRow(day(text), [len(hours) if total is None else total] * 2, counted)


def dates(found: Any) -> dict[str, int]:
    return {date_of(number).isoformat(): pair[0] for number, pair in sorted(found.by_day.items())}


ZONES = {
    # In winter Berlin's day begins at 23:00 UTC, New York's at 05:00, Auckland's at 11:00 of the day before.
    "Europe/Berlin": {"2026-01-14": 1, "2026-01-15": 2, "2026-01-16": 1},
    "America/New_York": {"2026-01-14": 2, "2026-01-15": 2},
    "Pacific/Auckland": {"2026-01-15": 2, "2026-01-16": 2},
    "UTC": {"2026-01-14": 1, "2026-01-15": 3},
}


@pytest.mark.parametrize("name", ZONES)
def test_hours_are_put_into_the_dates_of_a_zone(name: str) -> None:
    rows = [row("2026-01-14", 22), row("2026-01-15", 4, 12, 23)]
    found = zone_days(rows, zone(name))
    assert (dates(found), found.is_exact) == (ZONES[name], True)


@pytest.mark.parametrize(
    ("utc_day", "hour", "date"),
    [
        ("2026-03-28", 22, "2026-03-28"),  # the day before it has 24 hours and begins at 23:00 UTC
        ("2026-03-28", 23, "2026-03-29"),
        ("2026-03-29", 21, "2026-03-29"),  # this one has 23 hours
        ("2026-03-29", 22, "2026-03-30"),
        ("2026-10-24", 22, "2026-10-25"),  # and this one 25
        ("2026-10-25", 22, "2026-10-25"),
        ("2026-10-25", 23, "2026-10-26"),
    ],
)
def test_days_on_which_clocks_change_have_their_own_hours(utc_day: str, hour: int, date: str) -> None:
    found = zone_days([row(utc_day, hour)], zone("Europe/Berlin"))
    assert (dates(found), found.is_exact) == ({date: 1}, True)


def test_an_hour_that_two_dates_share_is_not_exact() -> None:
    """Midnight in Kolkata is 18:30 UTC."""
    kolkata = zone("Asia/Kolkata")
    assert zone_days([row("2026-01-15", 17, 19)], kolkata).is_exact
    found = zone_days([row("2026-01-15", 18)], kolkata)
    assert (dates(found), found.is_exact) == ({"2026-01-15": 1}, False)


def test_what_was_imported_without_hours_stays_with_its_date_and_is_not_exact() -> None:
    found = zone_days([row("2026-01-15", 23, total=5)], zone("Europe/Berlin"))
    assert (dates(found), found.is_exact) == ({"2026-01-15": 4, "2026-01-16": 1}, False)


@given(st.sampled_from(sorted(ZONES)), st.dictionaries(st.integers(20_000, 20_800), st.sets(st.integers(0, 23))))
def test_no_view_is_lost_and_each_is_in_the_date_of_its_hour(name: str, hours: dict[int, set[int]]) -> None:
    berlin = zone(name)
    rows = [HourRow(number, [len(of), 0], {str(hour): [1, 0] for hour in of}) for number, of in hours.items()]
    expected: dict[int, int] = {}
    for number, of in hours.items():
        for hour in of:
            local = datetime_of((number * 24 + hour) * HOUR_US).astimezone(berlin.rules).date()
            expected[day_of_date(local)] = expected.get(day_of_date(local), 0) + 1
    assert {number: pair[0] for number, pair in zone_days(rows, berlin).by_day.items()} == expected


def body(*days: str) -> dict[str, Any]:
    """The answer about UTC days, each with 7 views."""
    lines = [{"date": each, "views": 7, "unique_viewers": 3} for each in days]
    twins = {"total_views": 7 * len(days), "views_by_country": {"DE": 7}, "daily_views": lines}
    return {
        "post_id": 1,
        "from": days[0],
        "to": days[-1],
        **{name + twin: value for name, value in twins.items() for twin in ("", "_authenticated")},
        "total_comments": 4,
        "total_comments_authenticated": 4,
        "computed_at": "now",
    }


def asked(name: str, *rows: HourRow) -> dict[str, Any]:
    found = zone_days(rows, zone(name))
    days = day("2026-01-15"), day("2026-01-16")
    return in_zone(body("2026-01-15", "2026-01-16"), zone(name), days, "daily_views", {"views": ("total_views", found)})


def test_an_answer_has_the_views_of_the_dates_and_names_what_is_of_utc_days() -> None:
    found = asked("Europe/Berlin", row("2026-01-14", 22, 23), row("2026-01-15", 5, 23))
    assert [line["views"] for line in found["daily_views"]] == [2, 1]
    assert [line["unique_viewers"] for line in found["daily_views"]] == [3, 3]
    assert (found["total_views"], found["total_views_authenticated"]) == (3, 3)
    assert (found["tz"], found["tz_inexact"]) == ("Europe/Berlin", ["views_by_country", "daily_views.unique_viewers"])


def test_an_answer_names_views_that_are_not_exact() -> None:
    found = asked("Asia/Kolkata", row("2026-01-15", 18))
    assert found["tz_inexact"] == [
        "total_views",
        "views_by_country",
        "daily_views.views",
        "daily_views.unique_viewers",
    ]


@pytest.mark.parametrize("name", ["UTC", "Europe/London"])
def test_dates_that_are_utc_days_are_exact_in_everything(name: str) -> None:
    assert asked(name, row("2026-01-15", 18))["tz_inexact"] == []
