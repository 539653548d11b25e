"""The journal's reading side. Blocking; one thread an object."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final

import msgspec

from vts.journal.entry import Record
from vts.journal.format import (
    BUSY_TIMEOUT_S,
    Chunk,
    JournalDamaged,
    RowPosition,
    first_since,
    holes,
    is_intact,
    translated,
)

_ROWS: Final = """
SELECT seq, at_us, upto, body, run, digest FROM entries WHERE seq > ? AND seq <= ? ORDER BY seq
"""


class JournalReader:
    """The reading side: a connection of its own in a thread of its own, so that no reader waits for a fsync."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._db: sqlite3.Connection | None = None
        self._decoder = msgspec.msgpack.Decoder(list[Record])

    def read(self, after: int, upto: int, limit: int, run: bytes | None = None) -> Chunk:
        """Return whole rows of `after` < seq ≤ `upto`, at most `limit` records unless the first row alone has more.

        With `run` every row has to be of that run. Raises JournalDamaged for a row that is not what was written, and
        where rows are missing without a reason.
        """
        with translated("the journal cannot be read"):
            records: list[Record] = []
            rows: list[RowPosition] = []
            before, seen, is_full = 0, after, False
            cursor = self._open_db.execute(_ROWS, (after, upto))
            try:
                for row in cursor:
                    seq, at_us, count, body, its_run, _ = row
                    if not is_intact(*row) or (run is not None and its_run != run):
                        raise JournalDamaged(f"row {seq} of the journal is damaged")
                    if seq != seen + 1:
                        self._expect_gap(seen + 1, seq - 1)
                    part = self._decoder.decode(body)
                    if rows and len(records) + len(part) > limit:
                        is_full = True
                        break
                    before = before if rows else count - len(part)
                    records += part
                    rows.append(RowPosition(seq, at_us, count))
                    seen = seq
                    if len(records) >= limit:
                        is_full = True
                        break
            finally:
                cursor.close()  # an open cursor holds a snapshot, and a snapshot keeps the WAL from being reused
            if not is_full and seen < upto:
                self._expect_gap(seen + 1, upto)
            return Chunk(records, rows, before)

    def _expect_gap(self, first: int, last: int) -> None:
        if missing := holes(self._open_db, first, last):
            raise JournalDamaged(f"rows {missing[0][0]} to {missing[-1][1]} of the journal are missing")

    def first_since(self, at_us: int) -> int:
        """Return the number of the first row that is not older than this time."""
        with translated("the journal cannot be read"):
            return first_since(self._open_db, at_us)

    def close(self) -> None:
        """Close; a later read opens again."""
        db, self._db = self._db, None
        if db is not None:
            db.close()

    @property
    def _open_db(self) -> sqlite3.Connection:
        if self._db is None:
            self._db = sqlite3.connect(self._path, timeout=BUSY_TIMEOUT_S, isolation_level=None)
            self._db.execute("PRAGMA query_only = ON")
            self._db.execute("PRAGMA wal_autocheckpoint = 0")
        return self._db
