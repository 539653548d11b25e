"""Imports of history: counters of past days, and views of them, each applied once and whole.

What is imported is merged into the same rows that views are counted in, under the same locks; its days are then closed
permanently, so that no roll-up replaces what it cannot recount.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence, Set
from contextlib import asynccontextmanager
from typing import Any, Final, Literal, NamedTuple

import trio

from vts.model.committed import Committed, DayTotals, notices_of
from vts.model.day import date_of, day_of_date
from vts.model.import_part import view_parts
from vts.model.imports import DailyRow
from vts.model.tally import SITE
from vts.model.view import ViewEvent
from vts.store.drain.batch import Dates
from vts.store.drain.counting import OwnerOf, count_views, lock_days
from vts.store.drain.revision import BUMP
from vts.store.drain.texts import NO_TEXTS, note_own_texts
from vts.store.facts.import_counters import ARTISTS, POSTS, Sum, Sums, merge, merge_posts
from vts.store.facts.import_events import claim, make_days_of, store_raw
from vts.store.facts.import_parts import counter_parts, note_parts
from vts.store.facts.import_site import site_sums
from vts.store.session import channels, locks
from vts.store.session.connection import Connection
from vts.store.session.queries import queries_beside

query = queries_beside(__file__)

_LOCK_NAME: Final = query("import_lock_name", lock=str(locks.IMPORT))
_KNOWN: Final = query("import_known")
_NOTE: Final = query("import_note")
_OPEN_DAYS: Final = query("import_open_days")
CLOSE_DAYS: Final = query("import_close_days")
_REGISTER: Final = query("import_register_content")
_NOTIFY: Final = "SELECT pg_notify($1, payload) FROM unnest($2::text[]) AS payload"
_NO_JOURNAL: Final = bytes(16)  # an import passes through none


class ImportIdUsed(Exception):
    """The import_id was used before, for other rows."""


class DaysOpen(Exception):
    """These days still have raw rows, which a roll-up would count anew."""

    def __init__(self, days: Sequence[dt.date]) -> None:
        super().__init__(", ".join(map(str, days)))
        self.days = frozenset(days)


Kind = Literal["daily", "views", "site_stats", "site_events", "playback", "viewing_history", "provider_stats"]


class Ticket(NamedTuple):
    """What an import is known by, and the SHA-256 of what it brings."""

    import_id: str
    kind: Kind
    digest: bytes


class Applied(NamedTuple):
    """What became of an import. `repeated`: it had been applied before, and nothing was done.

    `recent`: how many events of days that are kept raw were stored.
    """

    imported: int
    repeated: bool = False
    recent: int = 0


async def import_daily(
    connection: Connection,
    ticket: Ticket,
    rows: Sequence[DailyRow],
    register: Sequence[int],
    owner_of: OwnerOf,
    texts: Mapping[int, str] = NO_TEXTS,
) -> Applied:
    """Merge counters of days into the contents, their artists and the site. `register`: contents not known so far.

    A content and day comes once in `rows`. Of what the contents' rows and the site's rows (post_id 0) have of a day so
    far, the larger counts for the site.
    `texts` are those of hashed numbers in the rows. Raises ImportIdUsed, DaysOpen, ReferenceTaken (nothing is applied),
    StoreUnavailable.
    """
    dates = {row.day for row in rows}
    brought = await trio.to_thread.run_sync(_sums, rows, owner_of)  # a tenth of a second for a large body
    async with connection.transaction():
        if await is_repeated(connection, ticket):
            return Applied(0, repeated=True)
        await note_own_texts(connection, texts)
        async with closing(connection, dates, register):
            await note_parts(connection, ticket.import_id, counter_parts(brought.posts, brought.site))
            of_site = await site_sums(connection, brought.contents, brought.site)
            posts = await merge_posts(connection, ticket.import_id, brought.posts | of_site)
            await merge(connection, ARTISTS, brought.artists)
        await note(connection, ticket, len(rows))
        await tell(connection, posts)
    return Applied(len(rows))


async def import_views(
    connection: Connection,
    ticket: Ticket,
    events: Sequence[ViewEvent],
    register: Sequence[int],
    owner_of: OwnerOf,
    texts: Mapping[int, str] = NO_TEXTS,
    recent: Sequence[ViewEvent] = (),
) -> Applied:
    """Count views of days whose raw rows are gone, each (post, event_id) once over all imports, and `recent` ones.

    Those are of days that are kept raw: their rows are stored as the drain does it. `texts` are those of hashed numbers
    in the events. Raises ImportIdUsed, DaysOpen, ReferenceTaken (nothing is applied), BadData, StoreUnavailable.
    """
    days = {event.event_day for event in events}
    await make_days_of(connection, recent)
    async with connection.transaction():
        if await is_repeated(connection, ticket):
            return Applied(0, repeated=True)
        await note_own_texts(connection, texts)
        stored = (await store_raw(connection, ticket.import_id, recent)).views
        old = [events[place] for place in await claim(connection, ticket.import_id, events)]
        fresh = [*old, *stored]
        dates, now_raw = [date_of(day) for day in days], {event.event_day for event in stored}
        async with closing(connection, dates, register, now_raw):
            await note_parts(connection, ticket.import_id, await trio.to_thread.run_sync(view_parts, fresh))
            totals = await count_views(connection, fresh, Dates(), owner_of) if fresh else []
            posts = {event.post_id for event in old}
            owners = {owner for post_id in posts if (owner := owner_of(post_id)) is not None}
            await connection.execute(POSTS.settle, dates, [SITE, *posts])
            await connection.execute(ARTISTS.settle, dates, list(owners))
        await note(connection, ticket, len(fresh))
        await tell(connection, totals)
    return Applied(len(old), recent=len(stored))


async def note(connection: Connection, ticket: Ticket, imported: int) -> None:
    """Remember that an import is applied."""
    await connection.execute(_NOTE, ticket.import_id, ticket.kind, ticket.digest, imported)


async def is_known(connection: Connection, import_id: str) -> Any | None:
    """Return the row of an import that is applied. Another request about it waits for the end of the transaction."""
    await connection.execute(_LOCK_NAME, import_id)
    return await connection.fetchrow(_KNOWN, import_id)


async def is_repeated(connection: Connection, ticket: Ticket) -> bool:
    """Whether an import is applied already. Raises ImportIdUsed."""
    known = await is_known(connection, ticket.import_id)
    if known is not None and known["digest"] != ticket.digest:
        raise ImportIdUsed
    return known is not None


@asynccontextmanager
async def closing(
    connection: Connection, dates: Iterable[dt.date], register: Sequence[int] = (), raw: Set[int] = frozenset()
) -> AsyncIterator[None]:
    """Hold the days, and mark them, permanently, so that they are not recounted. Locks come in the drain's order.

    The `raw` days are held only. Raises DaysOpen.
    """
    wanted = sorted(dates)
    if register:
        revision = await connection.fetchval(BUMP)
        await connection.execute(_REGISTER, sorted(register), revision)
        await connection.execute(_NOTIFY, channels.CATALOG, [str(revision)])
    await lock_days(connection, {day_of_date(date) for date in wanted} | raw)
    still_open = [row[0] for row in await connection.fetch(_OPEN_DAYS, wanted)]
    if still_open:
        raise DaysOpen(still_open)
    yield
    await connection.execute(CLOSE_DAYS, wanted)


class _Brought(NamedTuple):
    """What an import adds to contents and artists, and its sums by day: of the contents' rows and of the site's."""

    posts: Sums
    artists: Sums
    contents: dict[dt.date, Sum]
    site: dict[dt.date, Sum]


def _sums(rows: Sequence[DailyRow], owner_of: OwnerOf) -> _Brought:
    """Add up rows: a content's into its artist's day, artists' days into the site's, so that each is added once."""
    brought = _Brought({}, {}, {}, {})
    owned: dict[tuple[int | None, dt.date], Sum] = {}
    for row in rows:
        one = Sum.of(row)
        one.add_viewers(row)
        if row.post_id == SITE:
            brought.site[row.day] = one
            continue
        brought.posts[row.post_id, row.day] = one
        owned.setdefault((owner_of(row.post_id), row.day), Sum()).add(one)
    for (owner_id, day), one in owned.items():
        brought.contents.setdefault(day, Sum()).add(one)
        if owner_id is not None:
            brought.artists[owner_id, day] = one
    return brought


async def tell(connection: Connection, totals: Sequence[DayTotals]) -> None:
    """Notify the followers of these contents with their new totals."""
    committed = Committed(journal_id=_NO_JOURNAL, last_seq=0, records=0, events=[], totals=list(totals))
    payloads = notices_of(committed, 0)
    if totals:
        await connection.execute(_NOTIFY, channels.LIVE, payloads)
