"""Whether a leader that has lost the broker gives the lead to a process that reaches it.

A leader without the broker holds `BROKER_SOUGHT` of `vts.store.session.locks`. Standbys that see it try the broker, and
while it answers they hold `BROKER_REACHED`, shared. When another process holds that, the leader lets go; when none
does, it stays the leader: it may be the first to reach the broker again. Locks end with their sessions, so none of them
outlives its process.
"""

from __future__ import annotations

from typing import Final, Protocol

import trio

from vts.store.session import locks
from vts.store.session.connection import Connection

SEEK_AFTER_S: Final = 5.0  # without the broker: longer than a broker takes to restart
LET_GO_AFTER_S: Final = 10.0  # without the broker, if another process reaches it
TRY_EVERY_S: Final = 2.0  # a standby tries the broker while it is sought
HESITATE_S: Final = 5.0  # without any leader, before a process that let go leads again without the broker

_TAKE: Final = "SELECT pg_try_advisory_lock($1, $2)"
_GIVE: Final = "SELECT pg_advisory_unlock($1, $2)"
_TAKE_SHARED: Final = "SELECT pg_try_advisory_lock_shared($1, $2)"
_GIVE_SHARED: Final = "SELECT pg_advisory_unlock_shared($1, $2)"
_OTHERS_HOLD: Final = """
SELECT EXISTS (
    SELECT FROM pg_locks
    WHERE locktype = 'advisory' AND granted AND classid = $1::bigint AND objid = $2::bigint AND objsubid = 2
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND pid <> pg_backend_pid()
)
"""


class BrokerView(Protocol):
    """A process's view of the broker."""

    @property
    def connected(self) -> bool:
        """Whether this process reads the broker's session now."""
        ...

    async def answers(self) -> bool:
        """Whether the broker accepts a connection, tried now, without touching the session. Ends within seconds."""
        ...


class Reach:
    """One process's part, on one session with PostgreSQL. Every coroutine raises StoreUnavailable."""

    def __init__(self, connection: Connection, leader_lock: int, key: int, broker: BrokerView) -> None:
        self._connection = connection
        self._leader_lock = leader_lock
        self._key = key
        self._broker = broker
        self._connected_at = trio.current_time()
        self._tried_at = float("-inf")
        self._free_since: float | None = None
        self._seeking = False
        self._reached = False
        self._hesitant = False  # it let go because another reached the broker, and has not reached it since

    async def lead(self) -> None:
        """Begin to lead: the time without the broker is counted from now on."""
        self._hesitant = False
        self._connected_at = trio.current_time()
        await self._show_reached(False)

    async def should_let_go(self) -> bool:
        """Whether this leader has been without the broker for long, and another process reaches it."""
        now = trio.current_time()
        if self._broker.connected:
            self._connected_at = now
        alone_s = now - self._connected_at
        await self._seek(alone_s >= SEEK_AFTER_S)
        return alone_s >= LET_GO_AFTER_S and await self._others_hold(locks.BROKER_REACHED)

    async def let_go(self) -> None:
        """Release the lock, so that another process can take it."""
        self._hesitant, self._free_since = True, None
        await self._seek(False)
        await self._connection.fetchval(_GIVE, self._leader_lock, self._key)

    async def may_take(self) -> bool:
        """Try the broker if a leader seeks it; return whether to try the lock now."""
        if self._hesitant or await self._others_hold(locks.BROKER_SOUGHT):
            await self._try()
        else:
            await self._show_reached(False)
        return not self._hesitant or await self._has_no_leader()

    async def _try(self) -> None:
        if trio.current_time() - self._tried_at >= TRY_EVERY_S:
            reached = await self._broker.answers()
            self._tried_at = trio.current_time()
            self._hesitant = self._hesitant and not reached
            await self._show_reached(reached)

    async def _has_no_leader(self) -> bool:
        """Whether there was no leader for so long that one without the broker is better."""
        if await self._others_hold(self._leader_lock):
            self._free_since = None
            return False
        now = trio.current_time()
        self._free_since = now if self._free_since is None else self._free_since
        return now - self._free_since >= HESITATE_S

    async def _seek(self, wanted: bool) -> None:
        if wanted != self._seeking:
            await self._connection.fetchval(_TAKE if wanted else _GIVE, locks.BROKER_SOUGHT, self._key)
            self._seeking = wanted

    async def _show_reached(self, reached: bool) -> None:
        if reached != self._reached:
            await self._connection.fetchval(_TAKE_SHARED if reached else _GIVE_SHARED, locks.BROKER_REACHED, self._key)
            self._reached = reached

    async def _others_hold(self, lock: int) -> bool:
        return bool(await self._connection.fetchval(_OTHERS_HOLD, lock, self._key))
