"""A supervisor keeps its children running, and stops them in the reverse order of their start.

It supervises every child that has not ended, also while others are being stopped: a drain that has an outage during
the shutdown is started again until its grace is over.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Final, Literal

import trio

from supervisors.engine.child import Child
from supervisors.engine.events import BackingOff, Failed, GaveUp, OnEvent, Started, Stopped, StopTimedOut
from supervisors.engine.policy import BackOff, GiveUp, History, Policy, decide, delay_s, is_outage
from vts.model.faults import NoStart

CALM_S: Final = 60.0  # an actor that ran this long has recovered from its outage
Strategy = Literal["one_for_one", "rest_for_one"]


class TooManyBugs(Exception):
    """A group gave up. The cause is the last bug."""


def alone(error: Exception) -> Exception:
    """Return a single exception without the groups that nurseries put around it."""
    while isinstance(error, ExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


class _Seat:
    """The state of a child: its failures, and how to end it."""

    def __init__(self, child: Child) -> None:
        self.child = child
        self.ever_started = False
        self.reset()

    def reset(self) -> None:
        self.history = History()
        self.reopen()

    def reopen(self) -> None:
        self.asked = False
        self.announced = False
        self.running = False
        self.scope = trio.CancelScope()
        self.over = trio.Event()

    def ask(self) -> None:
        """Request an orderly end; a child without `stop` is cancelled."""
        self.asked = True
        if self.child.stop is None:
            self.scope.cancel()
        elif self.running:
            self.child.stop()


class Supervisor:
    """An actor that runs actors. `rest_for_one`: when a child fails, those started after it are restarted too."""

    def __init__(
        self,
        name: str,
        children: Sequence[Child],
        *,
        on_event: OnEvent,
        strategy: Strategy = "one_for_one",
        policy: Policy | None = None,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.name = name
        self._seats = [_Seat(child) for child in children]
        self._on_event = on_event
        self._all_for_rest = strategy == "rest_for_one"
        self._policy = policy or Policy()
        self._chance = chance
        self._shutdown = trio.Event()
        self._fault: TooManyBugs | None = None
        self._turn = trio.Lock()
        self._starting = trio.CancelScope()

    def stop(self) -> None:
        """Request an orderly end of all children."""
        self._shutdown.set()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Run the children until `stop()`. Raises TooManyBugs; and what the very first start of a child raised."""
        self._shutdown, self._fault, self._turn = trio.Event(), None, trio.Lock()
        for seat in self._seats:
            seat.reset()
        try:
            async with trio.open_nursery() as nursery:
                self._nursery = nursery
                await self._start_and_wait(task_status)
                nursery.cancel_scope.cancel()
        except ExceptionGroup as group:
            raise alone(group) from None
        if self._fault is not None:
            raise self._fault

    async def _start_and_wait(self, task_status: trio.TaskStatus[None]) -> None:
        for seat in self._seats:
            if not self._shutdown.is_set():
                await self._nursery.start(self._keep, seat)
        task_status.started()
        await self._shutdown.wait()
        if self._fault is None:
            await self._stop(self._seats)

    async def _keep(self, seat: _Seat, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Run one child, again and again, until it has ended."""
        try:
            with seat.scope:
                while await self._once(seat, task_status):
                    pass
            self._on_event(Stopped(seat.child.name))
        finally:
            seat.over.set()

    async def _once(self, seat: _Seat, task_status: trio.TaskStatus[None]) -> bool:
        """Run a child once. Return whether to run it again."""
        since = trio.current_time()
        try:
            async with trio.open_nursery() as nursery:
                await nursery.start(seat.child.run)
                self._note_start(seat, task_status)
        except Exception as group:
            error = alone(group)
            if not seat.ever_started or isinstance(error, NoStart):
                raise error from None  # a wrong setting, address or folder: waiting would not help
            return await self._after(seat, error, trio.current_time() - since)
        finally:
            seat.running = False
        return False

    def _note_start(self, seat: _Seat, task_status: trio.TaskStatus[None]) -> None:
        seat.running = seat.ever_started = True
        self._on_event(Started(seat.child.name))
        if not seat.announced:
            seat.announced = True
            task_status.started()
        if seat.asked and seat.child.stop is not None:
            seat.child.stop()
        if self._all_for_rest:
            self._nursery.start_soon(self._start_rest, seat)

    async def _after(self, seat: _Seat, error: Exception, lasted_s: float) -> bool:
        name = seat.child.name
        if lasted_s >= CALM_S:
            seat.history = History(seat.history.bugs, 0)
        verdict, seat.history = decide(self._policy, seat.history, error, trio.current_time(), self._chance())
        self._on_event(Failed(name, error, not is_outage(error)))
        if isinstance(verdict, GiveUp):
            self._give_up(seat, error)
            return False
        if self._all_for_rest and not self._shutdown.is_set():
            await self._stop_rest(seat)
        if isinstance(verdict, BackOff):
            self._on_event(BackingOff(name, verdict.after_s))
        await trio.sleep(delay_s(verdict))
        return True

    def _give_up(self, seat: _Seat, error: Exception) -> None:
        self._on_event(GaveUp(self.name, seat.child.name))
        self._fault = TooManyBugs(f"{self.name}: {seat.child.name} failed too often")
        self._fault.__cause__ = error
        self._shutdown.set()

    # ---- rest_for_one: the children started after a failed one depend on it

    async def _stop_rest(self, failed: _Seat) -> None:
        self._starting.cancel()
        async with self._turn:
            for seat in reversed(self._seats[self._seats.index(failed) + 1 :]):
                seat.scope.cancel()  # cancelled: `stop()` is permanent, the child could not be started again
                await seat.over.wait()

    async def _start_rest(self, restarted: _Seat) -> None:
        async with self._turn:
            with trio.CancelScope() as self._starting:
                for seat in self._seats[self._seats.index(restarted) + 1 :]:
                    if not seat.over.is_set() or self._shutdown.is_set():
                        return  # `run()` makes the first start, in order
                    seat.reopen()
                    await self._nursery.start(self._keep, seat)

    # ---- the shutdown

    async def _stop(self, seats: Sequence[_Seat]) -> None:
        for seat in reversed(seats):
            seat.ask()
            with trio.move_on_after(seat.child.grace_s):
                await seat.over.wait()
            if not seat.over.is_set():
                self._on_event(StopTimedOut(seat.child.name, seat.child.grace_s))
                seat.scope.cancel()
                await seat.over.wait()
