"""When a view happened by the viewer's own clock, and whether a player's clock is set.

A value that cannot be used becomes None and sets `ignored`; it never refuses a view. Only a real device time that lies
too far off does, which the gate decides.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Final

import msgspec

from vts.enrich.timezones import TimeZones
from vts.model.day import datetime_of, us_of

TIME_MAX_CHARS: Final = 64
# Wall clocks differ from UTC by -12 to +14 hours; a day more forgives one that is set to the wrong side of midnight.
_WALL_MIN: Final = dt.datetime(2000, 1, 1)
_AHEAD_MAX: Final = dt.timedelta(hours=14 + 24)
_POWER_ON: Final = dt.date(1970, 1, 1)
_ISO: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d(?::\d\d)?)(?:[.,](\d{1,9}))?\s?([Zz]|[+-]\d\d(?::?\d\d)?)?", re.ASCII
)


class LocalTime(msgspec.Struct, frozen=True, gc=False):
    """The time by the viewer's own clock. `datetime` is naive, `weekday` counts from 0 = Monday.

    `ignored`: a value was given that could not be used.
    """

    datetime: dt.datetime | None = None
    timezone: str | None = None
    hour: int | None = None
    weekday: int | None = None
    ignored: bool = False


class PlayerTime(msgspec.Struct, frozen=True, gc=False):
    """A time by a player's clock. `device_time_us` is None while the clock is not set, or names no moment.

    `invalid` means that the text is no time at all: the report is unreadable.
    """

    device_time_us: int | None = None
    local: LocalTime = LocalTime()
    invalid: bool = False


def player_time(text: str | None, timezone: str | None, zones: TimeZones) -> PlayerTime:
    """Read a player's `timestamp` and `timezone`, or its `local_datetime` and `local_timezone` (ISO 8601).

    None, an empty text and the first day of 1970 (a clock that counts from power-on) mean that the clock is not set:
    then the local time is unknown. Without an offset the text is the time of its zone; without a zone either it is a
    wall clock of some place, which has an hour there but no moment.
    """
    zone, name, ignored = _zone(timezone, zones)
    nowhere = LocalTime(timezone=name, ignored=ignored)
    if not text:
        return PlayerTime(local=nowhere)
    when = _read_utc(text) or _read(text)
    if when is None:
        return PlayerTime(local=nowhere, invalid=True)
    if when.year == _POWER_ON.year and when.date() == _POWER_ON:
        return PlayerTime(local=nowhere)
    if when.tzinfo is None and zone is None:
        return PlayerTime(local=_of(when, None, ignored))
    moment = when if when.tzinfo is not None else when.replace(tzinfo=zone)
    return PlayerTime(us_of(moment), _local_of(moment, zone, name, ignored))


def local_time(local_datetime: str | None, timezone: str | None, now_us: int, zones: TimeZones) -> LocalTime:
    """Read `local_datetime` and `local_timezone` as clients send them.

    A wall clock counts as it reads. One that is given in UTC (`…Z`) is moved to the zone, and is no
    local time without one. From a zone alone comes the local time of the arrival.
    """
    zone, name, ignored = _zone(timezone, zones)
    arrival = datetime_of(now_us)
    if not local_datetime:
        return _in_zone(arrival, zone, name, ignored)
    when = _read(local_datetime)
    if when is None or not _WALL_MIN <= when.replace(tzinfo=None) <= arrival.replace(tzinfo=None) + _AHEAD_MAX:
        return _in_zone(arrival, zone, name, True)
    return _of(when, name, ignored) if when.tzinfo is None else _local_of(when, zone, name, ignored)


def _zone(timezone: str | None, zones: TimeZones) -> tuple[dt.tzinfo | None, str | None, bool]:
    """Return the zone, its name, and whether a name was given that is none."""
    zone = zones.zone(timezone)
    return zone, timezone if zone is not None else None, bool(timezone) and zone is None


def _local_of(when: dt.datetime, zone: dt.tzinfo | None, name: str | None, ignored: bool) -> LocalTime:
    """Return the local time of a moment: in its zone, else by its own offset; UTC is no sign of a place."""
    if zone is None and when.utcoffset():
        return _of(when.replace(tzinfo=None), None, ignored)
    return _in_zone(when, zone, name, ignored)


def _in_zone(when: dt.datetime, zone: dt.tzinfo | None, name: str | None, ignored: bool) -> LocalTime:
    if zone is None:
        return LocalTime(ignored=ignored)
    try:
        return _of(when.astimezone(zone).replace(tzinfo=None), name, ignored)
    except OverflowError:  # the first and last day of the calendar
        return LocalTime(timezone=name, ignored=True)


def _of(wall: dt.datetime, name: str | None, ignored: bool) -> LocalTime:
    return LocalTime(wall, name, wall.hour, wall.weekday(), ignored)


def _read_utc(text: str) -> dt.datetime | None:
    """Read `2025-12-22T16:24:15Z`, which nearly every device writes, in a third of the time."""
    if len(text) != 20 or text[10] != "T" or text[19] != "Z" or text[4] != "-" or text[7] != "-":
        return None
    try:
        return dt.datetime.fromisoformat(text) if text.isascii() else None
    except ValueError:
        return None


def _read(text: str) -> dt.datetime | None:
    """Read ISO 8601 as devices write it; exact to the microsecond. None when it is no time within the calendar."""
    if len(text) > TIME_MAX_CHARS or (found := _ISO.fullmatch(text.strip())) is None:
        return None
    date, clock, fraction, offset = found.groups()
    try:
        when = dt.datetime.fromisoformat(f"{date}T{clock}{(offset or '').upper()}")
        when += dt.timedelta(microseconds=int((fraction or "0").ljust(6, "0")[:6]))
        us_of(when if when.tzinfo is not None else when.replace(tzinfo=dt.UTC))
    except (ValueError, OverflowError):
        return None
    return when
