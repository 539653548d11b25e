"""What a supervisor knows of a child."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """An actor, its name, and how it is asked to stop.

    `run` takes the keyword `task_status` and calls `started()` when it takes messages. `stop` is called to ask for an
    orderly end and must not wait; without one the actor is simply cancelled. After `grace_s` it is cancelled and named.
    """

    name: str
    run: Callable[..., Awaitable[None]]
    stop: Callable[[], None] | None = None
    grace_s: float = 2.0
