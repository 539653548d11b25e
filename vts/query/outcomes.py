"""What became of events over time: how many counted, and how many did not, by reason.

Lines have the closed list of outcomes; what a source counts besides (`retained`, `foreign_request`) is in `by_source`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from vts.model.day import DAY_US, HOUR_US, date_of, datetime_of, day_of
from vts.model.outcome import OUTCOMES
from vts.query.shape import range_of

HOURS: Final = 24


class OutcomeRow(msgspec.Struct, frozen=True):
    """Events of one hour (in microseconds since 1970), source and outcome."""

    hour_us: int
    source: str
    outcome: str
    events: int


def answer(rows: Sequence[OutcomeRow], first: int, last: int, *, now_us: int, lag_s: float) -> dict[str, Any]:
    """Return the JSON object of `GET /api/admin/outcomes`. `rows` has those days, and the last 24 hours."""
    asked = [row for row in rows if first <= day_of(row.hour_us) <= last]
    by_day = _by(asked, lambda row: day_of(row.hour_us))
    by_hour = _by(rows, lambda row: row.hour_us // HOUR_US)
    this_hour = now_us // HOUR_US
    sources: Counter[tuple[str, str]] = Counter()
    for row in asked:
        sources[row.source, row.outcome] += row.events
    return {
        **range_of(first, last),
        "outcomes": _line(sum((by_day[day] for day in by_day), Counter())),
        "by_source": [
            {"source": source, "outcome": outcome, "events": events}
            for (source, outcome), events in sorted(sources.items(), key=lambda pair: (-pair[1], pair[0]))
        ],
        "daily": [
            {"date": date_of(day).isoformat(), **_line(by_day.get(day, Counter()))} for day in range(first, last + 1)
        ],
        "hourly": [
            {"hour": datetime_of(hour * HOUR_US), **_line(by_hour.get(hour, Counter()))}
            for hour in range(this_hour - HOURS + 1, this_hour + 1)
        ],
        "computed_at": datetime_of(now_us),
        "lag_seconds": round(lag_s, 3),
    }


def since_us(first: int, now_us: int) -> int:
    """Return from when rows are needed for an answer whose first day is `first`."""
    return min(first * DAY_US, (now_us // HOUR_US - HOURS + 1) * HOUR_US)


def _by(rows: Sequence[OutcomeRow], key: Any) -> dict[int, Counter[str]]:
    found: dict[int, Counter[str]] = {}
    for row in rows:
        found.setdefault(key(row), Counter())[row.outcome] += row.events
    return found


def _line(counted: Mapping[str, int]) -> dict[str, int]:
    return {outcome: counted.get(outcome, 0) for outcome in OUTCOMES}
