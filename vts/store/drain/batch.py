"""Which rows a batch of records makes: sorted by key, each event once, in the columns' own types. No I/O."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence, Set
from typing import Any, Final, Generic, NamedTuple, TypeVar

import trio
from msgspec.structs import astuple

from vts.model.day import date_of
from vts.model.record import CatalogRow, Event, Record, ReferenceText
from vts.model.site import PlaybackEvent, SiteEvent
from vts.model.view import POST_ID_MAX, ViewEvent
from vts.store.drain.dead_letters import DeadLetter

UUID_BYTES: Final = 16
SLICE: Final = 2_500  # rows made in one go: about 4 ms

_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_delta: Final = dt.timedelta

TableRow = tuple[Any, ...]
EventKey = tuple[Any, int, bytes]
"""(post_id, event_day, event_id), or the first field of another kind of event in place of the post: what makes an event
that event, and the order in which drains take their locks."""


class EventTable(NamedTuple):
    """A table of events. Its columns are the fields of the struct; `event_day` comes second."""

    name: str
    columns: tuple[str, ...]


VIEWS: Final = EventTable("view_events", ViewEvent.__struct_fields__)
SITE: Final = EventTable("site_events", SiteEvent.__struct_fields__)
PLAYBACK: Final = EventTable("playback_events", PlaybackEvent.__struct_fields__)


class Dates(dict[int, dt.date]):
    """Day numbers as dates, remembered."""

    def __missing__(self, day: int) -> dt.date:
        date_of(day - 1), date_of(day + 1)  # the ends of the calendar have no neighbours to look at
        date = self[day] = date_of(day)
        return date


E = TypeVar("E", bound=Event)


class TableRows(NamedTuple, Generic[E]):
    """Events of one kind in the order of their keys, and the row of each."""

    table: EventTable
    events: list[E]
    rows: list[TableRow]


class Batch(NamedTuple):
    """What goes into each table, and what cannot go into any."""

    views: TableRows[ViewEvent]
    site: TableRows[SiteEvent]
    playback: TableRows[PlaybackEvent]
    catalog: list[CatalogRow]
    texts: list[ReferenceText]
    dead_letters: list[DeadLetter]
    dates: Dates

    @property
    def days(self) -> set[int]:
        """The days of all events."""
        tables = (self.views, self.site, self.playback)
        return {event.event_day for table_rows in tables for event in table_rows.events}


def hold_days(batch: Batch, days: Set[int], reason: str) -> Batch:
    """Return the batch with the events of these days as dead letters that are held."""
    held: list[DeadLetter] = []
    views = _without_days(batch.views, days, reason, held)
    site = _without_days(batch.site, days, reason, held)
    playback = _without_days(batch.playback, days, reason, held)
    return batch._replace(views=views, site=site, playback=playback, dead_letters=[*batch.dead_letters, *held])


def _without_days(table_rows: TableRows[E], days: Set[int], reason: str, held: list[DeadLetter]) -> TableRows[E]:
    held += [DeadLetter(event, reason, True) for event in table_rows.events if event.event_day in days]
    kept = [place for place, event in enumerate(table_rows.events) if event.event_day not in days]
    return TableRows(
        table_rows.table, [table_rows.events[place] for place in kept], [table_rows.rows[place] for place in kept]
    )


def key_of(event: Event) -> EventKey:
    """Return the primary key of an event."""
    return getattr(event, event.__struct_fields__[0]), event.event_day, event.event_id


async def prepare(records: Iterable[Record]) -> Batch:
    """Sort the records into their tables, order them, drop those that come twice, convert the rest.

    In steps of a few milliseconds, between which the doors have their turn.
    """
    views: dict[EventKey, ViewEvent] = {}
    site: dict[EventKey, SiteEvent] = {}
    playback: dict[EventKey, PlaybackEvent] = {}
    catalog: list[CatalogRow] = []
    texts: list[ReferenceText] = []
    for event in records:
        if type(event) is ViewEvent:
            views.setdefault((event.post_id, event.event_day, event.event_id), event)
        elif type(event) is SiteEvent:
            site.setdefault((event.event_id, event.event_day, event.event_id), event)
        elif type(event) is PlaybackEvent:
            playback.setdefault((event.stream_id, event.event_day, event.event_id), event)
        elif type(event) is CatalogRow:
            catalog.append(event)
        elif type(event) is ReferenceText:
            texts.append(event)
    await trio.lowlevel.checkpoint()
    dates = Dates()
    dead_letters: list[DeadLetter] = []
    return Batch(
        await _table_rows(VIEWS, _without_neighbours([views[key] for key in sorted(views)]), dates, dead_letters),
        await _table_rows(SITE, [site[key] for key in sorted(site)], dates, dead_letters),
        await _table_rows(PLAYBACK, [playback[key] for key in sorted(playback)], dates, dead_letters),
        catalog,
        texts,
        dead_letters,
        dates,
    )


async def _table_rows(table: EventTable, events: list[E], dates: Dates, dead_letters: list[DeadLetter]) -> TableRows[E]:
    """Convert events; those that cannot be are named in `dead_letters`."""
    rows: list[TableRow] = []
    try:
        for start in range(0, len(events), SLICE):
            rows += rows_of(events[start : start + SLICE], dates)
            await trio.lowlevel.checkpoint()
    except (ValueError, OverflowError, TypeError):
        return _sift(table, events, dates, dead_letters)
    return TableRows(table, events, rows)


def rows_of(events: Sequence[E], dates: Dates) -> list[TableRow]:
    """Return the rows in the order of the columns. Raises ValueError, OverflowError or TypeError for bad times.

    And ValueError for a short UUID, which PostgreSQL would report as a broken connection.
    """
    sizes = {len(event.event_id) for event in events}
    sizes |= {len(key) for event in events if (key := getattr(event, "player_key", None)) is not None}
    if sizes - {UUID_BYTES}:
        raise ValueError("a UUID has 16 bytes")
    rows: list[TableRow] = []
    if events:
        at = events[0].__struct_fields__.index("created_at")
        for event in events:
            values = list(astuple(event))
            values[1] = dates[values[1]]
            values[at] = _EPOCH + _delta(0, 0, values[at])
            rows.append(tuple(values))
    return rows


def _sift(table: EventTable, events: Sequence[E], dates: Dates, dead_letters: list[DeadLetter]) -> TableRows[E]:
    table_rows: TableRows[E] = TableRows(table, [], [])
    for event in events:
        try:
            table_rows.rows.extend(rows_of((event,), dates))
            table_rows.events.append(event)
        except (ValueError, OverflowError, TypeError) as fault:
            dead_letters.append(DeadLetter(event, f"{type(fault).__name__}: {fault}"))
    return table_rows


def id_has_no_day(event: ViewEvent) -> bool:
    """Whether the id has no day in it, so that the same event may come again on the next."""
    raw = event.event_id
    return len(raw) == UUID_BYTES and raw[6] >> 4 == 4 and 0 < event.post_id <= POST_ID_MAX


def _without_neighbours(events: list[ViewEvent]) -> list[ViewEvent]:
    """Drop version-4 events that are here one day earlier, too. Expects the order of keys."""
    if len({event.event_day for event in events}) <= 1:
        return events
    kept: list[ViewEvent] = []
    days: dict[tuple[int, bytes], int] = {}
    for event in events:
        if id_has_no_day(event):
            identity = event.post_id, event.event_id
            if days.get(identity) == event.event_day - 1:
                continue
            days[identity] = event.event_day
        kept.append(event)
    return kept
