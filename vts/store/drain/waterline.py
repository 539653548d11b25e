"""Whether the database has gone back: what it was known to hold is compared with what it holds now.

After a failover to a replica that lagged, or from a backup, the next session is on an older copy. Each journal holds
what is missing and its own process replays it; until then answers are low, and marked so. What was known is kept here:
how far each run of each journal was drained, of the own one and, by their notices, of the others. A session for
questions is compared before its first question, so no low answer is without that mark.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import trio

from vts.store.session.connection import Connection

LOOK_EVERY_S: Final = 0.1  # while a replay is under way: it takes a second or so
OTHERS_WITHIN_S: Final = 300.0  # a process that has not come back by then is awaited no longer
RUNS_MAX: Final = 1_000  # of others, whose offsets are remembered: those of a day's starts

_LOOK: Final = """
SELECT revision, (SELECT array_agg(COALESCE(seq, 0) ORDER BY place)
    FROM unnest($1::uuid[]) WITH ORDINALITY AS known (journal_id, place) LEFT JOIN journal_offset USING (journal_id))
FROM catalog_revision
"""
# A revision that no journal can replay any more: a process that has a newer one loads the catalog as it is.
_RAISE: Final = """
UPDATE catalog_revision SET revision = $1 + 1000, horizon = $1 + 1000 WHERE revision < $1
"""
_log: Final = logging.getLogger(__name__)


class Waterline:
    """An actor and what it watches. `on_back` is called when it is first found that the database has gone back.

    `newest_run` gives the newest run of the own journal and its last row (nothing when it has none), `known_revision`
    the catalog's revision in memory.
    `linger_s` is how long answers that were read before the end of a replay may still be under way. `recovered` is
    awaited when the replay is through.
    """

    def __init__(
        self,
        connect: Callable[[], Awaitable[Connection]],
        connect_writer: Callable[[], Awaitable[Connection]],
        newest_run: Callable[[], Mapping[bytes, int]],
        known_revision: Callable[[], int],
        on_back: Callable[[], None],
        recovered: Callable[[], Awaitable[None]],
        linger_s: float,
    ) -> None:
        self._connect = connect
        self._connect_writer = connect_writer
        self._newest_run = newest_run
        self._known_revision = known_revision
        self._on_back = on_back
        self._recovered = recovered
        self._linger_s = linger_s
        self._own: dict[bytes, int] = {}
        self._others: dict[bytes, int] = {}
        self._since_s: float | None = None
        self._until_s = float("-inf")
        self._seen_back = trio.Event()

    @property
    def is_behind(self) -> bool:
        """Whether the database is known to lack what it held before."""
        return self._since_s is not None

    def lag_s(self) -> float:
        """Seconds since that was seen, at least a millisecond; 0 when answers are whole."""
        if self._since_s is None and trio.current_time() >= self._until_s:
            return 0.0
        return max(0.001, trio.current_time() - (self._since_s or self._until_s - self._linger_s))

    def drained(self, offsets: Mapping[bytes, int]) -> None:
        """Note how far runs of the own journal are drained."""
        for run_id, seq in offsets.items():
            self._own[run_id] = max(seq, self._own.get(run_id, 0))

    def heard(self, run_id: bytes, seq: int) -> None:
        """Note how far another process has drained a run of its journal."""
        before = self._others.pop(run_id, 0)
        self._others[run_id] = max(before, seq)
        if len(self._others) > RUNS_MAX:
            del self._others[next(iter(self._others))]

    async def check(self, connection: Connection) -> None:
        """Compare a session's database with what was known before the session began. Raises StoreUnavailable."""
        lacks = await self._lacks(connection, self._others | self._own, self._known_revision())
        if lacks and self._since_s is None:
            self._since_s = trio.current_time()
            self._seen_back.set()
            _log.warning("the database has gone back: what it lacks is replayed from the journal")
            self._on_back()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Wait for the end of every replay, until cancelled. Raises StoreUnavailable."""
        task_status.started()
        while True:
            await self._seen_back.wait()
            await self._await_replay()
            await self._raise_revision()
            self._since_s, since_s = None, self._since_s
            self._until_s = trio.current_time() + self._linger_s
            self._seen_back = trio.Event()
            await self._recovered()
            _log.warning("the replay is through after %.1f s", trio.current_time() - (since_s or 0.0))

    async def _await_replay(self) -> None:
        """Until the own journal is drained as far as it is written now, and the others as far as they were."""
        connection = await self._connect()
        own = {**self._own, **self._newest_run()}
        try:
            while True:
                if not await self._lacks(connection, self._others | own, -1):
                    return
                if trio.current_time() - (self._since_s or 0.0) > OTHERS_WITHIN_S and self._others:
                    _log.error("other processes on this database have not replayed their journals: start them again")
                    self._others.clear()
                await trio.sleep(LOOK_EVERY_S)
        finally:
            await connection.close()

    async def _raise_revision(self) -> None:
        connection = await self._connect_writer()
        try:
            await connection.execute(_RAISE, self._known_revision())
        finally:
            await connection.close()

    async def _lacks(self, connection: Connection, known: dict[bytes, int], revision: int) -> bool:
        found = await connection.fetchrow(_LOOK, list(known))
        assert found is not None, "made by the first migration"
        present, offsets = found
        return present < revision or any(a < b for a, b in zip(offsets or (), known.values(), strict=True))
