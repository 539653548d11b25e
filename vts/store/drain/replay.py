"""Writes of the catalog that the database lacks, put back from the journal after a failover to an older copy.

Every catalog write passes through the drain once more, inside the transaction that moves the offset. Nearly always the
database has it, which one look by key shows. A row is put back under the revision that it had: the newer of two is
kept, field by field, whichever journal brings it first, and doing it twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from vts.model.catalog_row import field_revisions, merged
from vts.model.day import DAY_US
from vts.model.record import CatalogRow
from vts.store.drain.dead_letters import DeadLetter
from vts.store.drain.revision import MARK_ARTISTS
from vts.store.session import channels
from vts.store.session.connection import Connection
from vts.store.session.faults import BadData
from vts.store.session.queries import queries_beside

query = queries_beside(__file__)

REMOVALS_KNOWN_US: Final = 2 * DAY_US  # as catalog_forget_removed.sql has it: an older player may have been removed

_BEGIN: Final = query("replay_begin")
_MISSING_CONTENTS: Final = query("replay_missing_contents")
_MISSING_PLAYERS: Final = query("replay_missing_players")
_CONTENTS: Final = query("replay_contents")
_PLAYERS: Final = query("replay_players")
_TEXTS: Final = query("replay_texts")
_REMOVE_CONTENTS: Final = "DELETE FROM content WHERE post_id = ANY($1::bigint[])"
_REMOVE_PLAYERS: Final = "DELETE FROM players WHERE player_key = ANY($1::uuid[])"
_NOTE_PLAYERS: Final = (
    "INSERT INTO catalog_removed (player_key, revision) SELECT * FROM unnest($1::uuid[], $2::bigint[])"
)
_NOTIFY: Final = "SELECT pg_notify($1, $2)"


async def replay_catalog(connection: Connection, rows: Sequence[CatalogRow], now_us: int) -> list[DeadLetter]:
    """Put back what the database lacks of these writes, inside the caller's transaction.

    Returns those that it refuses, with the reason. Raises StoreUnavailable.
    """
    contents, players = _by_key(rows, now_us - REMOVALS_KNOWN_US)
    if not await _lacks(connection, contents, players):
        return []
    revision = await connection.fetchval(
        _BEGIN, max(row.revision for row in rows)
    )  # no other session writes from here on
    dead_letters: list[DeadLetter] = []
    await _put_back(connection, contents, players, dead_letters)
    await connection.execute(_NOTIFY, channels.CATALOG, str(revision))
    return dead_letters


def _by_key(rows: Sequence[CatalogRow], since_us: int) -> tuple[list[CatalogRow], list[CatalogRow]]:
    """Return one row for each content and for each player, those of players from `since_us` on."""
    newest: dict[int | bytes | None, CatalogRow] = {}
    for row in sorted(rows, key=lambda row: row.revision):
        key = row.player_key if row.post_id is None else row.post_id
        newest[key] = merged(newest[key], row) if key in newest else row
    contents = [row for row in newest.values() if row.post_id is not None]
    return contents, [row for row in newest.values() if row.post_id is None and row.created_at > since_us]


async def _lacks(connection: Connection, contents: Sequence[CatalogRow], players: Sequence[CatalogRow]) -> bool:
    return bool(await _missing(connection, _MISSING_CONTENTS, contents, "post_id")) or bool(
        await _missing(connection, _MISSING_PLAYERS, players, "player_key")
    )


async def _put_back(
    connection: Connection,
    contents: Sequence[CatalogRow],
    players: Sequence[CatalogRow],
    dead_letters: list[DeadLetter],
) -> None:
    """All at once; where one of them is refused, one by one, so that the others are kept."""
    try:
        async with connection.transaction():
            await _put_back_contents(connection, contents)
            await _put_back_players(connection, players)
    except BadData as fault:
        if len(contents) + len(players) == 1:
            dead_letters.append(DeadLetter((*contents, *players)[0], str(fault)))
            return
        for row in contents:
            await _put_back(connection, [row], (), dead_letters)
        for row in players:
            await _put_back(connection, (), [row], dead_letters)


async def _put_back_contents(connection: Connection, rows: Sequence[CatalogRow]) -> None:
    """Whole rows; the days of owners who gain or lose a content are added up anew."""
    missing = await _missing(connection, _MISSING_CONTENTS, rows, "post_id")
    if not missing:
        return
    lacked = [_whole(rows[place - 1], revision, known) for place, revision, known in missing]
    posts = [row.post_id for row in lacked]
    await connection.execute(_REMOVE_CONTENTS, posts)
    await connection.execute(_CONTENTS, [row.row for row in lacked])
    await connection.execute(_TEXTS, [row.row for row in lacked])
    owners = [(_owner(known), _owner(row.row)) for row, (_, _, known) in zip(lacked, missing, strict=True)]
    moved = [
        (post_id, before, after, known is not None)
        for post_id, (before, after), (_, _, known) in zip(posts, owners, missing, strict=True)
        if before != after
    ]
    if moved:
        await connection.execute(MARK_ARTISTS, *map(list, zip(*moved, strict=True)))


async def _put_back_players(connection: Connection, rows: Sequence[CatalogRow]) -> None:
    missing = await _missing(connection, _MISSING_PLAYERS, rows, "player_key")
    lacked = [_whole(rows[place - 1], revision, known) for place, revision, known in missing]
    if not lacked:
        return
    await connection.execute(_REMOVE_PLAYERS, [row.player_key for row in lacked])
    await connection.execute(_PLAYERS, [row.row for row in lacked if row.row is not None])
    await connection.execute(_TEXTS, [row.row for row in lacked if row.row is not None])
    gone = [row for row in lacked if row.row is None]
    await connection.execute(_NOTE_PLAYERS, [row.player_key for row in gone], [row.revision for row in gone])


async def _missing(connection: Connection, question: str, rows: Iterable[CatalogRow], key: str) -> Sequence[Any]:
    rows = list(rows)
    if not rows:
        return ()
    fields = [msgspec.json.encode(field_revisions(row)).decode() for row in rows]
    return await connection.fetch(question, [getattr(row, key) for row in rows], [row.revision for row in rows], fields)


def _whole(row: CatalogRow, revision: int | None, known: str | None) -> CatalogRow:
    """Return what a row becomes together with the one that the database has under its key, if any."""
    if revision is None:
        return row
    return merged(replace(row, revision=revision, row=known), row)


def _owner(row: str | None) -> int | None:
    owner: int | None = msgspec.json.decode(row or "{}").get("owner_id")
    return owner
