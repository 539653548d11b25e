"""Counters behind the drain: what each post's, artist's and site's day now adds up to. Inside the drain's transaction.

Read, merged here, written back: PostgreSQL holds the numbers, `vts.model.tally` and `vts.model.sketch` the rules. A
lock for each day keeps other drains out between the reading and the commit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from itertools import compress
from typing import Any, Final, NamedTuple

import trio

from vts.model import sketch
from vts.model.committed import DayTotals
from vts.model.day import date_of, datetime_of, day_of_date
from vts.model.tally import (
    SITE,
    Facts,
    Increment,
    Increments,
    Tally,
    add,
    breakdowns_of,
    decode,
    encode,
    gather,
    regrouped,
)
from vts.model.view import ViewEvent
from vts.store.drain.batch import Dates
from vts.store.session import locks
from vts.store.session.connection import Connection
from vts.store.session.queries import queries_beside

query = queries_beside(__file__)

_LOCK_DAYS: Final = query("drain_lock_days", lock=str(locks.DAY))
_COLUMNS: Final = (
    "day",
    "total_views",
    "total_views_authenticated",
    "unique_viewers",
    "unique_viewers_authenticated",
    "first_view_at",
    "last_view_at",
    "first_view_at_authenticated",
    "last_view_at_authenticated",
    "breakdowns",
    "sketch",
    "sketch_authenticated",
    "key_version",
)

EVENTS_SLICE: Final = 2_500  # views grouped in one go: about 5 ms
SLICE: Final = 50  # rows of counters in one go: about 2 ms
COPY_FROM: Final = 50  # new rows: with fewer the two round trips of a COPY cost more than it saves
SINGLES_REMEMBERED: Final = 8_192  # combinations of facts; 5 MB

Change = tuple[Any, ...]
"""(post_id or owner_id, day) and what `drain_count` takes behind them."""
OwnerOf = Callable[[int], int | None]
"""Post → its owner, None where the catalog in memory has none."""


class _Counters:
    """A table of daily counters and its statements."""

    def __init__(self, table: str, key: str) -> None:
        self.table = table
        self.columns = (key, *_COLUMNS)
        self.read = query("drain_counters", table=table, key=key)
        self.count = query("drain_count", table=table, key=key)


_POSTS: Final = _Counters("post_stats_daily", "post_id")
_ARTISTS: Final = _Counters("artist_stats_daily", "owner_id")


class _Known(NamedTuple):
    """A row of counters before the batch."""

    views: int = 0
    views_authenticated: int = 0
    viewers_authenticated: int = 0
    breakdowns: str = "{}"
    sketch: bytes | None = None
    sketch_authenticated: bytes | None = None


_NOTHING: Final = _Known()


async def lock_days(connection: Connection, days: Iterable[int]) -> None:
    """Hold the locks of these days to the end of the transaction: every writer of their counters needs them."""
    await connection.execute(_LOCK_DAYS, sorted(days))


async def count_views(
    connection: Connection, events: Sequence[ViewEvent], dates: Dates, owner_of: OwnerOf
) -> list[DayTotals]:
    """Add new events to the counters of their posts, of the site and of the artists.

    The caller holds the days' locks. Returns the new totals of posts and site.
    """
    increments: Increments = {}
    for start in range(0, len(events), EVENTS_SLICE):
        gather(increments, events[start : start + EVENTS_SLICE])
        await trio.lowlevel.checkpoint()
    increments |= regrouped(increments, lambda post_id: SITE)
    version = max(event.key_version for event in events)
    totals = await _count(connection, _POSTS, increments, dates, version)
    artists = regrouped(increments, owner_of)
    if artists:
        await _count(connection, _ARTISTS, artists, dates, version)
    return totals


async def _count(
    connection: Connection, counters: _Counters, increments: Increments, dates: Dates, version: int
) -> list[DayTotals]:
    days = sorted({day for _, day in increments})
    names = sorted({name for name, _ in increments})
    found = await connection.fetch(counters.read, names, [dates[day] for day in days])
    known = {(row[0], day_of_date(row[1])): _Known(*row[2:]) for row in found}
    totals: list[DayTotals] = []
    first: list[Change] = []
    further: list[Change] = []
    for place, key in enumerate(sorted(increments)):
        if place % SLICE == SLICE - 1:
            await trio.lowlevel.checkpoint()  # the doors have their turn
        before = known.get(key)
        change = (*key, *(_first(increments[key]) if before is None else _further(increments[key], before)))
        (first if before is None else further).append(change)
        totals.append(DayTotals(*key, change[2] + (before.views if before else 0), change[4]))
    await _write(connection, counters, first, further, version)
    return totals


async def _write(
    connection: Connection, counters: _Counters, first: list[Change], further: list[Change], version: int
) -> None:
    """The days' locks keep others from making the same rows, so new ones may be copied in: a third of the cost."""
    if len(first) >= COPY_FROM:
        rows = [(*_stored(change), version) for change in first]
        await connection.copy_records(counters.table, rows, counters.columns)
    else:
        further = first + further
    if further:
        await connection.execute(counters.count, *zip(*further, strict=True), version)


def _stored(change: Change) -> tuple[Any, ...]:
    """Return a change as the columns of a new row."""
    name, day, *counts = change
    first = datetime_of(counts[4])
    last = first if counts[5] == counts[4] else datetime_of(counts[5])
    signed = [None if time_us is None else datetime_of(time_us) for time_us in counts[6:8]]
    return (name, date_of(day), *counts[:4], first, last, *signed, *counts[8:])


def _first(part: Increment) -> Change:
    """Return the change that makes a row. One view of a post in a day is so common that its JSON is remembered."""
    if len(part.times) > 1:
        return _further(part, _NOTHING)
    ((time_us,), (facts,), (signed,), viewers) = part
    seen, _ = sketch.grown(None, viewers)
    if signed:
        return 1, 1, 1, 1, time_us, time_us, time_us, time_us, _single(facts, signed), seen, seen
    return 1, 0, 1, 0, time_us, time_us, None, None, _single(facts, signed), seen, None


@lru_cache(SINGLES_REMEMBERED)
def _single(facts: Facts, signed: int) -> str:
    return encode(breakdowns_of(facts, signed))


def _further(part: Increment, before: _Known) -> Change:
    """Return what a batch adds to a row: the parameters of `drain_count` without its key."""
    tally = Tally(breakdowns=decode(before.breakdowns))
    add(tally, part)
    grown, viewers = sketch.grown(before.sketch, part.viewers)
    grown_authenticated, viewers_authenticated = None, before.viewers_authenticated
    if tally.views_authenticated:
        signed = compress(part.viewers, part.signed)
        grown_authenticated, viewers_authenticated = sketch.grown(before.sketch_authenticated, signed)
    return (
        tally.views,
        tally.views_authenticated,
        min(viewers, before.views + tally.views),  # an estimate may be more than there were views
        min(viewers_authenticated, before.views_authenticated + tally.views_authenticated),
        tally.first_us,
        tally.last_us,
        tally.first_authenticated_us,
        tally.last_authenticated_us,
        encode(tally.breakdowns),
        grown,
        grown_authenticated,
    )
