"""History that comes in: counters of days long gone, and views of them, each applied once and whole.

What is imported is merged into the same rows that views are counted in, under the same locks; its days are then closed
for good, so that no roll-up replaces what it cannot recount.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, Literal, NamedTuple

import trio

from vts.model import tally
from vts.model.committed import Committed, DayTotals, notices_of
from vts.model.day import date_of, day_of_date
from vts.model.imports import DailyRow
from vts.model.tally import SITE, Breakdowns
from vts.model.view import ViewEvent
from vts.store import channels, locks
from vts.store.batch import Dates
from vts.store.connection import Connection
from vts.store.counting import OwnerOf, count_views, lock_days
from vts.store.queries import query

MERGED_AT_ONCE: Final = 50  # rows: their JSON is read and written between two looks at everybody else

_LOCK_NAME: Final = query("import_lock_name", lock=str(locks.IMPORT))
_KNOWN: Final = query("import_known")
_NOTE: Final = query("import_note")
_OPEN_DAYS: Final = query("import_open_days")
_CLOSE_DAYS: Final = query("import_close_days")
_BUMP: Final = query("catalog_bump")
_REGISTER: Final = query("import_register_content")
_EVENTS: Final = query("import_events")
_NOTIFY: Final = "SELECT pg_notify($1, payload) FROM unnest($2::text[]) AS payload"
_NOBODY: Final = bytes(16)  # the journal of what came through none


class ImportIdUsed(Exception):
    """The import_id was used before, for other rows."""


class DaysOpen(Exception):
    """These days still have raw rows, which a roll-up would count anew."""

    def __init__(self, days: Sequence[dt.date]) -> None:
        super().__init__(", ".join(map(str, days)))
        self.days = frozenset(days)


class Ticket(NamedTuple):
    """What an import is known by, and the SHA-256 of what it brings."""

    import_id: str
    kind: Literal["daily", "views"]
    digest: bytes


class Applied(NamedTuple):
    """What became of an import. `repeated`: it had been applied before, and nothing was done."""

    imported: int
    repeated: bool = False


class _Table(NamedTuple):
    """A table of daily counters and its statements."""

    read: str
    merge: str
    settle: str


def _table(name: str, key: str) -> _Table:
    statements = [query(f"import_{what}", table=name, key=key) for what in ("counters", "count", "settle_rows")]
    return _Table(*statements)


_POSTS: Final = _table("post_stats_daily", "post_id")
_ARTISTS: Final = _table("artist_stats_daily", "owner_id")


async def import_daily(
    connection: Connection, ticket: Ticket, rows: Sequence[DailyRow], register: Sequence[int], owner_of: OwnerOf
) -> Applied:
    """Merge counters of days into the contents, their artists and the site. `register`: contents not known so far.

    Raises ImportIdUsed, DaysOpen (nothing is applied), StoreUnavailable.
    """
    dates = {row.day for row in rows}
    of_posts, of_artists = await trio.to_thread.run_sync(_sums, rows, owner_of)  # a tenth of a second for a large body
    async with connection.transaction():
        if await _is_known(connection, ticket):
            return Applied(0, repeated=True)
        async with _closing(connection, dates, register):
            posts = await _merge(connection, _POSTS, of_posts)
            await _merge(connection, _ARTISTS, of_artists)
        await connection.execute(_NOTE, ticket.import_id, ticket.kind, ticket.digest, len(rows))
        await _tell(connection, posts)
    return Applied(len(rows))


async def import_views(
    connection: Connection, ticket: Ticket, events: Sequence[ViewEvent], register: Sequence[int], owner_of: OwnerOf
) -> Applied:
    """Count views of days whose raw rows are gone, each (post, event_id) once whatever import brings it.

    Raises ImportIdUsed, DaysOpen (nothing is applied), StoreUnavailable.
    """
    days = {event.event_day for event in events}
    async with connection.transaction():
        if await _is_known(connection, ticket):
            return Applied(0, repeated=True)
        posts = [event.post_id for event in events]
        found = await connection.fetch(_EVENTS, posts, [event.event_id for event in events])
        fresh = [events[row[0] - 1] for row in found]
        async with _closing(connection, map(date_of, days), register):
            totals = await count_views(connection, fresh, Dates(), owner_of) if fresh else []
            dates = [date_of(day) for day in days]
            owners = {owner for post_id in posts if (owner := owner_of(post_id)) is not None}
            await connection.execute(_POSTS.settle, dates, [SITE, *posts])
            await connection.execute(_ARTISTS.settle, dates, list(owners))
        await connection.execute(_NOTE, ticket.import_id, ticket.kind, ticket.digest, len(fresh))
        await _tell(connection, totals)
    return Applied(len(fresh))


async def _is_known(connection: Connection, ticket: Ticket) -> bool:
    await connection.execute(_LOCK_NAME, ticket.import_id)
    known = await connection.fetchrow(_KNOWN, ticket.import_id)
    if known is not None and known["digest"] != ticket.digest:
        raise ImportIdUsed
    return known is not None


@asynccontextmanager
async def _closing(connection: Connection, dates: Iterable[dt.date], register: Sequence[int]) -> AsyncIterator[None]:
    """Hold the days, make sure that nobody will recount them, and keep it so. Locks come in the drain's order."""
    wanted = sorted(dates)
    if register:
        revision = await connection.fetchval(_BUMP)
        await connection.execute(_REGISTER, sorted(register), revision)
        await connection.execute(_NOTIFY, channels.CATALOG, [str(revision)])
    await lock_days(connection, map(day_of_date, wanted))
    still_open = [row[0] for row in await connection.fetch(_OPEN_DAYS, wanted)]
    if still_open:
        raise DaysOpen(still_open)
    yield
    await connection.execute(_CLOSE_DAYS, wanted)


