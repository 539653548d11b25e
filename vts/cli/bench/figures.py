"""What is measured, and how several runs become one number. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Final

import msgspec

Figures = dict[str, float | None]
"""Name → value; None where this machine or this target cannot say."""

RATE: Final = "events_per_s"
DRAINED: Final = "drained_per_s"


class BenchRun(msgspec.Struct, frozen=True, kw_only=True):
    """One run: what VTS did, and what each reference did beside it, in requests or rows per second."""

    figures: Figures
    references: dict[str, float] = {}


def percentile(ranked: Sequence[float], share: float) -> float | None:
    """Return the value that `share` (0 to 1) of the values do not exceed (nearest rank); None when there are none.

    `ranked` is in ascending order.
    """
    if not ranked:
        return None
    place = -int(-share * len(ranked) // 1)  # rounded up
    return ranked[min(len(ranked), max(1, place)) - 1]


def median_of(rows: Sequence[Mapping[str, float | None]]) -> Figures:
    """Return the median of every figure over the runs that have it."""
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: _median(row.get(name) for row in rows) for name in names}


def ratios_of(runs: Sequence[BenchRun]) -> dict[str, Figures]:
    """Return {reference: {figure: median of the ratios within each run}} for the rates of events."""
    names = dict.fromkeys(name for run in runs for name in run.references)
    return {name: {rate: _ratio(runs, name, rate) for rate in _rates(runs)} for name in names}


def _rates(runs: Sequence[BenchRun]) -> list[str]:
    return [rate for rate in (RATE, DRAINED) if any(run.figures.get(rate) for run in runs)]


def _ratio(runs: Sequence[BenchRun], reference: str, rate: str) -> float | None:
    ratios = []
    for run in runs:
        ours, theirs = run.figures.get(rate), run.references.get(reference)
        if ours is not None and theirs:
            ratios.append(ours / theirs)
    return median(ratios) if ratios else None


def _median(values: object) -> float | None:
    present = [value for value in values if value is not None]  # type: ignore[attr-defined]
    return median(present) if present else None
