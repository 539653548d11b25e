"""Which sketch to count unique viewers with: error and bytes of each kind on viewers as they come.

Thirty days, every viewer on three of them, and the answer for the whole range: the union of the days. Most contents
have few viewers a day, so the bytes of a day are given for a site of which they are typical: of 1,000 contents 900 have
1 to 50 viewers (evenly), 90 have 500, 9 have 5,000 and one has 100,000.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Final

import datasketches
import msgspec

DAYS: Final = 30
VIEWERS: Final = (100, 1_000, 10_000, 100_000, 1_000_000)
DAY_VIEWERS: Final = (1, 10, 50, 100, 1_000, 100_000)

_library: Final[Any] = datasketches  # its names come out of a compiled module without types


class SketchKind(msgspec.Struct, frozen=True):
    """A kind of sketch."""

    name: str
    make: Callable[[], Any]
    union: Callable[[], Any]


class SketchErrors(msgspec.Struct, frozen=True):
    """What was measured. Errors are shares; `bytes_of_day` by number of viewers; `site_bytes` for 1,000 contents."""

    kind: str
    rms_error: dict[int, float]
    worst_error: dict[int, float]
    bytes_of_day: dict[int, int]
    site_bytes: int


def kinds() -> list[SketchKind]:
    """Return what is compared."""
    four = _library.tgt_hll_type.HLL_4
    hll = [  # what Apache DataSketches has, in three sizes each
        SketchKind(f"HLL_4 lgK {k}", partial(_library.hll_sketch, k, four), partial(_library.hll_union, k))
        for k in (12, 13, 14)
    ]
    cpc = [
        SketchKind(f"CPC lgK {k}", partial(_library.cpc_sketch, k), partial(_library.cpc_union, k))
        for k in (11, 12, 13)
    ]
    return [*hll, *cpc]


def measure(kind: SketchKind, seeds: Sequence[int]) -> SketchErrors:
    """Measure one kind: a second for a seed, nearly all of it for the million."""
    rms, worst = {}, {}
    for viewers in VIEWERS:
        errors = [_error(kind, viewers, seed) for seed in seeds]
        rms[viewers] = math.sqrt(sum(error**2 for error in errors) / len(errors))
        worst[viewers] = max(map(abs, errors))
    sizes = {viewers: _size(kind, viewers) for viewers in DAY_VIEWERS}
    typical = sum(18 * _size(kind, viewers) for viewers in range(1, 51))
    site = typical + 90 * _size(kind, 500) + 9 * _size(kind, 5_000) + sizes[100_000]
    return SketchErrors(kind.name, rms, worst, sizes, site)


def sentence_of(found: SketchErrors) -> str:
    """Say what was found."""
    errors = ", ".join(
        f"{viewers:,}: {found.rms_error[viewers]:.2%} / {found.worst_error[viewers]:.2%}" for viewers in VIEWERS
    )
    sizes = ", ".join(f"{viewers:,}: {size:,}" for viewers, size in found.bytes_of_day.items())
    bytes_ = f"bytes of a day of {sizes}; of 1,000 contents {found.site_bytes:,}"
    return f"{found.kind}: rms / worst error of {errors}; {bytes_}"


def _days(viewers: int, seed: int) -> Iterator[range]:
    first = (seed + 1) << 40
    for day in range(DAYS):
        start = first + day * viewers // DAYS
        yield range(start, start + viewers // 10)


def _error(kind: SketchKind, viewers: int, seed: int) -> float:
    whole = kind.union()
    first = last = None
    for day in _days(viewers, seed):
        first, last = first or day, day
        whole.update(_filled(kind, day))
    assert first is not None and last is not None, "there are thirty"
    estimate: float = whole.get_result().get_estimate()
    return estimate / (last.stop - first.start) - 1


def _filled(kind: SketchKind, viewers: range) -> Any:
    sketch = kind.make()
    for viewer in viewers:
        sketch.update(viewer)
    return sketch


def _size(kind: SketchKind, viewers: int) -> int:
    sketch = _filled(kind, range(viewers))
    write = sketch.serialize_compact if hasattr(sketch, "serialize_compact") else sketch.serialize
    return len(write())
