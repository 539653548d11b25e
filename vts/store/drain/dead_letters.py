"""How a record that is not stored in its table is kept: with the reason, where the operator can look at it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final, NamedTuple

from vts.model.record import Record
from vts.store.drain.source import Part
from vts.store.session.connection import Connection
from vts.store.session.queries import queries_beside

query = queries_beside(__file__)

REASON_MAX_CHARS: Final = 300

_INSERT: Final = query("drain_dead_letters")


class DeadLetter(NamedTuple):
    """A record that is not stored, and why. `held`: the operator decides whether it counts."""

    event: Record
    reason: str
    held: bool = False


async def store_dead_letters(connection: Connection, part: Part, dead_letters: Sequence[DeadLetter]) -> None:
    """Insert them, in the caller's transaction; each is identified by its run, its journal row and its index there."""
    if not dead_letters:
        return
    indexes = [_index_of(part.records, dead_letter.event) for dead_letter in dead_letters]
    reasons = [_storable(dead_letter.reason) for dead_letter in dead_letters]
    bodies = [body_of(dead_letter.event) for dead_letter in dead_letters]
    held = [dead_letter.held for dead_letter in dead_letters]
    await connection.execute(_INSERT, part.run.id, part.last_seq, indexes, reasons, bodies, held)


def body_of(event: Record) -> str:
    """Write an event that PostgreSQL refused as JSON that it takes: ASCII, bytes as hex, NUL escaped twice over."""
    fields = {name: getattr(event, name) for name in event.__struct_fields__}
    return json.dumps(fields, default=_plain, ensure_ascii=True)


def _plain(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


def _storable(reason: str) -> str:
    """Return a reason that PostgreSQL takes."""
    return reason.encode("ascii", "backslashreplace").decode().replace("\0", "\\0")[:REASON_MAX_CHARS]


def _index_of(records: Sequence[Record], event: Record) -> int:
    """Return the index of this very object."""
    return next(index for index, record in enumerate(records) if record is event)
