"""A damaged journal made anew: every row whose digest fits moves into a fresh file, the rest is set aside.

Nothing of the old file is trusted but rows whose digest fits. The new file takes its place by one rename, so that a
crash anywhere leaves one of the two. The old one is kept beside it for the operator.
"""

from __future__ import annotations

import mmap
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

import msgspec

from vts.journal.format import (
    INSERT,
    INSERT_GAP,
    INSERT_RUN,
    PAGE_BYTES,
    SCHEMA,
    Lost,
    digest,
    is_intact,
)
from vts.journal.pages import Cell, Pages
from vts.journal.quarantine import Quarantine
from vts.model.record import Record

KEPT_FILES: Final = 3  # damaged files that are kept; further ones of a disk that goes on failing would fill it
DAMAGED: Final = "the row is damaged"
GONE: Final = "the rows are gone"
_ROW_COLUMNS: Final = 6
_OLD_COLUMNS: Final = 4  # of version 1: no run, no digest
_decoder: Final = msgspec.msgpack.Decoder(list[Record])

Stored = tuple[int, int, int, bytes, bytes, bytes]
"""(seq, at_us, upto, body, run, digest)"""


def rebuild(path: Path, log: bytes, *, first: int | None, old_run: bytes, quarantine: Quarantine) -> list[Lost]:
    """Put a sound file in the place of a damaged one; returns what could not be kept, which is in the quarantine.

    `log` is the write-ahead log as it was found, `first` the oldest row that was not deleted, if that is known. Rows of
    version 1 become those of `old_run`. No connection may be open. Raises OSError or sqlite3.Error when the disk does
    not let us.
    """
    draft = path.with_suffix(".rebuilding")
    draft.unlink(missing_ok=True)
    os.close(os.open(draft, os.O_CREAT | os.O_WRONLY, 0o600))
    with closing(sqlite3.connect(draft, isolation_level=None)) as db:
        _prepare(db)
        with _mapped(path) as file:
            damaged = _collect(db, Pages(file, log), old_run)
        lost = _describe(db, damaged, first)
        db.execute("COMMIT")
    quarantine.add(lost, time.time())
    _sync(draft)
    draft.rename(_finished(path))
    _keep(path, log, quarantine)
    finish(path)
    return lost


def finish(path: Path) -> None:
    """Let a file that was made anew take its place: the next start does so when this one ended here."""
    finished = _finished(path)
    if finished.exists():
        for name in ("-wal", "-shm"):
            path.with_name(path.name + name).unlink(missing_ok=True)
        finished.replace(path)
        _sync(path.parent)


def in_log(path: Path, log: bytes, beyond: int) -> list[Stored]:
    """Return the intact rows behind number `beyond` that the write-ahead log holds, in their order."""
    with _mapped(path) as file:
        rows = {cell.row_id: cell for cell in Pages(file, log).cells() if cell.row_id > beyond}
    return [stored for _, cell in sorted(rows.items()) if (stored := _row(cell, b"")) is not None]


def _finished(path: Path) -> Path:
    return path.with_suffix(".rebuilt")


def _prepare(db: sqlite3.Connection) -> None:
    db.execute(f"PRAGMA page_size = {PAGE_BYTES}")
    db.execute("PRAGMA journal_mode = OFF")  # the draft is synced as a whole, before it is used
    db.execute("PRAGMA synchronous = OFF")
    db.executescript(SCHEMA)
    db.execute("BEGIN")


@contextmanager
def _mapped(path: Path) -> Iterator[bytes | memoryview]:
    if not path.exists() or not path.stat().st_size:
        yield b""
        return
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        view = memoryview(mapped)
        try:
            yield view
        finally:
            view.release()


def _collect(db: sqlite3.Connection, pages: Pages, old_run: bytes) -> dict[int, bytes]:
    """Copy the intact rows, in any order; returns the bodies of the others by their numbers."""
    damaged: dict[int, bytes] = {}
    insert = INSERT.replace("INSERT", "INSERT OR REPLACE", 1)
    for cell in pages.cells():
        row = _row(cell, old_run)
        if row is not None:
            db.execute(insert, row)
        elif len(cell.columns) == _ROW_COLUMNS or (len(cell.columns) == _OLD_COLUMNS and old_run):
            body = cell.columns[3]
            damaged[cell.row_id] = body if isinstance(body, bytes) else b""
    return damaged


def _row(cell: Cell, old_run: bytes) -> Stored | None:
    if len(cell.columns) not in (_ROW_COLUMNS, _OLD_COLUMNS) or cell.row_id <= 0:
        return None
    _, at_us, upto, body, *proof = cell.columns
    if not (isinstance(at_us, int) and isinstance(upto, int) and isinstance(body, bytes)):
        return None
    run, known = proof or (None, None)
    if isinstance(run, bytes) and isinstance(known, bytes):
        return (cell.row_id, at_us, upto, body, run, known) if is_intact(cell.row_id, *cell.columns[1:]) else None  # type: ignore[arg-type]
    if not old_run or run is not None or known is not None or not is_readable(body):
        return None
    return cell.row_id, at_us, upto, body, old_run, digest(old_run, cell.row_id, at_us, upto, body)


def is_readable(body: bytes) -> bool:
    """Whether a body of version 1, which nothing proves, holds records."""
    try:
        _decoder.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True


def _describe(db: sqlite3.Connection, damaged: dict[int, bytes], first: int | None) -> list[Lost]:
    """Note runs and gaps in the new file; returns what is lost."""
    if first is not None:
        db.execute("DELETE FROM entries WHERE seq < ?", (first,))  # found on pages that were free
    rows = db.execute("SELECT seq, run FROM entries ORDER BY seq").fetchall()
    start = first if first is not None else rows[0][0] if rows else 1
    seen, run = start - 1, None
    gaps = []
    for seq, its_run in rows:
        if its_run != run:
            db.execute(INSERT_RUN, (seq, its_run))
            run = its_run
        if seq > seen + 1:
            gaps.append((seen + 1, seq - 1))
        seen = seq
    db.executemany(INSERT_GAP, gaps)
    db.execute("INSERT OR REPLACE INTO meta VALUES ('first', ?)", (start,))
    known = {seq for seq, _ in rows}
    missing = {seq: body for seq, body in damaged.items() if seq not in known and seq >= start}
    lost = [one for gap in gaps for one in _split(*gap, missing)]
    # Behind the last sound row a number may be damage, too: only what was found is reported.
    return lost + [Lost(seq, seq, DAMAGED, body) for seq, body in sorted(missing.items()) if seq > seen]


def _split(first: int, last: int, damaged: dict[int, bytes]) -> list[Lost]:
    """Name what is missing in first ≤ seq ≤ last: damaged rows each, the rest as ranges."""
    lost = []
    for seq in sorted(seq for seq in damaged if first <= seq <= last):
        if seq > first:
            lost.append(Lost(first, seq - 1, GONE))
        lost.append(Lost(seq, seq, DAMAGED, damaged[seq]))
        first = seq + 1
    if first <= last:
        lost.append(Lost(first, last, GONE))
    return lost


def _keep(path: Path, log: bytes, quarantine: Quarantine) -> None:
    """Keep the damaged file for the operator, while there are few of them."""
    if len({kept.name.removesuffix("-wal") for kept in quarantine.damaged_files()}) >= KEPT_FILES or not path.exists():
        return
    kept = path.with_name(f"{path.stem}.damaged-{time.time_ns() // 1000}")
    os.link(path, kept)
    if log:
        kept.with_name(kept.name + "-wal").write_bytes(log)
        kept.with_name(kept.name + "-wal").chmod(0o600)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
