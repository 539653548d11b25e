"""The site's days of an import: views that are both in contents' rows and in the site's own rows are counted once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

import trio

from vts.model import tally
from vts.model.imported_site import NOTHING, DayViews, SiteDay
from vts.model.tally import SITE, Breakdowns
from vts.store.facts.import_counters import MERGED_AT_ONCE, Sum, Sums
from vts.store.session.connection import Connection
from vts.store.session.queries import queries_beside

query = queries_beside(__file__)

_READ: Final = query("import_site_days")
_WRITE: Final = query("import_site_days_write")

_REMOVE: Final = "DELETE FROM imported_site_days WHERE day = ANY($1::date[]) AND contents_views = 0 AND site_views = 0"

ByDay = Mapping[dt.date, Sum]
Told = tuple[tuple[int, int], Breakdowns]
"""Views, all and authenticated, and their breakdowns."""


async def site_sums(connection: Connection, contents: ByDay, site: ByDay) -> Sums:
    """Return what the rows of an import add to the site's days, and remember what they contained.

    `contents` are their sums by day, `site` the site's own rows. The caller holds the days' locks.
    """
    days = sorted(contents.keys() | site.keys())
    known = {row["day"]: _day_of(row) for row in await connection.fetch(_READ, days)}
    sums: Sums = {}
    written: list[tuple[Any, ...]] = []
    for place, day in enumerate(days):
        if place % MERGED_AT_ONCE == 0:
            await trio.lowlevel.checkpoint()
        before = known.get(day, NOTHING)
        after = SiteDay(_with(before.contents, contents.get(day)), _with(before.site, site.get(day)))
        sums[SITE, day] = _sum(before.counted(), after.counted(), contents.get(day), site.get(day))
        written.append((day, *_columns(after.contents), *_columns(after.site)))
    if written:
        await connection.execute(_WRITE, *zip(*written, strict=True))
    return sums


async def take_out(
    connection: Connection, contents: Mapping[dt.date, Told], site: Mapping[dt.date, Told]
) -> dict[dt.date, tuple[DayViews, DayViews]]:
    """Take out what an import told of the site's days: by the contents' rows, by the site's own.

    Returns what counted of all imports of these days before and after. The caller holds the days' locks.
    """
    days = sorted(contents.keys() | site.keys())
    nothing: Told = ((0, 0), {})
    counted: dict[dt.date, tuple[DayViews, DayViews]] = {}
    written: list[tuple[Any, ...]] = []
    for row in await connection.fetch(_READ, days):
        day, before = row["day"], _day_of(row)
        after = SiteDay(before.contents.minus(*contents.get(day, nothing)), before.site.minus(*site.get(day, nothing)))
        counted[day] = before.counted(), after.counted()
        written.append((day, *_columns(after.contents), *_columns(after.site)))
    if written:
        await connection.execute(_WRITE, *zip(*written, strict=True))
        await connection.execute(_REMOVE, days)
    return counted


def _with(told: DayViews, more: Sum | None) -> DayViews:
    return told if more is None else told.plus((more.views[0], more.views[1]), more.breakdowns)


def _sum(before: DayViews, after: DayViews, contents: Sum | None, site: Sum | None) -> Sum:
    one = Sum()
    one.views = [after.views - before.views, after.views_authenticated - before.views_authenticated]
    one.former, one.breakdowns = before.breakdowns, after.breakdowns
    for part in (contents, site):
        if part is not None:
            one.span += part.span
            one.span_signed += part.span_signed
    if site is not None:
        one.viewers = site.viewers
    return one


def _day_of(row: Any) -> SiteDay:
    return SiteDay(
        *(
            DayViews(row[f"{who}_views"], row[f"{who}_views_authenticated"], tally.decode(row[f"{who}_breakdowns"]))
            for who in ("contents", "site")
        )
    )


def _columns(told: DayViews) -> tuple[int, int, str]:
    return told.views, told.views_authenticated, tally.encode(told.breakdowns)
