"""Players' last status in PostgreSQL: one row a player, written in batches beside the way of the views.

The times are those of the receipt: of two processes that heard a player, what was heard later counts. A write takes a
lock and a few statements, and the actor then rests for a multiple of the time that it took. Capture never waits for it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import trio
from msgspec import UNSET

from vts.model.day import datetime_of
from vts.model.presence import Change, Presence
from vts.store.session.connection import Connection
from vts.store.session.locks import PRESENCE
from vts.store.session.queries import queries_beside

query = queries_beside(__file__)

EVERY_S: Final = 2.0  # what an answer lags behind; after a kill of the process so much is not known
EVERY_MAX_S: Final = 20.0  # far below the silence after which a player is offline
REST_FACTOR: Final = 20.0  # a write takes at most a twentieth of one session
ROWS_AT_ONCE: Final = 1_000  # of one statement: its arguments hold the loop for some 5 ms

_LOCK: Final = f"SELECT pg_advisory_xact_lock({PRESENCE}, 1)"
_WRITE: Final = query("presence_write")
_FORGET: Final = """
DELETE FROM player_presence AS known WHERE NOT EXISTS (SELECT FROM players WHERE player_key = known.player_key)
"""


class PresenceActor:
    """Writes what players have shown. `stop` has the rest written."""

    def __init__(
        self,
        presence: Presence,
        connect: Callable[[], Awaitable[Connection]],
        silence: dt.timedelta,
        every_s: float = EVERY_S,
    ) -> None:
        """`silence`: how long a player that is online may be silent."""
        self._presence = presence
        self._connect = connect
        self._silence = silence
        self._every_s = every_s
        self._stopping = trio.Event()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Write until `stop`. Raises StoreUnavailable; what could not be written is kept for the next run."""
        task_status.started()
        connection: Connection | None = None  # an installation without players has no session for them
        rest_s = self._every_s
        try:
            while not self._stopping.is_set():
                with trio.move_on_after(rest_s):
                    await self._stopping.wait()
                if not self._presence:
                    continue
                started_s = trio.current_time()
                connection = connection or await self._connect()
                await flush(connection, self._presence, self._silence)
                took_s = trio.current_time() - started_s
                rest_s = min(max(self._every_s, REST_FACTOR * took_s), EVERY_MAX_S)
        finally:
            if connection is not None:
                await connection.close()

    def stop(self) -> None:
        """Write what there is, then end."""
        self._stopping.set()


async def flush(connection: Connection, presence: Presence, silence: dt.timedelta) -> None:
    """Write all changes in one transaction; when that fails they are put back. Raises StoreUnavailable.

    A write whose outcome is unknown is repeated, which changes nothing.
    """
    changes = presence.take()
    try:
        async with connection.transaction():
            await connection.execute(_LOCK)
            keys = list(changes)
            for at in range(0, len(keys), ROWS_AT_ONCE):
                part = {key: changes[key] for key in keys[at : at + ROWS_AT_ONCE]}
                await connection.execute(_WRITE, *_columns(part), silence)
    except BaseException:
        presence.put_back(changes)
        raise


async def forget_presence(connection: Connection) -> None:
    """Forget players that are no longer in the catalog. Called about every hour."""
    await connection.execute(_FORGET)


def _columns(changes: Mapping[bytes, Change]) -> list[list[Any]]:
    """Return the columns of `presence_write`."""
    rows = changes.values()
    return [
        list(changes),
        [_at(row.first_us) for row in rows],
        [_at(row.seen_us) for row in rows],
        [_at(row.active_us) for row in rows],
        [_at(row.back_us) for row in rows],
        [_at(row.offline_us) for row in rows],
        [_at(row.view_us) for row in rows],
        [_at(row.status_us) for row in rows],
        [row.post_id is not UNSET for row in rows],
        [None if row.post_id is UNSET else row.post_id for row in rows],
        [row.firmware is not UNSET for row in rows],
        [None if row.firmware is UNSET else row.firmware for row in rows],
    ]


def _at(time_us: int) -> dt.datetime | None:
    return datetime_of(time_us) if time_us else None
