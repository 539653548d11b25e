"""From journal records to what PostgreSQL takes: sorted, each event once, in the columns' own types. Pure."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from msgspec.structs import astuple

from vts.model.day import date_of
from vts.model.view import POST_ID_MAX, ViewEvent

COLUMNS: Final = ViewEvent.__struct_fields__
"""The fields of an event are the columns of `view_events`."""
UUID_BYTES: Final = 16
REASON_MAX_CHARS: Final = 300

_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_delta: Final = dt.timedelta

Row = tuple[Any, ...]
Key = tuple[int, int, bytes]
"""(post_id, event_day, event_id): what makes an event that event, and the order in which drains take their locks."""


class Letter(NamedTuple):
    """An event that cannot be stored, and why."""

    event: ViewEvent
    reason: str


class Dates(dict[int, dt.date]):
    """Day numbers as dates, remembered."""

    def __missing__(self, day: int) -> dt.date:
        date_of(day - 1), date_of(day + 1)  # the ends of the calendar have no neighbours to look at
        date = self[day] = date_of(day)
        return date


class Batch(NamedTuple):
    """Events in the order of their keys, the row of each, and those that have no row."""

    events: list[ViewEvent]
    rows: list[Row]
    letters: list[Letter]
    dates: Dates


def key_of(event: ViewEvent) -> Key:
    """Return the primary key of an event."""
    return event.post_id, event.event_day, event.event_id


def prepare(records: Iterable[ViewEvent]) -> Batch:
    """Order the records, drop those that come twice, convert the rest."""
    keyed: dict[Key, ViewEvent] = {}
    for event in records:
        keyed.setdefault((event.post_id, event.event_day, event.event_id), event)
    dates = Dates()
    events = _without_neighbours([keyed[key] for key in sorted(keyed)])
    try:
        return Batch(events, rows_of(events, dates), [], dates)
    except (ValueError, OverflowError, TypeError):
        return _sift(events, dates)


def rows_of(events: Sequence[ViewEvent], dates: Dates) -> list[Row]:
    """Return the rows in the order of COLUMNS. Raises ValueError, OverflowError or TypeError for times out of range.

    And ValueError for a short UUID, of which PostgreSQL would say that the connection is broken.
    """
    sizes = {len(event.event_id) for event in events} | {len(e.player_key) for e in events if e.player_key is not None}
    if sizes - {UUID_BYTES}:
        raise ValueError("a UUID has 16 bytes")
    return [
        (post_id, dates[day], *middle, _EPOCH + _delta(0, 0, created_at))
        for post_id, day, *middle, created_at in map(astuple, events)
    ]


def _sift(events: Sequence[ViewEvent], dates: Dates) -> Batch:
    batch = Batch([], [], [], dates)
    for event in events:
        try:
            batch.rows.extend(rows_of((event,), dates))
            batch.events.append(event)
        except (ValueError, OverflowError, TypeError) as fault:
            batch.letters.append(Letter(event, f"{type(fault).__name__}: {fault}"))
    return batch


def is_fickle(event: ViewEvent) -> bool:
    """Whether the id says nothing of the day, so that the same event may come again on the next (SPEC section 5)."""
    raw = event.event_id
    return len(raw) == UUID_BYTES and raw[6] >> 4 == 4 and 0 < event.post_id <= POST_ID_MAX


def _without_neighbours(events: list[ViewEvent]) -> list[ViewEvent]:
    """Drop version-4 events that are here one day earlier, too. Expects the order of keys."""
    if len({event.event_day for event in events}) <= 1:
        return events
    kept: list[ViewEvent] = []
    days: dict[tuple[int, bytes], int] = {}
    for event in events:
        if is_fickle(event):
            identity = event.post_id, event.event_id
            if days.get(identity) == event.event_day - 1:
                continue
            days[identity] = event.event_day
        kept.append(event)
    return kept


def body_of(event: ViewEvent) -> str:
    """Write an event that PostgreSQL refused as JSON that it takes: ASCII, bytes as hex, NUL escaped twice over."""
    fields = {name: getattr(event, name) for name in event.__struct_fields__}
    return json.dumps(fields, default=_plain, ensure_ascii=True)


def _plain(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


def reason_of(reason: str) -> str:
    """Return a reason that PostgreSQL takes."""
    return reason.encode("ascii", "backslashreplace").decode().replace("\0", "\\0")[:REASON_MAX_CHARS]


def place_of(records: Sequence[ViewEvent], event: ViewEvent) -> int:
    """Return where in the records this very object is."""
    return next(place for place, record in enumerate(records) if record is event)
