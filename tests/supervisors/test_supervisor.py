"""Supervision on a clock that jumps: outages wait, bugs count, the shutdown runs in reverse and ends in time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
from trio.testing import MockClock

from supervisors.engine.child import Child
from supervisors.engine.events import BackingOff, Failed, GaveUp, Started, Stopped, StopTimedOut
from supervisors.engine.policy import Policy
from supervisors.engine.supervisor import Strategy, Supervisor, TooManyBugs
from tests.supervisors.scripted import Actor, Notebook
from vts.model.faults import BadStart, NoStart, StoreUnavailable
from vts.store.session.faults import StoreRefused

HOUR_S = 3600.0


@asynccontextmanager
async def supervised(
    *actors: Actor | Child, notes: Notebook, strategy: Strategy = "one_for_one"
) -> AsyncIterator[Supervisor]:
    """Run a group for the length of the block, then let it end in order."""
    children = [actor if isinstance(actor, Child) else actor.child() for actor in actors]
    supervisor = Supervisor("group", children, on_event=notes, strategy=strategy, chance=lambda: 1.0)
    async with trio.open_nursery() as nursery:
        await nursery.start(supervisor.run)
        yield supervisor
        supervisor.stop()


@pytest.mark.parametrize(
    ("fault", "longest_s"),
    [
        (StoreUnavailable("away"), 2.0),
        (StoreRefused("wrong password"), 30.0),
        (OSError("no such device"), 30.0),
        (ExceptionGroup("both", [StoreUnavailable("away"), OSError("gone")]), 30.0),
    ],
    ids=["database", "login", "system", "both"],
)
async def test_what_is_away_for_an_hour_costs_no_restart_of_a_door_and_no_exit(
    autojump_clock: MockClock, fault: Exception, longest_s: float
) -> None:
    notes, door = Notebook(), Actor("door")
    store = Actor("store", [(0.0, fault)] * 5_000)
    async with supervised(store, door, notes=notes):
        await trio.sleep(HOUR_S)
        assert HOUR_S / longest_s <= len(store.starts) < 10 + HOUR_S / longest_s
        assert len(door.starts) == 1
        assert not notes.of(GaveUp)
        waits = [event.after_s for event in notes.events if isinstance(event, BackingOff)]
        assert waits[0] == pytest.approx(0.1)
        assert max(waits) == longest_s


async def test_a_drain_that_was_cut_38_times_is_back_soon_after_the_database_is_well(autojump_clock: MockClock) -> None:
    """Each time it was connected again and had worked for a while, but never for a calm minute."""
    notes = Notebook()
    drain = Actor("drain", [(0.2, StoreUnavailable("cut"))] * 38)
    async with supervised(drain, notes=notes):
        await trio.sleep(HOUR_S)
    healed_s = drain.ends[37]
    assert drain.starts[38] - healed_s <= 2.0
    assert len(drain.starts) == 39


async def test_a_calm_hour_makes_the_next_outage_a_first_one(autojump_clock: MockClock) -> None:
    notes = Notebook()
    store = Actor("store", [(0.0, OSError("gone"))] * 8 + [(HOUR_S, OSError("gone again"))])
    async with supervised(store, notes=notes):
        await trio.sleep(2 * HOUR_S)
    waits = [event.after_s for event in notes.events if isinstance(event, BackingOff)]
    assert waits[-2] > 10
    assert waits[-1] == pytest.approx(0.1)


async def test_five_bugs_are_borne_and_the_sixth_within_30_s_escalates(autojump_clock: MockClock) -> None:
    notes, other = Notebook(), Actor("other")
    clumsy = Actor("clumsy", [(1.0, ValueError("bug"))] * 6)
    with pytest.raises(BaseExceptionGroup) as caught:
        async with supervised(other, clumsy, notes=notes):
            await trio.sleep(60)
    assert caught.group_contains(TooManyBugs)
    assert len(clumsy.starts) == 6
    assert notes.of(GaveUp) == ["group"]
    assert other.ends and not other.asked  # cancelled: the supervisor above will start it again


async def test_bugs_that_are_far_apart_never_escalate(autojump_clock: MockClock) -> None:
    notes = Notebook()
    clumsy = Actor("clumsy", [(7.0, ValueError("bug"))] * 50)
    async with supervised(clumsy, notes=notes):
        await trio.sleep(50 * 8)
    assert len(notes.of(Failed)) == 50
    assert not notes.of(GaveUp)


async def test_the_roots_limit_ends_the_run_with_the_reason(autojump_clock: MockClock) -> None:
    notes = Notebook()
    clumsy = Actor("clumsy", [(0.5, ValueError("bug"))] * 1000)
    inner = Supervisor("storage", [clumsy.child()], on_event=notes, chance=lambda: 1.0)
    root = Supervisor(
        "root",
        [Child(name="storage", run=inner.run, stop=inner.stop)],
        on_event=notes,
        strategy="rest_for_one",
        policy=Policy(max_restarts=3, within_s=300.0),
        chance=lambda: 1.0,
    )
    with pytest.raises(TooManyBugs, match="storage failed too often") as caught:
        await root.run()
    assert isinstance(caught.value.__cause__, TooManyBugs)
    assert isinstance(caught.value.__cause__.__cause__, ValueError)
    assert len(clumsy.starts) == 4 * 6


async def test_a_child_that_ignores_its_stop_is_cancelled_at_its_grace_and_named(autojump_clock: MockClock) -> None:
    notes, deaf = Notebook(), Actor("deaf", deaf=True)
    async with supervised(deaf, notes=notes):
        asked_at = trio.current_time()
    assert notes.of(StopTimedOut) == ["deaf"]
    assert deaf.ends == [asked_at + 2.0]


async def test_the_shutdown_runs_in_reverse_one_after_the_other(autojump_clock: MockClock) -> None:
    notes = Notebook()
    actors = [Actor(name, deaf=name == "b") for name in "abc"]
    async with supervised(*actors, notes=notes):
        pass
    assert notes.of(Stopped) == ["c", "b", "a"]
    assert actors[0].ends[0] >= actors[1].ends[0] > actors[2].ends[0]


async def test_an_outage_in_the_middle_of_the_drain_does_not_lose_the_drain(autojump_clock: MockClock) -> None:
    notes, queue, stored = Notebook(), list(range(10)), list[int]()
    faults = iter([StoreUnavailable("away"), StoreUnavailable("still")])
    asked = trio.Event()

    async def drain(*, task_status: trio.TaskStatus[None]) -> None:
        task_status.started()
        await asked.wait()
        while queue:
            if len(queue) == 5 and (fault := next(faults, None)) is not None:
                raise fault
            stored.append(queue.pop(0))
            await trio.sleep(0.01)

    child = Child(name="drain", run=drain, stop=asked.set, grace_s=5.0)
    async with supervised(child, notes=notes):
        await trio.sleep(1)
    assert stored == list(range(10))
    assert notes.of(Failed) == ["drain", "drain"]
    assert not notes.of(StopTimedOut)


async def test_children_not_yet_asked_are_still_supervised_during_the_shutdown(autojump_clock: MockClock) -> None:
    notes = Notebook()
    store = Actor("store", [(10.5, OSError("gone"))])
    slow = Actor("slow", deaf=True)
    async with supervised(store, slow, notes=notes):
        await trio.sleep(10)
    assert len(store.starts) == 2
    assert store.asked == 1


async def test_groups_that_depend_on_a_failed_one_are_started_again_after_it(autojump_clock: MockClock) -> None:
    notes = Notebook()
    a, c = Actor("a"), Actor("c")
    b = Actor("b", [(5.0, ValueError("bug"))])
    async with supervised(a, b, c, notes=notes, strategy="rest_for_one"):
        await trio.sleep(20)
        assert (len(a.starts), len(b.starts), len(c.starts)) == (1, 2, 2)
        assert notes.of(Started) == ["a", "b", "c", "b", "c"]


async def test_a_fall_while_dependents_are_starting_starts_them_once_more(autojump_clock: MockClock) -> None:
    notes = Notebook()
    a = Actor("a", [(5.0, ValueError("bug")), (1.0, ValueError("bug"))])
    started = 0

    async def slow_start(*, task_status: trio.TaskStatus[None]) -> None:
        nonlocal started
        await trio.sleep(2.0 if started else 0.0)
        started += 1
        task_status.started()
        await trio.sleep_forever()

    async with supervised(a, Child(name="b", run=slow_start), notes=notes, strategy="rest_for_one"):
        await trio.sleep(30)
    assert notes.of(Started) == ["a", "b", "a", "a", "b"]


@pytest.mark.parametrize("fault", [BadStart("http.port: in use"), OSError(98, "Address already in use")])
async def test_a_wrong_address_at_the_very_first_start_is_not_waited_out(
    fault: Exception, autojump_clock: MockClock
) -> None:
    notes, first = Notebook(), Actor("first")

    async def door(*, task_status: trio.TaskStatus[None]) -> None:
        raise fault

    supervisor = Supervisor("group", [first.child(), Child(name="door", run=door)], on_event=notes)
    with pytest.raises(type(fault)):
        await supervisor.run()
    assert first.ends


async def test_what_ends_a_start_leaves_every_group_though_its_parts_run(autojump_clock: MockClock) -> None:
    inner = Supervisor("storage", [Actor("schema", [(1.0, NoStart("newer"))]).child()], on_event=Notebook())
    outer = Supervisor("root", [Child(name="storage", run=inner.run, stop=inner.stop)], on_event=Notebook())
    with trio.fail_after(5), pytest.raises(NoStart, match="newer"):
        await outer.run()


async def test_a_group_made_only_of_outages_is_an_outage(autojump_clock: MockClock) -> None:
    notes = Notebook()
    outage = ExceptionGroup("both", [OSError("gone"), ExceptionGroup("one", [StoreUnavailable("away")])])
    mixed = ExceptionGroup("mixed", [OSError("gone"), ValueError("bug")])
    actor = Actor("actor", [(1.0, outage), (1.0, mixed)])
    async with supervised(actor, notes=notes):
        await trio.sleep(10)
    assert [event.counted for event in notes.events if isinstance(event, Failed)] == [False, True]


async def test_an_actor_that_returns_is_done(autojump_clock: MockClock) -> None:
    notes = Notebook()

    async def once(*, task_status: trio.TaskStatus[None]) -> None:
        task_status.started()

    async with supervised(Child(name="once", run=once), notes=notes):
        await trio.sleep(10)
        assert notes.of(Stopped) == ["once"]
        assert notes.of(Started) == ["once"]
