"""The watchdog names the step that held the loop, and where."""

from __future__ import annotations

import time

import trio

from supervisors.engine.events import Event, LoopHeld
from supervisors.engine.watchdog import Watchdog

HELD_S = 2.0  # twenty times what is allowed: the looking thread may come late on a busy machine


def hold_the_loop() -> None:
    """What no task may do."""
    end = time.perf_counter() + HELD_S
    while time.perf_counter() < end:
        pass


def test_a_step_that_holds_the_loop_is_named_with_its_place() -> None:
    events: list[Event] = []

    async def main() -> None:
        for _ in range(100):
            await trio.lowlevel.checkpoint()
        hold_the_loop()
        await trio.lowlevel.checkpoint()

    trio.run(main, instruments=[Watchdog(events.append)])
    (held,) = [event for event in events if isinstance(event, LoopHeld)]
    assert held.task.endswith("main")
    assert held.held_ms >= HELD_S * 1000
    assert "hold_the_loop" in held.where
