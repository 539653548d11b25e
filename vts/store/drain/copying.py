"""How rows get into a table of events: all at once, or with care when that was refused.

The quick way is a plain COPY, right whenever every event is new and sound, which is nearly always. The careful way goes
through a staging table, so that duplicates fall out, and by halves down to the single row, so that a bad row does.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, Final, Protocol

from vts.model.day import date_of, day_of_date
from vts.model.faults import StoreUnavailable
from vts.store.drain.batch import PLAYBACK, SITE, VIEWS, E, TableRows, key_of
from vts.store.drain.dead_letters import DeadLetter
from vts.store.session.connection import Connection
from vts.store.session.faults import BadData
from vts.store.session.queries import queries_beside

query = queries_beside(__file__)

_STAGE: Final = {table: query("drain_stage", table=table.name) for table in (VIEWS, SITE, PLAYBACK)}
_INSERT: Final = {
    table: query(
        "drain_insert",
        table=table.name,
        columns=", ".join(table.columns),
        returned=table.columns[0],
    )
    for table in (VIEWS, SITE, PLAYBACK)
}
_HAS_TABLE: Final = "SELECT to_regclass($1) IS NOT NULL"


class Copy(Protocol):
    """A way in: returns the events that are new, adds dead letters for those that are refused."""

    def __call__(
        self, connection: Connection, table_rows: TableRows[E], dead_letters: list[DeadLetter]
    ) -> Awaitable[list[E]]:
        """Copy the rows of one table, in the caller's transaction."""
        ...


async def copy_all(connection: Connection, table_rows: TableRows[E], dead_letters: list[DeadLetter]) -> list[E]:
    """Copy rows of which each is new and sound. Raises BadData when one is not: the transaction is lost."""
    if table_rows.rows:
        await connection.copy_records(table_rows.table.name, table_rows.rows, table_rows.table.columns)
    return table_rows.events


async def copy_carefully(connection: Connection, table_rows: TableRows[E], dead_letters: list[DeadLetter]) -> list[E]:
    """Copy the rows that are new and sound. Raises StoreUnavailable, also when a partition is gone."""
    if not table_rows.rows:
        return []
    await connection.execute(_STAGE[table_rows.table])
    keys = await _copy_range(connection, table_rows, 0, len(table_rows.rows), dead_letters)
    inserted = {(first, day_of_date(date), event_id) for first, date, event_id in keys}
    return [event for event in table_rows.events if key_of(event) in inserted]


async def _copy_range(
    connection: Connection, table_rows: TableRows[E], low: int, high: int, dead_letters: list[DeadLetter]
) -> list[Any]:
    """Insert the rows low ≤ index < high as far as they are sound; returns the keys of those that are new."""
    if low == high:
        return []
    try:
        async with connection.transaction():
            rows = [(*table_rows.rows[index], index) for index in range(low, high)]
            staging = f"drain_staging_{table_rows.table.name}"
            await connection.copy_records(staging, rows, (*table_rows.table.columns, "place"))
            return await connection.fetch(_INSERT[table_rows.table], low, high - 1)
    except BadData as fault:
        if high - low == 1:
            await _expect_partition(connection, table_rows, low)
            dead_letters.append(DeadLetter(table_rows.events[low], str(fault)))
            return []
    middle = (low + high) // 2
    return [
        *await _copy_range(connection, table_rows, low, middle, dead_letters),
        *await _copy_range(connection, table_rows, middle, high, dead_letters),
    ]


async def _expect_partition(connection: Connection, table_rows: TableRows[E], index: int) -> None:
    """Raise StoreUnavailable when a row was refused because its partition was dropped after we had made it."""
    partition = f"{table_rows.table.name}_{date_of(table_rows.events[index].event_day):%Y%m%d}"
    if not await connection.fetchval(_HAS_TABLE, partition):
        raise StoreUnavailable(f"{partition} was dropped meanwhile")
