"""Days of a time zone, from the UTC hours that daily rows hold: what is exact in them, and what is not. Pure.

Views and page views are stored by UTC hour, so where an hour lies in one day of the zone its days are exact. Everything
else is of UTC days, and `tz_inexact` of an answer names it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from vts.model.day import HOUR_US, datetime_of, day_of_date
from vts.model.tally import Pair
from vts.query.shape import WHO

ZONE: Final = "tz"
INEXACT: Final = "tz_inexact"
HOURS: Final = 24
HOUR_S: Final = 3600
DAY_S: Final = HOURS * HOUR_S
_TWINS: Final = ("", "_authenticated")
# Of all time, of instants, or about the answer itself: a zone makes no difference to them.
_OF_NO_DAY: Final = frozenset(
    (
        *("post_id", "user_id", "total_posts", "first_post_at", "latest_post_at", "from", "to"),
        *("total_reactions", "reactions_by_emoji", "total_comments"),
        *("hourly_trend", "players_registered", "players_registered_by_country"),
        *("computed_at", "lag_seconds", "analytics_computed_at", "analytics_lag_seconds"),
    )
)


class Zone(NamedTuple):
    """A time zone, and the name that it was asked by."""

    name: str
    rules: ZoneInfo

    def day_of(self, time_us: int) -> int:
        """Return the number of the zone's date at this time."""
        return day_of_date(datetime_of(time_us).astimezone(self.rules).date())


class HourRow(NamedTuple):
    """The [all, authenticated] of a UTC day, and of its hours by their number."""

    day: int
    total: Pair
    hours: Mapping[str, Pair]


class ZoneDays(NamedTuple):
    """What the dates of a zone counted. `is_exact`: every count is in the date that it belongs to."""

    by_day: Mapping[int, Pair]
    is_exact: bool


def zone_days(rows: Iterable[HourRow], zone: Zone) -> ZoneDays:
    """Put the hours of UTC days into the dates of a zone.

    Inexact are hours that two dates share (of zones like Asia/Kolkata), which go to the earlier one, and what a day
    counted without hours (an import), which goes to the date of the same name.
    """
    by_day: dict[int, Pair] = {}
    is_exact = True
    for row in rows:
        left = list(row.total)
        midnight = row.day * HOURS
        offset = _offset_s(zone, midnight)
        changes = offset != _offset_s(zone, midnight + HOURS)  # in the course of this day
        for text, pair in row.hours.items():
            hour = midnight + int(text)
            begins = hour * HOUR_S + (_offset_s(zone, hour) if changes else offset)
            if begins // DAY_S != (begins + HOUR_S - 1) // DAY_S and any(pair):
                is_exact = False
            _add(by_day, begins // DAY_S, pair)
            for who in WHO:
                left[who] -= pair[who]
        if any(left):
            is_exact = False
            _add(by_day, row.day, [max(0, n) for n in left])
    return ZoneDays(by_day, is_exact)


def in_zone(
    body: Mapping[str, Any], zone: Zone, days: tuple[int, int], daily: str, counted: Mapping[str, tuple[str, ZoneDays]]
) -> dict[str, Any]:
    """Return an answer about dates of a zone: what has hours by these dates, and the names of what has none.

    `body` is the answer about the UTC days of the same dates, `daily` its list of days. `counted` says which fields of
    a day have hours: field → (the field of the answer that is their sum, the days of the zone).
    """
    first, last = days
    made = dict(body)
    for who, twin in zip(WHO, _TWINS, strict=True):
        rows = [dict(row) for row in body[daily + twin]]
        for field, (total, found) in counted.items():
            for day, row in enumerate(rows, first):
                row[field] = found.by_day.get(day, (0, 0))[who]
            made[total + twin] = sum(row[field] for row in rows)
        made[daily + twin] = rows
    return made | {ZONE: zone.name, INEXACT: [] if _is_utc(zone, first, last) else _inexact(body, daily, counted)}


def _inexact(body: Mapping[str, Any], daily: str, counted: Mapping[str, tuple[str, ZoneDays]]) -> list[str]:
    """Name the fields that are of UTC days; a twin is like its field."""
    exact = {
        name for field, (total, found) in counted.items() if found.is_exact for name in (total, f"{daily}.{field}")
    }
    fields = [name for name in body if name not in _OF_NO_DAY and name != daily and not name.endswith(_TWINS[1])]
    of_a_day = [f"{daily}.{field}" for field in body[daily][0] if field != "date"]
    return [name for name in (*fields, *of_a_day) if name not in exact]


def _offset_s(zone: Zone, hour: int) -> int:
    offset = datetime_of(hour * HOUR_US).astimezone(zone.rules).utcoffset()
    assert offset is not None
    return round(offset.total_seconds())


def _is_utc(zone: Zone, first: int, last: int) -> bool:
    """Whether the dates are UTC days: London's in winter are."""
    return all(_offset_s(zone, day * HOURS) == 0 for day in range(first, last + 2))


def _add(into: dict[int, Pair], day: int, pair: Pair) -> None:
    known = into.setdefault(day, [0, 0])
    for who in WHO:
        known[who] += pair[who]
