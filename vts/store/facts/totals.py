"""What rolled days of contents add up to, kept in step: changes are added to totals and digests, a day at a time.

Every write to a rolled day notes the difference in `post_changes`, in the same transaction (triggers of
post_stats_daily). Readers add these differences themselves, so no answer depends on when they are
added up here.
"""

from __future__ import annotations

import datetime as dt
from typing import Final, NamedTuple

import numpy as np
import trio
from numpy.typing import NDArray

from vts.store.session import locks
from vts.store.session.connection import Connection
from vts.store.session.queries import queries_beside

query = queries_beside(__file__)

LARGE: Final = 50_000  # contents of a day: merging two days of them takes 5 ms; more are merged in a thread

_ALONE: Final = f"SELECT pg_try_advisory_xact_lock({locks.TOTALS}, 1)"
_OLDEST: Final = "SELECT min(day) FROM post_changes"
_TAKE: Final = query("totals_take")
_BEHIND: Final = """
SELECT day, posts, views, viewers FROM post_digests WHERE day BETWEEN $1 AND $2 ORDER BY day
"""
_BEFORE: Final = """
SELECT day, posts, views, viewers FROM post_digests WHERE day >= $1 AND day < $2 ORDER BY day DESC LIMIT 1
"""
_WRITE: Final = """
INSERT INTO post_digests (day, posts, views, viewers) VALUES ($1, $2, $3, $4)
ON CONFLICT (day) DO UPDATE SET posts = excluded.posts, views = excluded.views, viewers = excluded.viewers
"""

_STORED: Final = np.dtype(">i8")
Numbers = NDArray[np.int64]


class Sums(NamedTuple):
    """Sums by content, in the order of the contents."""

    posts: Numbers
    views: Numbers
    viewers: Numbers

    def stored(self) -> tuple[bytes, bytes, bytes]:
        """Return the columns of a digest."""
        posts, views, viewers = (column.astype(_STORED).tobytes() for column in self)
        return posts, views, viewers


def sums_of(posts: bytes, views: bytes, viewers: bytes) -> Sums:
    """Read the columns of a digest."""
    return Sums(*(np.frombuffer(column, _STORED).astype(np.int64) for column in (posts, views, viewers)))


def merged(one: Sums, other: Sums) -> Sums:
    """Add two sums up."""
    posts = np.union1d(one.posts, other.posts)
    views, viewers = np.zeros(len(posts), np.int64), np.zeros(len(posts), np.int64)
    for part in (one, other):
        places = np.searchsorted(posts, part.posts)
        views[places] += part.views
        viewers[places] += part.viewers
    return Sums(posts, views, viewers)


async def add_up_changes(connection: Connection) -> bool:
    """Add up the changes of one day, the oldest. False when there is none, or another process is at it.

    Raises StoreUnavailable.
    """
    if await connection.fetchval(_OLDEST) is None:
        return False
    async with connection.transaction():
        if not await connection.fetchval(_ALONE):
            return False
        day = await connection.fetchval(_OLDEST)
        taken = None if day is None else await connection.fetchrow(_TAKE, day)
        if day is None or taken is None or taken[0] is None:
            return False
        await _add(connection, day, sums_of(*taken))
    return True


async def _add(connection: Connection, day: dt.date, change: Sums) -> None:
    """Add a day's change to its digest, and to those of later days of its month."""
    first = day.replace(day=1)
    last = (first + dt.timedelta(days=31)).replace(day=1) - dt.timedelta(days=1)
    behind = await connection.fetch(_BEHIND, day, last)
    if not behind or behind[0][0] != day:
        before = await connection.fetchrow(_BEFORE, first, day)
        await _write(connection, day, None if before is None else sums_of(*before[1:]), change)
    for row in behind:
        await _write(connection, row[0], sums_of(*row[1:]), change)


async def _write(connection: Connection, day: dt.date, known: Sums | None, change: Sums) -> None:
    if known is None:
        whole = change
    elif len(known.posts) + len(change.posts) < LARGE:
        whole = merged(known, change)
    else:
        whole = await trio.to_thread.run_sync(merged, known, change)
    await connection.execute(_WRITE, day, *whole.stored())
