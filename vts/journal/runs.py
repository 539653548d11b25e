"""Which run a row belongs to. The database keeps an offset for each run, so one reading never spans two."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from vts.model.journal_run import Run


class Runs:
    """The runs of the rows that the journal holds. The run of this opening is among them from its first row on."""

    def __init__(self) -> None:
        self._held: list[Run] = []
        self._without_row: bytes | None = None

    @property
    def held(self) -> Sequence[Run]:
        """The runs, the oldest first."""
        return self._held

    def open(self, held: Sequence[Run], new: bytes) -> None:
        """Take over the runs found in the file; `new` is the id of the run that is written from now on."""
        self._held, self._without_row = list(held), new

    def grow(self, seq: int) -> None:
        """Note that row `seq` was written in the run of this opening."""
        if self._without_row is not None:
            self._held.append(Run(seq, self._without_row))
            self._without_row = None

    def newest(self) -> Run | None:
        """Return the run that this opening writes; None before its first row."""
        return self._held[-1] if self._held and self._without_row is None else None

    def behind(self, after: int, last_seq: int) -> tuple[Run, int]:
        """Return the run of the row behind `after`, and its last row, at most `last_seq`."""
        if not self._held:
            return Run(after + 1, b""), after
        next_run = bisect_right(self._held, after + 1, key=lambda run: run.first)
        end = self._held[next_run].first - 1 if next_run < len(self._held) else last_seq
        return self._held[max(next_run - 1, 0)], end
