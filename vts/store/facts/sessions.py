"""Sessions in PostgreSQL: which were begun, and which were ended before their time.

Who ends one notifies the other processes in the same transaction.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, Final, Literal

from vts.model.grant import Grant
from vts.model.principal import Principal
from vts.store.session import channels
from vts.store.session.connection import Connection

KEPT_AFTER: Final = dt.timedelta(days=1)  # expired sessions, so that a person can still see them in the list

_BEGIN: Final = """
INSERT INTO sessions (id, user_id, roles, origin, link_id, device_type, began_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, to_timestamp($7::float8), to_timestamp($8::float8))
ON CONFLICT (link_id) DO NOTHING RETURNING true
"""
_END: Final = "UPDATE sessions SET ended_at = now() WHERE id = ANY($1::bytea[]) AND ended_at IS NULL RETURNING id"
# Principals without a user id (operators by a link) have in common what they may do.
_THEIRS: Final = "user_id IS NOT DISTINCT FROM $1 AND (user_id IS NOT NULL OR roles = $2)"
_END_ALL: Final = f"""
UPDATE sessions SET ended_at = now() WHERE {_THEIRS} AND ended_at IS NULL AND expires_at > now()
RETURNING id, extract(epoch FROM expires_at)::float8
"""  # noqa: S608 -- a text of ours
_END_ONE: Final = _END_ALL.replace("WHERE ", "WHERE id = $3 AND ", 1)
_LIST: Final = f"""
SELECT id, origin, device_type, began_at, expires_at FROM sessions
WHERE {_THEIRS} AND ended_at IS NULL AND expires_at > now() ORDER BY began_at DESC, id LIMIT $3
"""  # noqa: S608 -- a text of ours
_ENDED: Final = """
SELECT id, extract(epoch FROM expires_at)::float8 FROM sessions WHERE ended_at IS NOT NULL AND expires_at > now()
UNION ALL
SELECT substring(secret_hash FOR 16), extract(epoch FROM expires_at)::float8 FROM share_links
WHERE revoked_at IS NOT NULL AND expires_at > now()
"""
_FORGET: Final = "DELETE FROM sessions WHERE expires_at < now() - $1::interval"
_ERASE: Final = """
UPDATE sessions SET user_id = NULL, ended_at = coalesce(ended_at, now()) WHERE user_id = $1 RETURNING id
"""
_NOTIFY: Final = "SELECT pg_notify($1, '')"

Ended = tuple[bytes, float]
"""The id of a session, and when it would have expired, in seconds since 1970."""


async def begin(
    connection: Connection,
    grant: Grant,
    user_id: int | None,
    origin: Literal["link", "token"],
    link_id: bytes | None,
    device_type: str,
) -> bool:
    """Add a session; False when the link that it came from was redeemed before. Raises StoreUnavailable."""
    who = (user_id, _sorted(grant.roles), origin, link_id, device_type)
    return bool(await connection.fetchval(_BEGIN, grant.id, *who, grant.issued_s, grant.expires_s))


async def end(connection: Connection, ids: Sequence[bytes]) -> None:
    """End sessions by their ids; those that have ended stay as they are. Raises StoreUnavailable."""
    async with connection.transaction():
        if await connection.fetch(_END, list(ids)):
            await notify(connection)


async def end_of(connection: Connection, principal: Principal, session_id: bytes | None = None) -> list[Ended]:
    """End every session of a principal's user, or the one of this id if it is the user's. Raises StoreUnavailable."""
    who = (principal.user_id, _sorted(principal.roles))
    async with connection.transaction():
        if session_id is None:
            rows = await connection.fetch(_END_ALL, *who)
        else:
            rows = await connection.fetch(_END_ONE, *who, session_id)
        if rows:
            await notify(connection)
    return [(row[0], row[1]) for row in rows]


async def listed(connection: Connection, principal: Principal, limit: int) -> Sequence[Any]:
    """Return the open sessions of a principal's user, the newest first. Raises StoreUnavailable."""
    return await connection.fetch(_LIST, principal.user_id, _sorted(principal.roles), limit)


async def ended(connection: Connection) -> list[Ended]:
    """Return the sessions and share links that were ended and would not have expired yet. Raises StoreUnavailable."""
    return [(row[0], row[1]) for row in await connection.fetch(_ENDED)]


async def forget_expired(connection: Connection) -> None:
    """Remove sessions that have expired a day ago. Raises StoreUnavailable."""
    await connection.execute(_FORGET, KEPT_AFTER)


async def erase_user(connection: Connection, user_id: int) -> int:
    """End every session of a user and take the user out of them. Returns how many. Raises StoreUnavailable."""
    async with connection.transaction():
        rows = await connection.fetch(_ERASE, user_id)
        if rows:
            await notify(connection)
    return len(rows)


async def notify(connection: Connection) -> None:
    """Tell every process, with the commit, that the list of ended sessions has changed. Raises StoreUnavailable."""
    await connection.execute(_NOTIFY, channels.SESSIONS)


def _sorted(roles: Sequence[str] | frozenset[str]) -> list[str]:
    return sorted(roles)
