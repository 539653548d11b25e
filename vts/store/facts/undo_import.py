"""Undoing an import: taking out of the counters, and of the tables of history, what that import added, and no more."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any, Final, NamedTuple

import trio

from vts.model import tally
from vts.model.committed import DayTotals
from vts.model.day import day_of_date
from vts.model.import_part import DayRow, Part, Removal, Rest, without
from vts.model.imported_site import DayViews
from vts.model.tally import SITE, Breakdowns
from vts.store.drain.counting import lock_days
from vts.store.facts.artists import add_up
from vts.store.facts.history_import import CLOSE_DAYS, is_known, tell
from vts.store.facts.import_counters import MERGED_AT_ONCE
from vts.store.facts.import_events import forget_events, hold_events, raw_days, remove_raw
from vts.store.facts.import_parts import parts_of, rows_of
from vts.store.facts.import_site import Told, take_out
from vts.store.facts.import_site_stats import take_out_site
from vts.store.facts.import_tables import delete_imported
from vts.store.facts.raw_viewers import rest_of_raw
from vts.store.session.connection import Connection
from vts.store.session.queries import queries_beside

query = queries_beside(__file__)

Key = tuple[int, dt.date]

_REST: Final = query("import_parts_rest")
_READ: Final = query("import_undo_read")
_WRITE: Final = query("import_undo_write")
_FORGET_PARTS: Final = query("import_parts_remove")
_SETTLE: Final = query("import_parts_settle")
_OWNERS: Final = "SELECT DISTINCT owner_id FROM content WHERE post_id = ANY($1::bigint[]) AND owner_id IS NOT NULL"
_FORGET: Final = "DELETE FROM imports WHERE import_id = $1"
_REOPEN: Final = """
UPDATE post_stats_daily SET rolled_at = NULL WHERE post_id = ANY($1::bigint[]) AND day = ANY($2::date[])
"""


class NoSuchImport(Exception):
    """No import with this id is applied: it never was, or it was undone."""


class NotRecorded(Exception):
    """The import was applied by an earlier version, which did not keep what it added."""


class Undone(NamedTuple):
    """What was taken out: `rows` of the import, `views` of contents, `site_views` and `page_views` of the site."""

    kind: str
    rows: int
    views: int
    site_views: int
    page_views: int
    days: int


async def undo_import(connection: Connection, import_id: str) -> Undone:
    """Take out what an import added, in one transaction. Raises NoSuchImport, NotRecorded, StoreUnavailable."""
    async with connection.transaction():
        known = await is_known(connection, import_id)
        if known is None:
            raise NoSuchImport
        if not known["recorded"]:
            raise NotRecorded
        await hold_events(connection, import_id)  # before its parts are read: a drain may take some of them
        kind, parts = known["kind"], await parts_of(connection, import_id)
        days = sorted({part.day for part in parts})
        raw = await raw_days(connection, days)
        await remove_raw(connection, import_id, kind, raw)
        await lock_days(connection, map(day_of_date, days))
        await delete_imported(connection, import_id, kind)
        totals: list[DayTotals] = []
        if kind in ("site_stats", "site_events"):
            await take_out_site(connection, import_id, parts, raw)
        elif parts:
            totals = await _take_out(connection, import_id, parts, raw, is_daily=kind == "daily")
        await connection.execute(_FORGET_PARTS, import_id)
        await connection.execute(_SETTLE, *rows_of(parts))
        await forget_events(connection, import_id)
        await connection.execute(_FORGET, import_id)
        await connection.execute(CLOSE_DAYS, [day for day in days if day not in raw])
        await tell(connection, totals)
    of_posts, of_site, page_views = (
        sum(part.counts[0] for part in parts if chosen(part.post_id))
        for chosen in (SITE.__lt__, SITE.__eq__, SITE.__gt__)
    )
    return Undone(kind, known["imported"], of_posts, of_site, page_views, len(days))


async def _take_out(
    connection: Connection, import_id: str, parts: Sequence[Part], raw: Set[dt.date], *, is_daily: bool
) -> list[DayTotals]:
    removals = {
        (part.post_id, part.day): Removal(part.counts, part.breakdowns, {}, part.sketches[0] is not None)
        for part in parts
        if part.post_id > SITE or not is_daily
    }
    if is_daily:
        counted = await _site_removals(connection, parts, removals)
    else:
        counted = await take_out(connection, {}, {part.day: ((0, 0), {}) for part in parts})
    keys = sorted(removals)
    rest = await _rest_of(connection, import_id, [key for key in keys if key[1] not in raw], counted)
    for post_id, day in keys:
        if day in raw:
            rest[post_id, day] = await rest_of_raw(connection, post_id, day)
    totals = await _write(connection, removals, rest)
    await connection.execute(_REOPEN, [post_id for post_id, _ in keys], sorted(raw))
    await _add_up_artists(connection, parts)
    return totals


async def _site_removals(
    connection: Connection, parts: Iterable[Part], removals: dict[Key, Removal]
) -> dict[dt.date, tuple[DayViews, DayViews]]:
    """Add the removals of the site's days: of the contents' rows and the site's own only the larger counts."""
    contents: dict[dt.date, tuple[list[int], Breakdowns]] = {}
    site: dict[dt.date, Told] = {}
    viewers: dict[dt.date, list[int]] = {}
    for part in parts:
        if part.post_id == SITE:
            site[part.day] = (part.counts[0], part.counts[1]), part.breakdowns
            viewers[part.day] = part.counts[2:]
            continue
        views, breakdowns = contents.setdefault(part.day, ([0, 0], {}))
        views[0] += part.counts[0]
        views[1] += part.counts[1]
        tally.merge(breakdowns, part.breakdowns)
    counted = await take_out(connection, {day: ((one[0][0], one[0][1]), one[1]) for day, one in contents.items()}, site)
    for day, (before, after) in counted.items():
        gone = [before.views - after.views, before.views_authenticated - after.views_authenticated]
        removals[SITE, day] = Removal([*gone, *viewers.get(day, (0, 0))], before.breakdowns, after.breakdowns, False)
    return counted


