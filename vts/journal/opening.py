"""How a journal is opened: made, brought up to date, looked over, and made anew when it is damaged."""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from vts.journal.format import (
    BUSY_TIMEOUT_S,
    INSERT,
    INSERT_GAP,
    INSERT_RUN,
    NO_ROW,
    PAGE_BYTES,
    SCHEMA,
    VERSION,
    JournalDamaged,
    Lost,
    RowPosition,
    digest,
    holes,
    is_intact,
)
from vts.journal.pages import frames
from vts.journal.salvage import GONE, in_log, is_readable
from vts.model.faults import JournalFull
from vts.model.journal_run import UNPROVEN, Run

CHECKPOINT_PAGES: Final = 1000  # 4 MiB of WAL; 250 and 4,000 made no difference to commits/s
WAL_KEEP_BYTES: Final = 64 * 2**20  # the WAL is overwritten in place; after a stall it shrinks to this
UPGRADE_ROWS: Final = 64  # in one transaction

_LAST: Final = "SELECT seq, at_us, upto, body, run, digest FROM entries ORDER BY seq DESC LIMIT 1"


class FoundRows(NamedTuple):
    """What lies in a sound file: its newest row, and the runs in it, the oldest first."""

    last: RowPosition
    runs: list[Run]


def connect(path: Path) -> sqlite3.Connection:
    """Open the file for writing, or make it. Raises sqlite3.Error, OSError, JournalFull."""
    if not path.exists():
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))  # SQLite gives the WAL the file's own mode
    db = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None)
    try:
        db.execute(f"PRAGMA page_size = {PAGE_BYTES}")
        ((mode,),) = db.execute("PRAGMA journal_mode = WAL")
        if mode != "wal":
            raise JournalFull(f"this file system allows no write-ahead log (mode {mode})")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA cell_size_check = ON")
        db.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
        db.execute(f"PRAGMA journal_size_limit = {WAL_KEEP_BYTES}")
        db.execute("PRAGMA secure_delete = FAST")
    except BaseException:
        with suppress(sqlite3.Error):
            db.close()
        raise
    return db


def read_log(path: Path) -> bytes:
    """Return the write-ahead log as it lies there: SQLite drops what is behind the first damaged frame."""
    log = path.with_name(path.name + "-wal")
    return log.read_bytes() if log.exists() else b""


def prepare(db: sqlite3.Connection, path: Path, new_run: bytes) -> None:
    """Make the tables, or bring those of version 1 up to date: its rows get a run and digests.

    A file of version 1 that was moved is one whose offset in the database may be about another copy of it: its rows
    become those of an unproven run. Raises JournalDamaged for a row that holds no records.
    """
    ((version,),) = db.execute("PRAGMA user_version")
    if version > VERSION:
        newest = db.execute(_LAST).fetchone()
        if newest is not None and is_intact(*newest):
            raise JournalDamaged("the header of the file is damaged")
        raise JournalFull(f"it has format {version}, written by a newer VTS; this one knows {VERSION}")
    if version == VERSION:
        return
    if not version:
        db.executescript(SCHEMA)
        return
    db.execute("BEGIN IMMEDIATE")
    columns = {name for _, name, *_ in db.execute("PRAGMA table_info(entries)")}
    for column in ("run", "digest"):
        if column not in columns:
            db.execute(f"ALTER TABLE entries ADD COLUMN {column} BLOB")
    run = old_run(db, path, new_run)
    db.execute("INSERT OR REPLACE INTO meta VALUES ('id', ?), ('inode', ?)", (run, path.stat().st_ino))
    db.execute("COMMIT")
    _prove_old_rows(db, run)
    db.execute("BEGIN IMMEDIATE")
    for statement in SCHEMA.split(";")[1:-2]:
        db.execute(statement)
    db.execute(INSERT_RUN, (1, run))
    db.execute("DELETE FROM meta WHERE name IN ('id', 'inode')")
    db.execute("INSERT OR REPLACE INTO meta SELECT 'first', coalesce(min(seq), 1) FROM entries")
    db.execute(f"PRAGMA user_version = {VERSION}")
    db.execute("COMMIT")


