"""The events of supervision: typed values sent to one hook, read by log, metrics, readiness and tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Started:
    """The actor takes messages."""

    name: str


@dataclass(frozen=True, slots=True)
class Stopped:
    """The actor returned, or stopped on request."""

    name: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The actor ended by an exception. `counted` is True for a bug, False for an outage."""

    name: str
    error: BaseException
    counted: bool


@dataclass(frozen=True, slots=True)
class BackingOff:
    """The actor is started again after `after_s` seconds."""

    name: str
    after_s: float


@dataclass(frozen=True, slots=True)
class GaveUp:
    """A supervisor has seen too many bugs of one of its children."""

    name: str
    child: str


@dataclass(frozen=True, slots=True)
class StopTimedOut:
    """The actor did not stop within its grace and was cancelled."""

    name: str
    grace_s: float


@dataclass(frozen=True, slots=True)
class LoopHeld:
    """One step of a task kept every other task waiting. `where` is what ran: innermost frame first."""

    task: str
    held_ms: float
    where: str


Event = Started | Stopped | Failed | BackingOff | GaveUp | StopTimedOut | LoopHeld
OnEvent = Callable[[Event], None]
