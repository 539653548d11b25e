"""The gate against a naive model that forgets nothing: any order of reports, outcomes, pauses and ageing."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.admit.world import ENTROPY, NOW, PLAYER, S, gate, id_4, play, said, visit
from vts.admit.verdict import Admitted, Waiting
from vts.model.view import Report, ViewEvent

WEB_BURST, INTERVAL, PER_MINUTE = 3, 5 * S, 8
VIEWERS = (b"V" * 16, b"W" * 16)


@dataclass
class Bucket:
    """A token bucket as a textbook has it."""

    tokens: float = WEB_BURST
    at: int = NOW

    def fill(self, now: int) -> None:
        self.tokens = min(WEB_BURST, self.tokens + (now - self.at) / S)
        self.at = now


@dataclass
class Naive:
    """What was admitted, and what became of it."""

    durable: set[tuple[bytes, int]] = field(default_factory=set)
    flying: dict[tuple[bytes, int], int] = field(default_factory=dict)
    repeats: dict[int, int] = field(default_factory=dict)
    repeats_flying: dict[int, int] = field(default_factory=dict)
    times: list[tuple[int, int]] = field(default_factory=list)
    window: tuple[int, int] = (0, 0)
    buckets: dict[bytes, Bucket] = field(default_factory=lambda: {viewer: Bucket() for viewer in VIEWERS})


class GateMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.gate = gate(web_per_minute=60, web_burst=WEB_BURST, player_per_minute=PER_MINUTE)
        self.naive = Naive()
        self.flying: list[tuple[Admitted, Report]] = []
        self.heard: list[tuple[bool, bool]] = []

    @rule(viewer=st.sampled_from(VIEWERS), post=st.integers(1, 3), n=st.none() | st.integers(0, 3))
    def visit(self, viewer: bytes, post: int, n: int | None) -> None:
        event_id = None if n is None else id_4(n)
        report = visit(post, viewer, event_id=event_id)
        verdict = self.gate.decide(report, self.now, ENTROPY)
        known = self.known(event_id, post)
        if known is not None:
            assert said(verdict) == known
            return
        bucket = self.naive.buckets[viewer]
        bucket.fill(self.now)
        if bucket.tokens < 1:
            assert said(verdict) == "rate_limited"
            return
        bucket.tokens -= 1
        self.admitted(verdict, report)

    @rule(post=st.integers(1, 3), ago=st.none() | st.integers(-2, 40))
    def play(self, post: int, ago: int | None) -> None:
        at = None if ago is None else self.now - ago * S
        report = play(post, at)
        verdict = self.gate.decide(report, self.now, ENTROPY)
        known = self.known_play(post, at)
        if known is not None:
            assert said(verdict) == known
            return
        time, naive = self.now if at is None else at, self.naive
        start, used = naive.window
        if used >= PER_MINUTE and self.now - start < 60 * S:
            assert said(verdict) == "rate_limited"
            return
        near = [arrived for other, arrived in naive.times if abs(other - time) < INTERVAL]
        if any(self.now - start < 60 * S and arrived >= start for arrived in near):
            assert said(verdict) == "rate_limited"  # exact among the views of this minute of arrivals
            return
        if said(verdict) == "rate_limited":
            assert near  # and never without a reason
            return
        self.admitted(verdict, report)
        naive.window = (start, used + 1) if self.now - start < 60 * S else (self.now, 1)
        naive.times.append((time, self.now))

    @rule(durable=st.booleans(), pick=st.integers(0, 9))
    def settle(self, durable: bool, pick: int) -> None:
        if not self.flying:
            return
        one, report = self.flying.pop(pick % len(self.flying))
        before = len(self.heard)
        waiting = self.waiting_for(one)
        (self.gate.confirm if durable else self.gate.release)(one)
        assert [heard for heard, _ in self.heard[before:]] == [durable] * waiting
        self.noted(one.event, report, durable)

    @rule(seconds=st.sampled_from([1, 4, 5, 30, 61, 200]))
    def pause(self, seconds: int) -> None:
        self.now += seconds * S

    @rule()
    def age(self) -> None:
        self.gate.age(self.now)

    @invariant()
    def nobody_waits_for_what_is_over(self) -> None:
        assert self.gate.sizes()["identities"] <= len(self.naive.durable) * 2 + len(self.flying) * 2

    # ---- what the model knows

    def known(self, event_id: bytes | None, post: int) -> str | None:
        if event_id is None:
            return None
        name = (event_id, post)
        return "waiting" if name in self.naive.flying else "duplicate" if name in self.naive.durable else None

    def known_play(self, post: int, at: int | None) -> str | None:
        naive = self.naive
        if at is None:
            if post in naive.repeats_flying:
                return "waiting"
            before = naive.repeats.get(post)
            return "duplicate" if before is not None and self.now - before < 60 * S else None
        return self.known(at.to_bytes(16, "big"), post)

    def admitted(self, verdict: object, report: Report) -> None:
        assert isinstance(verdict, Admitted), verdict
        self.flying.append((verdict, report))
        name = self.name(report)
        if name is not None:
            self.naive.flying[name] = self.now
        elif report.player_key is not None:
            self.naive.repeats_flying[report.post_id] = self.now
        again = self.gate.decide(report, self.now, ENTROPY)
        if name is not None or report.player_key is not None:
            assert isinstance(again, Waiting)
            again.pending.on_settled(lambda durable: self.heard.append((durable, True)))
        elif isinstance(again, Admitted):
            self.gate.release(again)

    def waiting_for(self, one: Admitted) -> int:
        return 0 if one.pending is None else 1

    def name(self, report: Report) -> tuple[bytes, int] | None:
        if report.event_id is not None:
            return report.event_id, report.post_id
        if report.device_time_us is not None:
            return report.device_time_us.to_bytes(16, "big"), report.post_id
        return None

    def noted(self, event: ViewEvent, report: Report, durable: bool) -> None:
        naive, name = self.naive, self.name(report)
        if name is not None:
            del naive.flying[name]
            if durable:
                naive.durable.add(name)
        elif report.player_key == PLAYER:
            arrived = naive.repeats_flying.pop(report.post_id)
            if durable:
                naive.repeats[report.post_id] = arrived
        if durable:
            return
        if report.player_key is None:
            bucket = naive.buckets[report.viewer_key]
            bucket.fill(self.now)
            bucket.tokens = min(WEB_BURST, bucket.tokens + 1)
            return
        time, arrived = next(pair for pair in naive.times if pair[0] == event.created_at)
        naive.times.remove((time, arrived))
        start, used = naive.window
        if arrived >= start:
            naive.window = (start, used - 1)


GateMachine.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestGate = GateMachine.TestCase
