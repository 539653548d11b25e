"""Whether all processes on one database know viewers by the same keys.

Under different viewer secrets, windows or identities a person is several viewers and a resent view counts again. So
each process holds a shared advisory lock that names what its keys are made of, for as long as it hears the others'
notices, and looks for other names beside it. Nothing has to be tidied away: a lock ends with its session.
"""

from __future__ import annotations

import hmac
from typing import Final

from vts.store.session.connection import Connection
from vts.store.session.locks import VIEWER_KEYS

OTHER_KEYS: Final = (
    "know viewers by other keys: a person is several viewers, and a resent view counts again",
    "set the same VTS_PRIVACY__VIEWER_SECRET, VTS_PRIVACY__ROTATE_DAYS and VTS_PRIVACY__VIEWER_IDENTITY for all",
)

_STAND: Final = "SELECT pg_try_advisory_lock_shared($1, $2)"  # nobody takes it for himself
_STRANGERS: Final = """
SELECT count(DISTINCT pid) FROM pg_locks
WHERE locktype = 'advisory' AND granted AND classid = $1::bigint AND objid <> $2::bigint AND objsubid = 2
    AND pg_locks.database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


def kin_name(viewer_secret: bytes, rotate_days: int, viewer_identity: str) -> int:
    """Return the name of these viewer keys: 31 bits that tell nothing of the secret."""
    digest = hmac.digest(viewer_secret, f"kin {rotate_days} {viewer_identity}".encode(), "sha256")
    return int.from_bytes(digest[:4], "big") >> 1


async def stand(connection: Connection, name: int) -> int:
    """Say for the session's life what our keys are; return how many processes have others. Raises StoreUnavailable."""
    await connection.fetchval(_STAND, VIEWER_KEYS, name)
    return await strangers(connection, name)


async def strangers(connection: Connection, name: int) -> int:
    """Return how many running processes know viewers by other keys. Raises StoreUnavailable."""
    return int(await connection.fetchval(_STRANGERS, VIEWER_KEYS, name))
