"""Imports of page views and host events: as counters of days, and one by one; and how they are taken out again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence, Set
from typing import Any, Final

from vts.model import tally
from vts.model.day import date_of
from vts.model.import_part import SITE_EVENTS, Part, Rest, site_parts, united
from vts.model.imported_site import replace
from vts.model.imported_stats import SiteStatsRow
from vts.model.site import EVENT_TYPES, SiteEvent
from vts.store.drain.batch import Dates
from vts.store.drain.site_counting import count_site
from vts.store.drain.texts import NO_TEXTS, note_own_texts
from vts.store.facts.history_import import Applied, Ticket, closing, is_repeated, note
from vts.store.facts.import_events import claim, make_days_of, store_raw
from vts.store.facts.import_parts import note_parts
from vts.store.facts.raw_viewers import rest_of_raw
from vts.store.session.connection import Connection
from vts.store.session.queries import queries_beside

query = queries_beside(__file__)

COUNTS: Final = 2 * len(EVENT_TYPES)  # numbers of events in a row; imported visitors come behind them

_READ: Final = query("import_site_read")
_WRITE: Final = query("import_site_write")
_REST: Final = query("import_parts_rest")
_SETTLE: Final = "UPDATE site_stats_daily SET rolled_at = now() WHERE day = ANY($1::date[]) AND rolled_at IS NULL"
_REOPEN: Final = "UPDATE site_stats_daily SET rolled_at = NULL WHERE day = ANY($1::date[])"


async def import_site_stats(connection: Connection, ticket: Ticket, rows: Sequence[SiteStatsRow]) -> Applied:
    """Add counters of days to the site's. Raises ImportIdUsed, DaysOpen (nothing is applied), StoreUnavailable."""
    parts = [Part(SITE_EVENTS, row.day, row.counts(), row.pairs()) for row in rows]
    async with connection.transaction():
        if await is_repeated(connection, ticket):
            return Applied(0, repeated=True)
        async with closing(connection, {row.day for row in rows}):
            await note_parts(connection, ticket.import_id, parts)
            known = await _rows(connection, [part.day for part in parts])
            await _write(connection, [_with(part, known.get(part.day)) for part in parts])
        await note(connection, ticket, len(rows))
    return Applied(len(rows))


async def import_site_events(
    connection: Connection,
    ticket: Ticket,
    events: Sequence[SiteEvent],
    recent: Sequence[SiteEvent],
    texts: Mapping[int, str] = NO_TEXTS,
) -> Applied:
    """Count events of days whose raw rows are gone, and store `recent` ones as rows; each event id once.

    Raises ImportIdUsed, DaysOpen, ReferenceTaken (nothing is applied), BadData, StoreUnavailable.
    """
    await make_days_of(connection, recent)
    async with connection.transaction():
        if await is_repeated(connection, ticket):
            return Applied(0, repeated=True)
        await note_own_texts(connection, texts)
        stored = (await store_raw(connection, ticket.import_id, recent)).site
        old = [events[place] for place in await claim(connection, ticket.import_id, events)]
        dates = {date_of(event.event_day) for event in events}
        async with closing(connection, dates, raw={event.event_day for event in stored}):
            await note_parts(connection, ticket.import_id, site_parts([*old, *stored]))
            await count_site(connection, [*old, *stored], Dates())
            await connection.execute(_SETTLE, sorted(dates))
        await note(connection, ticket, len(old) + len(stored))
    return Applied(len(old), recent=len(stored))


async def take_out_site(connection: Connection, import_id: str, parts: Sequence[Part], raw: Set[dt.date]) -> None:
    """Take page views and host events out again. The caller holds the days' locks and has removed the raw rows."""
    known = await _rows(connection, [part.day for part in parts])
    days = [part.day for part in parts]
    rest = {
        row[1]: Rest(row[2], (None,) * 4, (row[7] or (), row[8] or ()))
        for row in await connection.fetch(_REST, import_id, [SITE_EVENTS] * len(days), days)
    }
    for day in raw:
        rest[day] = await rest_of_raw(connection, SITE_EVENTS, day)
    await _write(connection, [_without(part, known[part.day], rest[part.day]) for part in parts if part.day in known])
    await connection.execute(_REOPEN, sorted(raw))


async def _rows(connection: Connection, days: Sequence[dt.date]) -> dict[dt.date, Any]:
    return {row["day"]: row for row in await connection.fetch(_READ, days)}


def _with(part: Part, row: Any | None) -> tuple[Any, ...]:
    """Return a row with a part: in the order of `import_site_write`."""
    before = [0] * (COUNTS + 4) if row is None else list(row[1 : COUNTS + 5])
    merged = tally.decode(row["breakdowns"]) if row is not None else {}
    tally.merge(merged, part.breakdowns)
    for values in merged.values():
        tally.fold(values)
    counts = [known + more for known, more in zip(before, part.counts, strict=False)]
    sketches = (None, None) if row is None else (row["sketch"], row["sketch_authenticated"])
    return (part.day, *counts, *before[COUNTS + 2 :], tally.encode(merged), *sketches)


def _without(part: Part, row: Any, rest: Rest) -> tuple[Any, ...]:
    """Return a row without a part, as `vts.model.import_part.without` does it for views."""
    before = list(row[1 : COUNTS + 5])
    counts = [max(0, known - less) for known, less in zip(before, part.counts, strict=False)]
    left = tally.decode(row["breakdowns"])
    replace(left, part.breakdowns, {})
    sketches, visitors = (row["sketch"], row["sketch_authenticated"]), (before[-2], before[-1])
    if counts[0] <= rest.views and part.sketches[0] is not None:
        sketches, visitors = united(rest.sketches)
    visitors = min(visitors[0], counts[0]), min(visitors[1], counts[1])
    return (part.day, *counts, *visitors, tally.encode(left), *sketches)


async def _write(connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
    if rows:
        await connection.execute(_WRITE, *zip(*rows, strict=True))
