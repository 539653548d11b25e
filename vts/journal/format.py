"""The journal's SQLite file: what is in it, and what its faults mean.

One row per chunk of a group commit: (seq, at_us, upto, body). `seq` has no holes and is never used twice: the newest
row is never deleted, so its number survives. `upto` counts all records up to and including the row, so that the depth
is a subtraction. The body is a msgpack array of records.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final, NamedTuple

from vts.journal.entry import Record
from vts.model.faults import JournalFull

BUSY_TIMEOUT_S: Final = 5.0  # somebody looks at the file with the sqlite3 shell
_OUTAGES: Final = frozenset(
    (
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_PROTOCOL,
    )
)


class Row(NamedTuple):
    """A row without its body."""

    seq: int
    at_us: int
    upto: int


NO_ROW: Final = Row(0, 0, 0)


class Opened(NamedTuple):
    """What a journal says of itself when it is opened.

    `drained` is how far PostgreSQL was when last noted: the number of that row, the records up to it, and the time of
    the first row behind it.
    """

    journal_id: bytes
    last: Row
    drained: Row
    used_bytes: int


class Written(NamedTuple):
    """One group commit: the rows it made (with the records in them) and the bytes in use after it."""

    rows: list[tuple[Row, Sequence[Record]]]
    used_bytes: int


class Chunk(NamedTuple):
    """What a reader got: whole rows in order, their records, and how many records were written before them."""

    records: list[Record]
    rows: list[Row]
    before: int


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Name SQLite's faults by what the caller can do: an outage is refused and tried again, the rest is a bug."""
    try:
        yield
    except sqlite3.Error as error:
        if (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF in _OUTAGES:
            raise JournalFull(f"{what}: {error}") from error
        raise
    except OSError as error:
        raise JournalFull(f"{what}: {error.strerror or error}") from error


def first_since(db: sqlite3.Connection, at_us: int) -> int:
    """Search by halving: rows are written in time order, and times need no index of their own."""
    low, high = db.execute("SELECT coalesce(min(seq), 1), coalesce(max(seq), 0) + 1 FROM entries").fetchone()
    while low < high:
        middle = (low + high) // 2
        found = db.execute("SELECT seq, at_us FROM entries WHERE seq >= ? ORDER BY seq LIMIT 1", (middle,)).fetchone()
        if found[1] < at_us:
            low = found[0] + 1
        else:
            high = middle
    return int(low)
