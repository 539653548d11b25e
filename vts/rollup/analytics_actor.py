"""Keeps the analytics of days with raw rows, and the numbers of the catalog, close behind what they are computed from.

Both are computed anew as a whole, which costs more the more there is. So an actor does it only when something has
changed, and rests for a multiple of the time that it took: it never takes more than a twentieth of one session.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

import trio

from vts.model.day import date_of, day_of, day_of_date
from vts.model.ports import Clock
from vts.rollup.analytics import roll_open_day
from vts.rollup.visits import roll_open_visits
from vts.store.session.connection import Connection
from vts.store.session.locks import CATALOG_COUNTS
from vts.store.session.queries import queries_beside

query = queries_beside(__file__)

EVERY_S: Final = 3.0  # what time spent and conversion lag behind on a small site
REST_FACTOR: Final = 20.0
COMMAND_TIMEOUT_S: Final = 300.0  # a day of five million players' views takes a minute

_OPEN_DAYS: Final = query("analytics_open_days")
_OPEN_VISITS: Final = query("visits_open_days")
_CATALOG_REVISION: Final = "SELECT revision FROM catalog_revision"
_KNOWN_REVISION: Final = "SELECT revision FROM catalog_stats"
_CATALOG_LOCK: Final = f"SELECT pg_try_advisory_xact_lock({CATALOG_COUNTS}, 1)"
_CATALOG: Final = query("analytics_catalog")
_CATALOG_DAYS: Final = query("analytics_catalog_days")


class AnalyticsActor:
    """The actor. Any number of processes may run one: a day is computed by one of them at a time."""

    def __init__(
        self, connect: Callable[[], Awaitable[Connection]], raw_days: int, clock: Clock, every_s: float = EVERY_S
    ) -> None:
        """`connect` gives a session whose commands may take COMMAND_TIMEOUT_S."""
        self._connect = connect
        self._raw_days = raw_days
        self._clock = clock
        self._every_s = every_s
        self._scope = trio.CancelScope()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Follow until `stop`. Raises StoreUnavailable."""
        task_status.started()
        with trio.CancelScope() as self._scope:
            connection = await self._connect()
            try:
                while True:
                    started_s = trio.current_time()
                    await refresh(connection, day_of(self._clock()), self._raw_days)
                    await trio.sleep(max(self._every_s, REST_FACTOR * (trio.current_time() - started_s)))
            finally:
                await connection.close()

    def stop(self) -> None:
        """End `run`: what is half computed is computed again at the next start."""
        self._scope.cancel()


async def refresh(connection: Connection, today: int, raw_days: int) -> None:
    """Bring every day that has raw rows, and the catalog's numbers, up to date where they are behind."""
    days = date_of(today - raw_days), date_of(today)
    for row in await connection.fetch(_OPEN_DAYS, *days):
        await roll_open_day(connection, day_of_date(row["day"]))
    for row in await connection.fetch(_OPEN_VISITS, *days):
        await roll_open_visits(connection, day_of_date(row["day"]))
    await refresh_catalog(connection)


async def refresh_catalog(connection: Connection) -> bool:
    """Count contents and players anew when the catalog has changed; true when they were counted."""
    revision = await connection.fetchval(_CATALOG_REVISION)
    if revision == await connection.fetchval(_KNOWN_REVISION):
        return False
    async with connection.transaction():
        if not await connection.fetchval(_CATALOG_LOCK):
            return False
        await connection.execute(_CATALOG, revision)
        await connection.execute(_CATALOG_DAYS)
    return True
