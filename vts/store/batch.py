"""From journal records to what PostgreSQL takes: sorted, each event once, in the columns' own types. Pure."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from vts.model.day import date_of
from vts.model.view import POST_ID_MAX, ViewEvent

COLUMNS: Final = (
    "post_id",
    "created_at",
    "event_day",
    "key_version",
    "authenticated",
    "event_id",
    "viewer_key",
    "device_type",
    "view_source",
    "view_type",
    "viewer_user_id",
    "playlist_id",
    "local_datetime",
    "local_hour",
    "local_weekday",
    "play_order",
    "player_key",
    "country_code",
    "user_agent_hash",
    "referrer_domain",
    "local_timezone",
    "channel",
    "channel_context",
)
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


def rows_of(events: Iterable[ViewEvent], dates: Dates) -> list[Row]:
    """Return the rows in the order of COLUMNS. Raises ValueError, OverflowError or TypeError for times out of range."""
    return [
        (
            e.post_id,
            _EPOCH + _delta(0, 0, e.created_at),
            dates[e.event_day],
            e.key_version,
            e.authenticated,
            e.event_id,
            e.viewer_key,
            e.device_type,
            e.view_source,
            e.view_type,
            e.viewer_user_id,
            e.playlist_id,
            e.local_datetime,
            e.local_hour,
            e.local_weekday,
            e.play_order,
            e.player_key,
            e.country_code,
            e.user_agent_hash,
            e.referrer_domain,
            e.local_timezone,
            e.channel,
            e.channel_context,
        )
        for e in events
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