def old_run(db: sqlite3.Connection, path: Path, new_run: bytes) -> bytes:
    """Return the run of the rows of version 1: the id that they have in the database, if it is still theirs."""
    known = dict(db.execute("SELECT name, value FROM meta WHERE name IN ('id', 'inode')"))
    identity = known.get("id")
    if isinstance(identity, bytes) and len(identity) == len(new_run) and known.get("inode") == path.stat().st_ino:
        return identity
    return UNPROVEN + new_run[len(UNPROVEN) :]


def _prove_old_rows(db: sqlite3.Connection, run: bytes) -> None:
    query = "SELECT seq, at_us, upto, body FROM entries WHERE seq > ? AND digest IS NULL ORDER BY seq LIMIT ?"
    after = 0
    while rows := db.execute(query, (after, UPGRADE_ROWS)).fetchall():
        if not all(isinstance(body, bytes) and is_readable(body) for *_, body in rows):
            raise JournalDamaged("a row of the older format holds no records")
        proofs = [(run, digest(run, *row), row[0]) for row in rows]
        db.execute("BEGIN IMMEDIATE")
        db.executemany("UPDATE entries SET run = ?, digest = ? WHERE seq = ?", proofs)
        db.execute("COMMIT")
        after = rows[-1][0]


def look_over(db: sqlite3.Connection) -> FoundRows:
    """Check that no row is missing without a reason, and that the newest is intact. Raises JournalDamaged.

    The bodies of the others are checked when they are read.
    """
    runs = _runs(db)
    newest = db.execute(_LAST).fetchone()
    if newest is None:
        return FoundRows(_behind_gaps(db, NO_ROW), runs)
    if not is_intact(*newest):
        raise JournalDamaged(f"row {newest[0]} is damaged")
    count, first, last = db.execute("SELECT count(*), min(seq), max(seq) FROM entries").fetchone()
    query = "SELECT coalesce(sum(last - first + 1), 0) FROM gaps WHERE first >= ? AND last <= ?"
    ((missing,),) = db.execute(query, (first, last))
    if count + missing != last - first + 1 or holes(db, 1, first - 1):
        raise JournalDamaged(f"rows are missing between {first} and {last}")
    if not runs or max(run for run in runs if run.first <= last).id != newest[4]:
        raise JournalDamaged(f"row {last} is not of the run that is noted for it")
    return FoundRows(_behind_gaps(db, RowPosition(*newest[:3])), runs)


def _runs(db: sqlite3.Connection) -> list[Run]:
    runs = [Run(*row) for row in db.execute("SELECT first, id FROM runs ORDER BY first")]
    if not all(isinstance(run.first, int) and isinstance(run.id, bytes) for run in runs):
        raise JournalDamaged("the table of runs holds something else")
    return runs


def _behind_gaps(db: sqlite3.Connection, last: RowPosition) -> RowPosition:
    """Numbers that were lost at the end are not given again."""
    ((beyond,),) = db.execute("SELECT coalesce(max(last), 0) FROM gaps")
    return last._replace(seq=max(last.seq, beyond))


def recover_log(db: sqlite3.Connection, path: Path, log: bytes) -> list[Lost]:
    """Put back what lies in the log behind a damaged frame, where SQLite ends its recovery. Returns what is lost in it.

    A crash in the middle of a commit leaves such frames, too: of rows that were not acknowledged, and are whole.
    """
    commits = [place for place, frame in enumerate(frames(log), 1) if frame.commits]
    ((version,),) = db.execute("PRAGMA user_version")
    if not commits or version not in (0, VERSION):
        return []
    ((_, recovered, _),) = db.execute("PRAGMA wal_checkpoint(PASSIVE)")
    if recovered >= commits[-1]:
        return []
    if not version:
        raise JournalDamaged("the file is empty, and its log is not")
    ((last,),) = db.execute("SELECT coalesce(max(seq), 0) FROM entries")
    rows = in_log(path, log, last)
    lost = []
    db.execute("BEGIN IMMEDIATE")
    known = {run.id for run in _runs(db)}
    for row in rows:
        if row[0] > last + 1:
            db.execute(INSERT_GAP, (last + 1, row[0] - 1))
            lost.append(Lost(last + 1, row[0] - 1, GONE))
        if row[4] not in known:
            db.execute(INSERT_RUN, (row[0], row[4]))
            known.add(row[4])
        db.execute(INSERT, row)
        last = row[0]
    db.execute("COMMIT")
    return lost
