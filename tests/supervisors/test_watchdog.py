"""The watchdog names the step that held the loop, and where."""

from __future__ import annotations

import trio

from supervisors.engine.events import Event, LoopHeld
from supervisors.engine.watchdog import HELD_S, Watchdog


def hold_the_loop(watchdog: Watchdog) -> None:
    """Do what no task may do, until the watchdog's thread has looked: on a busy machine it comes late."""
    while not watchdog._where:
        pass


def test_a_step_that_holds_the_loop_is_named_with_its_place() -> None:
    events: list[Event] = []

    async def main() -> None:
        for _ in range(100):
            await trio.lowlevel.checkpoint()
        hold_the_loop(watchdog)
        await trio.lowlevel.checkpoint()

    watchdog = Watchdog(events.append)
    trio.run(main, instruments=[watchdog])
    (held,) = [event for event in events if isinstance(event, LoopHeld)]
    assert held.task.endswith("main")
    assert held.held_ms > HELD_S * 1000
    assert "hold_the_loop" in held.where