async def _rest_of(
    connection: Connection, import_id: str, keys: Sequence[Key], counted: Mapping[dt.date, tuple[DayViews, DayViews]]
) -> dict[Key, Rest]:
    """Return what is known of rows besides an import. `counted`: what imports of counters have of the site's days."""
    rest: dict[Key, Rest] = {}
    for row in await connection.fetch(_REST, import_id, *_columns(keys)):
        views = row[2] + (counted[row[1]][1].views if row[0] == SITE and row[1] in counted else 0)
        rest[row[0], row[1]] = Rest(views, (row[3], row[4], row[5], row[6]), (row[7] or (), row[8] or ()))
    return rest


async def _write(connection: Connection, removals: Mapping[Key, Removal], rest: Mapping[Key, Rest]) -> list[DayTotals]:
    """Write rows without the import. Returns their new totals."""
    changes: list[tuple[Any, ...]] = []
    for place, row in enumerate(await connection.fetch(_READ, *_columns(sorted(removals)))):
        if place % MERGED_AT_ONCE == 0:
            await trio.lowlevel.checkpoint()
        key = (row["post_id"], row["day"])
        after = without(_row(row), removals[key], rest[key])
        counts = (*after.views, *after.viewers, *after.imported)
        changes.append((*key, *counts, *after.times, tally.encode(after.breakdowns), *after.sketches))
    if changes:
        await connection.execute(_WRITE, *zip(*changes, strict=True))
    return [DayTotals(one[0], day_of_date(one[1]), one[2], min(one[2], one[4] + one[6])) for one in changes]


def _columns(keys: Iterable[Key]) -> tuple[list[int], list[dt.date]]:
    listed = list(keys)
    return [post_id for post_id, _ in listed], [day for _, day in listed]


async def _add_up_artists(connection: Connection, parts: Iterable[Part]) -> None:
    by_day: dict[dt.date, list[int]] = {}
    for part in parts:
        if part.post_id > SITE:
            by_day.setdefault(part.day, []).append(part.post_id)
    for day, posts in by_day.items():
        owners = [row[0] for row in await connection.fetch(_OWNERS, posts)]
        if owners:
            await add_up(connection, day_of_date(day), owners)


def _row(row: Any) -> DayRow:
    return DayRow(
        (row["total_views"], row["total_views_authenticated"]),
        (row["unique_viewers"], row["unique_viewers_authenticated"]),
        (row["unique_viewers_imported"], row["unique_viewers_imported_authenticated"]),
        (
            row["first_view_at"],
            row["last_view_at"],
            row["first_view_at_authenticated"],
            row["last_view_at_authenticated"],
        ),
        tally.decode(row["breakdowns"]),
        (row["sketch"], row["sketch_authenticated"]),
    )
