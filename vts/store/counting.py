"""Counters behind the drain: who is new, and what each (post, day) now adds up to. Inside the drain's transaction.

Locks are taken in the order of (post_id, day), by every drain: two of them may wait for each other, never in a circle.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Any, Final

from vts.model import tally
from vts.model.committed import DayTotals
from vts.model.day import datetime_of, day_of_date
from vts.model.faults import StoreUnavailable
from vts.model.tally import SITE, Increment
from vts.model.view import ViewEvent
from vts.store.batch import Dates
from vts.store.connection import Connection
from vts.store.queries import query

_VIEWERS: Final = query("drain_viewers")
_VIEWERS_AUTHENTICATED: Final = query("drain_viewers_authenticated")
_LOCK: Final = query("drain_stats_lock")
_UPDATE: Final = query("drain_stats_update")
_INSERT: Final = query("drain_stats_insert")

PostDay = tuple[int, dt.date]
Viewer = tuple[int, dt.date, bytes]


class Raced(StoreUnavailable):
    """Another drain made a row between our look and our insert: begin the transaction anew."""


class Uniques:
    """How many viewers a batch was the first to bring, by (post_id, date)."""

    __slots__ = ("all", "authenticated")

    def __init__(self) -> None:
        self.all: Counter[PostDay] = Counter()
        self.authenticated: Counter[PostDay] = Counter()


async def count_viewers(connection: Connection, events: Iterable[ViewEvent], dates: Dates) -> Uniques:
    """Note who has seen what, for each post and for the whole site, and return how many of them are new there."""
    viewers = _viewers_of(events, dates)
    if not viewers:
        return Uniques()
    ordered = sorted(viewers)
    posts, days, keys = zip(*ordered, strict=True)
    made = await connection.fetch(_VIEWERS, posts, days, keys, [viewers[viewer] for viewer in ordered])
    uniques = Uniques()
    uniques.all.update(map(itemgetter(0, 1), made))
    fresh = set(map(tuple, made))
    uniques.authenticated.update((v[0], v[1]) for v in fresh if viewers[v])
    if len(fresh) < len(ordered):
        known = [viewer for viewer in ordered if viewers[viewer] and viewer not in fresh]
        await _authenticate(connection, known, uniques)
    return uniques


def _viewers_of(events: Iterable[ViewEvent], dates: Dates) -> dict[Viewer, bool]:
    viewers: dict[Viewer, bool] = {}
    for event in events:
        date, key, authenticated = dates[event.event_day], event.viewer_key, event.authenticated
        for post_id in (event.post_id, SITE):
            viewer = post_id, date, key
            if authenticated or viewer not in viewers:
                viewers[viewer] = authenticated
    return viewers


async def _authenticate(connection: Connection, known: Sequence[Viewer], uniques: Uniques) -> None:
    if known:
        posts, days, keys = zip(*known, strict=True)
        changed = await connection.fetch(_VIEWERS_AUTHENTICATED, posts, days, keys)
        uniques.authenticated.update(map(tuple, changed))


async def count_views(
    connection: Connection, events: Sequence[ViewEvent], uniques: Uniques, dates: Dates
) -> list[DayTotals]:
    """Add the events to the counters of their (post, day) and of the site. Returns the totals. Raises Raced."""
    increments = {(post, dates[day]): part for (post, day), part in tally.increments_of(events).items()}
    wanted = sorted(increments)
    present = await connection.fetch(_LOCK, *zip(*wanted, strict=True))
    totals: list[DayTotals] = []
    updates: list[tuple[Any, ...]] = []
    for post_id, date, views, viewers, breakdowns in present:
        part = increments.pop((post_id, date))
        change = _change(post_id, date, part, tally.decode(breakdowns), uniques)
        updates.append(change)
        totals.append(DayTotals(post_id, day_of_date(date), views + change[2], viewers + change[4]))
    inserts = [_change(post_id, date, increments[post_id, date], {}, uniques) for post_id, date in sorted(increments)]
    totals += [DayTotals(change[0], day_of_date(change[1]), change[2], change[4]) for change in inserts]
    if updates:
        await connection.execute(_UPDATE, *zip(*updates, strict=True))
    if inserts and await connection.execute(_INSERT, *zip(*inserts, strict=True)) != f"INSERT 0 {len(inserts)}":
        raise Raced("another drain counted the first view of a day at the same moment")
    return totals


def _change(
    post_id: int, date: dt.date, part: Increment, breakdowns: tally.Breakdowns, uniques: Uniques
) -> tuple[Any, ...]:
    sum_ = tally.Tally(breakdowns=breakdowns)
    tally.add(sum_, part)
    return (
        post_id,
        date,
        sum_.views,
        sum_.views_authenticated,
        uniques.all[post_id, date],
        uniques.authenticated[post_id, date],
        datetime_of(part.first_us),
        datetime_of(part.last_us),
        None if part.first_authenticated_us is None else datetime_of(part.first_authenticated_us),
        None if part.last_authenticated_us is None else datetime_of(part.last_authenticated_us),
        tally.encode(breakdowns),
    )
