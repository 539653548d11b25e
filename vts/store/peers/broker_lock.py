"""Which lock the reader of the broker holds: one for each session name, and the name follows from the database."""

from __future__ import annotations

import hashlib
from typing import Final

from vts.store.session.connection import Connection
from vts.store.session.locks import BROKER_READER

_INSTALLATION: Final = "SELECT id FROM installation"
_HOLDER: Final = """
SELECT application_name FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE locktype = 'advisory' AND granted AND classid = $1::bigint AND objid = $2::bigint AND objsubid = 2
    AND pg_locks.database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


def session_name(installation: bytes, topic_prefix: str) -> str:
    """Return the client id that all processes on one database share: 20 characters that every broker takes."""
    return "vts-" + hashlib.sha256(installation + topic_prefix.encode()).hexdigest()[:16]


def lock_key(session: str) -> int:
    """Return the second half of the lock's key: 31 bits, so that PostgreSQL's unsigned view of it is the same."""
    return int.from_bytes(hashlib.sha256(session.encode()).digest()[:4], "big") >> 1


async def installation_of(connection: Connection) -> bytes:
    """Return the id that the database got with its tables: 16 bytes. Raises StoreUnavailable."""
    return bytes(await connection.fetchval(_INSTALLATION))


async def holder(connection: Connection, session: str) -> str | None:
    """Return the application name of the process that leads, None when there is none. Raises StoreUnavailable."""
    name: str | None = await connection.fetchval(_HOLDER, BROKER_READER, lock_key(session))
    return name
