"""Mailboxes: what is leased leaves only when the lease ends well, under crashes and cancellation."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock

from supervisors.engine.child import Child
from supervisors.engine.mailbox import Mailbox
from supervisors.engine.supervisor import Supervisor
from tests.supervisors.scripted import Notebook
from vts.model.ports import MailboxFull


async def drained(box: Mailbox[int]) -> list[int]:
    """Everything that is inside, in order."""
    box.seal()
    found: list[int] = []
    while True:
        async with box.lease(100) as batch:
            if not batch:
                return found
            found += batch


async def test_a_full_box_and_a_sealed_box_take_nothing() -> None:
    box: Mailbox[int] = Mailbox(2)
    box.put_nowait(1)
    box.put_nowait(2)
    with pytest.raises(MailboxFull):
        box.put_nowait(3)
    assert await drained(box) == [1, 2]
    with pytest.raises(MailboxFull):
        box.put_nowait(3)
    with pytest.raises(MailboxFull):
        await box.put(3)


async def test_a_lease_that_fails_puts_everything_back_in_order() -> None:
    box: Mailbox[int] = Mailbox(10)
    for number in range(5):
        box.put_nowait(number)
    with pytest.raises(ValueError, match="bug"):
        async with box.lease(3):
            box.put_nowait(5)
            raise ValueError("bug")
    assert await drained(box) == [0, 1, 2, 3, 4, 5]


async def test_a_sender_that_waits_for_room_adds_its_item_when_there_is_some(autojump_clock: MockClock) -> None:
    box: Mailbox[int] = Mailbox(1)
    async with trio.open_nursery() as nursery:
        for number in range(4):
            nursery.start_soon(box.put, number)
        found: list[int] = []
        while len(found) < 4:
            async with box.lease(10) as batch:
                found += batch
    assert sorted(found) == [0, 1, 2, 3]


@pytest.mark.parametrize("checkpoint", range(12))
async def test_cancelled_at_any_checkpoint_the_box_stays_whole(checkpoint: int, autojump_clock: MockClock) -> None:
    box: Mailbox[int] = Mailbox(10)
    settled: list[int] = []

    async def receive() -> None:
        while True:
            async with box.lease(2) as batch:
                await trio.lowlevel.checkpoint()
                await trio.lowlevel.checkpoint()
                settled.extend(batch)

    class CancelAt(trio.abc.Instrument):
        steps = 0

        def before_task_step(self, task: trio.lowlevel.Task) -> None:
            if task.name.endswith("receive"):
                self.steps += 1
                if self.steps > checkpoint:
                    scope.cancel()

    instrument = CancelAt()
    trio.lowlevel.add_instrument(instrument)
    with trio.CancelScope() as scope:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(receive)
            for number in range(6):
                box.put_nowait(number)
                await trio.lowlevel.checkpoint()
            await trio.sleep(1)
            scope.cancel()
    trio.lowlevel.remove_instrument(instrument)
    put = len(settled) + len(box)
    assert settled + await drained(box) == list(range(put))


@pytest.mark.parametrize("crashes", [1, 3, 5])
async def test_a_writer_that_crashes_n_times_answers_every_caller_once(crashes: int, autojump_clock: MockClock) -> None:
    box: Mailbox[tuple[int, trio.Event]] = Mailbox(100)
    answers: list[int] = []
    left = crashes

    async def write(*, task_status: trio.TaskStatus[None]) -> None:
        nonlocal left
        task_status.started()
        while True:
            async with box.lease(7) as batch:
                if not batch:
                    return
                await trio.sleep(0.01)
                if left:
                    left -= 1
                    raise ValueError("bug")
                for number, answered in batch:
                    answers.append(number)
                    answered.set()

    async def call(number: int) -> None:
        answered = trio.Event()
        box.put_nowait((number, answered))
        await answered.wait()

    writer = Child(name="writer", run=write, stop=box.seal)
    supervisor = Supervisor("group", [writer], on_event=Notebook())
    async with trio.open_nursery() as nursery:
        await nursery.start(supervisor.run)
        async with trio.open_nursery() as callers:
            for number in range(20):
                callers.start_soon(call, number)
        supervisor.stop()
    assert sorted(answers) == list(range(20))
