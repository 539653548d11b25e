"""Visits to the site's pages: how long they took and how many pages they had, computed from a day's raw page views.

As with the analytics, one function serves the roll-up of a closed day and the days that are still open. What a visit
is stands in the migration's comments and in `docs/api.md`.
"""

from __future__ import annotations

from typing import Final

from vts.model.day import date_of
from vts.store.session.connection import Connection
from vts.store.session.locks import ANALYTICS
from vts.store.session.queries import queries_beside

query = queries_beside(__file__)

IDLE_S: Final = 30 * 60
"""A longer gap ends a visit: the limit of Google Analytics and of Plausible, and of a playback session here."""

_TRY_LOCK: Final = "SELECT pg_try_advisory_xact_lock($1, $2)"
_IS_DROPPED: Final = "SELECT EXISTS (SELECT FROM rollup_days WHERE day = $1 AND dropped_at IS NOT NULL)"
_SITE_PAGE_VIEWS: Final = "SELECT page_views FROM site_stats_daily WHERE day = $1"
_PLAN: Final = "SET LOCAL work_mem = '32MB'"  # page views are sorted by visitor
_UNPLAN: Final = "SET LOCAL work_mem TO DEFAULT"
_VISITS: Final = query("visits_of_day")
_REPLACE: Final = query("visits_replace")
_MEASURES: Final = ("visits", "page_views", "duration_ms", "bounces")


async def roll_visits(connection: Connection, day: int) -> None:
    """Replace the visits of a day number by what its raw page views give, inside the caller's transaction.

    A day whose raw rows were dropped stays as it is. The caller has the lock of the day's analytics. Raises
    StoreUnavailable.
    """
    date = date_of(day)
    # Before the rows are read: what comes in between is then counted but not known of, which errs on the honest side.
    site_page_views = await connection.fetchval(_SITE_PAGE_VIEWS, date) or 0
    await connection.execute(_PLAN)
    rows = {row["signed"]: row for row in await connection.fetch(_VISITS, date, IDLE_S)}
    await connection.execute(_UNPLAN)
    if await connection.fetchval(_IS_DROPPED, date):  # asked after the rows were read: they may just have gone
        return
    measured = [rows[signed][name] if signed in rows else 0 for name in _MEASURES for signed in (False, True)]
    await connection.execute(_REPLACE, date, site_page_views, *measured)


async def roll_open_visits(connection: Connection, day: int) -> bool:
    """Do the same in a transaction, unless another session is at this day: then False. Raises StoreUnavailable."""
    async with connection.transaction():
        if not await connection.fetchval(_TRY_LOCK, ANALYTICS, day):
            return False
        await roll_visits(connection, day)
    return True
