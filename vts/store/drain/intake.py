"""How a batch gets into PostgreSQL: one transaction, all of it or nothing.

Two ways lead in. The quick one is a plain COPY into `view_events`, right whenever every event is new and sound, which
is nearly always. When it fails, nothing has happened, and the batch is begun anew the careful way: through a staging
table, so that duplicates fall out, and by halves down to the single row, so that poison does.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, NamedTuple, Protocol

import trio

from vts.model.committed import Committed, DayTotals, notices_of
from vts.model.day import date_of, day_of_date
from vts.model.faults import StoreUnavailable
from vts.model.journal_run import Run
from vts.model.record import Record
from vts.model.site import SiteEvent
from vts.model.view import ViewEvent
from vts.store.drain.batch import (
    PLAYBACK,
    SITE,
    VIEWS,
    Batch,
    Dates,
    DeadLetter,
    E,
    TableRows,
    body_of,
    hold_days,
    id_has_no_day,
    key_of,
    place_of,
    prepare,
    reason_of,
)
from vts.store.drain.counting import OwnerOf, count_views, lock_days
from vts.store.drain.replay import replay_catalog
from vts.store.drain.revision import BUMP
from vts.store.drain.site_counting import count_site
from vts.store.drain.texts import is_sound, note_texts
from vts.store.schema.partitions import make_days
from vts.store.session import channels, locks
from vts.store.session.connection import Connection
from vts.store.session.faults import BadData
from vts.store.session.queries import queries_beside

query = queries_beside(__file__)

HELD: Final = "the raw rows of its day were dropped, and it may have been counted before that"
POSTS_REMEMBERED: Final = 100_000  # that have a content row: 10 MB
POSTS_REMEMBERED_S: Final = 300.0  # a provisional row may have been removed meanwhile

_OFFSETS: Final = query("drain_offset")
_SLOT: Final = query("drain_slot")
_UNKNOWN_RUNS: Final = query("drain_unknown_runs")
_DROPPED_DAYS: Final = query("drain_dropped_days")
_ADVANCE: Final = query("drain_advance")
_GUARD_DAYS: Final = query("drain_guard_days", lock=str(locks.PARTITIONS))
_DAYS_WITH_VIEWS: Final = query("drain_days_with_views")
_NEIGHBOURS: Final = query("drain_neighbours")
_STAGE: Final = {table: query("drain_stage", table=table.name) for table in (VIEWS, SITE, PLAYBACK)}
_INSERT: Final = {
    table: query(
        "drain_insert",
        table=table.name,
        columns=", ".join(table.columns),
        key=", ".join(table.key),
        returned=table.columns[0],
    )
    for table in (VIEWS, SITE, PLAYBACK)
}
_UNKNOWN_CONTENT: Final = query("drain_unknown_content")
_REGISTER_CONTENT: Final = query("drain_register_content")
_HAS_TABLE: Final = "SELECT to_regclass($1) IS NOT NULL"
_DEAD_LETTERS: Final = query("drain_dead_letters")
_NOTIFY: Final = "SELECT pg_notify($1, payload) FROM unnest($2::text[]) AS payload"


class Copy(Protocol):
    """A way in: returns the events that are new, adds dead letters for those that are refused."""

    def __call__(self, table_rows: TableRows[E], dead_letters: list[DeadLetter]) -> Awaitable[list[E]]:
        """Copy the rows of one table."""
        ...


BeforeCommit = Callable[[Committed], None]
"""Called with what is about to be committed: the last thing known for sure when the outcome of the commit is not."""


class Part(NamedTuple):
    """What the journal holds behind row `after` up to row `last_seq`, all of one run."""

    run: Run
    after: int
    last_seq: int
    records: Sequence[Record]


class Intake:
    """One session and what it remembers. Belongs to one run of the drain: a new session remembers nothing."""

    def __init__(self, connection: Connection, journal_id: bytes, slot_id: bytes | None, owner_of: OwnerOf) -> None:
        """`journal_id` names this process in notices, `slot_id` its data folder (None: no journal); 16 bytes each."""
        self._connection = connection
        self._journal_id = journal_id
        self._slot_id = slot_id
        self._has_slot = False
        self._owner_of = owner_of
        self._days: set[int] = set()
        self._posts: set[int] = set()
        self._posts_since_s = trio.current_time()

    async def offsets(self, runs: Sequence[bytes]) -> dict[bytes, int]:
        """Return how far these runs are drained, without those of which nothing is."""
        if not self._has_slot:
            await self._connection.execute(_SLOT, self._slot_id)
            self._has_slot = True
        rows = await self._connection.fetch(_OFFSETS, list(runs))
        return {bytes(run): seq for run, seq in rows}

    async def drained_elsewhere(self, runs: Sequence[Run]) -> int | None:
        """Return the newest row that was drained of runs of this folder that its journal should have and has not."""
        first = runs[0].first if runs else 1
        found: int | None = await self._connection.fetchval(
            _UNKNOWN_RUNS, self._slot_id, [run.id for run in runs], first
        )
        return found

    async def store(self, part: Part, now_us: int, before_commit: BeforeCommit) -> Committed:
        """Store a part of the journal. Raises StoreUnavailable, also when the outcome of the commit is unknown."""
        batch = await prepare(part.records)
        if not part.run.is_proven:
            batch = await self._hold_dropped_days(batch)
        await self._make_days(batch)
        try:
            return await self._transact(part, batch, self._copy, now_us, before_commit)
        except BadData:
            self._days.clear()  # the fault may have been a partition that is gone
            await self._make_days(batch)
            return await self._transact(part, batch, self._copy_carefully, now_us, before_commit)

    async def _hold_dropped_days(self, batch: Batch) -> Batch:
        """Keep what may have been drained before out of days whose raw rows would tell.

        Other days take it: what they hold already falls out by its key.
        """
        rows = await self._connection.fetch(_DROPPED_DAYS, [batch.dates[day] for day in sorted(batch.days)])
        return hold_days(batch, {day_of_date(row[0]) for row in rows}, HELD)

    async def _make_days(self, batch: Batch) -> None:
        missing = batch.days - self._days
        if missing:
            await make_days(self._connection, map(date_of, missing))
            self._days |= missing

    async def _transact(
        self, part: Part, batch: Batch, copy: Copy, now_us: int, before_commit: BeforeCommit
    ) -> Committed:
        async with self._connection.transaction():
            await self._advance(part)
            await note_texts(self._connection, {each.number: each.text for each in batch.texts if is_sound(each)})
            dead_letters = list(batch.dead_letters)
            events = await copy(await self._without_stored_neighbours(batch), dead_letters)
            site = await copy(batch.site, dead_letters)
            playback = await copy(batch.playback, dead_letters)
            others = len(batch.catalog) + len(batch.texts)
            duplicates = len(part.records) - others - len(events) - len(site) - len(playback) - len(dead_letters)
            if batch.catalog:
                dead_letters += await replay_catalog(self._connection, batch.catalog, now_us)
            totals = await self._count(events, site, batch.dates)
            await self._store_dead_letters(part, dead_letters)
            committed = Committed(
                journal_id=self._journal_id,
                run_id=part.run.id,
                last_seq=part.last_seq,
                records=len(part.records),
                events=events,
                totals=totals,
                duplicates=duplicates,
                dead=len(dead_letters),
            )
            await self._notify(channels.LIVE, notices_of(committed, now_us))
            before_commit(committed)
        return committed

    async def _advance(self, part: Part) -> None:
        """Move the offset of the run. A second drain of this run waits here, and then finds it moved."""
        is_first = part.after < part.run.first
        where = (part.run.id, part.after, part.last_seq, self._slot_id, is_first)
        if await self._connection.execute(_ADVANCE, *where) != "INSERT 0 1":
            raise StoreUnavailable("the journal's offset in the database is not where it was read")

    async def _count(self, events: Sequence[ViewEvent], site: Sequence[SiteEvent], dates: Dates) -> list[DayTotals]:
        if not events and not site:
            return []
        await self._register_content(events)
        days = {event.event_day for event in events} | {event.event_day for event in site}
        await lock_days(self._connection, days)
        if site:
            await count_site(self._connection, site, dates)
        return await count_views(self._connection, events, dates, self._owner_of) if events else []

    async def _notify(self, channel: str, payloads: Sequence[str]) -> None:
        if payloads:
            await self._connection.execute(_NOTIFY, channel, payloads)

    async def _without_stored_neighbours(self, batch: Batch) -> TableRows[ViewEvent]:
        """Return the views without the version-4 ones that are stored under the day before or after."""
        events, rows = batch.views.events, batch.views.rows
        dayless = [place for place, event in enumerate(events) if id_has_no_day(event)]
        if not dayless:
            return batch.views
        days = {events[place].event_day for place in dayless}
        await self._connection.execute(_GUARD_DAYS, [batch.dates[day] for day in sorted(days)])
        neighbours = [date_of(day) for day in {day + step for day in days for step in (-1, 1)}]
        viewed = {row[0] for row in await self._connection.fetch(_DAYS_WITH_VIEWS, neighbours)}
        stored: set[int] = set()
        for day in days:
            dates = viewed.intersection((date_of(day - 1), date_of(day + 1)))
            if not dates:
                continue
            here = [place for place in dayless if events[place].event_day == day]
            posts = [events[place].post_id for place in here]
            ids = [events[place].event_id for place in here]
            for date in dates:
                found = await self._connection.fetch(_NEIGHBOURS, posts, ids, date)
                stored.update(here[row[0] - 1] for row in found)
        if not stored:
            return batch.views
        kept = [place for place in range(len(events)) if place not in stored]
        return TableRows(VIEWS, [events[place] for place in kept], [rows[place] for place in kept])

    async def _copy(self, table_rows: TableRows[E], dead_letters: list[DeadLetter]) -> list[E]:
        if table_rows.rows:
            await self._connection.copy_records(table_rows.table.name, table_rows.rows, table_rows.table.columns)
        return table_rows.events

    async def _copy_carefully(self, table_rows: TableRows[E], dead_letters: list[DeadLetter]) -> list[E]:
        if not table_rows.rows:
            return []
        await self._connection.execute(_STAGE[table_rows.table])
        keys = await self._copy_part(table_rows, 0, len(table_rows.rows), dead_letters)
        inserted = {(first, day_of_date(date), event_id) for first, date, event_id in keys}
        return [event for event in table_rows.events if key_of(event) in inserted]

    async def _copy_part(
        self, table_rows: TableRows[E], low: int, high: int, dead_letters: list[DeadLetter]
    ) -> list[Any]:
        """Insert the rows low ≤ place < high as far as they are sound; returns the keys of those that are new."""
        if low == high:
            return []
        try:
            async with self._connection.transaction():
                rows = [(*table_rows.rows[place], place) for place in range(low, high)]
                staging = f"drain_staging_{table_rows.table.name}"
                await self._connection.copy_records(staging, rows, (*table_rows.table.columns, "place"))
                return await self._connection.fetch(_INSERT[table_rows.table], low, high - 1)
        except BadData as fault:
            if high - low == 1:
                await self._expect_day(table_rows, low)
                dead_letters.append(DeadLetter(table_rows.events[low], str(fault)))
                return []
        middle = (low + high) // 2
        return [
            *await self._copy_part(table_rows, low, middle, dead_letters),
            *await self._copy_part(table_rows, middle, high, dead_letters),
        ]

    async def _expect_day(self, table_rows: TableRows[E], place: int) -> None:
        """Raise StoreUnavailable when a row was refused because its partition was dropped after we had made it."""
        partition = f"{table_rows.table.name}_{date_of(table_rows.events[place].event_day):%Y%m%d}"
        if not await self._connection.fetchval(_HAS_TABLE, partition):
            raise StoreUnavailable(f"{partition} was dropped meanwhile")

    async def _register_content(self, events: Sequence[ViewEvent]) -> None:
        """Give posts that nobody has described a provisional row. The revision is taken first, as all writers do."""
        now_s = trio.current_time()
        if now_s - self._posts_since_s > POSTS_REMEMBERED_S or len(self._posts) > POSTS_REMEMBERED:
            self._posts.clear()
            self._posts_since_s = now_s
        posts = {event.post_id for event in events} - self._posts
        if not posts:
            return
        unknown = [row[0] for row in await self._connection.fetch(_UNKNOWN_CONTENT, sorted(posts))]
        if unknown:
            revision = await self._connection.fetchval(BUMP)
            await self._connection.execute(_REGISTER_CONTENT, sorted(unknown), revision)
            await self._notify(channels.CATALOG, [str(revision)])
        self._posts |= posts

    async def _store_dead_letters(self, part: Part, dead_letters: Sequence[DeadLetter]) -> None:
        if dead_letters:
            places = [place_of(part.records, dead_letter.event) for dead_letter in dead_letters]
            reasons = [reason_of(dead_letter.reason) for dead_letter in dead_letters]
            bodies = [body_of(dead_letter.event) for dead_letter in dead_letters]
            held = [dead_letter.held for dead_letter in dead_letters]
            await self._connection.execute(_DEAD_LETTERS, part.run.id, part.last_seq, places, reasons, bodies, held)
