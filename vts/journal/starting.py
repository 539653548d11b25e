"""The start of a journal: the file as it lies there, or made anew, and everything that is reported about it."""

from __future__ import annotations

import sqlite3
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import msgspec

from vts.journal import opening, salvage
from vts.journal.format import INSERT_GAP, JournalDamaged, Lost, RowPosition, count_records, translated
from vts.journal.mark import Mark
from vts.journal.quarantine import Quarantine
from vts.model.faults import JournalFull
from vts.model.journal_run import UNPROVEN, Run


class Started(NamedTuple):
    """An open file, and the fields of `Opened`."""

    db: sqlite3.Connection
    last: RowPosition
    drained: RowPosition
    runs: list[Run]
    lost: list[Lost]
    mended: str


class Start:
    """One start. `log` is the write-ahead log as it was found, `run` what is new with this opening."""

    def __init__(self, path: Path, quarantine: Quarantine, log: bytes, run: bytes, mark: Mark | None) -> None:
        self._path = path
        self._quarantine = quarantine
        self._log = log
        self._run = run
        self._mark = mark
        self._db: sqlite3.Connection | None = None
        self._lost: list[Lost] = []

    def start(self, *, expected: int, damaged: bool) -> Started:
        """Open the file; make it anew first when it is damaged, or with `damaged`. Row `expected` was in it.

        Raises JournalFull, JournalDamaged or sqlite3.Error.
        """
        try:
            if damaged:
                raise JournalDamaged("a reader or a writer met damage")
            return self._started(expected, mended="")
        except (JournalDamaged, sqlite3.DatabaseError, TypeError, ValueError) as error:
            # The last two: pages that changed places give a table columns of other types than it has.
            if isinstance(error, sqlite3.DatabaseError):
                _raise_outage(error)
            self._rebuild()
            self._log = b""
            return self._started(expected, mended=str(error))

    def _started(self, expected: int, mended: str) -> Started:
        db, found = self._open_sound()
        last = self._without_tail(db, found.last, expected)
        return Started(db, last, self._drained(db, last), found.runs, self._lost, mended)

    def _open_sound(self) -> tuple[sqlite3.Connection, opening.FoundRows]:
        """Open the file as it lies there. Raises JournalDamaged, or SQLite's error for a damaged file."""
        self._db = db = opening.connect(self._path)
        missing = opening.recover_log(db, self._path, self._log)
        self._quarantine.add(missing, time.time())
        self._lost += missing
        opening.prepare(db, self._path, self._run)
        return db, opening.look_over(db)

    def _rebuild(self) -> None:
        old_run, first = self._hints()
        if self._db is not None:
            with suppress(sqlite3.Error):
                self._db.close()
        if first is None and self._mark is not None:
            first = self._mark.first
        self._lost = salvage.rebuild(self._path, self._log, first=first, old_run=old_run, quarantine=self._quarantine)

    def _hints(self) -> tuple[bytes, int | None]:
        """Return the run for rows of version 1, and the oldest row not deleted, as far as the file can be read."""
        try:
            db = self._db if self._db is not None else opening.connect(self._path)
            self._db = db
            old_run = opening.old_run(db, self._path, self._run)
            kept = db.execute("SELECT value FROM meta WHERE name = 'first'").fetchone()
        except (sqlite3.Error, JournalFull):
            return UNPROVEN + self._run[len(UNPROVEN) :], None
        return old_run, kept[0] if kept is not None and isinstance(kept[0], int) else None

    def _without_tail(self, db: sqlite3.Connection, last: RowPosition, expected: int) -> RowPosition:
        """Report rows that are missing at the end, and go on behind them."""
        expected = max(expected, self._mark.last if self._mark is not None else 0)
        if last.seq >= expected:
            return last
        tail = Lost(last.seq + 1, expected, f"the journal ended at row {last.seq}, expected at least {expected}")
        self._quarantine.add([tail], time.time())
        db.execute(INSERT_GAP, (tail.first, tail.last))
        self._lost.append(tail)
        return last._replace(seq=expected)

    def _drained(self, db: sqlite3.Connection, last: RowPosition) -> RowPosition:
        noted = db.execute("SELECT value FROM meta WHERE name = 'drained'").fetchone()
        seq = noted[0] if noted is not None and isinstance(noted[0], int) else 0
        if self._mark is not None:
            seq = min(seq, self._mark.last)
        if seq >= last.seq:
            return last
        query = "SELECT seq, at_us, upto, body FROM entries WHERE seq > ? ORDER BY seq LIMIT 1"
        first = db.execute(query, (seq,)).fetchone()
        if first is None:
            return RowPosition(seq, 0, 0)
        before = first[2]
        with suppress(msgspec.DecodeError):  # the reader of this row reports the damage
            before -= count_records(first[3])
        return RowPosition(seq, first[1], before)


def _raise_outage(error: sqlite3.DatabaseError) -> None:
    """Raise JournalFull when the disk is at fault, and not what lies on it."""
    with suppress(JournalDamaged), translated("the journal cannot be opened"):
        if getattr(error, "sqlite_errorcode", None) is not None:
            raise error
