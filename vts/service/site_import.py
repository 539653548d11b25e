"""Imports of page views and host events: counters of days, and events at their own times."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol, TypeVar

import trio

from vts.capture.events.imported_site import ImportedEvents, ImportedPlayback, ImportedSiteEvent
from vts.capture.fields import BadField
from vts.model.day import date_of, day_of, day_of_date
from vts.model.imported_stats import SiteStatsRow, check_site_stats
from vts.model.imports import BadRow
from vts.model.ports import Clock
from vts.model.principal import Principal
from vts.model.reference import NoReferenceKey, Texts
from vts.model.site import PlaybackEvent, SiteEvent
from vts.service.import_rules import CatalogNotLoaded, DayOpen, ImportRules, RowRefused, TooManyRows
from vts.service.view_import import READ_AT_ONCE, WaitDrained
from vts.store.facts.history_import import Applied, DaysOpen, Ticket
from vts.store.facts.import_site_stats import import_site_events, import_site_stats
from vts.store.facts.import_tables import import_playback
from vts.store.session.pool import Writer


class EventCounts(NamedTuple):
    """What became of events: `stored` are new, `duplicates` had come before."""

    stored: int
    duplicates: int
    repeated: bool


class _HasDay(Protocol):
    @property
    def event_day(self) -> int: ...


R = TypeVar("R")
E = TypeVar("E", bound=_HasDay)


class SiteImport:
    """`events` makes events of rows. `wait_drained` as for views."""

    def __init__(
        self, rules: ImportRules, writer: Writer, events: ImportedEvents, wait_drained: WaitDrained, clock: Clock
    ) -> None:
        self._rules = rules
        self._writer = writer
        self._events = events
        self._wait_drained = wait_drained
        self._clock = clock

    async def stats(self, ticket: Ticket, rows: Sequence[SiteStatsRow]) -> Applied:
        """Add counters of days. Raises TooManyRows, RowRefused, DayOpen, ImportIdUsed, StoreUnavailable."""
        if len(rows) > self._rules.rows_max:
            raise TooManyRows(self._rules.rows_max)
        _check(rows, day_of(self._clock()) - self._rules.raw_days)
        try:
            return await self._writer.write(lambda session: import_site_stats(session, ticket, rows))
        except DaysOpen as fault:
            raise DayOpen(next(index for index, row in enumerate(rows) if row.day in fault.days)) from None

    async def events(self, ticket: Ticket, rows: Sequence[ImportedSiteEvent], who: Principal, peer: str) -> EventCounts:
        """Count page views and host events. `peer` is the address that sent them.

        Raises TooManyRows, RowRefused, DayOpen, CatalogNotLoaded, ImportIdUsed, ReferenceTaken, StoreUnavailable.
        """
        now_us = self._clock()

        def made(row: ImportedSiteEvent, index: int) -> tuple[SiteEvent, Texts]:
            return self._events.site_event(row, index, ticket.import_id, who, peer, now_us)

        read = await _read(rows, made, self._rules.views_max)
        texts = {text.number: text.text for _, named in read for text in named}
        old, recent = self._parted([event for event, _ in read], now_us)
        if recent:
            await self._wait_drained()
        try:
            applied = await self._writer.write(lambda session: import_site_events(session, ticket, old, recent, texts))
        except DaysOpen as fault:
            days = [date_of(event.event_day) for event, _ in read]
            raise DayOpen(next(index for index, day in enumerate(days) if day in fault.days)) from None
        return _counts(applied, len(rows))

    async def playback(
        self, ticket: Ticket, rows: Sequence[ImportedPlayback], who: Principal, peer: str
    ) -> EventCounts:
        """Store playback. Raises as `events`."""
        self._rules.require_catalog()
        now_us = self._clock()

        def made(row: ImportedPlayback, index: int) -> PlaybackEvent:
            return self._events.playback(row, index, ticket.import_id, who, peer, now_us)

        old, recent = self._parted(await _read(rows, made, self._rules.views_max), now_us)
        if recent:
            await self._wait_drained()
        applied = await self._writer.write(lambda session: import_playback(session, ticket, old, recent))
        return _counts(applied, len(rows))

    def _parted(self, events: Sequence[E], now_us: int) -> tuple[list[E], list[E]]:
        """Return the events of days whose raw rows are gone, and those of the others."""
        oldest_raw = day_of(now_us) - self._rules.raw_days  # whose rows are dropped tomorrow
        return (
            [event for event in events if event.event_day < oldest_raw],
            [event for event in events if event.event_day >= oldest_raw],
        )


T = TypeVar("T")


async def _read(rows: Sequence[R], made: Callable[[R, int], T], most: int) -> list[T]:
    """Return what each row becomes. Raises TooManyRows, RowRefused and CatalogNotLoaded."""
    if len(rows) > most:
        raise TooManyRows(most)
    read: list[T] = []
    for index, row in enumerate(rows):
        if index % READ_AT_ONCE == 0:
            await trio.lowlevel.checkpoint()
        try:
            read.append(made(row, index))
        except BadField as fault:
            raise RowRefused(index, str(fault)) from None
        except NoReferenceKey:
            raise CatalogNotLoaded from None
    return read


def _check(rows: Sequence[SiteStatsRow], first_raw: int) -> None:
    before, seen = date_of(first_raw), dict[dt.date, int]()
    for index, row in enumerate(rows):
        try:
            check_site_stats(row)
        except BadRow as fault:
            raise RowRefused(index, str(fault)) from None
        if day_of_date(row.day) >= first_raw:
            raise RowRefused(index, f"day: before {before} is expected; later days are counted from raw events")
        if seen.setdefault(row.day, index) != index:
            raise RowRefused(index, f"day: the same as in row {seen[row.day]}")


def _counts(applied: Applied, rows: int) -> EventCounts:
    stored = applied.imported + applied.recent
    return EventCounts(stored, 0 if applied.repeated else rows - stored, applied.repeated)
