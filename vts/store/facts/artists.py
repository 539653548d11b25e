"""Artists' days, added up anew out of the days of their contents: when contents change hands after they were counted.

The drain counts for the owner that it knows at that moment. A write of an owner into the catalog marks the days of
the former and of the new owner in the same transaction; the actor adds marked days up within a second, and once more
when every process has the new owner.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Final

import msgspec
import trio

from vts.model.day import date_of, day_of_date
from vts.model.sketch import Union
from vts.model.tally import (
    BOUNDLESS,
    VALUES_KEPT,
    VALUES_OPEN_KEPT,
    VALUES_OPEN_MAX,
    Breakdowns,
    decode,
    encode,
    fold,
    merge,
)
from vts.store.drain.counting import lock_days
from vts.store.facts.digests import Digests
from vts.store.facts.totals import add_up_changes
from vts.store.session.connection import Connection
from vts.store.session.queries import queries_beside

query = queries_beside(__file__)

LOOK_EVERY_S: Final = 1.0  # without being poked: for what other processes marked and did not live to add up
SETTLED_AFTER: Final = dt.timedelta(seconds=60)  # far beyond the wait before a lost catalog is followed again
POSTS_AT_ONCE: Final = 200  # about 2 ms of merging between two answers of the database
POSTS_MAX: Final = 2_000  # of one transaction: a quarter of a second in which no drain counts for the day
OWNERS_MAX: Final = 200  # likewise

_DUE: Final = """
SELECT DISTINCT day FROM artist_stats_dirty WHERE added_at IS NULL OR marked_at < now() - $1::interval ORDER BY day DESC
"""
_TAKE: Final = query("artists_take")
_POSTS: Final = query("artists_posts")
_WRITE: Final = query("artists_write")
_DONE: Final = query("artists_done")
_VIEWS: Final = """
SELECT owner_id, total_views, total_views_authenticated FROM artist_stats_daily
WHERE day = $1 AND owner_id = ANY($2::bigint[])
"""
_REMOVE: Final = "DELETE FROM artist_stats_daily WHERE day = $1 AND owner_id = ANY($2::bigint[])"
_FORGET: Final = "DELETE FROM artist_posts_daily WHERE day = $1 AND owner_id = ANY($2::bigint[])"


class Artists:
    """The actor. `poke` when something may have been marked."""

    def __init__(
        self, connect: Callable[[], Awaitable[Connection]], settled_after: dt.timedelta = SETTLED_AFTER
    ) -> None:
        self._connect = connect
        self._settled_after = settled_after
        self._poked = trio.Event()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Add up marked days, keep the digests and the totals of contents, until cancelled. Raises StoreUnavailable."""
        task_status.started()
        connection = await self._connect()
        digests = Digests()
        try:
            while True:
                self._poked = trio.Event()
                if await add_up_marked(connection, self._settled_after, for_s=LOOK_EVERY_S):
                    digests.is_behind = True
                    continue  # what is marked comes before digests
                await digests.look(connection)
                if await add_up_changes(connection):
                    continue  # of a day; marks have their turn between two days
                with trio.move_on_after(LOOK_EVERY_S):
                    await self._poked.wait()
        finally:
            await connection.close()

    def poke(self) -> None:
        """Have the actor look now."""
        self._poked.set()


async def add_up_marked(
    connection: Connection, settled_after: dt.timedelta = SETTLED_AFTER, for_s: float = math.inf
) -> int:
    """Add up what is marked, the newest days first. Returns how many days of artists that were.

    It takes not much longer than `for_s`; what is marked meanwhile may be newer than what is left. Raises
    StoreUnavailable.
    """
    until_s = trio.current_time() + for_s
    added = 0
    for row in await connection.fetch(_DUE, settled_after):
        while trio.current_time() < until_s and (some := await _some(connection, row[0], settled_after)):
            added += some
    return added


async def _some(connection: Connection, date: dt.date, settled_after: dt.timedelta) -> int:
    """Add up some artists of a day in one transaction. The day's lock comes first, as it does for every drain."""
    async with connection.transaction():
        await lock_days(connection, [day_of_date(date)])
        owners = _bounded(await connection.fetch(_TAKE, date, settled_after, OWNERS_MAX))
        if owners:
            again = [owner_id for owner_id, is_again in owners.items() if is_again]
            await add_up(connection, day_of_date(date), list(owners), again)
            await connection.execute(_DONE, date, list(owners), settled_after)
        return len(owners)


