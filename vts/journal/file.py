"""The journal's writing side: one transaction per group commit. Blocking; one thread an object.

Only this connection checkpoints: SQLite up to 3.51.2 can lose what a WAL holds when two connections checkpoint and
write at the same instant (sqlite.org/wal.html, "WAL-reset bug").
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import msgspec

from vts.journal.entry import BadRecord, Record
from vts.journal.format import BUSY_TIMEOUT_S, NO_ROW, Opened, Row, Written, first_since, translated
from vts.model.faults import BadStart, JournalFull

ROW_RECORDS: Final = 500  # one full HTTP batch: a reader can take a flood in bites of this size
ROW_OVERHEAD_BYTES: Final = 40  # cell and record headers, numbers: an estimate between two exact measurements
CHECKPOINT_PAGES: Final = 1000  # 4 MiB of WAL; 250 and 4,000 made no difference to commits/s
WAL_KEEP_BYTES: Final = 64 * 2**20  # the WAL is overwritten in place; after a stall it shrinks to this
CLEANING_MARK: Final = 0.9  # of the cap: from here on each commit also deletes what it may
REWRITE_ROWS: Final = 16  # in one bite: up to 8,000 records, 20 ms that commits have to wait
DELETE_ROWS: Final = 256  # in one bite: under 10 ms

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS entries (
    seq INTEGER PRIMARY KEY, at_us INTEGER NOT NULL, upto INTEGER NOT NULL, body BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
PRAGMA user_version = 1;
"""
_INSERT: Final = "INSERT INTO entries (seq, at_us, upto, body) VALUES (?, ?, ?, ?)"


