"""An import of views at their own times: those of raw days go through the gate, older ones are added to the counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import trio

from vts.capture.events.imported import ImportedView, ImportedViews, imported_event_of
from vts.capture.fields import BadField
from vts.model.day import date_of, day_of
from vts.model.outcome import Outcome, Reason, Refused
from vts.model.ports import Clock
from vts.model.principal import Principal
from vts.model.reference import NoReferenceKey
from vts.model.view import Report, ViewEvent
from vts.service.import_rules import (
    CatalogNotLoaded,
    DayOpen,
    ImportRules,
    ImportSession,
    NotAllKept,
    RowRefused,
    TooManyRows,
)
from vts.service.owners import owner_in
from vts.store.facts.history_import import Applied, DaysOpen, Ticket, import_views

VIEWS_MAX: Final = 5_000
SUBMITTED_AT_ONCE: Final = 250  # views: a few milliseconds of the gate

Submit = Callable[[Sequence[Report]], Awaitable[list[Outcome]]]
"""Sends reports through admission and returns their outcomes, in order."""


class ImportedViewCounts(NamedTuple):
    """What became of the views: `accepted` by the gate, `merged` into counts, `dropped` by reason."""

    accepted: int
    merged: Applied
    dropped: Counter[str]


class ViewImport:
    """`views` makes reports of rows; `submit` is the way of every event."""

    def __init__(
        self, rules: ImportRules, session: ImportSession, views: ImportedViews, submit: Submit, clock: Clock
    ) -> None:
        self._rules = rules
        self._session = session
        self._views = views
        self._submit = submit
        self._clock = clock

    async def apply(
        self, ticket: Ticket, rows: Sequence[ImportedView], who: Principal, peer: str
    ) -> ImportedViewCounts:
        """Count the views. `peer` is the address that sent them.

        Raises TooManyRows, RowRefused, DayOpen, CatalogNotLoaded, ImportIdUsed, NotAllKept, ReferenceTaken,
        StoreUnavailable.
        """
        if len(rows) > VIEWS_MAX:
            raise TooManyRows(VIEWS_MAX)
        now_us = self._clock()
        reports, events = await self._understood(rows, ticket.import_id, who, peer, now_us)
        oldest_raw = day_of(now_us) - self._rules.raw_days + 1
        old = [index for index, event in enumerate(events) if event.event_day < oldest_raw]
        recent = [report for report, event in zip(reports, events, strict=True) if event.event_day >= oldest_raw]
        without_id = next((index for index in old if rows[index].event_id is None), None)
        if without_id is not None:
            raise RowRefused(without_id, "event_id: needed for a view before the days that are kept raw")
        texts = {text.number: text.text for index in old for text in reports[index].texts}
        dropped: Counter[str] = Counter()
        merged = await self._merge(ticket, {index: events[index] for index in old}, texts, dropped)
        accepted = await self._send(recent, dropped)
        return ImportedViewCounts(accepted, merged, dropped)

    async def _understood(
        self, rows: Sequence[ImportedView], import_id: str, who: Principal, peer: str, now_us: int
    ) -> tuple[list[Report], list[ViewEvent]]:
        """Return each row as a report, and as the event that the gate would make of it. Raises RowRefused."""
        reports: list[Report] = []
        events: list[ViewEvent] = []
        for index, view in enumerate(rows):
            if index % SUBMITTED_AT_ONCE == 0:
                await trio.lowlevel.checkpoint()
            try:
                reports.append(self._views.report(view, index, import_id, service=who, peer=peer, now_us=now_us))
            except BadField as fault:
                raise RowRefused(index, str(fault)) from None
            except NoReferenceKey:
                raise CatalogNotLoaded from None
            events.append(imported_event_of(reports[-1]))
        return reports, events

    async def _merge(
        self, ticket: Ticket, old: dict[int, ViewEvent], texts: Mapping[int, str], dropped: Counter[str]
    ) -> Applied:
        """Add the views whose raw days are gone to the counts. `old`: index of the row → event."""
        if not old:
            return Applied(0)
        self._rules.require_catalog()
        reasons = {index: self._reason_to_drop(event) for index, event in old.items()}
        dropped.update(reason for reason in reasons.values() if reason is not None)
        counting = {index: event for index, event in old.items() if reasons[index] is None}
        events, unknown = list(counting.values()), self._rules.unknown(event.post_id for event in counting.values())
        try:
            applied = await self._session.write(
                lambda session: import_views(session, ticket, events, unknown, owner_in(self._rules.catalog), texts),
                registers=bool(unknown),
            )
        except DaysOpen as fault:
            first = next(index for index, event in counting.items() if date_of(event.event_day) in fault.days)
            raise DayOpen(first) from None
        if not applied.repeated and applied.imported < len(events):
            dropped[Reason.DUPLICATE] += len(events) - applied.imported
        return applied

    def _reason_to_drop(self, event: ViewEvent) -> Reason | None:
        """Return the reason for which the gate would drop a view, None for one that counts."""
        content = self._rules.catalog.content(event.post_id)
        if content is None or content.provisional:
            return Reason.NOT_FOUND if self._rules.strict else None
        if content.deleted:
            return Reason.DELETED
        is_own = content.owner_id is not None and content.owner_id == event.viewer_user_id
        return Reason.AUTHOR if is_own else None

    async def _send(self, reports: Sequence[Report], dropped: Counter[str]) -> int:
        """Send the views of the raw days through the gate. Return how many count. Raises NotAllKept."""
        accepted = 0
        for start in range(0, len(reports), SUBMITTED_AT_ONCE):
            outcomes = await self._submit(reports[start : start + SUBMITTED_AT_ONCE])
            refused: list[Any] = [one.reason for one in outcomes if isinstance(one, Refused)]
            if Reason.UNAVAILABLE in refused:
                raise NotAllKept
            dropped.update(refused)
            accepted += len(outcomes) - len(refused)
        return accepted
