"""What the tables cost: bytes a player, entries at most, and no time to forget."""

from __future__ import annotations

import tracemalloc

from tests.admit.world import NOW, S, decide, gate, id_4, keep, play, visit
from vts.admit.players import LONG_MAX, TIMES_MAX, PlayerLimits
from vts.admit.seen import IDENTITIES_MAX
from vts.admit.tables import Buckets, Recent

MINUTE = 60 * S


def key(n: int) -> bytes:
    return n.to_bytes(16, "big")


def test_a_player_costs_less_than_300_bytes() -> None:
    players, limits = 10_000, PlayerLimits(5 * S, 1000)
    tracemalloc.start()
    for minute in range(3):
        for view in range(3):  # one each 20 s
            now = NOW + (minute * 3 + view) * 20 * S
            for n in range(players):
                limits.use(key(n), now, now)
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size / players < 300


def test_queues_that_were_delivered_shrink() -> None:
    limits, players = PlayerLimits(5 * S, 1000), 60
    tracemalloc.start()
    for n in range(players):
        for view in range(720):
            limits.use(key(n), NOW - view * 5 * S, NOW)
    long, _ = tracemalloc.get_traced_memory()
    limits.age(NOW + 59 * S)
    same, _ = tracemalloc.get_traced_memory()
    limits.age(NOW + MINUTE)
    short, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert same > long * 0.9
    assert short < long / 10


def test_a_player_without_a_limit_a_minute_is_bounded_too() -> None:
    limits = PlayerLimits(5 * S, 0)
    for view in range(5 * TIMES_MAX):
        assert limits.wait_us(b"P", NOW - view * 5 * S, NOW) == 0
        limits.use(b"P", NOW - view * 5 * S, NOW)
    assert len(limits._states.get(b"P") or ()) <= TIMES_MAX + 4


def test_so_many_long_queues_at_a_time_and_the_oldest_is_shortened() -> None:
    limits = PlayerLimits(5 * S, 1000)
    for n in range(LONG_MAX + 50):
        for view in range(40):
            limits.use(key(n), NOW - view * 5 * S, NOW)
    assert len(limits._long) == LONG_MAX
    assert limits.wait_us(key(LONG_MAX + 49), NOW - 51 * S, NOW) == 4 * S


def test_identities_are_bounded_and_the_youngest_stay() -> None:
    judge = gate(web_per_minute=0)
    for n in range(IDENTITIES_MAX + 1000):
        keep(judge, visit(event_id=id_4(n)))
    assert judge.sizes()["identities"] <= IDENTITIES_MAX
    for n in (IDENTITIES_MAX + 999, IDENTITIES_MAX // 2 + 1000):
        assert decide(judge, visit(event_id=id_4(n))) == "duplicate"
    assert decide(judge, visit(event_id=id_4(0))) == "admitted"


def test_viewers_are_forgotten_when_their_bucket_must_be_full() -> None:
    buckets = Buckets(60, 120, 1000)
    buckets.age(NOW)
    for _ in range(120):
        assert buckets.take(b"V", NOW + S) == 0
    buckets.age(NOW + 120 * S)
    assert buckets.take(b"V", NOW + 2 * S) == 0
    assert buckets.take(b"V", NOW + 2 * S) == S
    buckets.age(NOW + 240 * S)
    buckets.age(NOW + 360 * S)
    assert len(buckets) == 0


def test_a_table_never_holds_more_than_it_may() -> None:
    table: Recent[int, int] = Recent(100)
    for n in range(1000):
        table.put(n, n + 1)
        assert len(table) <= 100
        assert table.get(max(0, n - 49)) == max(0, n - 49) + 1


def test_a_gate_of_many_players_ages_in_an_instant() -> None:
    judge = gate()
    for n in range(500):
        decide(judge, play(1, at=NOW - n * 6 * S))
    for n in range(200):
        judge.age(NOW + n * S)
    assert judge.sizes()["players"] == 1
