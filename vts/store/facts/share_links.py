"""Share links in PostgreSQL: whose statistics they show, until when, and which were revoked."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, Final, Literal, NamedTuple

from vts.store.drain.texts import note_texts
from vts.store.facts import sessions
from vts.store.session.connection import Connection
from vts.store.session.pool import Readers

KEPT_AFTER: Final = dt.timedelta(days=90)  # ended links, so that their maker still sees who could look

Kind = Literal["content", "artist"]

_COUNT: Final = """
SELECT count(*) FROM share_links WHERE made_by IS NOT DISTINCT FROM $1 AND revoked_at IS NULL AND expires_at > now()
"""
_ADD: Final = """
INSERT INTO share_links (secret_hash, kind, subject, made_by, by_owner, note, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, now() + make_interval(days => $7))
RETURNING id, expires_at
"""
_FIND: Final = """
SELECT s.kind, s.subject, s.made_by, s.by_owner, s.expires_at, c.title, r.text
FROM share_links AS s
LEFT JOIN content AS c ON s.kind = 'content' AND c.post_id = s.subject
LEFT JOIN reference_texts AS r ON r.number = s.subject
WHERE s.secret_hash = $1 AND s.revoked_at IS NULL AND s.expires_at > now()
"""
# `$1` is the maker whose links are meant, null for everyone's.
_LIST: Final = """
SELECT id, kind, subject, made_by, note, made_at, expires_at, revoked_at FROM share_links
WHERE ($1::bigint IS NULL OR made_by = $1) AND id < $2 ORDER BY id DESC LIMIT $3
"""
_REVOKE: Final = """
UPDATE share_links SET revoked_at = now() WHERE id = $2 AND ($1::bigint IS NULL OR made_by = $1) AND revoked_at IS NULL
RETURNING kind, subject, substring(secret_hash FOR 16), extract(epoch FROM expires_at)::float8
"""
_FORGET: Final = "DELETE FROM share_links WHERE expires_at < now() - $1::interval"
_ERASE: Final = """
UPDATE share_links SET made_by = nullif(made_by, $1), revoked_at = coalesce(revoked_at, now()), note = NULL,
    subject = CASE WHEN kind = 'artist' AND subject = $1 THEN 0 ELSE subject END
WHERE made_by = $1 OR (kind = 'artist' AND subject = $1) RETURNING id
"""


class NewLink(NamedTuple):
    """What a link shows and who makes it. `days` is how long it lasts."""

    secret_hash: bytes
    kind: Kind
    subject: int
    made_by: int | None
    by_owner: bool
    note: str | None
    days: int


class Revoked(NamedTuple):
    """What a revoked link has shown; its grant's id, and when it would have expired in seconds since 1970."""

    kind: Kind
    subject: int
    grant_id: bytes
    expires_s: float


async def open_links_of(connection: Connection, made_by: int | None) -> int:
    """Return how many links of a maker are open. Raises StoreUnavailable."""
    return int(await connection.fetchval(_COUNT, made_by))


async def add(connection: Connection, link: NewLink, texts: dict[int, str]) -> tuple[int, dt.datetime]:
    """Add a link; return its id and its end. `texts` are those of its numbers. Raises StoreUnavailable."""
    await note_texts(connection, texts)
    row = await connection.fetchrow(_ADD, *link)
    assert row is not None, "an INSERT without a conflict returns its row"
    return row[0], row[1]


async def find(readers: Readers, secret_hash: bytes) -> Any | None:
    """Return an open link with the title and the text of its subject; None for any other. Raises StoreUnavailable."""
    return await readers.fetchrow(_FIND, secret_hash)


async def listed(readers: Readers, made_by: int | None, before: int, limit: int) -> Sequence[Any]:
    """Return links with an id below `before`, the newest first: a maker's, or everyone's. Raises StoreUnavailable."""
    return await readers.fetch(_LIST, made_by, before, limit)


async def revoke(connection: Connection, made_by: int | None, link_id: int) -> Revoked | None:
    """Revoke a link and notify; None when there is no such open link. The caller is in a transaction."""
    row = await connection.fetchrow(_REVOKE, made_by, link_id)
    if row is None:
        return None
    await sessions.notify(connection)
    return Revoked(*row)


async def forget_ended(connection: Connection) -> None:
    """Remove links that have expired 90 days ago. Raises StoreUnavailable."""
    await connection.execute(_FORGET, KEPT_AFTER)


async def erase_user(connection: Connection, user_id: int) -> int:
    """Revoke what a user shared, and what shows the user; the user goes out of both. Raises StoreUnavailable."""
    async with connection.transaction():
        rows = await connection.fetch(_ERASE, user_id)
        if rows:
            await sessions.notify(connection)
    return len(rows)
