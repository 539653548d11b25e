"""An import of views at their own times: those of raw days are stored as rows, older ones are added to the counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, NamedTuple

import trio

from vts.capture.events.imported import ImportedView, ImportedViews, imported_event_of
from vts.capture.fields import BadField
from vts.model.day import date_of, day_of
from vts.model.outcome import Reason
from vts.model.ports import Clock
from vts.model.principal import Principal
from vts.model.reference import NoReferenceKey
from vts.model.view import Report, ViewEvent
from vts.service.import_rules import (
    CatalogNotLoaded,
    DayOpen,
    ImportRules,
    ImportSession,
    RowRefused,
    TooManyRows,
)
from vts.service.owners import owner_in
from vts.store.facts.history_import import Applied, DaysOpen, Ticket, import_views

READ_AT_ONCE: Final = 250  # views: a few milliseconds

WaitDrained = Callable[[], Awaitable[None]]
"""Returns when everything that is acknowledged is in the database. Raises StoreUnavailable when that takes too long."""


class ImportedViewCounts(NamedTuple):
    """What became of the views: `accepted` on days that are kept raw, `merged` into counts, `dropped` by reason."""

    accepted: int
    merged: Applied
    dropped: Counter[str]


class ViewImport:
    """`views` makes reports of rows. `wait_drained` comes first: what clients have sent is no part of an import."""

    def __init__(
        self, rules: ImportRules, session: ImportSession, views: ImportedViews, wait_drained: WaitDrained, clock: Clock
    ) -> None:
        self._rules = rules
        self._session = session
        self._views = views
        self._wait_drained = wait_drained
        self._clock = clock

    async def apply(
        self, ticket: Ticket, rows: Sequence[ImportedView], who: Principal, peer: str
    ) -> ImportedViewCounts:
        """Count the views. `peer` is the address that sent them.

        Raises TooManyRows, RowRefused, DayOpen, CatalogNotLoaded, ImportIdUsed, ReferenceTaken,
        StoreUnavailable.
        """
        if len(rows) > self._rules.views_max:
            raise TooManyRows(self._rules.views_max)
        now_us = self._clock()
        reports, events = await self._understood(rows, ticket.import_id, who, peer, now_us)
        oldest_raw = day_of(now_us) - self._rules.raw_days  # whose rows are dropped tomorrow
        for index, event in enumerate(events):
            if event.event_day < oldest_raw and rows[index].event_id is None:
                raise RowRefused(index, "event_id: needed for a view before the days that are kept raw")
        self._rules.require_catalog()
        reasons = [self._reason_to_drop(event) for event in events]
        dropped = Counter[str](reason for reason in reasons if reason is not None)
        counting = {index: event for index, event in enumerate(events) if reasons[index] is None}
        texts = {text.number: text.text for index in counting for text in reports[index].texts}
        applied = await self._write(ticket, counting, texts, oldest_raw)
        duplicates = len(counting) - applied.imported - applied.recent
        if duplicates and not applied.repeated:
            dropped[Reason.DUPLICATE] += duplicates
        return ImportedViewCounts(applied.recent, applied, dropped)

    async def _write(
        self, ticket: Ticket, counting: Mapping[int, ViewEvent], texts: Mapping[int, str], oldest_raw: int
    ) -> Applied:
        """Store the views that count. `counting`: index of the row → event."""
        old = [event for event in counting.values() if event.event_day < oldest_raw]
        recent = [event for event in counting.values() if event.event_day >= oldest_raw]
        unknown, owner_of = (
            self._rules.unknown(event.post_id for event in counting.values()),
            owner_in(self._rules.catalog),
        )
        if recent:
            await self._wait_drained()
        try:
            return await self._session.write(
                lambda session: import_views(session, ticket, old, unknown, owner_of, texts, recent),
                registers=bool(unknown),
            )
        except DaysOpen as fault:
            first = next(index for index, event in counting.items() if date_of(event.event_day) in fault.days)
            raise DayOpen(first) from None

    async def _understood(
        self, rows: Sequence[ImportedView], import_id: str, who: Principal, peer: str, now_us: int
    ) -> tuple[list[Report], list[ViewEvent]]:
        """Return each row as a report, and as the event that the gate would make of it. Raises RowRefused."""
        reports: list[Report] = []
        events: list[ViewEvent] = []
        for index, view in enumerate(rows):
            if index % READ_AT_ONCE == 0:
                await trio.lowlevel.checkpoint()
            try:
                reports.append(self._views.report(view, index, import_id, service=who, peer=peer, now_us=now_us))
            except BadField as fault:
                raise RowRefused(index, str(fault)) from None
            except NoReferenceKey:
                raise CatalogNotLoaded from None
            events.append(imported_event_of(reports[-1]))
        return reports, events

    def _reason_to_drop(self, event: ViewEvent) -> Reason | None:
        """Return the reason for which the gate would drop a view, None for one that counts."""
        content = self._rules.catalog.content(event.post_id)
        if content is None or content.provisional:
            return Reason.NOT_FOUND if self._rules.strict else None
        if content.deleted:
            return Reason.DELETED
        is_own = content.owner_id is not None and content.owner_id == event.viewer_user_id
        return Reason.AUTHOR if is_own else None
