"""Whether the journal takes records now: for a moment after a refused write it does not, so that the disk has time."""

from __future__ import annotations

from typing import Final

import trio

from vts.model.faults import JournalFull

REFUSE_S: Final = 0.2  # after a refusal the disk is left alone so long, then the next entry tries


class Capacity:
    """The bytes in use, as last measured or computed, and the time until which records are refused."""

    def __init__(self) -> None:
        self.used_bytes = 0
        self._refusing_until = -1.0

    @property
    def refusing(self) -> bool:
        """Whether a write was refused, by the cap or by the disk, within the last moment."""
        return trio.current_time() < self._refusing_until

    def refuse(self) -> None:
        """Refuse records for a moment: a write has just failed."""
        self._refusing_until = trio.current_time() + REFUSE_S


def not_now() -> JournalFull:
    """Return the fault of a record that is refused without an attempt to write it."""
    return JournalFull("the journal takes nothing at the moment")