def _bounded(marks: Iterable[tuple[int, int, bool]]) -> dict[int, bool]:
    owners: dict[int, bool] = {}
    posts = 0
    for owner_id, has, is_again in marks:
        if owners and posts + has > POSTS_MAX:
            break
        owners[owner_id] = is_again
        posts += has
    return owners


async def add_up(connection: Connection, day: int, owners: Sequence[int], again: Sequence[int] = ()) -> None:
    """Replace the day of these artists by what their contents' days add up to; a day without views goes.

    Those of `again` were added up since their contents last changed hands: when their views still add up, they stay as
    they are, since a roll-up may have fed their sketches better than a union does. The caller is in a transaction that
    holds the day's lock. Raises StoreUnavailable.
    """
    date = date_of(day)
    sums: dict[int, _Sum] = {}
    at = (-1 << 63, 0)
    while page := await connection.fetch(_POSTS, list(owners), date, *at, POSTS_AT_ONCE):
        for row in page:
            sums.setdefault(row["owner_id"], _Sum()).add(row)
        at = (page[-1]["owner_id"], page[-1]["post_id"])
    right = {row[0] for row in await connection.fetch(_VIEWS, date, list(again)) if _is_right(sums.get(row[0]), row)}
    await connection.executemany(
        _WRITE, [(owner_id, date, *one.columns()) for owner_id, one in sums.items() if owner_id not in right]
    )
    await connection.execute(_REMOVE, date, [owner_id for owner_id in owners if owner_id not in sums])
    await connection.execute(_FORGET, date, [owner_id for owner_id in owners if owner_id not in right])


def _is_right(one: _Sum | None, row: Sequence[int]) -> bool:
    return one is not None and [one.views, one.views_authenticated] == list(row[1:])


class _Sum(msgspec.Struct):
    """One artist's day."""

    views: int = 0
    views_authenticated: int = 0
    first: list[dt.datetime] = []
    last: list[dt.datetime] = []
    first_authenticated: list[dt.datetime] = []
    last_authenticated: list[dt.datetime] = []
    rolled: list[dt.datetime | None] = []
    breakdowns: Breakdowns = {}
    viewers: Union = msgspec.field(default_factory=Union)
    viewers_authenticated: Union = msgspec.field(default_factory=Union)

    def add(self, row: Any) -> None:
        """Take in the day of one content."""
        self.views += row["total_views"]
        self.views_authenticated += row["total_views_authenticated"]
        self.first.append(row["first_view_at"])
        self.last.append(row["last_view_at"])
        if row["first_view_at_authenticated"] is not None:
            self.first_authenticated.append(row["first_view_at_authenticated"])
            self.last_authenticated.append(row["last_view_at_authenticated"])
        self.rolled.append(row["rolled_at"])
        merge(self.breakdowns, decode(row["breakdowns"]))
        self.viewers.add(row["sketch"])
        self.viewers_authenticated.add(row["sketch_authenticated"])

    def columns(self) -> tuple[Any, ...]:
        """Return what is written, in the order of `artists_write`. A day is rolled when all of its contents' are."""
        rolled = [at for at in self.rolled if at is not None]
        rolled_at = max(rolled) if len(rolled) == len(self.rolled) else None
        _bound(self.breakdowns, is_rolled=rolled_at is not None)
        seen, viewers = self.viewers.result()
        seen_authenticated, viewers_authenticated = self.viewers_authenticated.result()
        return (
            self.views,
            self.views_authenticated,
            min(viewers, self.views),  # an estimate may be more than there were views
            min(viewers_authenticated, self.views_authenticated),
            min(self.first),
            max(self.last),
            min(self.first_authenticated, default=None),
            max(self.last_authenticated, default=None),
            rolled_at,
            encode(self.breakdowns),
            seen,
            seen_authenticated,
        )


def _bound(breakdowns: Breakdowns, *, is_rolled: bool) -> None:
    """Keep as many values as a day of one content may have."""
    for dimension, values in breakdowns.items():
        if is_rolled:
            fold(values, VALUES_KEPT)
        elif dimension in BOUNDLESS and len(values) > VALUES_OPEN_MAX:
            fold(values, VALUES_OPEN_KEPT)
