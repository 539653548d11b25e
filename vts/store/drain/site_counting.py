"""The site's counters behind the drain: page views, visitors and host events of a day. Inside the drain's transaction.

As in `counting`: read, merged here, written back, while the caller holds the locks of the days.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from vts.model import sketch
from vts.model.day import day_of_date
from vts.model.site import EVENT_TYPES, SiteEvent
from vts.model.site_tally import SiteTally, add
from vts.model.tally import decode, encode
from vts.store.drain.batch import Dates
from vts.store.session.connection import Connection
from vts.store.session.queries import queries_beside

query = queries_beside(__file__)

_COUNTERS: Final = query("drain_site_counters")
_COUNT: Final = query("drain_site_count")
_NOTHING: Final = (None, "{}", None, None, 0, 0, 0)


async def count_site(connection: Connection, events: Sequence[SiteEvent], dates: Dates) -> None:
    """Add new events to the counters of their days."""
    by_day: dict[int, list[SiteEvent]] = {}
    for event in events:
        by_day.setdefault(event.event_day, []).append(event)
    found = await connection.fetch(_COUNTERS, [dates[day] for day in by_day])
    known = {day_of_date(row[0]): tuple(row) for row in found}
    for day in sorted(by_day):
        await connection.execute(_COUNT, dates[day], *_counts(by_day[day], known.get(day, _NOTHING)))


def _counts(events: Sequence[SiteEvent], known: tuple[Any, ...]) -> list[Any]:
    """Return the parameters of `drain_site_count` behind the day."""
    _, breakdowns, stored, stored_authenticated, visitors_authenticated, *page_views = known
    tally = SiteTally(breakdowns=decode(breakdowns))
    add(tally, events)
    pages = [event for event in events if event.event_type == "page_view"]
    grown, visitors = sketch.grown(stored, [sketch.number_of(event.viewer_key) for event in pages])
    signed = [sketch.number_of(event.viewer_key) for event in pages if event.authenticated]
    grown_authenticated = None
    if signed:
        grown_authenticated, visitors_authenticated = sketch.grown(stored_authenticated, signed)
    counts = [number for name in EVENT_TYPES for number in tally.counts[name]]
    visitors, visitors_authenticated = (
        min(seen, views + more)  # an estimate may be more than there were views
        for seen, views, more in zip(
            (visitors, visitors_authenticated), page_views, tally.counts["page_view"], strict=True
        )
    )
    version = max(event.key_version for event in events)
    return [*counts, visitors, visitors_authenticated, encode(tally.breakdowns), grown, grown_authenticated, version]
