"""The two waits of the tests: a state is looked at until it holds; the bound names a hang and decides nothing else."""

from __future__ import annotations

import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import trio

T = TypeVar("T")

BOUND_S = (
    60.0  # half of the limit that pytest sets for a test (pyproject.toml): the condition is named, not only the test
)
PAUSE_S = 0.005  # between two looks at memory or at a database
OUTSIDE_PAUSE_S = 0.05  # between two looks at another process, which costs it a request


async def until(condition: Callable[[], T | Awaitable[T]], within_s: float = BOUND_S, pause_s: float = PAUSE_S) -> T:
    """Look at a condition, plain or async, until it is true; return its value.

    Raises AssertionError with the condition's source when the bound has passed. The waits count on Trio's clock, so
    that under a clock that jumps they cost nothing.
    """
    with trio.move_on_after(within_s):
        while True:
            found = condition()
            value: Any = await found if inspect.isawaitable(found) else found
            if value:
                return value  # type: ignore[no-any-return]
            await trio.sleep(pause_s)
    raise AssertionError(_missed(condition, within_s))


def wait_until(condition: Callable[[], T], within_s: float = BOUND_S, pause_s: float = OUTSIDE_PAUSE_S) -> T:
    """The same outside Trio; the condition may block."""
    deadline = time.monotonic() + within_s
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(_missed(condition, within_s))
        time.sleep(pause_s)
    return value


def _missed(condition: Callable[[], object], within_s: float) -> str:
    try:
        source = inspect.getsource(condition).strip()
    except (OSError, TypeError):  # a partial, or a bound method of C
        source = repr(condition)
    return f"not true within {within_s:g} s: {source}"
