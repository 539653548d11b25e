"""How answers for the whole site are shaped: twins, top lists, limits; and how a long one is worked out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar

import msgspec
import trio

from vts.model import sketch
from vts.model.day import date_of
from vts.model.tally import OTHER, Pair
from vts.query.ranges import BadRange

T = TypeVar("T")

WHO: Final = (0, 1)
"""Where all, and where the authenticated are in a pair."""
LIMIT_DEFAULT: Final = 10
LIMIT_MAX: Final = 100  # of every breakdown and day no more values are kept
LONG_DAYS: Final = 62  # longer ranges take more than 20 ms, for which no task should hold the loop

_pairs: Final = msgspec.json.Decoder(dict[str, dict[str, Pair]])
_values: Final = msgspec.json.Decoder(dict[str, Pair])


def parse_limit(text: str | None) -> int:
    """Return how long top lists shall be. Raises BadRange."""
    if text is None:
        return LIMIT_DEFAULT
    if not (text.isascii() and text.isdigit() and len(text) <= 3 and 1 <= int(text) <= LIMIT_MAX):
        raise BadRange(f"limit: must be 1 to {LIMIT_MAX}")
    return int(text)


def with_twins(twins: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
    """Return {"views": all, "views_authenticated": those of signed-in viewers} for each name."""
    body: dict[str, Any] = {}
    for name, (everyone, authenticated) in twins.items():
        body[name] = everyone
        body[f"{name}_authenticated"] = authenticated
    return body


def top(values: Mapping[str, Pair], who: int, limit: int) -> dict[str, int]:
    """Return the largest values by name, the largest first, ties by name. `other` is none of them."""
    counted = [(-pair[who], value) for value, pair in values.items() if pair[who] and value != OTHER]
    return {value: -count for count, value in sorted(counted)[:limit]}


def tops(values: Mapping[str, Pair], limit: int) -> list[dict[str, int]]:
    """Return the top lists of all and of the authenticated."""
    return [top(values, who, limit) for who in WHO]


def decode_pairs(text: str) -> dict[str, dict[str, Pair]]:
    """Read a breakdowns column."""
    return _pairs.decode(text)


def decode_values(text: str | None) -> dict[str, Pair]:
    """Read one breakdown of such a column; a day without it has none."""
    return {} if text is None else _values.decode(text)


def total(pairs: Iterable[Pair]) -> Pair:
    """Add up pairs."""
    whole = [0, 0]
    for n, authenticated in pairs:
        whole[0] += n
        whole[1] += authenticated
    return whole


def union(sketches: Sequence[tuple[bytes | None, bytes | None]], views: Pair) -> Pair:
    """Return how many different viewers days had together: [all, authenticated], never more than their views."""
    return at_most([sketch.union(day[who] for day in sketches) for who in WHO], views)


def at_most(viewers: Pair, views: Pair) -> Pair:
    """Return [all, authenticated] viewers, but no more than views: many are estimated, and imported ones are said."""
    return [min(viewers[who], views[who]) for who in WHO]


def range_of(first: int, last: int) -> dict[str, str]:
    """Return the range as answers state it."""
    return {"from": date_of(first).isoformat(), "to": date_of(last).isoformat()}


async def worked_out(days: int, work: Callable[[], T]) -> T:
    """Do the arithmetic of an answer: here, or in a thread when it would hold the loop for too long."""
    if days <= LONG_DAYS:
        return work()
    return await trio.to_thread.run_sync(work)
