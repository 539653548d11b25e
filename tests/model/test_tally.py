"""Increments and breakdowns equal the plain recount, however the events are cut into batches."""

from __future__ import annotations

import random

import pytest

from tests.store.drained import DAY, event, recount
from vts.model import sketch
from vts.model.day import DAY_US, HOUR_US
from vts.model.tally import (
    OTHER,
    SITE,
    VALUES_OPEN_MAX,
    Tally,
    add,
    decode,
    encode,
    fold,
    increments_of,
    merge,
)


@pytest.fixture
def chance() -> random.Random:
    return random.Random(7)


@pytest.mark.parametrize("cut", [1, 7, 40, 500])
def test_batches_of_any_size_add_up_to_the_recount(chance, cut):
    events = [event(chance) for _ in range(500)]
    tally = Tally()
    for at in range(0, len(events), cut):
        add(tally, increments_of(events[at : at + cut])[1, DAY])
    assert tally.breakdowns == recount(events)
    assert (tally.views, tally.views_authenticated) == (500, sum(e.authenticated for e in events))
    times = sorted(e.created_at for e in events)
    signed = sorted(e.created_at for e in events if e.authenticated)
    assert (tally.first_us, tally.last_us) == (times[0], times[-1])
    assert (tally.first_authenticated_us, tally.last_authenticated_us) == (signed[0], signed[-1])


def test_groups_by_post_and_day_and_the_site_beside_them(chance):
    events = [event(chance, post_id=p, day=d) for p in (1, 2) for d in (DAY, DAY + 1) for _ in range(3)]
    groups = increments_of(events)
    assert set(groups) == {(p, d) for p in (1, 2, SITE) for d in (DAY, DAY + 1)}
    assert [len(groups[p, DAY].times) for p in (1, 2, SITE)] == [3, 3, 6]


def test_two_tallies_do_not_share_their_breakdowns(chance):
    first, second = Tally(), Tally()
    add(first, increments_of([event(chance)])[1, DAY])
    assert second.breakdowns == {}


def test_without_authenticated_views_their_times_are_unknown(chance):
    tally = Tally()
    add(tally, increments_of([event(chance, authenticated=False)])[1, DAY])
    assert (tally.first_authenticated_us, tally.last_authenticated_us) == (None, None)


def test_hours_are_those_of_the_view(chance):
    tally = Tally()
    view = event(chance, created_at=DAY * DAY_US + 23 * HOUR_US, local_hour=1, local_weekday=6, authenticated=True)
    add(tally, increments_of([view])[1, DAY])
    names = ("hour_utc", "hour_local", "weekday_local")
    assert [tally.breakdowns[name] for name in names] == [{"23": [1, 1]}, {"1": [1, 1]}, {"6": [1, 1]}]


def test_merging_adds_pairs_and_leaves_the_other_alone():
    into = {"country": {"BR": [3, 1]}}
    other = {"country": {"BR": [1, 1], "DE": [2, 0]}, "device": {"tv": [1, 0]}}
    merge(into, other)
    merge(into, other)
    assert into == {"country": {"BR": [5, 3], "DE": [4, 0]}, "device": {"tv": [2, 0]}}
    assert other["device"] == {"tv": [1, 0]}


def test_folding_keeps_the_largest_and_the_sum():
    values = {f"v{n:03}": [n, n // 2] for n in range(300)}
    before = [sum(pair[who] for pair in values.values()) for who in (0, 1)]
    fold(values, 100)
    assert set(values) == {f"v{n:03}" for n in range(200, 300)} | {OTHER}
    assert [sum(pair[who] for pair in values.values()) for who in (0, 1)] == before
    again = {name: list(pair) for name, pair in values.items()}
    fold(values, 100)
    assert values == again


def test_an_open_day_keeps_its_breakdowns_small_and_their_sum_right(chance):
    tally = Tally()
    for n in range(2_000):
        referrer = "popular.example" if n % 3 == 0 else f"r{n}.example"
        add(tally, increments_of([event(chance, referrer_domain=referrer)])[1, DAY])
    referrers = tally.breakdowns["referrer"]
    assert len(referrers) <= VALUES_OPEN_MAX
    assert sum(pair[0] for pair in referrers.values()) == 2_000
    assert referrers["popular.example"][0] == 667


def test_the_json_is_the_one_of_the_contract():
    assert encode({"country": {"BR": [3, 1]}}) == '{"country":{"BR":[3,1]}}'
    assert decode('{"country": {"BR": [3, 1]}}') == {"country": {"BR": [3, 1]}}


def test_sketches_are_exact_while_small_and_close_when_large(chance):
    viewers = [sketch.number_of(chance.randbytes(16)) for _ in range(100_000)]
    small, known = sketch.grown(None, viewers[:1_000])
    assert known == 1_000
    assert sketch.grown(small, viewers[:1_000]) == (None, 1_000)
    large, known = sketch.grown(small, viewers)
    assert abs(known - 100_000) < 3_000
    assert sketch.count(large) == known
    assert abs(sketch.union([small, None, large]) - 100_000) < 3_000
    assert sketch.union([None]) == sketch.count(None) == 0


def test_a_sketch_of_few_viewers_takes_little_room(chance):
    ten, _ = sketch.grown(None, [sketch.number_of(chance.randbytes(16)) for _ in range(10)])
    assert ten is not None
    assert len(ten) <= 64
