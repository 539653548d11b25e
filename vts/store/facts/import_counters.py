"""Sums of imported counters, and how they get into the tables of daily counters."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import trio

from vts.model import tally
from vts.model.committed import DayTotals
from vts.model.day import day_of_date
from vts.model.imported_site import replace
from vts.model.imports import DailyRow
from vts.model.tally import SITE, VALUES_KEPT, Breakdowns
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
_NEW_POSTS: Final = query("import_new_posts")
_CHANGES_NOTED: Final = "SELECT set_config('vts.changes_noted', $1, true)"  # to the end of the transaction


class Sum:
    """What an import adds to one row of counters; `former` are breakdowns that it takes out."""

    __slots__ = ("breakdowns", "former", "span", "span_signed", "viewers", "views")

    def __init__(self) -> None:
        self.views = [0, 0]
        self.viewers = [0, 0]
        self.span: list[dt.datetime] = []
        self.span_signed: list[dt.datetime] = []
        self.breakdowns: Breakdowns = {}
        self.former: Breakdowns = {}

    @classmethod
    def of(cls, row: DailyRow) -> Sum:
        """Return what one row adds, without the viewers; its breakdowns are the row's own."""
        one = cls()
        if row.views:
            one.views = [row.views, row.views_authenticated]
            one.span = [*row.span()]
            one.span_signed = one.span if row.views_authenticated else []
            one.breakdowns = row.pairs()
        return one

    def add(self, other: Sum) -> None:
        """Add everything but the viewers. This one's breakdowns are none of a row's."""
        self.views[0] += other.views[0]
        self.views[1] += other.views[1]
        self.span = _ends(self.span, other.span)
        self.span_signed = _ends(self.span_signed, other.span_signed)
        tally.merge(self.breakdowns, other.breakdowns)

    def add_viewers(self, row: DailyRow) -> None:
        """Add the viewers: of a row that is about the same as this one, since those of several rows are no sum."""
        self.viewers[0] += row.viewers[0]
        self.viewers[1] += row.viewers[1]


def _ends(one: list[dt.datetime], other: list[dt.datetime]) -> list[dt.datetime]:
    times = [*one, *other]
    return [min(times), max(times)] if times else times


Sums = dict[tuple[int, dt.date], Sum]


async def merge(connection: Connection, table: Table, sums: Sums) -> list[DayTotals]:
    """Add the sums to a table. The caller holds the days' locks. Returns the new totals of the rows."""
    return await _merge(connection, table, sums, await _known(connection, table, sums)) if sums else []


async def merge_posts(connection: Connection, import_id: str, sums: Sums) -> list[DayTotals]:
    """Add the sums to the contents' rows. Those of contents are in `import_parts`, from where new rows are made.

    Most rows of an import are new: they are neither sent nor encoded a second time.
    """
    known = await _known(connection, POSTS, sums)
    further = {
        key: one
        for key, one in sums.items()
        if key in known or key[0] == SITE or any(len(values) > VALUES_KEPT for values in one.breakdowns.values())
    }
    totals = await _merge(connection, POSTS, further, known)
    others = list(zip(*further, strict=True)) or [(), ()]
    await connection.execute(_CHANGES_NOTED, "on")
    await connection.execute(_NEW_POSTS, import_id, *others)
    await connection.execute(_CHANGES_NOTED, "off")
    for (post_id, day), one in sums.items():
        if (post_id, day) not in further:
            totals.append(DayTotals(post_id, day_of_date(day), one.views[0], min(one.viewers[0], one.views[0])))
    return totals


async def _known(connection: Connection, table: Table, sums: Sums) -> dict[tuple[int, dt.date], str]:
    """Return the breakdowns of the rows that there are."""
    found = await connection.fetch(table.read, [name for name, _ in sums], [day for _, day in sums])
    return {(row[0], row[1]): row["breakdowns"] for row in found}


async def _merge(
    connection: Connection, table: Table, sums: Sums, known: Mapping[tuple[int, dt.date], str]
) -> list[DayTotals]:
    changes: list[tuple[Any, ...]] = []
    for place, key in enumerate(sorted(sums)):
        if place % MERGED_AT_ONCE == 0:
            await trio.lowlevel.checkpoint()
        changes.append(_change(key, sums[key], known.get(key)))
    stored = await connection.fetch(table.merge, *zip(*changes, strict=True)) if changes else []
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
