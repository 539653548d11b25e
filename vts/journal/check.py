"""Whether a journal's file is sound. Changes nothing, and may run beside a running process. Blocking."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from vts.journal.format import BUSY_TIMEOUT_S, VERSION, count_records, holes, is_intact
from vts.journal.opening import read_log
from vts.journal.quarantine import Quarantine, QuarantineLine
from vts.journal.salvage import in_log

_ROWS = "SELECT seq, at_us, upto, body, run, digest FROM entries ORDER BY seq"


class JournalReport(NamedTuple):
    """What lies in the file, and what is wrong with it: one sentence for each fault."""

    rows: int
    records: int
    first: int
    last: int
    faults: list[str]
    quarantine: list[QuarantineLine]
    damaged_files: list[Path]


def check(path: Path) -> JournalReport:
    """Read every row and prove it. Raises OSError when there is no file."""
    path.stat()
    kept = Quarantine(path.with_suffix(".quarantine"))
    log = read_log(path)
    numbers = [0, 0, 0, 0]
    faults: list[str] = []
    try:
        uri = f"{path.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None)) as db:
            _read(db, numbers, faults)
            hidden = [] if faults or not log else in_log(path, log, numbers[3])
    except sqlite3.Error as error:
        faults.append(f"SQLite cannot read it: {error}")
        hidden = []
    if hidden and not _grew(path, numbers[3]):
        faults.append(f"rows {hidden[0][0]} to {hidden[-1][0]} lie behind a damaged part of the write-ahead log")
    return JournalReport(numbers[0], numbers[1], numbers[2], numbers[3], faults, kept.lines(), kept.damaged_files())


def _read(db: sqlite3.Connection, numbers: list[int], faults: list[str]) -> None:
    ((version,),) = db.execute("PRAGMA user_version")
    if not version:
        faults.append("its tables cannot be found")
        return
    if version != VERSION:
        faults.append(f"it has format {version}, not {VERSION}: `vts serve` brings an older one up to date")
        return
    seen = 0
    for row in db.execute(_ROWS):
        if row[0] != seen + 1:
            faults += [f"rows {first} to {last} are missing" for first, last in holes(db, seen + 1, row[0] - 1)]
        seen = row[0]
        numbers[0] += 1
        numbers[2] = numbers[2] or seen
        if is_intact(*row):
            numbers[1] += count_records(row[3])
        else:
            faults.append(f"row {seen} is damaged")
    numbers[3] = seen


def _grew(path: Path, last: int) -> bool:
    """Whether the file has rows behind `last` now: a process is writing to it."""
    uri = f"{path.absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None)) as db:
        ((now,),) = db.execute("SELECT coalesce(max(seq), 0) FROM entries")
        return int(now) > last
