"""Raw rows past their time: the partitions of a day are dropped, never rows deleted, and only when nothing is lost."""

from __future__ import annotations

from typing import Final

from vts.model.day import date_of, datetime_of
from vts.rollup.authors import has_new_authors
from vts.store.session.connection import BE_QUICK, Connection
from vts.store.session.locks import DAY, PARTITIONS
from vts.store.session.queries import queries_beside

query = queries_beside(__file__)

PARENTS: Final = ("view_events", "site_events", "playback_events")

# A drop waits for the transactions that use the tables, and all others wait behind it: it is tried another time.
_PATIENCE: Final = f"SET LOCAL lock_timeout = '500ms'; {BE_QUICK}"
# A drain that is about to write to the day holds this; to wait for it here could mean to wait for each other.
_TRY_DAY: Final = f"SELECT pg_try_advisory_xact_lock({DAY}, $1)"
_NO_NEW_DAYS: Final = f"SELECT pg_advisory_xact_lock({PARTITIONS}, 1)"
_DROPPABLE: Final = query("roll_droppable")
_DROPPED: Final = "UPDATE rollup_days SET dropped_at = $2 WHERE day = $1"


async def drop_day(connection: Connection, day: int, now_us: int) -> bool:
    """Drop the raw rows of a day, as the owner. False when it may not go yet or a drain is at it.

    Raises StoreUnavailable, also when the tables are in use for too long.
    """
    date = date_of(day)
    async with connection.transaction():
        await connection.execute(_PATIENCE)
        if not await connection.fetchval(_TRY_DAY, day) or not await connection.fetchval(_DROPPABLE, date):
            return False
        if await has_new_authors(connection, day):
            return False  # what is left out of a day is found in its raw rows only
        await connection.execute(_NO_NEW_DAYS)
        tables = ", ".join(f"{parent}_{date:%Y%m%d}" for parent in PARENTS)
        await connection.execute(f"DROP TABLE IF EXISTS {tables}")
        await connection.execute(_DROPPED, date, datetime_of(now_us))
        return True
