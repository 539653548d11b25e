"""Local times of visitors and players, and clocks that are not set."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vts.enrich.local_time import LocalTime, PlayerTime, local_time, player_time
from vts.enrich.timezones import TimeZones
from vts.model.day import us_of

ZONES = TimeZones()
NOW = us_of(dt.datetime(2025, 12, 22, 16, 24, 15, tzinfo=dt.UTC))  # a Monday
SAO_PAULO, AUCKLAND = "America/Sao_Paulo", "Pacific/Auckland"


def wall(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


def known(text: str, zone: str | None, ignored: bool = False) -> LocalTime:
    when = wall(text)
    return LocalTime(when, zone, when.hour, when.weekday(), ignored)


NOTHING = LocalTime()
IGNORED = LocalTime(ignored=True)


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        (None, None, NOTHING),
        ("", "", NOTHING),
        # A wall clock counts as it reads, with and without a zone.
        ("2025-12-22T13:24:15", None, known("2025-12-22T13:24:15", None)),
        ("2025-12-22T13:24:15", SAO_PAULO, known("2025-12-22T13:24:15", SAO_PAULO)),
        ("2025-12-22 13:24:15", SAO_PAULO, known("2025-12-22T13:24:15", SAO_PAULO)),
        ("2025-12-22t13:24", SAO_PAULO, known("2025-12-22T13:24:00", SAO_PAULO)),
        ("2025-12-22T13:24:15.123456789", None, known("2025-12-22T13:24:15.123456", None)),
        ("2025-12-22T13:24:15,5", None, known("2025-12-22T13:24:15.500", None)),
        ("2025-12-23T05:24:15", AUCKLAND, known("2025-12-23T05:24:15", AUCKLAND)),
        # A moment is moved to the zone; by its own offset without one; UTC alone is no place.
        ("2025-12-22T16:24:15Z", SAO_PAULO, known("2025-12-22T13:24:15", SAO_PAULO)),
        ("2025-12-22T16:24:15.000Z", AUCKLAND, known("2025-12-23T05:24:15", AUCKLAND)),
        ("2025-12-22T13:24:15-03:00", None, known("2025-12-22T13:24:15", None)),
        ("2025-12-22T13:24:15-0300", None, known("2025-12-22T13:24:15", None)),
        ("2025-12-22T13:24:15 -03", None, known("2025-12-22T13:24:15", None)),
        ("2025-12-22T13:24:15-03:00", SAO_PAULO, known("2025-12-22T13:24:15", SAO_PAULO)),
        ("2025-12-22T16:24:15Z", None, NOTHING),
        ("2025-12-22T16:24:15+00:00", None, NOTHING),
        ("2025-12-22T16:24:15Z", "UTC", known("2025-12-22T16:24:15", "UTC")),
        # A zone alone tells the local time of the arrival.
        (None, SAO_PAULO, known("2025-12-22T13:24:15", SAO_PAULO)),
        ("", "Asia/Calcutta", known("2025-12-22T21:54:15", "Asia/Calcutta")),
        # What cannot be used is ignored, and said.
        (None, "Nowhere/Land", IGNORED),
        ("2025-12-22T13:24:15", "Nowhere/Land", known("2025-12-22T13:24:15", None, True)),
        ("yesterday", None, IGNORED),
        ("yesterday", SAO_PAULO, known("2025-12-22T13:24:15", SAO_PAULO, True)),
        ("1970-01-01T00:00:00", None, IGNORED),
        ("1999-12-31T23:59:59", None, IGNORED),
        ("2025-12-24T06:24:16", None, IGNORED),
        ("9999-12-31T23:59:59", None, IGNORED),
        ("0001-01-01T00:00:00+14:00", SAO_PAULO, known("2025-12-22T13:24:15", SAO_PAULO, True)),
        ("300000-12-22T13:24:15", None, IGNORED),
        ("2025-13-22T13:24:15", None, IGNORED),
        ("2025-02-30T13:24:15", None, IGNORED),
        ("2025-12-22T24:24:15", None, IGNORED),
        ("2025-12-22T13:24:61", None, IGNORED),
        ("2025-12-22T13:24:15+25:00", None, IGNORED),
        ("2025-12-22", None, IGNORED),
        ("20251222T132415", None, IGNORED),
        ("2025-W52-1T13:24:15", None, IGNORED),
        ("٢٠٢٥-12-22T13:24:15", None, IGNORED),
        ("2025-12-22T13:24:15\x00", None, IGNORED),
        ("2025-12-22T13:24:15" + " " * 9_000, None, IGNORED),
        ("1" * 9_000, None, IGNORED),
        ("\udcff", None, IGNORED),
    ],
)
def test_the_local_time_of_a_visitor(text: str | None, zone: str | None, expected: LocalTime) -> None:
    assert local_time(text, zone, NOW, ZONES) == expected


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        # The clock is not set.
        (None, None, PlayerTime()),
        ("", "", PlayerTime()),
        ("1970-01-01T00:00:00Z", "", PlayerTime()),
        ("1970-01-01T00:00:00Z", SAO_PAULO, PlayerTime(local=LocalTime(timezone=SAO_PAULO))),
        ("1970-01-01T00:03:20Z", "", PlayerTime()),
        ("1970-01-01T00:00:00", None, PlayerTime()),
        ("1970-01-01T00:00:00", SAO_PAULO, PlayerTime(local=LocalTime(timezone=SAO_PAULO))),
        (None, SAO_PAULO, PlayerTime(local=LocalTime(timezone=SAO_PAULO))),
        # A moment.
        ("2025-12-22T16:24:15Z", "", PlayerTime(NOW)),
        ("2025-12-22T16:24:15Z", None, PlayerTime(NOW)),
        ("2025-12-22T16:24:15.250Z", "", PlayerTime(NOW + 250_000)),
        ("2025-12-22T16:24:15Z", SAO_PAULO, PlayerTime(NOW, known("2025-12-22T13:24:15", SAO_PAULO))),
        ("2025-12-22T16:24:15Z", "UTC", PlayerTime(NOW, known("2025-12-22T16:24:15", "UTC"))),
        ("2025-12-22T13:24:15-03:00", "", PlayerTime(NOW, known("2025-12-22T13:24:15", None))),
        ("2025-12-22T13:24:15-03:00", AUCKLAND, PlayerTime(NOW, known("2025-12-23T05:24:15", AUCKLAND))),
        ("2025-12-22T13:24:15", SAO_PAULO, PlayerTime(NOW, known("2025-12-22T13:24:15", SAO_PAULO))),
        ("2025-12-22T16:24:15Z", "Nowhere/Land", PlayerTime(NOW, IGNORED)),
        # A wall clock of an unknown place is no moment.
        ("2025-12-22T13:24:15", "", PlayerTime(None, known("2025-12-22T13:24:15", None))),
        # Far off: real, and the gate's to judge.
        ("1970-01-02T00:00:00Z", "", PlayerTime(86_400_000_000)),
        ("1969-12-31T23:59:59Z", "", PlayerTime(-1_000_000)),
        ("9999-12-31T23:59:59Z", "", PlayerTime(253_402_300_799_000_000)),
        (
            "9999-12-31T23:59:59Z",
            AUCKLAND,
            PlayerTime(253_402_300_799_000_000, LocalTime(None, AUCKLAND, ignored=True)),
        ),
        (
            "0001-01-01T00:00:00Z",
            SAO_PAULO,
            PlayerTime(-62_135_596_800_000_000, LocalTime(None, SAO_PAULO, ignored=True)),
        ),
        # No time at all.
        ("300000-01-01T00:00:00Z", "", PlayerTime(invalid=True)),
        ("soon", "", PlayerTime(invalid=True)),
        ("soon", SAO_PAULO, PlayerTime(local=LocalTime(timezone=SAO_PAULO), invalid=True)),
        ("2025-12-22", "", PlayerTime(invalid=True)),
        ("2025-02-30T00:00:00Z", "", PlayerTime(invalid=True)),
        ("1766420655", "", PlayerTime(invalid=True)),
        ("2025-12-22T16:24:15Z\x00", "", PlayerTime(invalid=True)),
        ("x" * 9_000, "", PlayerTime(invalid=True)),
    ],
)
def test_the_clock_of_a_player(text: str | None, zone: str | None, expected: PlayerTime) -> None:
    assert player_time(text, zone, ZONES) == expected


@pytest.mark.parametrize(
    ("text", "zone", "moment"),
    [
        ("2025-03-30T02:30:00", "Europe/Berlin", "2025-03-30T01:30:00+00:00"),  # an hour that the clock skipped
        ("2025-10-26T02:30:00", "Europe/Berlin", "2025-10-26T00:30:00+00:00"),  # an hour that came twice: the first
    ],
)
def test_hours_that_a_clock_skips_or_repeats_name_one_moment(text: str, zone: str, moment: str) -> None:
    assert player_time(text, zone, ZONES).device_time_us == us_of(dt.datetime.fromisoformat(moment))


@given(st.datetimes(timezones=st.timezones()), st.sampled_from([None, SAO_PAULO, AUCKLAND, "UTC"]))
def test_whatever_a_clock_can_say_is_exact_to_the_microsecond(when: dt.datetime, zone: str | None) -> None:
    try:
        moment = us_of(when)
    except OverflowError:
        return
    offset = when.utcoffset()
    if offset is None or offset.seconds % 60 or moment // 86_400_000_000 == 0 or when.date() == dt.date(1970, 1, 1):
        return
    said = player_time(when.isoformat(), zone, ZONES)
    assert said.device_time_us == moment
    if said.local.datetime is not None:
        assert said.local.hour == said.local.datetime.hour
        assert said.local.weekday == said.local.datetime.weekday()


@given(st.text(max_size=80), st.text(max_size=40))
def test_any_text_is_a_time_or_none(text: str, zone: str) -> None:
    assert player_time(text, zone, ZONES).local.timezone in {None, zone}
    assert local_time(text, zone, NOW, ZONES).timezone in {None, zone}
