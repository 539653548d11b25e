"""The declaration of a child: its name, how it runs, and how it is stopped."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """An actor of a supervisor.

    `run` takes the keyword `task_status` and calls `started()` when it takes messages. `stop` requests an orderly
    end and must not wait; without one the actor is cancelled. After `grace_s` seconds it is cancelled and reported.
    """

    name: str
    run: Callable[..., Awaitable[None]]
    stop: Callable[[], None] | None = None
    grace_s: float = 2.0
