"""First owners that become known after a day was rolled up: whether their earlier views are in it, so that it is rolled
up again. A day remembers up to which revision of the catalog that was asked, so each content is looked at once a day.
"""

from __future__ import annotations

from typing import Final

from vts.model.day import date_of
from vts.store.drain.counting import lock_days
from vts.store.session.connection import Connection
from vts.store.session.queries import queries_beside

query = queries_beside(__file__)

_REVISION: Final = "SELECT revision FROM catalog_revision"
_ASKED: Final = "SELECT catalog_revision FROM rollup_days WHERE day = $1 AND dropped_at IS NULL"
_FOUND: Final = query("roll_authors_since", by_author=query("roll_by_author"))
_REOPEN: Final = "UPDATE post_stats_daily SET rolled_at = NULL WHERE post_id = 0 AND day = $1"
_NOTE: Final = "UPDATE rollup_days SET catalog_revision = $2 WHERE day = $1 AND catalog_revision < $2"


async def catalog_revision(connection: Connection) -> int:
    """Return the revision of the catalog whose changes are all visible by now. Raises StoreUnavailable."""
    revision: int = await connection.fetchval(_REVISION)
    return revision


async def has_new_authors(connection: Connection, day: int) -> bool:
    """Whether a rolled day counts views of first owners that were not known then. Raises StoreUnavailable."""
    asked = await connection.fetchval(_ASKED, date_of(day))
    return asked is not None and bool(await connection.fetchval(_FOUND, date_of(day), asked))


async def reopen(connection: Connection, day: int) -> bool:
    """Have a rolled day rolled up again if it counts views of such owners. Raises StoreUnavailable."""
    async with connection.transaction():
        revision = await catalog_revision(connection)  # before the look: what comes in between is asked for next time
        found = await has_new_authors(connection, day)
        if found:
            await lock_days(connection, [day])
            await connection.execute(_REOPEN, date_of(day))
        await connection.execute(_NOTE, date_of(day), revision)
    return found
