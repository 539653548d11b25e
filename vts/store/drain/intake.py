"""How a part of the journal gets into PostgreSQL: one transaction, all of it or nothing.

First with the plain COPY of `copying`. When one of its rows is refused, nothing has happened, and the batch is begun
anew with care.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from vts.model.committed import Committed, DayTotals, notices_of
from vts.model.day import date_of, day_of_date
from vts.model.site import SiteEvent
from vts.model.view import ViewEvent
from vts.store.drain.batch import VIEWS, Batch, Dates, TableRows, hold_days, prepare
from vts.store.drain.claims import NOTHING, Released, hand_over, hold_claims, release
from vts.store.drain.copying import Copy, copy_all, copy_carefully
from vts.store.drain.counting import OwnerOf, count_views, lock_days
from vts.store.drain.dead_letters import store_dead_letters
from vts.store.drain.known_content import KnownContent
from vts.store.drain.offsets import Offsets
from vts.store.drain.other_days import without_stored_on_other_days
from vts.store.drain.replay import replay_catalog
from vts.store.drain.site_counting import count_site
from vts.store.drain.source import Part
from vts.store.drain.texts import is_sound, note_texts
from vts.store.schema.partitions import make_days
from vts.store.session import channels, locks
from vts.store.session.connection import Connection
from vts.store.session.faults import BadData
from vts.store.session.queries import queries_beside

query = queries_beside(__file__)

DUPLICATE: Final = "23505"  # SQLSTATE unique_violation
HELD: Final = "the raw rows of its day were dropped, and it may have been counted before that"

_DROPPED_DAYS: Final = query("drain_dropped_days")
# Rows come in the order of their ids, so two drains would meet at the viewers of `view_events_once` in any order, and
# each could wait for the other.
_LOCK_ONCE: Final = query("drain_lock_days", lock=str(locks.ONCE))
_NOTIFY: Final = "SELECT pg_notify($1, payload) FROM unnest($2::text[]) AS payload"

BeforeCommit = Callable[[Committed], None]
"""Called with what is about to be committed: the last thing known for sure when the outcome of the commit is not."""


class Intake:
    """One session and what it remembers. Belongs to one run of the drain: a new session remembers nothing."""

    def __init__(self, connection: Connection, journal_id: bytes, slot_id: bytes | None, owner_of: OwnerOf) -> None:
        """`journal_id` names this process in notices, `slot_id` its data folder (None: no journal); 16 bytes each."""
        self.offsets = Offsets(connection, slot_id)
        self._connection = connection
        self._journal_id = journal_id
        self._owner_of = owner_of
        self._known_content = KnownContent(connection)
        self._days: set[int] = set()

    async def store(self, part: Part, now_us: int, before_commit: BeforeCommit) -> Committed:
        """Store a part of the journal. Raises StoreUnavailable, also when the outcome of the commit is unknown."""
        batch = await prepare(part.records)
        if not part.run.is_proven:
            batch = await self._hold_dropped_days(batch)
        await self._make_days(batch)
        try:
            return await self._transact(part, batch, copy_all, now_us, before_commit)
        except BadData:
            self._days.clear()  # the fault may have been a partition that is gone
            await self._make_days(batch)
            return await self._transact(part, batch, copy_carefully, now_us, before_commit)

    async def _hold_dropped_days(self, batch: Batch) -> Batch:
        """Hold the events of days whose raw rows were dropped: whether they were drained before cannot be seen.

        Other days take them: what they hold already falls out by its key.
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
        connection = self._connection
        async with connection.transaction():
            await self.offsets.advance(part)
            await note_texts(connection, {each.number: each.text for each in batch.texts if is_sound(each)})
            dead_letters = list(batch.dead_letters)
            if once := {event.event_day for event in batch.views.events if event.once}:
                await connection.execute(_LOCK_ONCE, sorted(once))
            is_careful = copy is copy_carefully
            claims = await hold_claims(connection, batch) if is_careful else {}
            events = await copy(connection, await self._views(batch, is_careful=is_careful), dead_letters)
            site = await copy(connection, batch.site, dead_letters)
            playback = await copy(connection, batch.playback, dead_letters)
            others = len(batch.catalog) + len(batch.texts)
            duplicates = len(part.records) - others - len(events) - len(site) - len(playback) - len(dead_letters)
            if batch.catalog:
                dead_letters += await replay_catalog(connection, batch.catalog, now_us)
            released = await release(connection, claims, batch, [*events, *site, *playback]) if claims else NOTHING
            totals = await self._count(events, site, batch.dates, released)
            await store_dead_letters(connection, part, dead_letters)
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
            if notices := notices_of(committed, now_us):
                await connection.execute(_NOTIFY, channels.LIVE, notices)
            before_commit(committed)
        return committed

    async def _views(self, batch: Batch, *, is_careful: bool) -> TableRows[ViewEvent]:
        """Return the views that no other day has. Raises BadData for duplicates that were not looked at with care."""
        views = await without_stored_on_other_days(self._connection, batch)
        if not is_careful and len(views.rows) < len(batch.views.rows):
            raise BadData(f"{VIEWS.name}: stored under another day", DUPLICATE)
        return views

    async def _count(
        self, events: Sequence[ViewEvent], site: Sequence[SiteEvent], dates: Dates, released: Released
    ) -> list[DayTotals]:
        days = {event.event_day for event in events} | {event.event_day for event in site} | released.days
        if events:
            await self._known_content.register(events)
        if days:
            await lock_days(self._connection, days)
        await hand_over(self._connection, released)
        if site:
            await count_site(self._connection, site, dates)
        return await count_views(self._connection, events, dates, self._owner_of) if events else []
