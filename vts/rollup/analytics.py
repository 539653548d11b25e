"""What a day's views show about channels, play orders, local hours, playlists and players, computed from raw rows.

One function serves the roll-up of a closed day and, every few seconds, the days that are still open: both replace
what the day had. What is counted, and where it is cut, is in the migration's comments and in `docs/api.md`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from struct import iter_unpack
from typing import Any, Final

import trio

from vts.model import sketch
from vts.model.day import date_of
from vts.model.tally import VALUES_KEPT
from vts.rollup.visits import roll_visits
from vts.store.session.connection import Connection
from vts.store.session.locks import ANALYTICS
from vts.store.session.queries import queries_beside

query = queries_beside(__file__)

STAY_MAX_MS: Final = 15 * 60 * 1000
"""Players change the artwork every few seconds to minutes: a longer silence was spent switched off or offline."""
PLAYERS_KEPT: Final = 500  # of a day, besides `other`: five times the longest top list, 25 KB
CONTEXTS_KEPT: Final = 100  # of a channel and day, besides `other`: as many as any breakdown of a day keeps

_LOCK: Final = "SELECT pg_advisory_xact_lock($1, $2)"
_TRY_LOCK: Final = "SELECT pg_try_advisory_xact_lock($1, $2)"
_IS_DROPPED: Final = "SELECT EXISTS (SELECT FROM rollup_days WHERE day = $1 AND dropped_at IS NOT NULL)"
_SITE_VIEWS: Final = "SELECT total_views FROM post_stats_daily WHERE post_id = 0 AND day = $1"
# The planner cannot know the parts' size beforehand; with a popular content a nested loop over its day never ends.
_PLAN: Final = "SET LOCAL enable_nestloop = off; SET LOCAL work_mem = '32MB'"
_UNPLAN: Final = "SET LOCAL enable_nestloop TO DEFAULT; SET LOCAL work_mem TO DEFAULT"
_EMPTY: Final = "DELETE FROM analytics_views"  # when the same transaction has rolled another day before
_STAGE: Final = query("analytics_stage")
_BY_AUTHOR: Final = query("analytics_by_author", by_author=query("roll_by_author"))
_COLLECT: Final = query("analytics_collect", by_author=_BY_AUTHOR)
_ENGAGEMENT: Final = query("analytics_engagement")
_HOURS: Final = query("analytics_hours")
_PLAYLISTS: Final = query("analytics_playlists")
_PLAYERS: Final = query("analytics_players")

_KEYS: Final = {
    "engagement_stats_daily": ("kind", "value", "context"),
    "local_hours_daily": ("weekday", "hour"),
    "playlist_stats_daily": ("playlist_id",),
    "player_stats_daily": (),
}

AnalyticsRow = dict[str, Any]


async def roll_day(connection: Connection, day: int) -> None:
    """Replace the analytics and visits of a day number by what its raw rows give, inside the caller's transaction.

    Call it when the counters of the day are final: the analytics count as fresh while the site has as many views as it
    had then. A day whose raw rows are gone, or not all there, stays as it is. Rolling the same rows again changes
    nothing but `computed_at`. Raises StoreUnavailable.
    """
    await connection.execute(_LOCK, ANALYTICS, day)
    await _replace_day(connection, day)
    await roll_visits(connection, day)


async def roll_open_day(connection: Connection, day: int) -> bool:
    """Do the same for its views, unless another session is at this day: then False. Raises StoreUnavailable."""
    async with connection.transaction():
        if not await connection.fetchval(_TRY_LOCK, ANALYTICS, day):
            return False
        await _replace_day(connection, day)
    return True


async def _replace_day(connection: Connection, day: int) -> None:
    date = date_of(day)
    # Before the rows are read: what comes in between is then counted but not known of, which errs on the honest side.
    site_views = await connection.fetchval(_SITE_VIEWS, date) or 0
    await connection.execute(f"{_STAGE}; {_EMPTY}; {_PLAN}")
    await connection.execute(_COLLECT, date, STAY_MAX_MS, CONTEXTS_KEPT)
    if await connection.fetchval(_IS_DROPPED, date):  # asked after the rows were read: they may just have gone
        await connection.execute(f"{_UNPLAN}; {_EMPTY}")
        return
    engagement = await _sketched(await connection.fetch(_ENGAGEMENT))
    hours = [dict(row) for row in await connection.fetch(_HOURS)]
    playlists = await _sketched(await connection.fetch(_PLAYLISTS, VALUES_KEPT))
    (player,) = await _sketched(await connection.fetch(_PLAYERS, PLAYERS_KEPT))
    await connection.execute(f"{_UNPLAN}; {_EMPTY}")
    await _replace(connection, "engagement_stats_daily", day, engagement)
    await _replace(connection, "local_hours_daily", day, hours)
    await _replace(connection, "playlist_stats_daily", day, playlists)
    await _replace(connection, "player_stats_daily", day, [player | {"site_views": site_views}])


async def _replace(connection: Connection, table: str, day: int, rows: Sequence[AnalyticsRow]) -> None:
    """Make the rows of a day exactly these; a row that is so already is not touched."""
    same_key = " AND ".join(f"staged.{column} = known.{column}" for column in ("day", *_KEYS[table]))
    await connection.execute(query("analytics_replace_stage", table=table))
    if rows:
        columns = [*rows[0], "day"]
        date = date_of(day)
        records = [(*row.values(), date) for row in rows]
        await connection.copy_records(f"analytics_staging_{table}", records, columns)
    await connection.execute(query("analytics_replace_old", table=table, same_key=same_key), date_of(day))
    await connection.execute(query("analytics_replace_new", table=table))


async def _sketched(rows: Sequence[Any]) -> list[AnalyticsRow]:
    """Return the rows with their viewers, heads of keys end to end, as sketches.

    In a thread: a hundred thousand viewers take longer than one task may hold the loop.
    """
    return await trio.to_thread.run_sync(lambda: [_with_sketches(dict(row)) for row in rows])


def _with_sketches(fields: AnalyticsRow) -> AnalyticsRow:
    fields["sketch"] = _sketch(fields.pop("viewers"))
    fields["sketch_authenticated"] = _sketch(fields.pop("viewers_authenticated"))
    return fields


def _sketch(heads: bytes | None) -> bytes | None:
    return None if heads is None else sketch.grown(None, _numbers(heads))[0]


def _numbers(heads: bytes) -> Iterable[int]:
    """Read viewers as `sketch.number_of` makes them."""
    return (number for (number,) in iter_unpack(">q", heads))
