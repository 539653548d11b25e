"""One day, rolled up: recounted beside what is displayed, and put in its place in one transaction.

No lock is held during the recount. That no row came in between is seen from what the day displays, under the lock that
every drain takes; if one did, the day is counted again.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Final, NamedTuple

import trio

from vts.model.day import date_of, datetime_of
from vts.model.ports import Clock
from vts.rollup import analytics
from vts.rollup.authors import catalog_revision
from vts.rollup.recount import OnProgress, Recounted, recount
from vts.rollup.turn import Turn
from vts.store.drain.counting import lock_days
from vts.store.session.connection import BE_QUICK, Connection
from vts.store.session.queries import queries_beside

query = queries_beside(__file__)

ATTEMPTS: Final = 3
LOCKED_MAX_S: Final = 1.0  # a drain may be kept waiting so long; what takes longer is tried again another time

_BEFORE: Final = query("roll_before")
_MOVED: Final = query("roll_moved")
# Sketches of the same viewers, fed in another order, differ by up to this in what they estimate, once they estimate.
_STAYS: Final = """known.{total} <= excluded.{total} AND excluded.{unique} > 1000
        AND known.{unique} > excluded.{unique} AND known.{unique} < excluded.{unique} * 1.04"""


def _replace(name: str, total: str, unique: str, **names: str) -> str:
    return query(
        name,
        stays=_STAYS.format(total=total, unique=unique),
        stays_authenticated=_STAYS.format(total=f"{total}_authenticated", unique=f"{unique}_authenticated"),
        **names,
    )


_VIEWS: Final = ("roll_replace", "total_views", "unique_viewers")
_REPLACE: Final = (
    _replace(*_VIEWS, table="post_stats_daily", key="post_id", kind="post"),
    _replace(*_VIEWS, table="artist_stats_daily", key="owner_id", kind="artist"),
    _replace("roll_replace_visits", "page_views", "unique_visitors"),
)
_REMOVE: Final = (query("roll_remove_posts"), query("roll_remove_artists"))
_DONE: Final = query("roll_done")
_KEEP: Final = query("roll_keep")


@dataclass(frozen=True, slots=True)
class Rolled:
    """The day is as its raw rows give it. `left_out` are views of authors."""

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


class _Displayed(NamedTuple):
    views: int
    events: int


class _Before(NamedTuple):
    """What was there before the recount: what the day displays, and the revision of the catalog."""

    displayed: _Displayed
    revision: int


class _Changed(Exception):
    """Rows came in, or a content changed hands, while the day was counted."""


def is_complete(displayed: tuple[int, int], found: Recounted) -> bool:
    """Whether the raw rows hold at least what is displayed: views, and events of the site."""
    return found.views + found.left_out >= displayed[0] and found.events >= displayed[1]


async def roll_day(
    connection: Connection,
    day: int,
    clock: Clock,
    on_progress: OnProgress = lambda _: None,
    turn: Turn | None = None,
) -> Outcome:
    """Roll up one closed day. Raises StoreUnavailable, also when the turn is over: then the day is as it was.

    Without a `turn` the caller is alone, or the session has it.
    """
    started_s = began_s = trio.current_time()
    for _ in range(ATTEMPTS):
        began_s = trio.current_time()
        before = await _before(connection, day)
        found = await recount(connection, day, on_progress)
        on_progress(0.95)
        with suppress(_Changed):
            await _put(connection, day, before, found, clock, turn)
            return _outcome(day, before.displayed, found, started_s)
    if trio.current_time() - began_s <= LOCKED_MAX_S:
        with suppress(_Changed):
            async with connection.transaction():
                await _lock(connection, day, turn)
                before = await _before(connection, day)
                found = await recount(connection, day)
                await _put(connection, day, before, found, clock, turn)
            return _outcome(day, before.displayed, found, started_s)
    return Moving(day, trio.current_time() - started_s)


async def _put(
    connection: Connection, day: int, before: _Before, found: Recounted, clock: Clock, turn: Turn | None
) -> None:
    """Put the recount in the place of what is displayed, unless rows are missing. Raises _Changed, and nothing is done.

    What takes long comes before the lock.
    """
    date, displayed = date_of(day), before.displayed
    async with connection.transaction():
        await _expect(connection, day, displayed)
        if is_complete(displayed, found):
            await analytics.roll_day(connection, day)
        await _lock(connection, day, turn)
        await _expect(connection, day, displayed)
        now = datetime_of(clock())
        if not is_complete(displayed, found):
            await connection.execute(_KEEP, date, now, displayed.views)
            return
        for statement in _REMOVE:
            await connection.execute(statement, date)
        for statement in _REPLACE:
            await connection.execute(statement, date, now)
        await connection.execute(_DONE, date, now, found.views, before.revision)


async def _lock(connection: Connection, day: int, turn: Turn | None) -> None:
    """Keep drains out to the end of the transaction, and make sure that it is still our turn."""
    await connection.execute(BE_QUICK)
    await lock_days(connection, [day])
    if turn is not None:
        await turn.check(connection)


async def _expect(connection: Connection, day: int, displayed: _Displayed) -> None:
    if await _displayed(connection, day) != displayed or await connection.fetchval(_MOVED):
        raise _Changed


def _outcome(day: int, displayed: _Displayed, found: Recounted, started_s: float) -> Outcome:
    if is_complete(displayed, found):
        return Rolled(day, found.views, found.left_out, trio.current_time() - started_s)
    return Kept(day, sum(displayed), sum(found))


async def _displayed(connection: Connection, day: int) -> _Displayed:
    return _Displayed(*await connection.fetchrow(_BEFORE, date_of(day)))  # type: ignore[misc]


async def _before(connection: Connection, day: int) -> _Before:
    return _Before(await _displayed(connection, day), await catalog_revision(connection))
