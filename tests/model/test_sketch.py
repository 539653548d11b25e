"""Unique viewers over any range: exact while few, close when many, small for ever. Viewers come back on some days."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator

import pytest

from tests.store.drained import DAY, event
from vts.model import sketch
from vts.model.tally import Tally, add, encode, increments_of

DAYS = 30
SEEDS = range(20)


def visits(viewers: int, seed: int) -> Iterator[range]:
    """Give the viewers of each day, as numbers: a tenth of all, a third of them those of the day before."""
    first = (seed + 1) << 40
    for day in range(DAYS):
        start = first + day * viewers // DAYS
        yield range(start, start + viewers // 10)


def thirty_days(viewers: int, seed: int) -> tuple[list[bytes | None], int]:
    """Return the sketches of the days, and how many different viewers there were."""
    days = list(visits(viewers, seed))
    return [sketch.grown(None, day)[0] for day in days], days[-1].stop - days[0].start


@pytest.mark.parametrize(("viewers", "seeds"), [(100, 20), (1_000, 20), (10_000, 20), (100_000, 20), (1_000_000, 4)])
def test_thirty_days_are_counted_as_one(viewers: int, seeds: int) -> None:
    """`vts bench sketches` does the same for 20 seeds of a million, and for other kinds of sketches."""
    errors = []
    for seed in SEEDS[:seeds]:
        stored, unique = thirty_days(viewers, seed)
        counted = sketch.union(stored)
        errors.append(counted / unique - 1)
        assert counted < 0.5 * sum(sketch.count(one) for one in stored), "never the sum of days"
    assert math.sqrt(sum(error**2 for error in errors) / len(errors)) <= (0.01 if seeds == 20 else 0.015)
    assert max(map(abs, errors)) <= 0.03


def test_a_sketch_that_was_united_loses_no_viewer_that_comes_one_by_one() -> None:
    """5,000 viewers united of two days, then 20,000 more, in the small batches of a drain."""
    for seed in SEEDS:
        first = (seed + 1) << 40
        united = sketch.Union()
        united.add(sketch.grown(None, range(first, first + 3_000))[0])
        united.add(sketch.grown(None, range(first + 2_000, first + 5_000))[0])
        stored = united.result()[0]
        whole = sketch.grown(stored, range(first + 5_000, first + 25_000))[0]
        for start in range(first + 5_000, first + 25_000, 4):
            stored = sketch.grown(stored, range(start, start + 4))[0] or stored
        assert sketch.count(stored) == sketch.count(whole)


def test_viewers_that_are_known_change_nothing() -> None:
    for many in (0, 1, 100, 5_000):
        united = sketch.Union()
        united.add(sketch.grown(None, range(many))[0])
        for stored in (sketch.grown(None, range(many))[0], united.result()[0]):
            assert sketch.grown(stored, range(many))[0] is None


@pytest.mark.parametrize("viewers", [1, 10, 50, 100, 1_000])
def test_small_counts_are_exact(viewers: int) -> None:
    for seed in SEEDS:
        first = seed << 40
        stored, counted = sketch.grown(None, range(first, first + viewers))
        assert counted == sketch.count(stored) == viewers


def test_a_post_with_ten_viewers_a_day_costs_little() -> None:
    chance = random.Random(5)
    views = [
        event(chance, authenticated=n % 2 == 0, local_hour=n, local_weekday=n % 7, channel="all", playlist_id=None)
        for n in range(10)
    ]
    part = increments_of(views)[1, DAY]
    both = [sketch.grown(None, part.viewers)[0], sketch.grown(None, part.viewers[::2])[0]]
    assert sum(len(one or b"") for one in both) <= 150
    tally = Tally()
    add(tally, part)
    row = sum(len(one or b"") for one in both) + len(encode(tally.breakdowns)) + 12 * 8
    assert row <= 1_024
