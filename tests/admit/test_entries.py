"""Entries of the journal and the gate: a batch stands or falls as one, and one bad record falls alone."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial

import trio
import trio.testing

from tests.admit.world import DELETED, NOW, S, catalog, gate, id_4, play, visit
from vts.admit.admission import POOL_IDS, Admission
from vts.admit.submission import AGE_EVERY_S, ENTROPY_BYTES, SubmitToJournal
from vts.admit.texts import JournaledTexts
from vts.model.faults import JournalFull
from vts.model.outcome import Accepted, Outcome
from vts.model.record import Record
from vts.model.view import Report, ViewEvent

Settled = Callable[[Exception | None], None]


class PlayedAdmission:
    """An admission whose journal is played by the test: entries wait in `entries` until they are settled."""

    def __init__(self, **rules: object) -> None:
        self.entries: list[tuple[Sequence[Record], Settled]] = []
        self.counted: dict[str, int] = {}
        self.drawn = 0
        self.catalog = catalog()
        self.now, self.gate = NOW, gate(self.catalog, **rules)
        self.submit: SubmitToJournal = self._keep_waiting
        self.admission = Admission(
            self.gate, self._submit, JournaledTexts(self.catalog), lambda: self.now, self._count, self._draw
        )

    def settle(self, fault: Exception | None = None) -> None:
        waiting, self.entries = self.entries, []
        for _, settled in waiting:
            settled(fault)

    def tell(self, report: Report) -> list[str]:
        """Submit one; its outcome is in the list once it is known."""
        heard: list[str] = []
        self.admission.submit_one_soon(report, lambda outcome: heard.append(word(outcome)))
        return heard

    def _submit(self, records: Sequence[Record], settled: Settled) -> None:
        self.submit(records, settled)

    def _keep_waiting(self, records: Sequence[Record], settled: Settled) -> None:
        self.entries.append((records, settled))

    def _count(self, source: str, outcome: str, how_many: int) -> None:
        self.counted[f"{source} {outcome}"] = self.counted.get(f"{source} {outcome}", 0) + how_many

    def _draw(self, size: int) -> bytes:
        self.drawn += 1
        return os.urandom(size)


def word(outcome: Outcome) -> str:
    return "accepted" if isinstance(outcome, Accepted) else outcome.reason.value


async def submitted(world: PlayedAdmission, reports: Sequence[Report], *faults: Exception | None) -> list[str]:
    """Submit a batch and settle what it brings, fault by fault."""
    found: list[Outcome] = []

    async def submit() -> None:
        found.extend(await world.admission.submit(reports))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(submit)
        for fault in faults:
            await trio.testing.wait_all_tasks_blocked()
            world.settle(fault)
    return [word(outcome) for outcome in found]


async def test_one_record_that_cannot_be_kept_falls_alone() -> None:
    world, seen = PlayedAdmission(), []

    def settle_by_post(records: Sequence[ViewEvent], settled: Settled) -> None:
        seen.append([record.post_id for record in records])
        settled(ValueError("surrogate") if any(record.post_id == 2 for record in records) else None)

    world.submit = settle_by_post
    outcomes = await world.admission.submit([visit(1), visit(2), visit(3)])
    assert [word(outcome) for outcome in outcomes] == ["accepted", "invalid", "accepted"]
    assert seen == [[1, 2, 3], [1], [2], [3]]
    assert world.counted == {"web accepted": 2, "web invalid": 1}


async def test_a_lost_batch_is_undone_as_a_whole_before_its_duplicates_are_judged() -> None:
    """The second batch holds a duplicate of the first one's event, in a bucket that the first one had emptied."""
    world, twice = PlayedAdmission(web_burst=2), visit(event_id=id_4(1))
    first: list[str] = []
    async with trio.open_nursery() as nursery:

        async def submit() -> None:
            first.extend(await submitted(world, [twice, visit(1)], JournalFull("full")))

        nursery.start_soon(submit)
        await trio.testing.wait_all_tasks_blocked(0.01)
        again = world.tell(twice)
        assert again == []
    assert first == ["unavailable", "unavailable"]
    world.settle()
    assert again == ["accepted"]


