"""What a batch of views adds to the counters of one (post, day), and how counters are merged.

Every counter is a pair [all, authenticated]. The breakdowns are the JSON of `post_stats_daily.breakdowns`:
`{"country": {"BR": [3, 1]}, "device": …}`. A view without a value counts in no value of that breakdown, so what is
unknown is the total minus the sum. Breakdowns without values are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import compress
from typing import Final, NamedTuple

import msgspec

from vts.model.day import HOUR_US
from vts.model.sketch import number_of
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
BOUNDLESS: Final = ("referrer", "playlist")  # the others have fewer values than an open day may keep
OTHER: Final = "other"
VALUES_KEPT: Final = 100  # of a closed day, besides `other`
VALUES_OPEN_MAX: Final = 256  # of an open day: beyond it the smallest are folded, so that a row stays below 10 KB
VALUES_OPEN_KEPT: Final = 192  # a quarter of room, so that folding is rare

Pair = list[int]
Breakdown = dict[str, Pair]
Breakdowns = dict[str, Breakdown]
Facts = tuple[tuple[str, str], ...]
"""(dimension, value) of a view, without the dimensions in which it has no value."""

FACTS_REMEMBERED: Final = 8_192  # combinations of values; 10 MB at most

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


class Increment(NamedTuple):
    """What a batch brings to one (post, day): the time, facts, sign-in (1 or 0) and viewer of each view, side by side.

    Viewers are numbers, as sketches take them (`vts.model.sketch.number_of`).
    """

    times: list[int]
    facts: list[Facts]
    signed: list[int]
    viewers: list[int]


Increments = dict[tuple[int, int], Increment]
"""By (post_id, day), or by another key that they are regrouped by."""


def facts_of(event: ViewEvent) -> Facts:
    """Return the values under which a view counts."""
    return _facts(
        event.country_code,
        event.device_type,
        event.view_type,
        event.view_source,
        event.channel,
        event.play_order,
        event.referrer_domain,
        event.playlist_id,
        event.created_at // HOUR_US % 24,
        event.local_hour,
        event.local_weekday,
    )


@lru_cache(FACTS_REMEMBERED)
def _facts(*values: str | int | None) -> Facts:
    """Views come in few combinations, and making one costs more than all that is done with it."""
    return tuple((name, str(value)) for name, value in zip(DIMENSIONS, values, strict=True) if value is not None)


def increments_of(events: Iterable[ViewEvent]) -> Increments:
    """Group views by (post, day), and by day for the whole site. Each event is taken for a new one."""
    found: Increments = {}
    gather(found, events)
    return found | regrouped(found, lambda post_id: SITE)


def gather(into: Increments, events: Iterable[ViewEvent]) -> None:
    """Group views by (post, day)."""
    for event in events:
        key = event.post_id, event.event_day
        group = into.get(key)
        if group is None:
            group = into[key] = Increment([], [], [], [])
        group.times.append(event.created_at)
        group.facts.append(facts_of(event))
        group.signed.append(1 if event.authenticated else 0)
        group.viewers.append(number_of(event.viewer_key))


def regrouped(increments: Increments, name_of: Callable[[int], int | None]) -> Increments:
    """Group by something that posts belong to; `name_of` a post None leaves it out."""
    found: Increments = {}
    for (post_id, day), part in increments.items():
        name = name_of(post_id)
        if name is None:
            continue
        group = found.get((name, day))
        if group is None:
            group = found[name, day] = Increment([], [], [], [])
        group.times.extend(part.times)
        group.facts.extend(part.facts)
        group.signed.extend(part.signed)
        group.viewers.extend(part.viewers)
    return found


def add(tally: Tally, increment: Increment) -> None:
    """Add a batch's views to the counters. Unique viewers stay as they are: views alone do not give them."""
    times, facts, signed, _ = increment
    tally.views += len(times)
    tally.views_authenticated += sum(signed)
    _count(tally.breakdowns, facts, signed)
    for dimension in BOUNDLESS:
        values = tally.breakdowns.get(dimension)
        if values is not None and len(values) > VALUES_OPEN_MAX:
            fold(values, VALUES_OPEN_KEPT)
    tally.first_us, tally.last_us = _span(tally.first_us, tally.last_us, times)
    if signed_times := list(compress(times, signed)):
        tally.first_authenticated_us, tally.last_authenticated_us = _span(
            tally.first_authenticated_us, tally.last_authenticated_us, signed_times
        )


def breakdowns_of(facts: Facts, signed: int) -> Breakdowns:
    """Return the breakdowns of a single view."""
    return {dimension: {value: [1, signed]} for dimension, value in facts}


def _count(breakdowns: Breakdowns, facts: Iterable[Facts], signed: Iterable[int]) -> None:
    """Count view by view. What `add_pairs` does stands here once more: this is the hot path of the drain."""
    for named, one in zip(facts, signed, strict=True):
        for dimension, value in named:
            try:
                pair = breakdowns[dimension][value]
            except KeyError:
                breakdowns.setdefault(dimension, {})[value] = [1, one]
                continue
            pair[0] += 1
            pair[1] += one


def add_pairs(into: dict[str, Pair], values: Mapping[str, Pair]) -> None:
    """Add the pairs of one breakdown to another; `values` stays as it is."""
    for value, (n, authenticated) in values.items():
        pair = into.get(value)
        if pair is None:
            into[value] = [n, authenticated]
        else:
            pair[0] += n
            pair[1] += authenticated


def merge(into: Breakdowns, other: Mapping[str, Mapping[str, Pair]]) -> None:
    """Add the pairs of `other` to those of `into`; `other` stays as it is."""
    for dimension, values in other.items():
        if values:
            add_pairs(into.setdefault(dimension, {}), values)


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


def _span(first_us: int | None, last_us: int | None, times: Sequence[int]) -> tuple[int, int]:
    first, last = min(times), max(times)
    return first if first_us is None else min(first, first_us), last if last_us is None else max(last, last_us)
