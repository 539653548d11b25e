"""Faults, named by what the caller can do about them."""

from __future__ import annotations

from typing import ClassVar


class Outage(Exception):
    """Something outside is away for a time: wait and try again. Never counted as a bug."""

    wait_max_s: ClassVar[float] = 30.0
    """Between two tries, at most: what this outage may last on after it is over."""


class StoreUnavailable(Outage):
    """PostgreSQL does not answer in time, or at all. Asking again costs it next to nothing."""

    wait_max_s = 2.0


class JournalFull(Outage):
    """The journal is at its cap, or its disk is: refuse the new, keep the old."""


class TooManyClients(Exception):
    """No further live connection now: too many in all, too many from this address, or the process is closing."""

    def __init__(self, text: str, *, of_address: bool = False) -> None:
        """`of_address`: the client itself has too many, others may still connect."""
        super().__init__(text)
        self.of_address = of_address


class BadStart(Exception):
    """A setting, an address or a folder is wrong at start: the command prints one line and exits with 2."""


class NoStart(BadStart):
    """The same, found when parts of the process run already: the process ends, under any supervisor."""
