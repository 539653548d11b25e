"""The journal's writing side: one transaction per group commit. Blocking; one thread an object.

Only this connection checkpoints: SQLite up to 3.51.2 can lose what a WAL holds when two connections checkpoint and
write at the same instant (sqlite.org/wal.html, "WAL-reset bug").
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import msgspec

from vts.journal import opening, salvage
from vts.journal.entry import BadRecord, Record
from vts.journal.format import (
    INSERT,
    INSERT_RUN,
    NO_ROW,
    JournalDamaged,
    Opened,
    RowPosition,
    Written,
    digest,
    first_since,
    is_intact,
    translated,
)
from vts.journal.mark import Mark, read_mark, write_mark
from vts.journal.quarantine import Quarantine
from vts.journal.starting import Start
from vts.model.faults import BadStart, JournalFull

ROW_RECORDS: Final = 500  # one full HTTP batch: a reader can take a flood in bites of this size
ROW_OVERHEAD_BYTES: Final = 72  # cell and record headers, numbers, run, digest: an estimate between exact measurements
CLEANING_MARK: Final = 0.9  # of the cap: from here on each commit also deletes what it may
REWRITE_ROWS: Final = 16  # in one bite: up to 8,000 records, 20 ms that commits have to wait
DELETE_ROWS: Final = 256  # in one bite: under 10 ms

_ROWS: Final = "SELECT seq, at_us, upto, body, run, digest FROM entries"
_NOTE: Final = "INSERT OR REPLACE INTO meta VALUES (?, ?)"


class JournalFile:
    """The writing side."""

    def __init__(self, path: Path, max_bytes: int) -> None:
        self._path = path
        self._mark_path = path.with_suffix(".mark")
        self.quarantine = Quarantine(path.with_suffix(".quarantine"))
        self._max_bytes = max_bytes
        self._db: sqlite3.Connection | None = None
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(list[Record])
        self._run = b""
        self._is_run_noted = False
        self._last = NO_ROW
        self._inherited = 0
        self._used_bytes = 0
        self._suspect = False
        self._damaged = False

    def open_first(self, new_run: bytes) -> Opened:
        """Open at the start of the process. Raises BadStart: a folder that cannot be used is no outage to wait for."""
        try:
            return self.open(new_run)
        except (JournalFull, JournalDamaged, sqlite3.Error) as error:
            raise BadStart(f"the journal {self._path} cannot be used: {error}") from error

    def open(self, new_run: bytes) -> Opened:
        """Open or make the file and look it over; a damaged one is made anew of its intact rows.

        `new_run` names what is written from now on. An older connection of this object is given up first.
        """
        self._run, self._is_run_noted = new_run, False
        with translated("the journal cannot be opened"):
            salvage.finish(self._path)
            log = opening.read_log(self._path)  # closing drops what lies behind a damaged part of it
            self.close()
            start = Start(self._path, self.quarantine, log, new_run, read_mark(self._mark_path))
            started = start.start(expected=self._last.seq, damaged=self._damaged)
            self._db, self._last = started.db, started.last
            self._damaged, self._inherited = False, started.last.seq
            self._measure()
            self._write_mark(started.drained.seq)
            return Opened(started.last, started.drained, self._used_bytes, started.runs, started.lost, started.mended)

    def append(self, groups: Sequence[Sequence[Record]], at_us: int, drained: int) -> Written:
        """Write the records of a group commit in one transaction; they are on disk when this returns.

        Rows up to `drained` may be deleted to make room. Raises JournalFull or BadRecord: nothing was written.
        """
        rows = self._encode(groups, at_us)
        size = sum(len(body) + ROW_OVERHEAD_BYTES for _, _, body in rows)
        with self._writing():
            self._write(rows, size, drained)
        self._is_run_noted = True
        self._last = rows[-1][0]
        self._used_bytes += size
        return Written([(row, records) for row, records, _ in rows], self._used_bytes)

    def delete(self, upto: int) -> int:
        """Delete the oldest rows up to this one, at most a bite of them, never the newest. Returns how many."""
        with self._writing():
            self._open_db.execute("BEGIN IMMEDIATE")
            deleted = self._delete(upto, DELETE_ROWS)
            self._open_db.execute("COMMIT")
            self._measure()
            return deleted

    def first_since(self, at_us: int) -> int:
        """Return the number of the first row that is not older than this time."""
        with self._noting_damage(), translated("the journal cannot be read"):
            return first_since(self._open_db, at_us)

    def note_drained(self, drained: int) -> int:
        """Remember how far PostgreSQL is, for the next start. Returns the bytes in use, measured."""
        with self._writing():
            self._open_db.execute(_NOTE, ("drained", drained))
            self._measure()
            self._write_mark(drained)
            return self._used_bytes

    def rewrite(self, after: int, upto: int, change: Callable[[Record], Record]) -> tuple[int, int]:
        """Change records in place, a bite of rows behind `after`; what they were is overwritten in the file.

        Returns the number of the last row looked at (`after` when there was none) and how many records changed.
        """
        with self._writing():
            return self._rewrite(after, upto, change)

    def scrub(self) -> None:
        """Leave nothing of changed rows in the write-ahead log. Raises JournalFull while the file is read."""
        with translated("the journal cannot be written"):
            ((busy, _, _),) = self._open_db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        if busy:
            raise JournalFull("another connection reads the journal")

    def set_aside(self) -> None:
        """Have the next `open` make the file anew: something in it is damaged."""
        self._damaged = True

    def close(self) -> None:
        """Close; what is in the WAL moves into the file."""
        db, self._db = self._db, None
        if db is not None:
            with suppress(sqlite3.Error):
                db.close()

    @property
    def _open_db(self) -> sqlite3.Connection:
        if self._db is None:
            raise JournalFull("the journal is not open")
        return self._db

    def _encode(
        self, groups: Sequence[Sequence[Record]], at_us: int
    ) -> list[tuple[RowPosition, Sequence[Record], bytes]]:
        rows: list[tuple[RowPosition, Sequence[Record], bytes]] = []
        seq, _, upto = self._last
        records = [record for group in groups for record in group]
        for start in range(0, len(records), ROW_RECORDS):
            part = records[start : start + ROW_RECORDS]
            seq, upto = seq + 1, upto + len(part)
            try:
                rows.append((RowPosition(seq, at_us, upto), part, self._encoder.encode(part)))
            except (ValueError, TypeError, OverflowError) as error:  # a lone surrogate, a number beyond 64 bits
                raise BadRecord(str(error)) from error
        return rows

    def _write(self, rows: list[tuple[RowPosition, Sequence[Record], bytes]], size: int, drained: int) -> None:
        db, run = self._open_db, self._run
        stored = [(*row, body, run, digest(run, *row, body)) for row, _, body in rows]
        cleaning = self._used_bytes + size > self._max_bytes * CLEANING_MARK
        if len(stored) == 1 and not cleaning and self._is_run_noted:
            db.execute(INSERT, stored[0])  # its own transaction: one call into SQLite, one fsync
            return
        db.execute("BEGIN IMMEDIATE")
        if cleaning:
            self._make_room(size, len(rows), drained)
        if not self._is_run_noted:
            db.execute(INSERT_RUN, (rows[0][0].seq, run))
        db.executemany(INSERT, stored)
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
            f"{_ROWS} WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?", (after, upto, REWRITE_ROWS)
        ).fetchall()
        db.execute("PRAGMA secure_delete = ON")
        db.execute("BEGIN IMMEDIATE")
        for row in found:
            _expect_intact(row)
            last, at_us, count, body, run, _ = row
            before = self._decoder.decode(body)
            records = [change(record) for record in before]
            differing = sum(old is not new for old, new in zip(before, records, strict=True))
            if differing:
                body = self._encoder.encode(records)
                proof = digest(run, last, at_us, count, body)
                db.execute("UPDATE entries SET body = ?, digest = ? WHERE seq = ?", (body, proof, last))
                changed += differing
        db.execute("COMMIT")
        db.execute("PRAGMA secure_delete = FAST")
        return last, changed

    def _delete(self, upto: int, limit: int) -> int:
        """Delete rows that are not needed any more, those of other processes' time only when they are intact.

        SQLite frees the pages that a row leads to: through a damaged one, pages of other rows.
        """
        db = self._open_db
        first, newest = db.execute("SELECT min(seq), max(seq) FROM entries").fetchone()
        if first is None:
            return 0
        end = min(upto, newest - 1, first + limit - 1)
        if first <= self._inherited:
            for row in db.execute(f"{_ROWS} WHERE seq <= ? ORDER BY seq", (end,)):
                _expect_intact(row)
        deleted = db.execute("DELETE FROM entries WHERE seq <= ?", (end,)).rowcount
        if deleted:
            db.execute(_NOTE, ("first", end + 1))
            db.execute("DELETE FROM gaps WHERE last <= ?", (end,))
            db.execute("DELETE FROM runs WHERE first < (SELECT max(first) FROM runs WHERE first <= ?)", (end + 1,))
        return deleted

    def _measure(self) -> None:
        db = self._open_db
        (pages,), (free,), (size,) = (
            db.execute(f"PRAGMA {name}").fetchone() for name in ("page_count", "freelist_count", "page_size")
        )
        self._used_bytes = (pages - free) * size

    def _write_mark(self, drained: int) -> None:
        (first,) = self._open_db.execute("SELECT coalesce(min(seq), 1) FROM entries").fetchone()
        write_mark(self._mark_path, Mark(first, self._last.seq, drained))

    @contextmanager
    def _noting_damage(self) -> Iterator[None]:
        try:
            yield
        except JournalDamaged:
            self._damaged = True
            raise

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with self._noting_damage(), translated("the journal cannot be written"):
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
        self._db = opening.connect(self._path)
        ((busy, _, _),) = self._open_db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        if busy:
            raise JournalFull("the journal is being mended")
        self._suspect = False


def _expect_intact(row: tuple[int, int, int, bytes, bytes, bytes]) -> None:
    if not is_intact(*row):
        raise JournalDamaged(f"row {row[0]} is damaged")