class JournalFile:
    """The writing side."""

    def __init__(self, path: Path, max_bytes: int) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._db: sqlite3.Connection | None = None
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(list[Record])
        self._last = NO_ROW
        self._used_bytes = 0
        self._suspect = False

    def open_first(self, new_id: Callable[[], bytes]) -> Opened:
        """Open at the start of the process. Raises BadStart: a folder that is no use is told, not waited for."""
        try:
            return self.open(new_id)
        except (JournalFull, sqlite3.Error) as error:
            raise BadStart(f"the journal {self._path} cannot be used: {error}") from error

    def open(self, new_id: Callable[[], bytes]) -> Opened:
        """Open or make the file and measure what is in it. An older connection of this object is given up first."""
        self.close()
        with translated("the journal cannot be opened"):
            self._connect()
            journal_id = self._identify(new_id)
            self._last = self._row("SELECT seq, at_us, upto FROM entries ORDER BY seq DESC LIMIT 1") or NO_ROW
            self._measure()
            return Opened(journal_id, self._last, self._drained(), self._used_bytes)

    def append(self, groups: Sequence[Sequence[Record]], at_us: int, drained: int) -> Written:
        """Write the records of a group commit in one transaction; they are on disk when this returns.

        Rows up to `drained` may be deleted to make room. Raises JournalFull or BadRecord: nothing was written.
        """
        rows = self._encode(groups, at_us)
        size = sum(len(body) + ROW_OVERHEAD_BYTES for _, _, body in rows)
        with self._writing():
            self._write(rows, size, drained)
        self._last = rows[-1][0]
        self._used_bytes += size
        return Written([(row, records) for row, records, _ in rows], self._used_bytes)

    def delete(self, upto: int) -> int:
        """Delete the oldest rows up to this one, at most a bite of them, never the newest. Returns how many."""
        with self._writing():
            deleted = self._delete(upto, DELETE_ROWS)
            self._measure()
            return deleted

    def first_since(self, at_us: int) -> int:
        """Return the number of the first row that is not older than this time."""
        with translated("the journal cannot be read"):
            return first_since(self._open_db, at_us)

    def note_drained(self, drained: int) -> int:
        """Remember how far PostgreSQL is, for the next start. Returns the bytes in use, measured."""
        with self._writing():
            self._open_db.execute("INSERT OR REPLACE INTO meta VALUES ('drained', ?)", (drained,))
            self._measure()
            return self._used_bytes

    def rewrite(self, after: int, upto: int, change: Callable[[Record], Record]) -> tuple[int, int]:
        """Change records in place, a bite of rows behind `after`; what they were is overwritten in the file.

        Returns the number of the last row looked at (`after` when there was none) and how many records changed.
        """
        with self._writing():
            return self._rewrite(after, upto, change)

    def scrub(self) -> None:
        """Leave nothing of changed rows in the write-ahead log. Raises JournalFull while somebody reads the file."""
        with translated("the journal cannot be written"):
            ((busy, _, _),) = self._open_db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        if busy:
            raise JournalFull("somebody reads the journal")

    def renew(self, new_id: Callable[[], bytes]) -> bytes:
        """Become another journal, of which the database has seen nothing. Returns the new id."""
        with self._writing():
            return self._rename(new_id())

    def close(self) -> None:
        """Close in peace: what is in the WAL moves into the file."""
        db, self._db = self._db, None
        if db is not None:
            with suppress(sqlite3.Error):
                db.close()

    @property
    def _open_db(self) -> sqlite3.Connection:
        assert self._db is not None, "opened by run()"
        return self._db

    def _connect(self) -> None:
        if not self._path.exists():
            os.close(os.open(self._path, os.O_CREAT | os.O_WRONLY, 0o600))  # SQLite gives the WAL the file's own mode
        self._db = db = sqlite3.connect(self._path, timeout=BUSY_TIMEOUT_S, isolation_level=None)
        ((mode,),) = db.execute("PRAGMA journal_mode = WAL")
        if mode != "wal":
            raise JournalFull(f"this file system allows no write-ahead log (mode {mode})")
        db.execute("PRAGMA synchronous = FULL")
        db.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
        db.execute(f"PRAGMA journal_size_limit = {WAL_KEEP_BYTES}")
        db.execute("PRAGMA secure_delete = FAST")
        db.executescript(_SCHEMA)

    def _identify(self, new_id: Callable[[], bytes]) -> bytes:
        """A file that was copied or restored is another journal: the offset in the database is not about its rows.

        Its rows are drained again, which changes nothing where they are known.
        """
        inode = self._path.stat().st_ino
        known = dict(self._open_db.execute("SELECT name, value FROM meta WHERE name IN ('id', 'inode')"))
        if known.get("inode") == inode and "id" in known:
            return bytes(known["id"])
        return self._rename(new_id())

    def _rename(self, journal_id: bytes) -> bytes:
        inode = self._path.stat().st_ino
        self._open_db.execute(
            "INSERT OR REPLACE INTO meta VALUES ('id', ?), ('inode', ?), ('drained', 0)", (journal_id, inode)
        )
        return journal_id

    def _drained(self) -> Row:
        ((seq,),) = self._open_db.execute("SELECT value FROM meta WHERE name = 'drained'")
        if seq >= self._last.seq:
            return self._last
        query = "SELECT seq, at_us, upto FROM entries WHERE seq > ? ORDER BY seq LIMIT 1"
        first = self._row(query, seq)
        return Row(seq, 0, 0) if first is None else Row(seq, first.at_us, self._before(first))

    def _before(self, first: Row) -> int:
        ((body,),) = self._open_db.execute("SELECT body FROM entries WHERE seq = ?", (first.seq,))
        return first.upto - len(msgspec.msgpack.decode(body, type=list[msgspec.Raw]))

    def _row(self, query: str, *values: int) -> Row | None:
        found = self._open_db.execute(query, values).fetchone()
        return None if found is None else Row(*found)

    def _encode(self, groups: Sequence[Sequence[Record]], at_us: int) -> list[tuple[Row, Sequence[Record], bytes]]:
        rows: list[tuple[Row, Sequence[Record], bytes]] = []
        seq, _, upto = self._last
        records = [record for group in groups for record in group]
        for start in range(0, len(records), ROW_RECORDS):
            part = records[start : start + ROW_RECORDS]
            seq, upto = seq + 1, upto + len(part)
            try:
                rows.append((Row(seq, at_us, upto), part, self._encoder.encode(part)))
            except (ValueError, TypeError, OverflowError) as error:  # a lone surrogate, a number beyond 64 bits
                raise BadRecord(str(error)) from error
        return rows

    def _write(self, rows: list[tuple[Row, Sequence[Record], bytes]], size: int, drained: int) -> None:
        db = self._open_db
        cleaning = self._used_bytes + size > self._max_bytes * CLEANING_MARK
        if len(rows) == 1 and not cleaning:
            db.execute(_INSERT, (*rows[0][0], rows[0][2]))  # its own transaction: one call into SQLite, one fsync
            return
        db.execute("BEGIN IMMEDIATE")
        if cleaning:
            self._make_room(size, len(rows), drained)
        db.executemany(_INSERT, [(*row, body) for row, _, body in rows])
        db.execute("COMMIT")

    def _make_room(self, size: int, rows: int, drained: int) -> None:
        deleted = self._delete(drained, 2 * rows + 8)  # faster than rows come in, without a fsync of its own
        self._measure()
        while self._used_bytes + size > self._max_bytes:
            if not deleted:
                raise JournalFull("the journal is at its cap")
            deleted = self._delete(drained, DELETE_ROWS)
            self._measure()

    def _rewrite(self, after: int, upto: int, change: Callable[[Record], Record]) -> tuple[int, int]:
        db, last, changed = self._open_db, after, 0
        found = db.execute(
            "SELECT seq, body FROM entries WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?", (after, upto, REWRITE_ROWS)
        ).fetchall()
        db.execute("PRAGMA secure_delete = ON")
        db.execute("BEGIN IMMEDIATE")
        for last, body in found:
            before = self._decoder.decode(body)
            records = [change(record) for record in before]
            differing = sum(old is not new for old, new in zip(before, records, strict=True))
            if differing:
                db.execute("UPDATE entries SET body = ? WHERE seq = ?", (self._encoder.encode(records), last))
                changed += differing
        db.execute("COMMIT")
        db.execute("PRAGMA secure_delete = FAST")
        return last, changed

    def _delete(self, upto: int, limit: int) -> int:
        first = self._row("SELECT seq, at_us, upto FROM entries ORDER BY seq LIMIT 1")
        if first is None:
            return 0
        end = min(upto, self._last.seq - 1, first.seq + limit - 1)
        return self._open_db.execute("DELETE FROM entries WHERE seq <= ?", (end,)).rowcount

    def _measure(self) -> None:
        db = self._open_db
        (pages,), (free,), (size,) = (
            db.execute(f"PRAGMA {name}").fetchone() for name in ("page_count", "freelist_count", "page_size")
        )
        self._used_bytes = (pages - free) * size

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with translated("the journal cannot be written"):
            self._mend()
            try:
                yield
            except BaseException as error:
                self._give_back(error)
                raise

    def _give_back(self, error: BaseException) -> None:
        """After a failed transaction nothing of it may stay, here or in what a later crash would recover."""
        code = getattr(error, "sqlite_errorcode", None) or 0
        self._suspect = self._suspect or code & 0xFF == sqlite3.SQLITE_IOERR
        with suppress(sqlite3.Error):
            if self._open_db.in_transaction:
                self._open_db.execute("ROLLBACK")
        with suppress(sqlite3.Error):
            self._measure()

    def _mend(self) -> None:
        """After an I/O error trust neither the connection nor the WAL.

        A page whose fsync failed may be called clean by the kernel while the disk lacks it; a later crash would end the
        recovery there and lose what was acknowledged behind it. So the whole WAL moves into the file, through fresh
        writes and a fresh fsync, before anything new is accepted.
        """
        if not self._suspect:
            return
        self.close()
        self._connect()
        ((busy, _, _),) = self._open_db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        if busy:
            raise JournalFull("the journal is being mended")
        self._suspect = False
