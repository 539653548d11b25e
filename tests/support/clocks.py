"""A clock for tests with sockets or threads: it goes at the pace of the wall clock, and a test can move it."""

from __future__ import annotations

import pytest
import trio.testing
from trio.testing import MockClock


@pytest.fixture
def hand_clock(mock_clock: MockClock) -> MockClock:
    """Trio's clock of this test. Unlike the autojump clock it never moves while a thread or a socket is at work."""
    mock_clock.rate = 1.0
    return mock_clock


async def jump(clock: MockClock, seconds: float) -> None:
    """Move the clock; return when the tasks whose deadlines have passed wait again."""
    clock.jump(seconds)
    await trio.testing.wait_all_tasks_blocked(0.01)
