"""When a failed actor is started again: after an outage with a delay, after a bug at once, up to a bound. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import assert_never

from vts.model.faults import Outage


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """More than `max_restarts` bugs within `within_s` seconds and the group gives up."""

    max_restarts: int = 5
    within_s: float = 30.0
    backoff_first_s: float = 0.1


@dataclass(frozen=True, slots=True)
class Restart:
    """Start it again at once."""


@dataclass(frozen=True, slots=True)
class BackOff:
    """Something outside does not answer: start it again after `after_s` seconds."""

    after_s: float


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Too many bugs: the supervisor above decides."""


Verdict = Restart | BackOff | GiveUp


@dataclass(frozen=True, slots=True)
class History:
    """The failures of an actor: the times of its bugs, and how many outages in a row."""

    bugs: tuple[float, ...] = ()
    outages: int = 0


def is_outage(error: BaseException) -> bool:
    """Return whether an error is an outage: OSError, Outage, or a group of nothing else."""
    if isinstance(error, BaseExceptionGroup):
        return all(is_outage(part) for part in error.exceptions)
    return isinstance(error, OSError | Outage)


def wait_max_s(error: BaseException) -> float:
    """Return the longest wait that an outage allows; of a group the longest, since all of its outages must end."""
    if isinstance(error, BaseExceptionGroup):
        return max(map(wait_max_s, error.exceptions))
    return error.wait_max_s if isinstance(error, Outage) else Outage.wait_max_s


def backoff_s(policy: Policy, outages: int, error: BaseException, chance: float) -> float:
    """Return the wait before another try: doubling, capped by its cause, and half of it by chance (0 to 1)."""
    whole = min(wait_max_s(error), policy.backoff_first_s * 2.0 ** min(outages, 32))
    return whole * (0.5 + chance / 2)


def decide(
    policy: Policy, history: History, error: BaseException, now_s: float, chance: float
) -> tuple[Verdict, History]:
    """Return what to do about a failure, and the history that includes it."""
    if is_outage(error):
        wait = BackOff(backoff_s(policy, history.outages, error, chance))
        return wait, History(history.bugs, history.outages + 1)
    recent: Sequence[float] = [at for at in history.bugs if now_s - at < policy.within_s]
    bugs = (*recent, now_s)
    return (GiveUp() if len(bugs) > policy.max_restarts else Restart()), History(bugs, 0)


def delay_s(verdict: Restart | BackOff) -> float:
    """Return how long to wait before the start."""
    match verdict:
        case Restart():
            return 0.0
        case BackOff(after_s):
            return after_s
        case _:
            assert_never(verdict)
