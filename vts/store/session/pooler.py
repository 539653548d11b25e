"""Which settings a session begins with, and whether it is one: a pooler may lend a server for a transaction only.

Poolers refuse startup parameters that they do not know, so settings are made by a statement. Locks, notifications,
prepared statements and those settings belong to a session of the server; behind a pooler that changes the server from
one transaction to the next, a commit would not wait for the disk and two processes would hold one lock.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import asyncpg

from vts.store.session.faults import SharedSession

# The driver's settings and the process id of the server, in one statement. count() reads what every set_config returns.
_SETTLE: Final = """
SELECT pg_backend_pid(), count(set_config(name, value, false)) FROM unnest($1::text[], $2::text[]) AS told(name, value)
"""
_WHO: Final = "SELECT pg_backend_pid()"
# PostgreSQL's error for a statement that was prepared on another server, and PgBouncer of BEGIN between statements.
_LOST: Final = (asyncpg.InvalidSQLStatementNameError, asyncpg.DuplicatePreparedStatementError)
_ROUNDS: Final = 8  # a single question missed 4 of 720 connects of twelve clients at once on busy cores; a round none
_NO_TRANSACTIONS: Final = "pooling"


async def settle(raw: Any, settings: Mapping[str, str], again: Callable[[], Awaitable[Any]]) -> None:
    """Make the settings of a new session of the driver's. Raises SharedSession behind a pooler of another mode.

    `again` opens a second session at the same address; it is used only where there is a pooler.
    """
    try:
        server = await raw.fetchval(_SETTLE, list(settings), list(settings.values()))
        if server != raw.get_server_pid():  # a pooler answers the login with a number of its own
            await _must_stay(raw, server, again)
    except _LOST:
        raise SharedSession from None


async def _must_stay(raw: Any, server: int, again: Callable[[], Awaitable[Any]]) -> None:
    """Occupy a server by a transaction of another session: ours is still ours, or it was never ours alone.

    In a busy pool we may be lent the same server again by chance. So a round looks twice, with the other session
    inside and outside its transaction, and there are several rounds.
    """
    other = await again()
    try:
        for _ in range(_ROUNDS):
            await other.execute("BEGIN")
            taken = await other.fetchval(_WHO)
            if taken == server or await raw.fetchval(_WHO) != server:
                raise SharedSession
            await other.execute("ROLLBACK")
            if await raw.fetchval(_WHO) != server:
                raise SharedSession
    except asyncpg.PostgresError as error:
        if _NO_TRANSACTIONS in str(error):
            raise SharedSession from None
        raise
    finally:
        other.terminate()
