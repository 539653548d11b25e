"""The catalog in PostgreSQL: contents and players, written as a whole request or not at all, read by revision.

Every write takes the one row of `catalog_revision` first and keeps it to its commit: revisions become visible in their
order, so a process at revision 7 has every change up to 7. `NOTIFY vts_catalog` carries the new revision.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import uuid
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import msgspec

from vts.model import sketch
from vts.model.content import Change, Content, ContentRow, Player, PlayerRow
from vts.model.day import datetime_of
from vts.model.record import CatalogRow
from vts.store.drain.revision import MARK_ARTISTS
from vts.store.drain.texts import NO_TEXTS, note_own_texts
from vts.store.session import channels
from vts.store.session.connection import Connection
from vts.store.session.queries import queries_beside

K = TypeVar("K", int, uuid.UUID)

query = queries_beside(__file__)

ROWS_AT_ONCE: Final = 10_000  # of one statement: well below a second
PROVISIONAL_AT_ONCE: Final = 5_000
VIEWERS_TO_STAY: Final = 2  # of a content that no service has described

_SNAPSHOT: Final = "ISOLATION LEVEL REPEATABLE READ, READ ONLY"
_BUMP: Final = query("catalog_bump_above")
_UPSERT_CONTENTS: Final = query("catalog_upsert_contents")
_UPSERT_PLAYERS: Final = query("catalog_upsert_players")
_DELETE_CONTENT: Final = query("catalog_delete_content")
_DELETE_PLAYERS: Final = "DELETE FROM players WHERE player_key = ANY($1::uuid[]) RETURNING player_key"
_CONTENTS_SINCE: Final = query("catalog_contents_since")
_PLAYERS_SINCE: Final = query("catalog_players_since")
_REMOVED_SINCE: Final = query("catalog_removed_since")
_UNSETTLED: Final = query("catalog_unsettled")
_SETTLE: Final = query("catalog_settle")
_REMOVE_CONTENTS: Final = query("catalog_remove_contents")
_FORGET_REMOVED: Final = query("catalog_forget_removed")
_NOTE_PLAYERS: Final = "INSERT INTO catalog_removed (player_key, revision) SELECT unnest($1::uuid[]), $2"
_NOTE_CONTENTS: Final = "INSERT INTO catalog_removed (post_id, revision) SELECT unnest($1::bigint[]), $2"
_REVISION: Final = "SELECT revision, horizon, reference_key FROM catalog_revision, installation"
_KEPT_CONTENTS: Final = query("catalog_kept_contents")
_KEPT_PLAYERS: Final = query("catalog_kept_players")


@dataclass(slots=True)
class Write:
    """What a write needs and what it leaves: `rows`, once it is committed, are for the journal.

    `above` is the newest revision that the writer has; the write gets one above it and above that
    of the database.
    """

    above: int = 0
    rows: list[CatalogRow] = field(default_factory=list)

    async def keep_contents(self, connection: Connection, posts: Sequence[int]) -> None:
        """Read contents as they are now. Those that are not there are left out."""
        self.rows += [
            CatalogRow(revision, post_id, None, row, at_us)
            for revision, post_id, row, at_us in await connection.fetch(_KEPT_CONTENTS, posts)
        ]

    async def keep_players(self, connection: Connection, keys: Sequence[bytes]) -> None:
        """Read players as they are now, also those that were removed."""
        self.rows += [
            CatalogRow(revision, None, key, row, at_us)
            for revision, key, row, at_us in await connection.fetch(_KEPT_PLAYERS, keys)
        ]


async def upsert_contents(
    connection: Connection,
    rows: Sequence[ContentRow],
    write: Write | None = None,
    *,
    now_us: int | None = None,
    texts: Mapping[int, str] = NO_TEXTS,
) -> int:
    """Change the fields of contents that the rows name; of several rows for one content the later wins, field by field.

    Returns len(rows). A new content has defaults in the other fields; a provisional or deleted one becomes a full one.
    Where contents that have been viewed change hands, the days of both owners are marked to be added up anew
    (`vts.store.facts.artists`). The first owner of a content is noted for good, with `now_us`, microseconds by the
    clock that views carry (None: the database's): views of that owner from before leave their days when those are
    rolled up. `texts` are those of hashed numbers in the rows, owners included. Raises ReferenceTaken and BadData
    (nothing is applied), and StoreUnavailable.
    """
    last = merged_rows(rows)
    async with writing(connection, write) as revision:
        await note_own_texts(connection, texts)
        await merge_contents(connection, json_parts(last), revision, now_us)
        if write is not None:
            await write.keep_contents(connection, list(last))
    return len(rows)


def merged_rows(rows: Sequence[ContentRow]) -> dict[int, dict[str, Any]]:
    """Return the fields to change of each content: of several rows for one the later wins, field by field."""
    return _by_key((row.post_id, _fields_of(row)) for row in rows)


def json_parts(rows: Mapping[int, dict[str, Any]]) -> list[str]:
    """Return rows in the order of their keys, as JSON arrays of a size that one statement takes well."""
    return _parts([rows[key] for key in sorted(rows)])


async def merge_contents(connection: Connection, parts: Sequence[str], revision: int, now_us: int | None) -> None:
    """Change contents, within `writing`. `parts` are those of `json_parts`. Raises BadData, StoreUnavailable."""
    for part in parts:
        moved = await connection.fetchrow(_UPSERT_CONTENTS, part, revision, _at(now_us))
        if moved is not None and moved[0] is not None:
            await connection.execute(MARK_ARTISTS, *moved)


async def upsert_players(
    connection: Connection,
    rows: Sequence[PlayerRow],
    write: Write | None = None,
    *,
    now_us: int | None = None,
    texts: Mapping[int, str] = NO_TEXTS,
) -> int:
    """Write players likewise. Of a credential only the SHA-256 is kept."""
    last = _by_key((row.player_key, _player_fields(row)) for row in rows)
    async with writing(connection, write) as revision:
        await note_own_texts(connection, texts)
        for part in _parts([last[key] for key in sorted(last)]):
            await connection.execute(_UPSERT_PLAYERS, part, revision, _at(now_us))
        if write is not None:
            await write.keep_players(connection, [key.bytes for key in last])
    return len(rows)


async def delete_contents(connection: Connection, post_ids: Sequence[int], write: Write | None = None) -> int:
    """Mark contents as deleted; what was counted stays. Returns how many there were."""
    async with writing(connection, write) as revision:
        tag = await connection.execute(_DELETE_CONTENT, post_ids, revision)
        if write is not None:  # whether or not one was deleted before: the journal may have refused the first time
            await write.keep_contents(connection, post_ids)
    return int(tag.rpartition(" ")[2])


async def delete_content(connection: Connection, post_id: int, write: Write | None = None) -> bool:
    """Mark a content as deleted. False when there is none."""
    return await delete_contents(connection, [post_id], write) == 1


async def delete_players(connection: Connection, keys: Sequence[bytes], write: Write | None = None) -> int:
    """Remove players. Returns how many there were."""
    async with writing(connection, write) as revision:
        gone = [row[0] for row in await connection.fetch(_DELETE_PLAYERS, keys)]
        if gone:
            await connection.execute(_NOTE_PLAYERS, gone, revision)
        if write is not None:
            await write.keep_players(connection, keys)
    return len(gone)


async def delete_player(connection: Connection, player_key: bytes, write: Write | None = None) -> bool:
    """Remove a player. False when there is none."""
    return await delete_players(connection, [player_key], write) == 1


async def changes_since(connection: Connection, revision: int) -> Change:
    """Return what changed after a revision, in one snapshot.

    Everything, for a negative revision, for one too old to have all removals, and for one that this database never had.
    """
    async with connection.transaction(_SNAPSHOT):
        row = await connection.fetchrow(_REVISION)
        assert row is not None, "made by the migrations"
        now, horizon, reference_key = row
        whole = not max(horizon, 0) <= revision <= now
        change = Change(now, [], [], whole, bytes(reference_key))
        if revision != now or whole:
            await _load(connection, -1 if whole else revision, change)
    return change


async def settle_provisional(connection: Connection) -> int:
    """Decide about contents that a view registered a day ago: with a second viewer they stay, else they go.

    Returns how many went. Also forgets removals that every process has. Called about every hour.
    """
    found = await connection.fetch(_UNSETTLED, PROVISIONAL_AT_ONCE)
    stay = [post_id for post_id, sketches in found if sketch.union(sketches) >= VIEWERS_TO_STAY]
    gone: list[int] = []
    if found:
        async with writing(connection) as revision:
            await connection.execute(_SETTLE, stay, revision)
            go = sorted({row[0] for row in found}.difference(stay))
            gone = [row[0] for row in await connection.fetch(_REMOVE_CONTENTS, go)]
            await connection.execute(_NOTE_CONTENTS, gone, revision)
    await connection.execute(_FORGET_REMOVED)
    return len(gone)


@asynccontextmanager
async def writing(connection: Connection, write: Write | None = None) -> AsyncIterator[int]:
    """Give the revision of a write, whose transaction the block is; the change is announced at its end."""
    async with connection.transaction():
        revision: int = await connection.fetchval(_BUMP, 0 if write is None else write.above)
        yield revision
        await connection.execute("SELECT pg_notify($1, $2)", channels.CATALOG, str(revision))


async def _load(connection: Connection, since: int, change: Change) -> None:
    """Removals first: what was written again after its removal follows, and the later entry counts."""
    if not change.whole:
        for post_id, player_key in await connection.fetch(_REMOVED_SINCE, since):
            if player_key is None:
                change.contents.append((post_id, None))
            else:
                change.players.append((player_key, None))
    await _load_contents(connection, since, change)
    for key, owner_id, registered, country, credential_hash, name in await connection.fetch(_PLAYERS_SINCE, since):
        change.players.append((key, Player(owner_id, registered, country, credential_hash, name)))


async def _load_contents(connection: Connection, since: int, change: Change) -> None:
    """Read page by page; equal values are one object, which is what a million rows can afford."""
    shared: dict[Content, Content] = {}
    after = 0
    while page := await connection.fetch(_CONTENTS_SINCE, since, after, ROWS_AT_ONCE):
        for post_id, *fields in page:
            content = Content(*fields)
            change.contents.append((post_id, shared.setdefault(content, content)))
        after = page[-1][0]


def _at(now_us: int | None) -> dt.datetime | None:
    return None if now_us is None else datetime_of(now_us)


def _by_key(rows: Iterable[tuple[K, dict[str, Any]]]) -> dict[K, dict[str, Any]]:
    """Return one row of fields for each key: of several the later wins, field by field."""
    last: dict[K, dict[str, Any]] = {}
    for key, fields in rows:
        last.setdefault(key, {}).update(fields)
    return last


def _fields_of(row: msgspec.Struct) -> dict[str, Any]:
    """Return the fields that a row names."""
    return {name: value for name, value in msgspec.structs.asdict(row).items() if value is not msgspec.UNSET}


def _player_fields(row: PlayerRow) -> dict[str, Any]:
    """Return the columns that a row names: of a credential its hash, as PostgreSQL writes bytes."""
    fields = _fields_of(row)
    if "credential" in fields:
        credential = fields.pop("credential")
        digest = None if credential is None else rf"\x{hashlib.sha256(credential.encode()).hexdigest()}"
        fields["credential_hash"] = digest
    return fields


def _parts(rows: Sequence[Any]) -> list[str]:
    """Write rows as JSON arrays of a size that one statement takes well."""
    pieces = (rows[at : at + ROWS_AT_ONCE] for at in range(0, len(rows), ROWS_AT_ONCE))
    return [msgspec.json.encode(piece).decode() for piece in pieces]
