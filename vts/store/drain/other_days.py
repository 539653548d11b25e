"""Which views are stored already under the day before or after: ids of version 4 do not name their day."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from vts.model.day import date_of
from vts.model.view import ViewEvent
from vts.store.drain.batch import VIEWS, Batch, TableRows, id_has_no_day
from vts.store.session import locks
from vts.store.session.connection import Connection
from vts.store.session.queries import queries_beside

query = queries_beside(__file__)

_GUARD_DAYS: Final = query("drain_guard_days", lock=str(locks.PARTITIONS))
_DAYS_WITH_VIEWS: Final = query("drain_days_with_views")
_NEIGHBOURS: Final = query("drain_neighbours")


async def without_stored_on_other_days(connection: Connection, batch: Batch) -> TableRows[ViewEvent]:
    """Return the batch's views that are not stored under the day before or after, in the caller's transaction."""
    events, rows = batch.views.events, batch.views.rows
    indexes = [index for index, event in enumerate(events) if id_has_no_day(event)]
    if not indexes:
        return batch.views
    days = {events[index].event_day for index in indexes}
    await connection.execute(_GUARD_DAYS, [batch.dates[day] for day in sorted(days)])
    stored = await _stored(connection, events, indexes, days)
    if not stored:
        return batch.views
    kept = [index for index in range(len(events)) if index not in stored]
    return TableRows(VIEWS, [events[index] for index in kept], [rows[index] for index in kept])


async def _stored(
    connection: Connection, events: Sequence[ViewEvent], indexes: Sequence[int], days: Iterable[int]
) -> set[int]:
    """Return those of the indexes whose event is stored under a neighbouring day."""
    neighbours = [date_of(day) for day in {day + step for day in days for step in (-1, 1)}]
    viewed = {row[0] for row in await connection.fetch(_DAYS_WITH_VIEWS, neighbours)}
    stored: set[int] = set()
    for day in days:
        dates = viewed.intersection((date_of(day - 1), date_of(day + 1)))
        if not dates:
            continue
        here = [index for index in indexes if events[index].event_day == day]
        posts = [events[index].post_id for index in here]
        ids = [events[index].event_id for index in here]
        for date in dates:
            found = await connection.fetch(_NEIGHBOURS, posts, ids, date)
            stored.update(here[row[0] - 1] for row in found)
    return stored
