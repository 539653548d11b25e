"""Counters behind the drain: what each (post, day) and the whole site now add up to. Inside the drain's transaction.

Read, merged here, written back: PostgreSQL holds the numbers, `vts.model.tally` and `vts.model.sketch` the rules. A
lock for each day keeps other drains out between the reading and the commit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from vts.model import sketch
from vts.model.committed import DayTotals
from vts.model.day import day_of_date
from vts.model.tally import Increment, Tally, add, decode, encode, increments_of
from vts.model.view import ViewEvent
from vts.store.batch import Dates
from vts.store.connection import Connection
from vts.store.queries import query

_LOCK_DAYS: Final = query("drain_lock_days")
_COUNTERS: Final = query("drain_counters")
_COUNT: Final = query("drain_count")


class _Known(NamedTuple):
    """What a row of `post_stats_daily` says before the batch."""

    views: int = 0
    viewers_authenticated: int = 0
    breakdowns: str = "{}"
    sketch: bytes | None = None
    sketch_authenticated: bytes | None = None


_NOTHING: Final = _Known()


async def count_views(connection: Connection, events: Sequence[ViewEvent], dates: Dates) -> list[DayTotals]:
    """Add new events to the counters of their (post, day) and of the site. Returns the totals of all that changed."""
    increments = increments_of(events)
    days = sorted({day for _, day in increments})
    await connection.execute(_LOCK_DAYS, days)
    posts = sorted({post_id for post_id, _ in increments})
    found = await connection.fetch(_COUNTERS, posts, [dates[day] for day in days])
    known = {(row[0], day_of_date(row[1])): _Known(*row[2:]) for row in found}
    totals: list[DayTotals] = []
    changes: list[tuple[Any, ...]] = []
    for key in sorted(increments):
        before = known.get(key, _NOTHING)
        change = (*key, *_change(increments[key], before))
        changes.append(change)
        totals.append(DayTotals(*key, before.views + change[2], change[4]))
    await connection.execute(_COUNT, *zip(*changes, strict=True))
    return totals


def _change(part: Increment, before: _Known) -> tuple[Any, ...]:
    """Return the parameters of `drain_count` for one row, without its key."""
    tally = Tally(breakdowns=decode(before.breakdowns))
    add(tally, part)
    grown, viewers = sketch.grown(before.sketch, [sketch.number_of(event.viewer_key) for event in part.events])
    grown_authenticated, viewers_authenticated = None, before.viewers_authenticated
    if tally.views_authenticated:
        signed = [sketch.number_of(event.viewer_key) for event in part.events if event.authenticated]
        grown_authenticated, viewers_authenticated = sketch.grown(before.sketch_authenticated, signed)
    return (
        tally.views,
        tally.views_authenticated,
        viewers,
        viewers_authenticated,
        tally.first_us,
        tally.last_us,
        tally.first_authenticated_us,
        tally.last_authenticated_us,
        encode(tally.breakdowns),
        grown,
        grown_authenticated,
    )
