"""What a batch of views adds to the counters of one (post, day), and how counters are merged.

Every counter is a pair [all, authenticated]. The breakdowns are the JSON of `post_stats_daily.breakdowns`:
`{"country": {"BR": [3, 1]}, "device": …}`. A view without a value counts in no value of that breakdown, so what is
unknown is the total minus the sum. Breakdowns without values are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from vts.model.day import HOUR_US
from vts.model.view import ViewEvent

SITE: Final = 0  # the post_id under which the whole site is counted

DIMENSIONS: Final = (
    "country",
    "device",
    "type",
    "source",
    "channel",
    "play_order",
    "referrer",
    "playlist",
    "hour_utc",
    "hour_local",
    "weekday_local",
)
OTHER: Final = "other"
VALUES_KEPT: Final = 100  # of a closed day, besides `other`
VALUES_OPEN_MAX: Final = 256  # of an open day: beyond it the smallest are folded, so that a row stays below 10 KB
VALUES_OPEN_KEPT: Final = 192  # a quarter of room, so that folding is rare

Pair = list[int]
Breakdown = dict[str, Pair]
Breakdowns = dict[str, Breakdown]
Facts = tuple[str | None, ...]
"""The values of a view in the order of DIMENSIONS, and last "1" when it is authenticated, else ""."""


class _Names(dict[int | None, str | None]):
    """Numbers as names; what is not in the table is written on the spot."""

    def __missing__(self, number: int | None) -> str:
        return str(number)


_NAME: Final = _Names({None: None} | {n: str(n) for n in range(24)})
_decoder: Final = msgspec.json.Decoder(Breakdowns)
_encoder: Final = msgspec.json.Encoder()


class Tally(msgspec.Struct, gc=False):
    """The counters of one (post, day); times are microseconds, None while there is no such view."""

    views: int = 0
    views_authenticated: int = 0
    unique_viewers: int = 0
    unique_viewers_authenticated: int = 0
    first_us: int | None = None
    last_us: int | None = None
    first_authenticated_us: int | None = None
    last_authenticated_us: int | None = None
    breakdowns: Breakdowns = {}


class Increment(msgspec.Struct, gc=False):
    """What a batch adds to one (post, day): how often each combination of facts came, and between which times."""

    facts: dict[Facts, int]
    first_us: int
    last_us: int
    first_authenticated_us: int | None = None
    last_authenticated_us: int | None = None


Increments = dict[tuple[int, int], Increment]
"""By (post_id, day)."""


def facts_of(event: ViewEvent) -> Facts:
    """Return under which values a view counts. Many views share them, so equal ones are counted before merging."""
    return (
        event.country_code,
        event.device_type,
        event.view_type,
        event.view_source,
        event.channel,
        _NAME[event.play_order],
        event.referrer_domain,
        _NAME[event.playlist_id],
        _NAME[event.created_at // HOUR_US % 24],
        _NAME[event.local_hour],
        _NAME[event.local_weekday],
        "1" if event.authenticated else "",
    )


def increments_of(events: Iterable[ViewEvent]) -> Increments:
    """Group views by (post, day), and by day for the whole site. Each event is taken for a new one."""
    found: Increments = {}
    for event in events:
        facts, time_us, day = facts_of(event), event.created_at, event.event_day
        increment = found.get((event.post_id, day))
        if increment is None:
            increment = found[event.post_id, day] = Increment({facts: 1}, time_us, time_us)
        else:
            counts = increment.facts
            counts[facts] = counts.get(facts, 0) + 1
            if time_us < increment.first_us:
                increment.first_us = time_us
            elif time_us > increment.last_us:
                increment.last_us = time_us
        if event.authenticated:
            increment.first_authenticated_us = _earlier(increment.first_authenticated_us, time_us)
            increment.last_authenticated_us = _later(increment.last_authenticated_us, time_us)
    found.update(_site(found))
    return found


def _site(increments: Increments) -> Increments:
    site: Increments = {}
    for (_, day), part in increments.items():
        whole = site.get((SITE, day))
        if whole is None:
            site[SITE, day] = Increment(
                dict(part.facts),
                part.first_us,
                part.last_us,
                part.first_authenticated_us,
                part.last_authenticated_us,
            )
            continue
        counts = whole.facts
        for facts, n in part.facts.items():
            counts[facts] = counts.get(facts, 0) + n
        whole.first_us = min(whole.first_us, part.first_us)
        whole.last_us = max(whole.last_us, part.last_us)
        if part.first_authenticated_us is not None and part.last_authenticated_us is not None:
            whole.first_authenticated_us = _earlier(whole.first_authenticated_us, part.first_authenticated_us)
            whole.last_authenticated_us = _later(whole.last_authenticated_us, part.last_authenticated_us)
    return site


def add(tally: Tally, increment: Increment) -> None:
    """Add a batch's views to the counters. Unique viewers are not known from the views alone and stay as they are."""
    for facts, n in increment.facts.items():
        authenticated = n if facts[-1] else 0
        tally.views += n
        tally.views_authenticated += authenticated
        _count(tally.breakdowns, facts, n, authenticated)
    for values in tally.breakdowns.values():
        if len(values) > VALUES_OPEN_MAX:
            fold(values, VALUES_OPEN_KEPT)
    tally.first_us = _earlier(tally.first_us, increment.first_us)
    tally.last_us = _later(tally.last_us, increment.last_us)
    if increment.first_authenticated_us is not None and increment.last_authenticated_us is not None:
        tally.first_authenticated_us = _earlier(tally.first_authenticated_us, increment.first_authenticated_us)
        tally.last_authenticated_us = _later(tally.last_authenticated_us, increment.last_authenticated_us)


def _count(breakdowns: Breakdowns, facts: Facts, n: int, authenticated: int) -> None:
    for dimension, value in zip(DIMENSIONS, facts, strict=False):
        if value is None:
            continue
        values = breakdowns.get(dimension)
        if values is None:
            breakdowns[dimension] = {value: [n, authenticated]}
            continue
        pair = values.get(value)
        if pair is None:
            values[value] = [n, authenticated]
        else:
            pair[0] += n
            pair[1] += authenticated


def merge(into: Breakdowns, other: Mapping[str, Mapping[str, Pair]]) -> None:
    """Add the pairs of `other` to those of `into`; `other` stays as it is."""
    for dimension, values in other.items():
        known = into.setdefault(dimension, {})
        for value, (n, authenticated) in values.items():
            pair = known.get(value)
            if pair is None:
                known[value] = [n, authenticated]
            else:
                pair[0] += n
                pair[1] += authenticated


def fold(values: Breakdown, keep: int = VALUES_KEPT) -> None:
    """Keep the `keep` largest values (ties by name) and add the rest to `other`. The sum of all stays the same."""
    if len(values) - (OTHER in values) <= keep:
        return
    ranked = sorted((value for value in values if value != OTHER), key=lambda value: (-values[value][0], value))
    other = values.setdefault(OTHER, [0, 0])
    for value in ranked[keep:]:
        n, authenticated = values.pop(value)
        other[0] += n
        other[1] += authenticated


def decode(text: str | bytes) -> Breakdowns:
    """Read the JSON of a breakdowns column. Raises msgspec.DecodeError for another shape."""
    return _decoder.decode(text)


def encode(breakdowns: Breakdowns) -> str:
    """Write the JSON of a breakdowns column."""
    return _encoder.encode(breakdowns).decode()


def _earlier(known_us: int | None, time_us: int) -> int:
    return time_us if known_us is None or time_us < known_us else known_us


def _later(known_us: int | None, time_us: int) -> int:
    return time_us if known_us is None or time_us > known_us else known_us
