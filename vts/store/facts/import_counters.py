"""Sums of imported counters, and how they get into the tables of daily counters."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final, NamedTuple

import trio

from vts.model import tally
from vts.model.committed import DayTotals
from vts.model.day import day_of_date
from vts.model.imported_site import replace
from vts.model.imports import DailyRow
from vts.model.tally import Breakdowns
from vts.store.session.connection import Connection
from vts.store.session.queries import queries_beside

query = queries_beside(__file__)

MERGED_AT_ONCE: Final = 50  # rows: their JSON is read and written between two turns of the other tasks


class Table(NamedTuple):
    """A table of daily counters and its statements."""

    read: str
    merge: str
    settle: str


def _table(name: str, key: str) -> Table:
    statements = [query(f"import_{what}", table=name, key=key) for what in ("counters", "count", "settle_rows")]
    return Table(*statements)


POSTS: Final = _table("post_stats_daily", "post_id")
ARTISTS: Final = _table("artist_stats_daily", "owner_id")


class Sum:
    """What an import adds to one row of counters; `former` are breakdowns that it takes out."""

    def __init__(self) -> None:
        self.views = [0, 0]
        self.viewers = [0, 0]
        self.span: list[dt.datetime] = []
        self.span_signed: list[dt.datetime] = []
        self.breakdowns: Breakdowns = {}
        self.former: Breakdowns = {}

    def add(self, row: DailyRow) -> None:
        """Add everything but the viewers."""
        if not row.views:
            return
        self.views[0] += row.views
        self.views[1] += row.views_authenticated
        self.span += row.span()
        if row.views_authenticated:
            self.span_signed += row.span()
        tally.merge(self.breakdowns, row.pairs())

    def add_viewers(self, row: DailyRow) -> None:
        """Add the viewers: of a row that is about the same as this one, since those of several rows are no sum."""
        self.viewers[0] += row.viewers[0]
        self.viewers[1] += row.viewers[1]


Sums = dict[tuple[int, dt.date], Sum]


async def merge(connection: Connection, table: Table, sums: Sums) -> list[DayTotals]:
    """Add the sums to a table. The caller holds the days' locks. Returns the new totals of the rows."""
    if not sums:
        return []
    keys = sorted(sums)
    found = await connection.fetch(table.read, [name for name, _ in keys], [day for _, day in keys])
    known = {(row[0], row[1]): row["breakdowns"] for row in found}
    changes: list[tuple[Any, ...]] = []
    for place, key in enumerate(keys):
        if place % MERGED_AT_ONCE == 0:
            await trio.lowlevel.checkpoint()
        changes.append(_change(key, sums[key], known.get(key)))
    stored = await connection.fetch(table.merge, *zip(*changes, strict=True))
    return [DayTotals(row[0], day_of_date(row[1]), row[2], row[3]) for row in stored]


def _change(key: tuple[int, dt.date], one: Sum, known: str | None) -> tuple[Any, ...]:
    """Return the parameters of `import_count` for one row."""
    merged = tally.decode(known) if known is not None else {}
    replace(merged, one.former, one.breakdowns)
    for values in merged.values():
        tally.fold(values)
    start = dt.datetime.combine(key[1], dt.time(), dt.UTC)  # of a site of which only viewers are known
    span, signed = one.span or [start], one.span_signed
    signed_span = (min(signed), max(signed)) if signed else (None, None)
    return (*key, *one.views, *one.viewers, min(span), max(span), *signed_span, tally.encode(merged))
