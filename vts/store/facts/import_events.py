"""Events of an import that are kept raw, as events of their day are: written, and removed again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from vts.model.day import date_of
from vts.model.record import Event
from vts.model.site import PlaybackEvent, SiteEvent
from vts.model.view import ViewEvent
from vts.store.drain.batch import prepare
from vts.store.drain.claims import SITE_SUBJECT, subject_of
from vts.store.drain.copying import copy_carefully
from vts.store.drain.dead_letters import DeadLetter
from vts.store.drain.other_days import without_stored_on_other_days
from vts.store.schema.partitions import make_days
from vts.store.session.connection import Connection
from vts.store.session.faults import BadData
from vts.store.session.queries import queries_beside

query = queries_beside(__file__)

DATA_EXCEPTION: Final = "22000"  # of SQLSTATE

_EVENTS: Final = query("import_events")
_RAW_DAYS: Final = query("import_open_days")
_REMOVE: Final = {
    "views": query("import_events_remove", table="view_events", subject="kept.post_id"),
    "site_events": query("import_events_remove", table="site_events", subject=str(SITE_SUBJECT)),
    "playback": query("import_events_remove", table="playback_events", subject="kept.stream_id"),
}
_PLAYED_DAYS: Final = "SELECT DISTINCT event_day FROM playback_events"
_HOLD: Final = """
SELECT count(*) FROM (
    SELECT FROM imported_events WHERE import_id = $1 ORDER BY post_id, event_id FOR UPDATE
) AS held
"""
_FORGET: Final = "DELETE FROM imported_events WHERE import_id = $1"


class RawEvents(NamedTuple):
    """Events that are new in the raw tables."""

    views: list[ViewEvent]
    site: list[SiteEvent]
    playback: list[PlaybackEvent]


async def make_days_of(connection: Connection, events: Iterable[Event]) -> None:
    """Make the partitions that events need; outside of the transaction that stores them."""
    await make_days(connection, {date_of(event.event_day) for event in events})


async def store_raw(connection: Connection, import_id: str, events: Sequence[Event]) -> RawEvents:
    """Store events of days that are kept raw, in the caller's transaction, before the locks of days as the drain does.

    Returns those that are new. Raises BadData for one that no column can hold.
    """
    if not events:
        return RawEvents([], [], [])
    batch = await prepare(events)
    refused: list[DeadLetter] = list(batch.dead_letters)
    new = RawEvents(
        await copy_carefully(connection, await without_stored_on_other_days(connection, batch), refused),
        await copy_carefully(connection, batch.site, refused),
        await copy_carefully(connection, batch.playback, refused),
    )
    if refused:
        raise BadData(refused[0].reason, DATA_EXCEPTION)
    await claim(connection, import_id, [*new.views, *new.site, *new.playback])
    return new


async def claim(connection: Connection, import_id: str, events: Sequence[Event]) -> list[int]:
    """Note that this import brought the events. Returns the places of those that no import had brought before."""
    if not events:
        return []
    found = await connection.fetch(
        _EVENTS, [subject_of(event) for event in events], [event.event_id for event in events], import_id
    )
    return [row[0] - 1 for row in found]


async def raw_days(connection: Connection, days: Sequence[dt.date]) -> set[dt.date]:
    """Return those of the days whose raw rows are kept."""
    return {row[0] for row in await connection.fetch(_RAW_DAYS, days)}


async def hold_events(connection: Connection, import_id: str) -> None:
    """Lock the events of an import: drains that meet them as duplicates are over, or wait for its end."""
    await connection.execute(_HOLD, import_id)


async def remove_raw(connection: Connection, import_id: str, kind: str, days: Iterable[dt.date]) -> int:
    """Remove the raw rows of an import on these days, before the locks of days. Returns how many there were.

    Playback is in no counters, so its days are not known: they are those of its partitions.
    """
    if kind == "playback":
        days = [row[0] for row in await connection.fetch(_PLAYED_DAYS)]
    if kind not in _REMOVE:
        return 0
    return int((await connection.execute(_REMOVE[kind], import_id, sorted(days))).rpartition(" ")[2])


async def forget_events(connection: Connection, import_id: str) -> None:
    """The events of an import may come again."""
    await connection.execute(_FORGET, import_id)
