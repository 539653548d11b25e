"""A run of the journal: what one opening of its file wrote, under an id that no other file or opening has."""

from __future__ import annotations

from typing import Final, NamedTuple

UNPROVEN: Final = b"unproven"  # begins the id of rows of which it is not known how far they were drained


class Run(NamedTuple):
    """The number of the run's first row, and its 16 bytes. The database keeps an offset for each id."""

    first: int
    id: bytes

    @property
    def is_proven(self) -> bool:
        """Whether the database's offset for this run is what was drained of it."""
        return not self.id.startswith(UNPROVEN)