async def test_a_repeat_of_a_player_without_a_clock_waits_for_the_first_one() -> None:
    for fault, last in ((None, "duplicate"), (JournalFull("full"), "accepted")):
        world = PlayedAdmission()
        first, again = world.tell(play()), world.tell(play())
        assert (len(world.entries), again) == (1, [])
        world.settle(fault)
        world.settle()
        assert first == ["accepted" if fault is None else "unavailable"]
        assert again == [last]


async def test_second_reports_wait_for_the_first_and_get_one_outcome_each() -> None:
    world, report = PlayedAdmission(), visit(event_id=id_4(1))
    heard = [world.tell(report) for _ in range(5)]
    world.settle(JournalFull("full"))
    world.settle(JournalFull("full"))
    world.settle()
    assert heard == [["unavailable"], ["unavailable"], ["accepted"], ["duplicate"], ["duplicate"]]
    assert world.counted == {"web unavailable": 2, "web accepted": 1, "web duplicate": 2}


async def test_a_full_journal_answers_every_duplicate_at_once() -> None:
    world, report = PlayedAdmission(), visit(event_id=id_4(1))
    first, again = world.tell(report), world.tell(report)

    def refuse(records: Sequence[ViewEvent], settled: Settled) -> None:
        raise JournalFull("the mailbox is full")

    world.submit = refuse
    world.settle(JournalFull("full"))
    assert (first, again) == (["unavailable"], ["unavailable"])


async def test_a_caller_that_was_cancelled_leaves_a_settled_gate() -> None:
    world, report = PlayedAdmission(), visit(event_id=id_4(1))
    with trio.CancelScope() as scope:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(world.admission.submit, [report])
            nursery.start_soon(partial(world.admission.submit, [visit(), report]))
            await trio.testing.wait_all_tasks_blocked()
            scope.cancel()
    world.settle()
    assert world.counted == {"web accepted": 2, "web duplicate": 1}
    assert world.tell(report) == ["duplicate"]


async def test_a_refusal_waits_for_nothing() -> None:
    world = PlayedAdmission()
    assert world.tell(visit(DELETED)) == ["deleted"]
    assert await submitted(world, [visit(DELETED), visit(bot="tool")]) == ["deleted", "bot"]
    assert world.entries == []


async def test_outcomes_come_in_the_order_of_the_reports() -> None:
    world = PlayedAdmission(web_burst=1)
    reports = [play(1, at=NOW), visit(), visit(), play(2, at=NOW + S), visit(event_id=id_4(1), viewer=b"W" * 16)]
    assert await submitted(world, reports, None) == [
        "accepted",
        "accepted",
        "rate_limited",
        "rate_limited",
        "accepted",
    ]
    assert world.counted == {"player accepted": 1, "player rate_limited": 1, "web accepted": 2, "web rate_limited": 1}


async def test_randomness_is_drawn_in_bulk_and_never_twice() -> None:
    world, ids = PlayedAdmission(web_per_minute=0), set()
    for _ in range(3 * POOL_IDS):
        world.tell(visit())
        ids.add(world.entries.pop()[0][0].event_id)
    assert (len(ids), world.drawn, ENTROPY_BYTES) == (3 * POOL_IDS, 3, 10)


async def test_full_allowances_are_forgotten_while_the_admission_runs(autojump_clock: trio.testing.MockClock) -> None:
    world = PlayedAdmission()
    world.tell(visit())
    assert world.gate.sizes()["viewers"] == 1
    async with trio.open_nursery() as nursery:
        await nursery.start(world.admission.run)
        for _ in range(3):  # a table forgets in two steps, the first as soon as it is looked at
            world.now += 600 * S
            await trio.sleep(2 * AGE_EVERY_S)
        nursery.cancel_scope.cancel()
    assert world.gate.sizes()["viewers"] == 0
