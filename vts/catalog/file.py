"""The last catalog beside the journal, so that a start without a database has contents and players.

It is a copy that may be missing or old: what cannot be read is made anew from the database.
"""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from vts.catalog.memory import MemoryCatalog, pack, unpack
from vts.model.content import Change, Content, Player

T = TypeVar("T")

FORMAT: Final = 2
BITE: Final = 10_000  # rows between two looks at whether they are still needed

_SCHEMA: Final = f"""
PRAGMA user_version = {FORMAT};
CREATE TABLE IF NOT EXISTS meta (one INTEGER PRIMARY KEY CHECK (one = 1), revision INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS contents (post_id INTEGER PRIMARY KEY, packed BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS players (player_key BLOB PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
"""
# Not in files of version 0.1.0, which are read without it.
_KEY_TABLE: Final = (
    "CREATE TABLE IF NOT EXISTS reference_key (one INTEGER PRIMARY KEY CHECK (one = 1), key BLOB NOT NULL)"
)
_PACKED_BYTES: Final = 9  # 63 bits of owner and 8 of flags

_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(Player).decode
_log: Final = logging.getLogger(__name__)


class CatalogFile:
    """An SQLite file, mode 0600. Every method blocks on the disk: call it from a worker thread.

    `on_bite` is called again and again meanwhile; what it raises ends the work, and nothing of a change is kept.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.revision = -1
        """Up to where this copy is whole, as far as it was read or written here."""

    def load_into(self, memory: MemoryCatalog, on_bite: Callable[[], object]) -> bool:
        """Fill an empty catalog, its revision included. False when there is no copy, or none that can be read."""
        if not self._path.exists():
            return False
        try:
            with self._open() as file:
                return self._load(file, memory, on_bite)
        except sqlite3.OperationalError as fault:  # the disk, or a lock: the copy itself may be sound
            _log.warning("the catalog's copy cannot be read: %s", fault)
        except (sqlite3.DatabaseError, msgspec.MsgspecError, ValueError, IndexError, TypeError) as fault:
            _log.warning("the catalog's copy is damaged and will be made anew: %s", fault)
            self._remove()
        return False

    def save(self, change: Change, on_bite: Callable[[], object]) -> None:
        """Take in a change and its revision, in one transaction. Raises OSError when the disk does not take it."""
        os.close(os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600))
        try:
            with self._open() as file, file:
                file.execute("BEGIN IMMEDIATE")
                _lay_tables(file)
                if change.whole:
                    file.execute("DELETE FROM contents")
                    file.execute("DELETE FROM players")
                _save_contents(file, change.contents, on_bite)
                _save_players(file, change.players, on_bite)
                file.execute("INSERT OR REPLACE INTO meta VALUES (1, ?)", (change.revision,))
                if change.reference_key is not None:
                    file.execute(_KEY_TABLE)
                    file.execute("INSERT OR REPLACE INTO reference_key VALUES (1, ?)", (change.reference_key,))
        except sqlite3.OperationalError as fault:
            raise OSError(f"the catalog's copy cannot be written: {fault}") from None
        except sqlite3.DatabaseError as fault:
            self._remove()
            raise OSError(f"the catalog's copy is damaged and will be made anew: {fault}") from None
        self.revision = change.revision

    def _load(self, file: sqlite3.Connection, memory: MemoryCatalog, on_bite: Callable[[], object]) -> bool:
        if file.execute("PRAGMA user_version").fetchone()[0] != FORMAT:
            return False
        found = file.execute("SELECT revision FROM meta").fetchone()
        if found is None:
            return False
        for some in _bites(file.execute("SELECT post_id, packed FROM contents"), on_bite):
            memory.apply([(post_id, unpack(int.from_bytes(packed, "big"))) for post_id, packed in some], ())
        for some in _bites(file.execute("SELECT player_key, body FROM players"), on_bite):
            memory.apply((), [(key, _decode(body)) for key, body in some])
        memory.use_reference_key(_reference_key(file))
        self.revision = memory.revision = int(found[0])
        return True

    def _remove(self) -> None:
        """With what SQLite keeps beside it: an old journal must never be played into a new file."""
        self.revision = -1
        for suffix in ("", "-journal", "-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._path, isolation_level=None)) as file:
            file.execute("PRAGMA synchronous = NORMAL")
            yield file


def _reference_key(file: sqlite3.Connection) -> bytes | None:
    if not file.execute("SELECT count(*) FROM sqlite_master WHERE name = 'reference_key'").fetchone()[0]:
        return None
    found = file.execute("SELECT key FROM reference_key").fetchone()
    return None if found is None else bytes(found[0])


def _lay_tables(file: sqlite3.Connection) -> None:
    if file.execute("PRAGMA user_version").fetchone()[0] != FORMAT:
        for table in ("meta", "contents", "players"):
            file.execute(f"DROP TABLE IF EXISTS {table}")
        for statement in _SCHEMA.split(";"):
            file.execute(statement)


def _bites(rows: Iterator[T], on_bite: Callable[[], object]) -> Iterator[list[T]]:
    while some := list(islice(rows, BITE)):
        on_bite()
        yield some


def _save_contents(
    file: sqlite3.Connection, contents: Sequence[tuple[int, Content | None]], on_bite: Callable[[], object]
) -> None:
    """In their order: what was removed and written again is there."""
    for some in _bites(iter(contents), on_bite):
        last = dict(some)
        file.executemany("DELETE FROM contents WHERE post_id = ?", [(key,) for key, known in last.items() if not known])
        file.executemany(
            "INSERT OR REPLACE INTO contents VALUES (?, ?)",
            [(key, pack(known).to_bytes(_PACKED_BYTES, "big")) for key, known in last.items() if known],
        )


def _save_players(
    file: sqlite3.Connection, players: Sequence[tuple[bytes, Player | None]], on_bite: Callable[[], object]
) -> None:
    for some in _bites(iter(players), on_bite):
        last = dict(some)
        file.executemany("DELETE FROM players WHERE player_key = ?", [(k,) for k, known in last.items() if not known])
        file.executemany(
            "INSERT OR REPLACE INTO players VALUES (?, ?)",
            [(key, _encode(known)) for key, known in last.items() if known],
        )
