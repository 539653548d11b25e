"""Events that are held: sound, but maybe counted before the raw rows of their day were dropped."""

from __future__ import annotations

import datetime as dt
import json
import secrets
from typing import Any, Final, NamedTuple

import trio
from msgspec.structs import fields

from vts.model.committed import Committed
from vts.model.day import us_of
from vts.model.journal_run import Run
from vts.model.record import Record
from vts.model.site import PlaybackEvent, SiteEvent
from vts.model.view import ViewEvent
from vts.store.drain.intake import Intake
from vts.store.drain.source import Part
from vts.store.session.connection import Connection

BITE: Final = 5_000  # events in one transaction

_HELD: Final = """
SELECT to_timestamp(0) AT TIME ZONE 'UTC' + make_interval(days => (body::json ->> 'event_day')::int) AS day, count(*)
FROM dead_letters WHERE held GROUP BY 1 ORDER BY 1
"""
_TAKE: Final = """
DELETE FROM dead_letters WHERE (journal_id, seq, index) IN (
    SELECT journal_id, seq, index FROM dead_letters WHERE held ORDER BY created_at LIMIT $1 FOR UPDATE SKIP LOCKED)
RETURNING body
"""
_OWNERS: Final = "SELECT post_id, owner_id FROM content WHERE post_id = ANY($1) AND owner_id IS NOT NULL"
_KINDS: Final = (ViewEvent, PlaybackEvent, SiteEvent)


class HeldDay(NamedTuple):
    """How many events of a day are held."""

    date: dt.date
    events: int


async def held(connection: Connection) -> list[HeldDay]:
    """Return the days of the events that are held, the oldest first. Raises StoreUnavailable."""
    return [HeldDay(row[0].date(), row[1]) for row in await connection.fetch(_HELD)]


async def discard_held(connection: Connection) -> int:
    """Remove every event that is held; returns how many. Raises StoreUnavailable."""
    tag = await connection.execute("DELETE FROM dead_letters WHERE held")
    return int(tag.rpartition(" ")[2])


async def count_held(connection: Connection) -> int:
    """Count every event that is held, each once, with a writer's session. Returns how many. Raises StoreUnavailable."""
    counted = 0
    while True:
        async with connection.transaction():
            records = [event_of(row[0]) for row in await connection.fetch(_TAKE, BITE)]
            if not records:
                return counted
            posts = sorted({record.post_id for record in records if isinstance(record, ViewEvent)})
            owners: dict[int, int] = dict(await connection.fetch(_OWNERS, posts))
            intake = Intake(connection, secrets.token_bytes(16), None, owners.get)
            now_us = us_of(await connection.fetchval("SELECT now()"))
            await intake.store(Part(Run(1, secrets.token_bytes(16)), 0, 1, records), now_us, _no_doubt)
        counted += len(records)
        await trio.lowlevel.checkpoint()


def event_of(body: str) -> Record:
    """Read an event as `vts.store.drain.dead_letters.body_of` writes it."""
    values: dict[str, Any] = json.loads(body)
    kind = next(kind for kind in _KINDS if {field.name for field in fields(kind)} == set(values))
    for field in fields(kind):
        if isinstance(values[field.name], str) and "bytes" in str(field.type):
            values[field.name] = bytes.fromhex(values[field.name])
    return kind(**values)


def _no_doubt(committed: Committed) -> None:
    """Do nothing: the transaction around it decides."""
