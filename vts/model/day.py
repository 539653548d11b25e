"""What a day is: a UTC day, numbered from 1970-01-01. Times are microseconds since then (`_us`)."""

from __future__ import annotations

import datetime as dt

DAY_US = 86_400_000_000
HOUR_US = 3_600_000_000
MINUTE_US = 60_000_000
SECOND_US = 1_000_000

_EPOCH = dt.date(1970, 1, 1)
_EPOCH_ORDINAL = _EPOCH.toordinal()
_EPOCH_UTC = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)

FIRST_DAY = dt.date.min.toordinal() - _EPOCH_ORDINAL
"""The first day that a date can name: 0001-01-01."""


def day_of(time_us: int) -> int:
    """Return the UTC day number that holds this time."""
    return time_us // DAY_US


def date_of(day: int) -> dt.date:
    """Return the calendar date of a day number."""
    return dt.date.fromordinal(_EPOCH_ORDINAL + day)


def day_of_date(date: dt.date) -> int:
    """Return the day number of a calendar date."""
    return date.toordinal() - _EPOCH_ORDINAL


def datetime_of(time_us: int) -> dt.datetime:
    """Return an aware UTC datetime, exact to the microsecond."""
    return _EPOCH_UTC + dt.timedelta(microseconds=time_us)


def us_of(when: dt.datetime) -> int:
    """Return the microseconds since the epoch of an aware datetime."""
    return (when - _EPOCH_UTC) // _MICROSECOND
