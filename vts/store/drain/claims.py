"""Events that an import brought and a client sends, too: they stop belonging to the import.

The stored row stays and the client's copy is a duplicate. But the client's is acknowledged, so undoing the import must
leave the row. Only batches with duplicates come here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from vts.model import tally
from vts.model.day import day_of_date, us_of
from vts.model.import_part import BEFORE, Part, before_with, reduced, site_parts, view_parts
from vts.model.record import Event
from vts.model.site import SiteEvent
from vts.model.view import POST_ID_MAX, ViewEvent
from vts.store.drain.batch import SITE, VIEWS, Batch, Dates, EventTable, key_of
from vts.store.session.connection import Connection
from vts.store.session.queries import queries_beside

query = queries_beside(__file__)

SITE_SUBJECT: Final = 0  # under which `imported_events` has page views and host events

_HOLD: Final = query("claims_hold")
_ROWS: Final = {
    VIEWS: query(
        "claims_rows", table="view_events", columns=", ".join(VIEWS.columns), match="post_id = wanted.subject AND"
    ),
    SITE: query("claims_rows", table="site_events", columns=", ".join(SITE.columns), match=""),
}
_PARTS: Final = query("claims_parts")
_WRITE: Final = query("claims_write")
_RELEASE: Final = query("claims_release")
_ONCE: Final = query("claims_once")

EventName = tuple[int, bytes]
"""The subject of an event (its content, its stream, 0) and its id; the day is not a part of it."""
Claims = Mapping[tuple[str, int, bytes], str]
"""(kind of the import, subject, event id) → the import that brought the event."""


class Released(NamedTuple):
    """What imports lose to clients: the names of events, the parts of import and row, and views that are `once`."""

    names: list[EventName]
    parts: list[tuple[str, Part]]
    once: list[tuple[int, dt.date, bytes, bytes]]

    @property
    def days(self) -> set[int]:
        """The days whose parts change."""
        return {day_of_date(part.day) for _, part in self.parts}


NOTHING: Final = Released([], [], [])


async def hold_claims(connection: Connection, batch: Batch) -> Claims:
    """Return which events of a batch imports brought, in the caller's transaction, before it looks for duplicates.

    Their undoing waits from now on; one that had begun is over, and its events are new.
    """
    events = _events(batch)
    if not events:
        return {}
    names = [(subject_of(event), event.event_id, _kind(event)) for event in events]
    rows = await connection.fetch(_HOLD, *zip(*names, strict=True))
    return {(row[2], row[0], row[1]): row[3] for row in rows}


async def release(connection: Connection, claims: Claims, batch: Batch, stored: Iterable[Event]) -> Released:
    """Return what imports lose: the events of the batch that were not new because imports had brought them."""
    if not claims:
        return NOTHING
    new = {(type(event), key_of(event)) for event in stored}
    lost = [event for event in _events(batch) if _name(event) in claims and (type(event), key_of(event)) not in new]
    by_import: dict[str, list[Event]] = {}
    for event in lost:
        by_import.setdefault(claims[_name(event)], []).append(event)
    released = Released([], [], [])
    for import_id, events in by_import.items():
        if _kind(events[0]) == "playback":
            released.names.extend(_name(event)[1:] for event in events)
        else:
            await _take(connection, import_id, events, batch.dates, released)
    return released


async def hand_over(connection: Connection, released: Released) -> None:
    """Write what imports lose. The caller holds the days' locks."""
    if released.names:
        await connection.execute(_RELEASE, *zip(*released.names, strict=True))
    if released.once:
        await connection.execute(_ONCE, *zip(*released.once, strict=True))
    if not released.parts:
        return
    keys = [(name, part.post_id, part.day) for one, part in released.parts for name in (one, BEFORE)]
    rows = await connection.fetch(_PARTS, *zip(*keys, strict=True))
    known = {(row["import_id"], row["post_id"], row["day"]): part_of(row) for row in rows}
    for import_id, moved in released.parts:
        key = moved.post_id, moved.day
        known[import_id, *key] = reduced(known[import_id, *key], moved)
        known[BEFORE, *key] = before_with(known.get((BEFORE, *key)), moved)
    await connection.executemany(_WRITE, [_row(import_id, part) for (import_id, *_), part in known.items()])


async def _take(
    connection: Connection, import_id: str, events: Sequence[Event], dates: Dates, released: Released
) -> None:
    """Add what one import loses. Only rows of days that it added to are its own: the same id may be on another day."""
    rows = await _stored_rows(connection, events, dates)
    subjects = [row.post_id if isinstance(row, ViewEvent) else -1 for row in rows]
    days = [dates[row.event_day] for row in rows]
    found = await connection.fetch(_PARTS, [import_id] * len(rows), subjects, days)
    added = {(row["post_id"], row["day"]) for row in found}
    own = [row for row, key in zip(rows, zip(subjects, days, strict=True), strict=True) if key in added]
    released.names.extend(_name(row)[1:] for row in own)
    views = [row for row in own if isinstance(row, ViewEvent)]
    moved = [*view_parts(views), *site_parts(row for row in own if isinstance(row, SiteEvent))]
    released.parts.extend((import_id, part) for part in moved)
    sent = {_name(event): event for event in events if isinstance(event, ViewEvent) and event.once}
    for row in views:
        if (event := sent.get(_name(row))) is not None:
            released.once.append((row.post_id, dates[row.event_day], row.event_id, event.viewer_key))


async def _stored_rows(connection: Connection, events: Sequence[Event], dates: Dates) -> list[ViewEvent | SiteEvent]:
    """Return the rows of events as they are stored. `events` are of one kind."""
    kind, table = (ViewEvent, VIEWS) if isinstance(events[0], ViewEvent) else (SiteEvent, SITE)
    names = [(subject_of(event), event.event_id, dates[event.event_day]) for event in events]
    rows = await connection.fetch(_ROWS[table], *zip(*names, strict=True))
    return [kind(**_values(table, row)) for row in rows]


def _values(table: EventTable, row: Any) -> dict[str, Any]:
    values = {name: row[name] for name in table.columns}
    return values | {"event_day": day_of_date(row["event_day"]), "created_at": us_of(row["created_at"])}


def _events(batch: Batch) -> list[Event]:
    """Return what imports may have: an event with a subject that no column holds is none of theirs."""
    events: list[Event] = [*batch.views.events, *batch.site.events, *batch.playback.events]
    return [event for event in events if 0 <= subject_of(event) <= POST_ID_MAX]


def _kind(event: Event) -> str:
    """Return the kind of the imports that bring such events."""
    return "views" if isinstance(event, ViewEvent) else "site_events" if isinstance(event, SiteEvent) else "playback"


def subject_of(event: Event) -> int:
    """Return under which number `imported_events` has an event."""
    if isinstance(event, ViewEvent):
        return event.post_id
    return SITE_SUBJECT if isinstance(event, SiteEvent) else event.stream_id


def _name(event: Event) -> tuple[str, int, bytes]:
    return _kind(event), subject_of(event), event.event_id


def part_of(row: Any) -> Part:
    """Read a row of `import_parts`."""
    times = (row["first_at"], row["last_at"], row["first_at_authenticated"], row["last_at_authenticated"])
    breakdowns = tally.decode(row["breakdowns"])
    sketches = (row["sketch"], row["sketch_authenticated"])
    return Part(row["post_id"], row["day"], list(row["counts"]), breakdowns, times, sketches)


def _row(import_id: str, part: Part) -> tuple[Any, ...]:
    breakdowns = tally.encode(part.breakdowns)
    return (import_id, part.post_id, part.day, part.counts, *part.times, breakdowns, *part.sketches)
