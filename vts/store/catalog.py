"""The catalog in the database: bulk writes in one transaction, and what has changed since a revision.

Every write takes the one row of `catalog_revision` first, so revisions become visible in their order, and ends with a
NOTIFY that wakes every process.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from vts.model.content import Change, Content, ContentRow, Player, PlayerRow
from vts.store.connection import Connection
from vts.store.queries import query

CHANNEL: Final = "vts_catalog"
_SNAPSHOT: Final = "ISOLATION LEVEL REPEATABLE READ, READ ONLY"

_BUMP: Final = query("catalog_bump")
_NOTIFY: Final = f"SELECT pg_notify('{CHANNEL}', $1::bigint::text)"
_PUT_CONTENTS: Final = query("catalog_put_contents")
_PUT_PLAYERS: Final = query("catalog_put_players")
_DELETE_CONTENT: Final = "UPDATE content SET deleted = true, revision = $2 WHERE post_id = $1 AND NOT deleted"
_DELETE_PLAYER: Final = "DELETE FROM players WHERE player_key = $1"
_NOTE_REMOVED: Final = "INSERT INTO catalog_removed (revision, player_key) VALUES ($2, $1)"
_NOTE_REMOVED: Final = "INSERT INTO catalog_removed (post_id, revision) SELECT unnest($1::bigint[]), $2"
_REVISION: Final = "SELECT revision, horizon FROM catalog_revision"
_CONTENTS: Final = """
SELECT post_id, owner_id, kind, visibility = 'private' AS private, deleted, provisional
FROM content WHERE revision > $1 ORDER BY revision, post_id
"""
_PLAYERS: Final = """
SELECT player_key, owner_id, registered, country, credential_hash, name
FROM players WHERE revision > $1 ORDER BY revision, player_key
"""
_REMOVED: Final = "SELECT post_id, player_key FROM catalog_removed WHERE revision > $1"


async def upsert_contents(connection: Connection, rows: Sequence[ContentRow]) -> int:
    """Write contents, all or none; of two rows with one id the later counts. Returns how many rows were given."""
    unique = {row.post_id: row for row in rows}
    await _put(connection, _PUT_CONTENTS, [msgspec.to_builtins(row) for row in unique.values()])
    return len(rows)


async def upsert_players(connection: Connection, rows: Sequence[PlayerRow]) -> int:
    """Write players, all or none; credentials are kept as their SHA-256. Returns how many rows were given."""
    unique = {row.player_key: row for row in rows}
    await _put(connection, _PUT_PLAYERS, [_player_values(row) for row in unique.values()])
    return len(rows)


async def delete_content(connection: Connection, post_id: int) -> bool:
    """Mark a content as deleted; False when there is none. What was counted stays."""
    async with connection.transaction():
        revision = await connection.fetchval(_BUMP)
        done = await connection.execute(_DELETE_CONTENT, post_id, revision)
        await connection.execute(_NOTIFY, revision)
    return done != "UPDATE 0"


async def delete_player(connection: Connection, player_key: bytes) -> bool:
    """Remove a player; False when there is none."""
    async with connection.transaction():
        revision = await connection.fetchval(_BUMP)
        done = await connection.execute(_DELETE_PLAYER, player_key)
        await connection.execute(_NOTE_REMOVED, player_key, revision)
        await connection.execute(_NOTIFY, revision)
    return done != "DELETE 0"


async def changes_since(connection: Connection, revision: int) -> Change:
    """Return what has changed, in one snapshot; everything for whoever knows nothing, or only what is forgotten."""
    async with connection.transaction(_SNAPSHOT):
        now, horizon = await connection.fetchrow(_REVISION) or (0, 0)
        whole = revision < horizon or revision < 0 or revision > now
        since = -1 if whole else revision
        contents = [_content(row) for row in await connection.fetch(_CONTENTS, since)]
        players = [_player(row) for row in await connection.fetch(_PLAYERS, since)]
        removed = [] if whole else await connection.fetch(_REMOVED, since)
    known_contents, known_players = {key for key, _ in contents}, {key for key, _ in players}
    gone_contents = [(row[0], None) for row in removed if row[0] is not None and row[0] not in known_contents]
    gone_players = [(row[1], None) for row in removed if row[1] is not None and row[1] not in known_players]
    return Change(now, [*contents, *gone_contents], [*players, *gone_players], whole)


async def _put(connection: Connection, statement: str, values: list[dict[str, Any]]) -> None:
    async with connection.transaction():
        revision = await connection.fetchval(_BUMP)
        await connection.execute(statement, msgspec.json.encode(values).decode(), revision)
        await connection.execute(_NOTIFY, revision)


def _player_values(row: PlayerRow) -> dict[str, Any]:
    values: dict[str, Any] = msgspec.to_builtins(row)
    credential = values.pop("credential")
    values["credential_hash"] = hashlib.sha256(credential.encode()).hexdigest() if credential else None
    return values


def _content(row: Any) -> tuple[int, Content | None]:
    post_id, owner_id, kind, private, deleted, provisional = row
    return post_id, Content(owner_id, kind, private, deleted, provisional)


def _player(row: Any) -> tuple[bytes, Player | None]:
    player_key, owner_id, registered, country, credential_hash, name = row
    player = Player(
        owner_id=owner_id, registered=registered, country=country, credential_hash=credential_hash, name=name
    )
    return player_key, player
