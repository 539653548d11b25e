"""What became of events, by hour: an actor stores what the metrics of its process count, for questions about any day.

A process writes its own row of an hour, source and outcome with the whole number of that hour, so it writes again after
a commit whose outcome is unknown. A process that is killed loses at most what it counted in `EVERY_S`: these are
numbers about events, no events.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import trio

from vts.model.day import HOUR_US, datetime_of
from vts.model.ports import Clock
from vts.store.session.connection import Connection

EVERY_S: Final = 5.0
DAYS_KEPT: Final = 400  # a year and its comparison; about 20 rows an hour and process
FINAL_WRITE_S: Final = 1.0

_STORE: Final = """
INSERT INTO outcome_stats_hourly (hour, source, outcome, process, events)
SELECT $1, source, outcome, $2, events
FROM unnest($3::text[], $4::text[], $5::bigint[]) AS told (source, outcome, events)
ON CONFLICT (hour, source, outcome, process) DO UPDATE SET events = EXCLUDED.events
"""
_FORGET: Final = "DELETE FROM outcome_stats_hourly WHERE hour < $1"

Counted = Mapping[tuple[str, str], int]
"""(source, outcome) → events since the process started."""


class Outcomes:
    """The actor. `counted` gives the counters of the process, which only grow."""

    def __init__(
        self,
        connect: Callable[[], Awaitable[Connection]],
        counted: Callable[[], Counted],
        clock: Clock,
        every_s: float = EVERY_S,
    ) -> None:
        self._connect = connect
        self._counted = counted
        self._clock = clock
        self._every_s = every_s
        self._process = int.from_bytes(os.urandom(8), "big", signed=True)
        self._hour = 0
        self._before: Counted = {}  # what was counted when the hour began
        self._stored: Counted = {}
        self._stopped = trio.Event()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Store now and then, until `stop`, and once more at the end. Raises StoreUnavailable."""
        task_status.started()
        connection = await self._connect()
        try:
            await connection.execute(_FORGET, datetime_of(self._clock() - DAYS_KEPT * 24 * HOUR_US))
            while not self._stopped.is_set():
                await self.store(connection)
                with trio.move_on_after(self._every_s):
                    await self._stopped.wait()
            with trio.move_on_after(FINAL_WRITE_S):
                await self.store(connection)
        finally:
            await connection.close()

    def stop(self) -> None:
        """End `run`; it stores what was counted last."""
        self._stopped.set()

    async def store(self, connection: Connection) -> None:
        """Store what was counted in this hour, where it is not stored yet. Raises StoreUnavailable.

        What was counted since the last time belongs to the hour of this call.
        """
        counted = dict(self._counted())
        hour = self._clock() // HOUR_US
        if hour != self._hour:
            self._hour, self._before = hour, self._stored
        changed = {pair: events for pair, events in counted.items() if events != self._stored.get(pair, 0)}
        if changed:
            rows = [(*pair, events - self._before.get(pair, 0)) for pair, events in changed.items()]
            columns = map(list, zip(*rows, strict=True))
            await connection.execute(_STORE, datetime_of(hour * HOUR_US), self._process, *columns)
        self._stored = counted
