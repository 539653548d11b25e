"""The journal's SQLite file: what is in it, how a row is proven, and which fault each error of SQLite is.

One row per chunk of a group commit: (seq, at_us, upto, body, run, digest). `seq` is never used twice. `upto` counts all
records up to and including the row, so that the depth is a subtraction. The body is a msgpack array of records.

`run` is the incarnation of the journal that wrote the row: 16 bytes that are new with every open. The database keeps an
offset for each run, so an offset can never be about rows that another copy of the file wrote under the same numbers.
`digest` is 8 bytes of BLAKE2b, keyed with the run, over the numbers and the body: a row is intact when it fits.

Four small tables lie beside the rows: `runs` (where each run begins), `gaps` (rows that are known to be lost), and
`meta`. All of them can be made again from the rows.
"""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from typing import Final, NamedTuple

import msgspec

from vts.journal.entry import Record
from vts.model.faults import JournalFull, Outage
from vts.model.journal_run import Run

BUSY_TIMEOUT_S: Final = 5.0  # an operator may read the file with the sqlite3 shell
PAGE_BYTES: Final = 4096  # SQLite's own default, fixed because salvage reads pages by itself
VERSION: Final = 2  # 1 had neither runs nor digests
RUN_BYTES: Final = 16
DIGEST_BYTES: Final = 8
# For more than this hashlib releases the interpreter's lock, and beside a busy loop waits a switch interval for it,
# four times what the row of a full batch takes: batches were acknowledged at 0.88 of the rate.
HASHED_AT_ONCE_BYTES: Final = 2047

SCHEMA: Final = f"""
CREATE TABLE IF NOT EXISTS entries (
    seq INTEGER PRIMARY KEY, at_us INTEGER NOT NULL, upto INTEGER NOT NULL, body BLOB NOT NULL, run BLOB, digest BLOB
);
CREATE TABLE IF NOT EXISTS runs (first INTEGER PRIMARY KEY, id BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS gaps (first INTEGER PRIMARY KEY, last INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
PRAGMA user_version = {VERSION};
"""
INSERT: Final = "INSERT INTO entries (seq, at_us, upto, body, run, digest) VALUES (?, ?, ?, ?, ?, ?)"
INSERT_RUN: Final = "INSERT OR REPLACE INTO runs (first, id) VALUES (?, ?)"
INSERT_GAP: Final = "INSERT OR REPLACE INTO gaps (first, last) VALUES (?, ?)"

_OUTAGES: Final = frozenset(
    (
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_NOMEM,
    )
)
_DAMAGES: Final = frozenset((sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB))
_TAKEN: Final = frozenset((sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_ROWID))
_numbers: Final = struct.Struct("<qqq").pack
_unsigned: Final = msgspec.msgpack.Decoder(list[msgspec.Raw])


class JournalDamaged(Outage):
    """What the file holds is not what was written. The journal sets aside what is damaged when it opens again."""


class RowPosition(NamedTuple):
    """A row without its body."""

    seq: int
    at_us: int
    upto: int


NO_ROW: Final = RowPosition(0, 0, 0)


class Lost(NamedTuple):
    """What could not be kept: rows `first` to `last` (one damaged row, or a range that is gone), and why."""

    first: int
    last: int
    reason: str
    body: bytes = b""


class Opened(NamedTuple):
    """What is found when the journal is opened.

    `drained` is how far PostgreSQL was when last noted: the number of that row, the records up to it, and the time of
    the first row behind it. `lost` is what was found damaged or missing at this open, `mended` why the file was made
    anew, empty when it was not.
    """

    last: RowPosition
    drained: RowPosition
    used_bytes: int
    runs: list[Run]
    lost: list[Lost]
    mended: str


class Written(NamedTuple):
    """One group commit: the rows it made (with the records in them) and the bytes in use after it."""

    rows: list[tuple[RowPosition, Sequence[Record]]]
    used_bytes: int


class Chunk(NamedTuple):
    """What a reader got: whole rows in order, their records, and how many records were written before them."""

    records: list[Record]
    rows: list[RowPosition]
    before: int


def digest(run: bytes, seq: int, at_us: int, upto: int, body: bytes) -> bytes:
    """Return what proves a row: BLAKE2b (RFC 7693) of 8 bytes, keyed with the run."""
    proof = blake2b(_numbers(seq, at_us, upto), digest_size=DIGEST_BYTES, key=run)
    if len(body) <= HASHED_AT_ONCE_BYTES:
        proof.update(body)
    else:
        view = memoryview(body)
        for start in range(0, len(body), HASHED_AT_ONCE_BYTES):
            proof.update(view[start : start + HASHED_AT_ONCE_BYTES])
    return proof.digest()


def is_intact(seq: int, at_us: int, upto: int, body: object, run: object, proof: object) -> bool:
    """Whether these columns are what was written."""
    if not (isinstance(run, bytes) and len(run) == RUN_BYTES and isinstance(body, bytes)):
        return False
    return bool(digest(run, seq, at_us, upto, body) == proof)


def count_records(body: bytes) -> int:
    """Return how many records a body holds. Raises msgspec.DecodeError when it holds something else."""
    return len(_unsigned.decode(body))


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Name SQLite's faults by what the caller can do.

    An outage is refused and tried again, damage is set aside by the next open, the rest is a bug.
    """
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", None) or 0
        if code & 0xFF in _OUTAGES:
            raise JournalFull(f"{what}: {error}") from error
        if code & 0xFF in _DAMAGES or code in _TAKEN:
            raise JournalDamaged(f"{what}: {error}") from error
        raise
    except OSError as error:
        raise JournalFull(f"{what}: {error.strerror or error}") from error


def first_since(db: sqlite3.Connection, at_us: int) -> int:
    """Search by halving: rows are written in time order, and times need no index of their own."""
    low, high = db.execute("SELECT coalesce(min(seq), 1), coalesce(max(seq), 0) + 1 FROM entries").fetchone()
    while low < high:
        middle = (low + high) // 2
        found = db.execute("SELECT seq, at_us FROM entries WHERE seq >= ? ORDER BY seq LIMIT 1", (middle,)).fetchone()
        if found is None:
            raise JournalDamaged("the journal's rows are not in their order")
        if found[1] < at_us:
            low = found[0] + 1
        else:
            high = middle
    return int(low)


def holes(db: sqlite3.Connection, first: int, last: int) -> list[tuple[int, int]]:
    """Return the parts of first ≤ seq ≤ last that are missing without a recorded reason.

    Rows below the meta entry `first` were deleted, rows in `gaps` are known to be lost.
    """
    kept = db.execute("SELECT value FROM meta WHERE name = 'first'").fetchone()
    if kept is not None and isinstance(kept[0], int):
        first = max(first, min(kept[0], last + 1))
    missing = []
    query = "SELECT first, last FROM gaps WHERE last >= ? AND first <= ? ORDER BY first"
    for gap_first, gap_last in db.execute(query, (first, last)).fetchall():
        if not (isinstance(gap_first, int) and isinstance(gap_last, int)):
            raise JournalDamaged("the table of gaps holds something else")
        if gap_first > first:
            missing.append((first, gap_first - 1))
        first = max(first, gap_last + 1)
    if first <= last:
        missing.append((first, last))
    return missing
