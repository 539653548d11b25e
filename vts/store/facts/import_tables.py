"""Imports into tables of their own: playback, viewing history, what providers count. Undone, their rows are deleted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from vts.model.imported_stats import PROVIDED, HistoryRow, ProviderRow
from vts.model.site import PlaybackEvent
from vts.store.drain.batch import Dates, rows_of
from vts.store.drain.texts import note_own_texts
from vts.store.facts.history_import import Applied, Ticket, is_repeated, note
from vts.store.facts.import_events import claim, make_days_of, store_raw
from vts.store.session.connection import Connection
from vts.store.session.queries import queries_beside

query = queries_beside(__file__)

IMPORTED_PLAYBACK: Final = "imported_playback_events"

_HISTORY: Final = query("import_history")
_HISTORY_COLUMNS: Final = (
    "started_at",
    "ended_at",
    "duration_seconds",
    "position_seconds",
    "completed",
    "stream_url",
)
_PROVIDER_COLUMNS: Final = ("provider", "stream_id", "day", "import_id", *PROVIDED, "top_countries", "device_breakdown")
_encode: Final = msgspec.json.Encoder().encode
_DELETE: Final = {
    "playback": f"DELETE FROM {IMPORTED_PLAYBACK} WHERE import_id = $1",  # noqa: S608 -- a name of ours
    "viewing_history": "DELETE FROM viewing_history WHERE import_id = $1",
    "provider_stats": "DELETE FROM provider_stats WHERE import_id = $1",
}


async def import_playback(
    connection: Connection, ticket: Ticket, events: Sequence[PlaybackEvent], recent: Sequence[PlaybackEvent]
) -> Applied:
    """Store playback, each (stream, event id) once: `recent` events with those of their day. Raises as all imports."""
    await make_days_of(connection, recent)
    async with connection.transaction():
        if await is_repeated(connection, ticket):
            return Applied(0, repeated=True)
        stored = (await store_raw(connection, ticket.import_id, recent)).playback
        old = [events[place] for place in await claim(connection, ticket.import_id, events)]
        rows = [(*row, ticket.import_id) for row in rows_of(old, Dates())]
        await connection.copy_records(IMPORTED_PLAYBACK, rows, (*PlaybackEvent.__struct_fields__, "import_id"))
        await note(connection, ticket, len(old) + len(stored))
    return Applied(len(old), recent=len(stored))


async def import_history(
    connection: Connection, ticket: Ticket, rows: Sequence[tuple[HistoryRow, int]], texts: Mapping[int, str]
) -> Applied:
    """Store who watched what, each (user, content, start) once. `rows`: with the number of what was watched."""
    columns = [(row.user_id, post_id, *(getattr(row, name) for name in _HISTORY_COLUMNS)) for row, post_id in rows]
    async with connection.transaction():
        if await is_repeated(connection, ticket):
            return Applied(0, repeated=True)
        await note_own_texts(connection, texts)
        new = len(await connection.fetch(_HISTORY, ticket.import_id, *zip(*columns, strict=True)))
        await note(connection, ticket, new)
    return Applied(new)


async def import_provider_stats(
    connection: Connection, ticket: Ticket, rows: Sequence[tuple[ProviderRow, int]], texts: Mapping[int, str]
) -> Applied:
    """Store what providers count. `rows`: with the number of the stream; a (provider, stream, day) comes once."""
    records: list[tuple[Any, ...]] = []
    for row, stream_id in rows:
        numbers = (getattr(row, name) for name in PROVIDED)
        shares = (_encode(one).decode() for one in (row.top_countries, row.device_breakdown))
        records.append((row.provider, stream_id, row.day, ticket.import_id, *numbers, *shares))
    async with connection.transaction():
        if await is_repeated(connection, ticket):
            return Applied(0, repeated=True)
        await note_own_texts(connection, texts)
        await connection.copy_records("provider_stats", records, _PROVIDER_COLUMNS)
        await note(connection, ticket, len(records))
    return Applied(len(records))


async def delete_imported(connection: Connection, import_id: str, kind: str) -> None:
    """Delete the rows of an import, in the caller's transaction. Kinds that only count have none."""
    if kind in _DELETE:
        await connection.execute(_DELETE[kind], import_id)
