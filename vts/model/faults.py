"""Faults, named by what the caller can do about them."""

from __future__ import annotations


class Outage(Exception):
    """Something outside is away and will come back: wait and try again. Never counted as a bug."""


class StoreUnavailable(Outage):
    """PostgreSQL does not answer in time, or at all."""


class JournalFull(Outage):
    """The journal is at its cap, or its disk is: refuse the new, keep the old."""


class BadStart(Exception):
    """A setting, an address or a folder is wrong at start: say it in one line and exit with 2."""


class NoStart(BadStart):
    """The same, found when parts of the process run already: whatever the supervisor of the part, the process ends."""
