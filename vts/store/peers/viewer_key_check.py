"""Whether all processes on one database derive viewer keys in the same way.

Under different viewer secrets, windows or identities a person is several viewers and a resent view counts again. So
each process holds a shared advisory lock whose key is a digest of these three, on the session that receives the others'
notices, and counts the locks with another digest. Nothing has to be cleaned up: a lock ends with its session.
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

_ANNOUNCE: Final = "SELECT pg_try_advisory_lock_shared($1, $2)"  # taken in shared mode only, so it is always free
_OTHERS: Final = """
SELECT count(DISTINCT pid) FROM pg_locks
WHERE locktype = 'advisory' AND granted AND classid = $1::bigint AND objid <> $2::bigint AND objsubid = 2
    AND pg_locks.database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


def viewer_key_name(viewer_secret: bytes, rotate_days: int, viewer_identity: str) -> int:
    """Return the name of these viewer keys: 31 bits, from which the secret cannot be found.

    The text "kin" keeps these keys apart from other uses of the secret. It is fixed: another text would make processes
    of different versions count as different.
    """
    digest = hmac.digest(viewer_secret, f"kin {rotate_days} {viewer_identity}".encode(), "sha256")
    return int.from_bytes(digest[:4], "big") >> 1


async def announce(connection: Connection, name: int) -> int:
    """Take the lock for the session's life; return how many processes have other keys. Raises StoreUnavailable."""
    await connection.fetchval(_ANNOUNCE, VIEWER_KEYS, name)
    return await others_with_other_keys(connection, name)


async def others_with_other_keys(connection: Connection, name: int) -> int:
    """Return how many running processes derive viewer keys in another way. Raises StoreUnavailable."""
    return int(await connection.fetchval(_OTHERS, VIEWER_KEYS, name))
