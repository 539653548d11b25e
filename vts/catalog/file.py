"""The last catalog beside the journal, so that a start without a database knows contents and players.

It is a copy that may be missing or old: whatever is wrong with it, it is made anew from the database.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import Final

import msgspec

from vts.model.content import Change, Content, Player

FORMAT: Final = 1
BITE: Final = 10_000  # rows decoded in one go

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS meta (one INTEGER PRIMARY KEY CHECK (one = 1), revision INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS contents (
    post_id INTEGER PRIMARY KEY, owner_id INTEGER, kind TEXT,
    private INTEGER NOT NULL, deleted INTEGER NOT NULL, provisional INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS players (player_key BLOB PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
"""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Player).decode


class CatalogFile:
    """An SQLite file, mode 0600. Every method blocks on the disk: call it from a worker thread."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> Iterator[Change]:
        """Yield the catalog in bites, all of one revision; nothing when there is none, or none that can be read."""
        if not self._path.exists():
            return
        try:
            with self._open() as file:
                found = file.execute("SELECT revision FROM meta").fetchone()
                if found is not None:
                    yield from _bites(file, found[0])
        except sqlite3.DatabaseError:
            self._path.unlink(missing_ok=True)

    def save(self, change: Change) -> None:
        """Take in a change and its revision, in one transaction. Raises OSError when the disk does not take it."""
        try:
            with self._open() as file, file:
                if change.whole:
                    file.execute("DELETE FROM contents")
                    file.execute("DELETE FROM players")
                _save_contents(file, change.contents)
                _save_players(file, change.players)
                file.execute("INSERT OR REPLACE INTO meta VALUES (1, ?)", (change.revision,))
        except sqlite3.Error as fault:
            raise OSError(f"the catalog's copy cannot be written: {fault}") from None

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        os.close(os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600))
        with closing(sqlite3.connect(self._path)) as file:
            if file.execute("PRAGMA user_version").fetchone()[0] not in {0, FORMAT}:
                raise sqlite3.DatabaseError("a format of another version")
            file.executescript(f"PRAGMA journal_mode = WAL; PRAGMA user_version = {FORMAT}; {_SCHEMA}")
            yield file


def _bites(file: sqlite3.Connection, revision: int) -> Iterator[Change]:
    contents = file.execute("SELECT post_id, owner_id, kind, private, deleted, provisional FROM contents")
    players = file.execute("SELECT player_key, body FROM players")
    yield Change(revision, [], [])
    while rows := list(islice(contents, BITE)):
        known: list[tuple[int, Content | None]] = [
            (row[0], Content(row[1], row[2], bool(row[3]), bool(row[4]), bool(row[5]))) for row in rows
        ]
        yield Change(revision, known, [])
    while rows := list(islice(players, BITE)):
        yield Change(revision, [], [(key, _decode(body)) for key, body in rows])


def _save_contents(file: sqlite3.Connection, contents: list[tuple[int, Content | None]]) -> None:
    file.executemany("DELETE FROM contents WHERE post_id = ?", [(key,) for key, known in contents if known is None])
    file.executemany(
        "INSERT OR REPLACE INTO contents (post_id, owner_id, kind, private, deleted, provisional) VALUES (?,?,?,?,?,?)",
        [(key, *known) for key, known in contents if known is not None],
    )


def _save_players(file: sqlite3.Connection, players: list[tuple[bytes, Player | None]]) -> None:
    file.executemany("DELETE FROM players WHERE player_key = ?", [(key,) for key, known in players if known is None])
    file.executemany(
        "INSERT OR REPLACE INTO players (player_key, body) VALUES (?, ?)",
        [(key, _encode(known)) for key, known in players if known is not None],
    )
