"""The journal's reading side. Blocking; one thread an object."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import msgspec

from vts.journal.entry import Record
from vts.journal.format import BUSY_TIMEOUT_S, Chunk, Row, first_since, translated


class JournalReader:
    """The reading side: a connection of its own in a thread of its own, so that no reader waits for a fsync."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._db: sqlite3.Connection | None = None
        self._decoder = msgspec.msgpack.Decoder(list[Record])

    def read(self, after: int, upto: int, limit: int) -> Chunk:
        """Return whole rows of `after` < seq ≤ `upto`, at most `limit` records unless the first row alone has more."""
        with translated("the journal cannot be read"):
            records: list[Record] = []
            rows: list[Row] = []
            before = 0
            query = "SELECT seq, at_us, upto, body FROM entries WHERE seq > ? AND seq <= ? ORDER BY seq"
            cursor = self._open_db.execute(query, (after, upto))
            try:
                for seq, at_us, count, body in cursor:
                    part = self._decoder.decode(body)
                    if rows and len(records) + len(part) > limit:
                        break
                    before = before if rows else count - len(part)
                    records += part
                    rows.append(Row(seq, at_us, count))
                    if len(records) >= limit:
                        break
            finally:
                cursor.close()  # an open cursor holds a snapshot, and a snapshot keeps the WAL from being reused
            return Chunk(records, rows, before)

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
