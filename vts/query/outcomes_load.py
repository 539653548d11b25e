"""The question to PostgreSQL for what became of events."""

from __future__ import annotations

from typing import Final

from vts.model.day import datetime_of, us_of
from vts.query.outcomes import OutcomeRow
from vts.store.session.pool import Readers

_ROWS: Final = """
SELECT hour, source, outcome, sum(events)::bigint AS events
FROM outcome_stats_hourly WHERE hour >= $1 GROUP BY hour, source, outcome ORDER BY hour, source, outcome
"""


async def outcome_rows(readers: Readers, since_us: int) -> list[OutcomeRow]:
    """Return the rows of all processes since a time. Raises StoreUnavailable."""
    rows = await readers.fetch(_ROWS, datetime_of(since_us))
    return [OutcomeRow(us_of(row["hour"]), row["source"], row["outcome"], row["events"]) for row in rows]
