"""What a batch of site events adds to the counters of a day. Pure; pairs and breakdowns as in `vts.model.tally`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from vts.model.day import HOUR_US
from vts.model.site import EVENT_TYPES, SiteEvent
from vts.model.tally import VALUES_OPEN_KEPT, VALUES_OPEN_MAX, Breakdowns, Pair, fold

PAGE_DIMENSIONS: Final = ("page", "country", "device", "referrer", "hour_utc")  # count page views
ERROR_DIMENSION: Final = "error_type"  # counts errors


class SiteTally(msgspec.Struct, gc=False):
    """The counters of one day: events by their type, and what page views and errors break down into."""

    counts: dict[str, Pair] = msgspec.field(default_factory=lambda: {name: [0, 0] for name in EVENT_TYPES})
    breakdowns: Breakdowns = {}


def add(tally: SiteTally, events: Iterable[SiteEvent]) -> None:
    """Add new events to the counters. Unique visitors cannot be counted from the events alone."""
    for event in events:
        signed = 1 if event.authenticated else 0
        _count(tally.counts, event.event_type, signed)
        if event.event_type == "page_view":
            hour = str(event.created_at // HOUR_US % 24)
            values = (event.page, event.country_code, event.device_type, event.referrer_domain, hour)
            for dimension, value in zip(PAGE_DIMENSIONS, values, strict=True):
                if value is not None:
                    _count(tally.breakdowns.setdefault(dimension, {}), value, signed)
        elif event.event_type == "error":
            _count(tally.breakdowns.setdefault(ERROR_DIMENSION, {}), event.error_type or "unknown", signed)
    for values_of in tally.breakdowns.values():
        if len(values_of) > VALUES_OPEN_MAX:
            fold(values_of, VALUES_OPEN_KEPT)


def _count(values: dict[str, Pair], value: str, signed: int) -> None:
    pair = values.setdefault(value, [0, 0])
    pair[0] += 1
    pair[1] += signed
