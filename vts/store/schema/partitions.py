"""Daily partitions: made ahead by an actor, and on the spot by the drain when a day is missing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final

import trio

from vts.model.day import date_of, day_of
from vts.model.ports import Clock
from vts.store.session.connection import Connection

DAYS_AHEAD: Final = 2  # a day's warning and a day's slack when the database fails
EVERY_S: Final = 3600.0

_MAKE_DAY: Final = "SELECT make_day($1)"


async def make_days(connection: Connection, dates: Iterable[dt.date]) -> int:
    """Make the partitions of these days where they are missing; returns how many days were.

    One short transaction for each day; any number of processes may do so at once. Raises StoreUnavailable.
    """
    return sum([bool(await connection.fetchval(_MAKE_DAY, date)) for date in sorted(set(dates))])


class Partitions:
    """Keeps partitions from the oldest day that a view may carry to the day after tomorrow."""

    def __init__(
        self,
        connect: Callable[[], Awaitable[Connection]],
        raw_days: int,
        clock: Clock,
        also: Sequence[Callable[[Connection], Awaitable[object]]] = (),
        every_s: float = EVERY_S,
    ) -> None:
        """`also` is other housekeeping for the same hour and session."""
        self._connect = connect
        self._also = tuple(also)
        self._raw_days = raw_days
        self._clock = clock
        self._every_s = every_s
        self._scope = trio.CancelScope()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Make what is missing, now and every hour, until `stop`. Raises StoreUnavailable."""
        task_status.started()
        with trio.CancelScope() as self._scope:
            while True:
                await self.make_ahead()
                await trio.sleep(self._every_s)

    def stop(self) -> None:
        """End `run`: a partition is made whole or not at all."""
        self._scope.cancel()

    async def make_ahead(self) -> int:
        """Make what is missing now; returns how many days were. The other chores follow."""
        today = day_of(self._clock())
        connection = await self._connect()
        try:
            ahead = range(today - self._raw_days, today + DAYS_AHEAD + 1)
            made = await make_days(connection, map(date_of, ahead))
            for chore in self._also:
                await chore(connection)
            return made
        finally:
            await connection.close()
