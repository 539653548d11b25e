"""Zones of the IANA database and their countries."""

from __future__ import annotations

import zoneinfo

import pytest

from vts.enrich.timezones import TimeZones, country_codes


@pytest.fixture(scope="module")
def zones() -> TimeZones:
    return TimeZones()


@pytest.mark.parametrize(
    ("name", "country"),
    [
        ("America/Sao_Paulo", "BR"),
        ("Europe/Amsterdam", "NL"),
        ("Europe/Brussels", "BE"),
        ("America/New_York", "US"),
        ("Asia/Kolkata", "IN"),
        ("Africa/Lagos", "NG"),
        ("Africa/Kinshasa", "CD"),
        ("Atlantic/Reykjavik", "IS"),
        # Old names, which browsers and firmware still report.
        ("Asia/Calcutta", "IN"),
        ("Asia/Saigon", "VN"),
        ("Asia/Katmandu", "NP"),
        ("Europe/Kiev", "UA"),
        ("America/Buenos_Aires", "AR"),
        ("US/Pacific", "US"),
        ("Brazil/East", "BR"),
        ("GB", "GB"),
        ("Japan", "JP"),
        # Zones of no country.
        ("UTC", None),
        ("GMT", None),
        ("Etc/GMT+3", None),
        ("EST", None),
        ("EST5EDT", None),
        ("CET", None),
    ],
)
def test_countries_of_zones(zones: TimeZones, name: str, country: str | None) -> None:
    assert zones.zone(name) is not None
    assert zones.country(name) == country


@pytest.mark.parametrize(
    "name",
    [
        None,
        "",
        "Nowhere/Land",
        "america/sao_paulo",
        "../etc/passwd",
        "/etc/localtime",
        "localtime",
        "x" * 9_000,
        "\x00",
    ],
)
def test_names_that_are_none(zones: TimeZones, name: str | None) -> None:
    assert zones.zone(name) is None
    assert zones.country(name) is None


def test_every_name_of_this_machine_is_known(zones: TimeZones) -> None:
    unknown = {name for name in zoneinfo.available_timezones() if zones.zone(name) is None}
    assert unknown <= {"localtime", "posixrules", "Factory"}


def test_every_country_is_one(zones: TimeZones) -> None:
    codes = country_codes()
    assert len(codes) >= 250
    assert {zones.country(name) for name in zoneinfo.available_timezones()} - {None} <= codes
