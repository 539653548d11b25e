"""Erasing a person from PostgreSQL: the journal's own rows are `vts.journal`'s to change.

Counts stay. Rows of views and of the site lose user id and viewer key; reactions and comments stay under a number that
belongs to no user, so that they can still be removed one by one, and comments lose their texts; players lose owner and
name, contents their first owner unless the host still names that person as the owner; sessions end and lose the user,
share links are revoked.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any, Final

from vts.model.erasure import Erasure
from vts.model.reference import HASHED_MAX, HASHED_MIN
from vts.store.drain.revision import BUMP
from vts.store.facts import sessions, share_links
from vts.store.session import channels
from vts.store.session.connection import Connection

_KEYS: Final = """
SELECT DISTINCT viewer_key FROM {table} WHERE viewer_user_id = $1 OR viewer_key = ANY($2::bytea[])
"""
_VIEWS: Final = """
UPDATE {table} AS kept SET viewer_user_id = NULL, viewer_key = other.key{more}
FROM unnest($3::bytea[], $4::bytea[]) AS other (old, key)
WHERE kept.viewer_key = other.old AND (kept.viewer_user_id = $1 OR kept.viewer_key = ANY($2::bytea[]))
"""
_EVENTS: Final = {"view_events": "", "site_events": ", event_data = NULL"}
_LETTERS: Final = r"""
SELECT journal_id, seq, index, body FROM dead_letters
WHERE body LIKE '%"viewer_user_id": ' || $1::bigint || ',%' OR body LIKE ANY($2::text[])
"""
_LETTER: Final = "UPDATE dead_letters SET body = $4 WHERE journal_id = $1 AND seq = $2 AND index = $3"
_REACTIONS: Final = "UPDATE reactions SET user_id = $2 WHERE user_id = $1"
_COMMENTS: Final = "UPDATE comments SET user_id = $2 WHERE user_id = $1"
_HISTORY: Final = "UPDATE viewing_history SET user_id = $2, stream_url = NULL WHERE user_id = $1"
# The host names a comment by any text, its author's name or address among them. Its number stays, so that the host can
# take it back; a text that a comment of another user has, too, stays with that one.
_COMMENT_TEXTS: Final = f"""
DELETE FROM reference_texts WHERE number IN (
    SELECT comment_id FROM comments WHERE user_id = $1 AND comment_id BETWEEN {HASHED_MIN} AND {HASHED_MAX}
    EXCEPT SELECT comment_id FROM comments WHERE user_id <> $1)
"""  # noqa: S608 -- numbers of ours
_PLAYERS: Final = """
UPDATE players SET owner_id = NULL, name = NULL, revision = $2,
    field_revisions = field_revisions || jsonb_build_object('owner_id', $2::bigint, 'name', $2::bigint)
WHERE owner_id = $1
"""
_HAS_PLAYERS: Final = "SELECT EXISTS (SELECT FROM players WHERE owner_id = $1)"
_FIRST_OWNERS: Final = (
    "UPDATE players SET first_owner_id = NULL WHERE first_owner_id = $1",
    "UPDATE content SET first_owner_id = NULL WHERE first_owner_id = $1 AND owner_id IS DISTINCT FROM $1",
)
_TEXT: Final = """
DELETE FROM reference_texts WHERE number = $1 AND NOT EXISTS (SELECT FROM content WHERE owner_id = $1)
"""
_NOTIFY: Final = "SELECT pg_notify($1, $2)"


async def erase_person(connection: Connection, erasure: Erasure) -> dict[str, int]:
    """Erase a person; returns how many rows of each table were changed. Doing it again changes nothing.

    Table by table, each in a transaction of its own: cut short, it is to be run again. Raises StoreUnavailable.
    """
    changed = {table: await _erase_views(connection, erasure, table, more) for table, more in _EVENTS.items()}
    changed["dead_letters"] = await _erase_dead_letters(connection, erasure)
    no_user = -1 - secrets.randbelow(2**62)
    changed["reactions"] = _count(await connection.execute(_REACTIONS, erasure.user_id, no_user))
    async with connection.transaction():
        await connection.execute(_COMMENT_TEXTS, erasure.user_id)
        changed["comments"] = _count(await connection.execute(_COMMENTS, erasure.user_id, no_user))
    changed["sessions"] = await sessions.erase_user(connection, erasure.user_id)
    changed["viewing_history"] = _count(await connection.execute(_HISTORY, erasure.user_id, no_user))
    changed["share_links"] = await share_links.erase_user(connection, erasure.user_id)
    changed["players"] = await _release_players(connection, erasure.user_id)
    for statement in _FIRST_OWNERS:
        await connection.execute(statement, erasure.user_id)
    await connection.execute(_TEXT, erasure.user_id)
    return changed


async def _erase_views(connection: Connection, erasure: Erasure, table: str, more: str) -> int:
    mine = list(erasure.keys)
    async with connection.transaction():
        rows = await connection.fetch(_KEYS.format(table=table), erasure.user_id, mine)
        old = [row[0] for row in rows]
        if not old:
            return 0
        new = [erasure.key_for(key) for key in old]
        return _count(await connection.execute(_VIEWS.format(table=table, more=more), erasure.user_id, mine, old, new))


async def _erase_dead_letters(connection: Connection, erasure: Erasure) -> int:
    patterns = [f'%"viewer_key": "{key.hex()}"%' for key in erasure.keys]
    changed = 0
    async with connection.transaction():
        for journal_id, seq, index, body in await _letters(connection, erasure.user_id, patterns):
            without = erasure.dead_letter(body)
            if without is not None:
                await connection.execute(_LETTER, journal_id, seq, index, without)
                changed += 1
    return changed


async def _letters(connection: Connection, user_id: int, patterns: Sequence[str]) -> Sequence[Any]:
    return await connection.fetch(_LETTERS, user_id, list(patterns))


async def _release_players(connection: Connection, user_id: int) -> int:
    async with connection.transaction():
        if not await connection.fetchval(_HAS_PLAYERS, user_id):
            return 0
        revision = await connection.fetchval(BUMP)
        changed = _count(await connection.execute(_PLAYERS, user_id, revision))
        await connection.execute(_NOTIFY, channels.CATALOG, str(revision))
        return changed


def _count(tag: str) -> int:
    return int(tag.rpartition(" ")[2])
