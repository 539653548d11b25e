"""One day, rolled up: recounted beside what is displayed, and put in its place in one transaction.

Nobody waits for the recount. That no row came in between is seen from what the day displays, under the lock that every
drain takes; if one did, the day is counted again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import trio

from vts.model.day import date_of, datetime_of
from vts.model.ports import Clock
from vts.rollup.recount import Found, OnProgress, recount
from vts.store.connection import Connection
from vts.store.queries import query

ATTEMPTS: Final = 3
LOCKED_MAX_S: Final = 1.0  # a drain may be kept waiting so long; what takes longer is tried again another time

_BEFORE: Final = query("roll_before")
_LOCK: Final = query("drain_lock_days")
_MOVED: Final = query("roll_moved")
_STAYS: Final = (
    "known.unique_viewers{0} > excluded.unique_viewers{0} AND known.total_views{0} <= excluded.total_views{0}"
)


def _replace(table: str, key: str, kind: str) -> str:
    stays, authenticated = _STAYS.format(""), _STAYS.format("_authenticated")
    return query("roll_replace", table=table, key=key, kind=kind, stays=stays, stays_authenticated=authenticated)


_POSTS: Final = _replace("post_stats_daily", "post_id", "post")
_ARTISTS: Final = _replace("artist_stats_daily", "owner_id", "artist")
_VISITS: Final = query("roll_replace_visits")
_REMOVE: Final = (query("roll_remove_posts"), query("roll_remove_artists"))
_DONE: Final = query("roll_done")
_KEEP: Final = query("roll_keep")


@dataclass(frozen=True, slots=True)
class Rolled:
    """The day is what its raw rows say. `left_out` are views of authors."""

    day: int
    views: int
    left_out: int
    took_s: float


@dataclass(frozen=True, slots=True)
class Kept:
    """Raw rows are missing that had been counted: the day stays as it is displayed, from now on."""

    day: int
    displayed: int
    found: int


@dataclass(frozen=True, slots=True)
class Moving:
    """Rows keep coming: the day is still dirty, and right, since the drain counts it."""

    day: int
    took_s: float


Outcome = Rolled | Kept | Moving
_Displayed = tuple[int, int]


async def roll_day(connection: Connection, day: int, clock: Clock, on_progress: OnProgress = lambda _: None) -> Outcome:
    """Roll up one closed day. The session has to hold the turn (`vts.rollup.turn`). Raises StoreUnavailable."""
    started_s = began_s = trio.current_time()
    for _ in range(ATTEMPTS):
        began_s = trio.current_time()
        displayed = await _displayed(connection, day)
        found = await recount(connection, day, on_progress)
        async with connection.transaction():
            await connection.execute(_LOCK, [day])
            if await _displayed(connection, day) == displayed and not await connection.fetchval(_MOVED):
                return await _settle(connection, day, displayed, found, clock(), started_s)
    if trio.current_time() - began_s > LOCKED_MAX_S:
        return Moving(day, trio.current_time() - started_s)
    async with connection.transaction():
        await connection.execute(_LOCK, [day])
        displayed = await _displayed(connection, day)
        return await _settle(connection, day, displayed, await recount(connection, day), clock(), started_s)


async def _displayed(connection: Connection, day: int) -> _Displayed:
    views, events = await connection.fetchrow(_BEFORE, date_of(day))  # type: ignore[misc]
    return views, events


async def _settle(
    connection: Connection, day: int, displayed: _Displayed, found: Found, now_us: int, started_s: float
) -> Outcome:
    """Put the recount in place of what is displayed, unless rows are missing. Inside the transaction."""
    date, now = date_of(day), datetime_of(now_us)
    if found.views + found.left_out < displayed[0] or found.events < displayed[1]:
        await connection.execute(_KEEP, date, now, displayed[0])
        return Kept(day, sum(displayed), sum(found))
    for statement in _REMOVE:
        await connection.execute(statement, date)
    for statement in (_POSTS, _ARTISTS, _VISITS):
        await connection.execute(statement, date, now)
    await connection.execute(_DONE, date, now, found.views)
    return Rolled(day, found.views, found.left_out, trio.current_time() - started_s)
