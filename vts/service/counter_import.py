"""An import of counters: what another system counted per content and day, or for the whole site, before VTS did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import trio

from vts.model.day import date_of, day_of, day_of_date
from vts.model.imports import BadRow, DailyRow, check
from vts.model.ports import Clock
from vts.model.tally import SITE
from vts.service.import_rules import DayOpen, ImportRules, ImportSession, RowRefused, TooManyRows
from vts.service.owners import owner_in
from vts.store.drain.texts import NO_TEXTS
from vts.store.facts.history_import import Applied, DaysOpen, Ticket, import_daily


class CounterImport:
    """Merges counters into the rows that views are counted in."""

    def __init__(self, rules: ImportRules, session: ImportSession, clock: Clock) -> None:
        self._rules = rules
        self._session = session
        self._clock = clock

    async def apply(self, ticket: Ticket, rows: Sequence[DailyRow], texts: Mapping[int, str] = NO_TEXTS) -> Applied:
        """Apply an import once and whole; a repeated one changes nothing. `texts` are those of the rows.

        Raises TooManyRows, RowRefused, DayOpen, CatalogNotLoaded, ImportIdUsed, ReferenceTaken,
        StoreUnavailable.
        """
        if len(rows) > self._rules.rows_max:
            raise TooManyRows(self._rules.rows_max)
        first_raw = day_of(self._clock()) - self._rules.raw_days
        await trio.to_thread.run_sync(_check, rows, first_raw)
        unknown = self._rules.unknown(row.post_id for row in rows if row.post_id != SITE)
        if unknown and self._rules.strict:
            index = next(index for index, row in enumerate(rows) if row.post_id in unknown)
            raise RowRefused(index, "post_id: unknown content; describe it by POST /api/content first")
        try:
            return await self._session.write(
                lambda session: import_daily(session, ticket, rows, unknown, owner_in(self._rules.catalog), texts),
                registers=bool(unknown),
            )
        except DaysOpen as fault:
            raise DayOpen(next(index for index, row in enumerate(rows) if row.day in fault.days)) from None


def _check(rows: Sequence[DailyRow], first_raw: int) -> None:
    """Raise RowRefused for the first row that may not be imported. `first_raw` is the first day that is kept raw."""
    before, seen = date_of(first_raw), dict[tuple[int, object], int]()
    for index, row in enumerate(rows):
        try:
            check(row)
        except BadRow as fault:
            raise RowRefused(index, str(fault)) from None
        if day_of_date(row.day) >= first_raw:
            raise RowRefused(index, f"day: before {before} is expected; later days are counted from raw views")
        first = seen.setdefault((row.post_id, row.day), index)
        if first != index:
            raise RowRefused(index, f"post_id, day: the same as in row {first}")