class _Sum:
    """What an import adds to one row of counters."""

    def __init__(self) -> None:
        self.views = [0, 0]
        self.viewers = [0, 0]
        self.span: list[dt.datetime] = []
        self.span_signed: list[dt.datetime] = []
        self.breakdowns: Breakdowns = {}

    def add(self, row: DailyRow) -> None:
        self.views[0] += row.views
        self.views[1] += row.views_authenticated
        self.span += row.span()
        if row.views_authenticated:
            self.span_signed += row.span()
        tally.merge(self.breakdowns, row.pairs())


_Sums = dict[tuple[int, dt.date], _Sum]


def _sums(rows: Sequence[DailyRow], owner_of: OwnerOf) -> tuple[_Sums, _Sums]:
    return _of_posts(rows), _of_artists(rows, owner_of)


def _of_posts(rows: Sequence[DailyRow]) -> _Sums:
    """Return what each content's day gets, and each day of the site: everybody's views, viewers of its own."""
    sums: _Sums = {}
    for row in rows:
        for name in {row.post_id, SITE}:
            one = sums.setdefault((name, row.day), _Sum())
            if row.post_id != SITE:
                one.add(row)
        viewers = sums[row.post_id, row.day].viewers
        viewers[0] += row.viewers[0]
        viewers[1] += row.viewers[1]
    return sums


def _of_artists(rows: Sequence[DailyRow], owner_of: OwnerOf) -> _Sums:
    """Return what each artist's day gets. Viewers of several contents are no sum, so nothing is said of them."""
    sums: _Sums = {}
    for row in rows:
        owner_id = owner_of(row.post_id) if row.post_id != SITE else None
        if owner_id is not None:
            sums.setdefault((owner_id, row.day), _Sum()).add(row)
    return sums


async def _merge(connection: Connection, table: _Table, sums: _Sums) -> list[DayTotals]:
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


def _change(key: tuple[int, dt.date], one: _Sum, known: str | None) -> tuple[Any, ...]:
    """Return the parameters of `import_count` for one row."""
    merged = tally.decode(known) if known is not None else {}
    tally.merge(merged, one.breakdowns)
    for values in merged.values():
        tally.fold(values)
    start = dt.datetime.combine(key[1], dt.time(), dt.UTC)  # of a site of which only viewers are known
    span, signed = one.span or [start], one.span_signed
    signed_span = (min(signed), max(signed)) if signed else (None, None)
    return (*key, *one.views, *one.viewers, min(span), max(span), *signed_span, tally.encode(merged))


async def _tell(connection: Connection, totals: Sequence[DayTotals]) -> None:
    committed = Committed(journal_id=_NOBODY, last_seq=0, records=0, events=[], totals=list(totals))
    payloads = notices_of(committed, 0)
    if totals:
        await connection.execute(_NOTIFY, channels.LIVE, payloads)
