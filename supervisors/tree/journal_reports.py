"""What the log and the metrics say about damage to the journal."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Final

from vts.journal.format import Lost

_log: Final = logging.getLogger(__name__)

LOST_LOGGED: Final = 20  # lines of one start; the quarantine has them all


class JournalReports:
    """Called by the journal and the drain. `note` counts something by its kind."""

    def __init__(self, note: Callable[..., None]) -> None:
        self._note = note

    def lost(self, lost: Sequence[Lost], mended: str) -> None:
        """Report rows that were set aside at the start; `mended` says why the file was made anew, if it was."""
        if mended:
            self._note("journal_mended")
            _log.error("the journal was damaged and made anew of its intact rows: %s; see `vts journal check`", mended)
        self._note("journal_set_aside", len(lost))
        for one in lost[:LOST_LOGGED]:
            _log.error("journal: rows %d to %d set aside: %s; see `vts journal check`", one.first, one.last, one.reason)

    def went_back(self, last: int, expected: int) -> None:
        """Report that the journal's file is older than the database: newer rows that were not drained are lost."""
        self._note("journal_went_back")
        _log.warning(
            "a run of the journal ended at row %d, expected at least %d: the file is an older copy", last, expected
        )
