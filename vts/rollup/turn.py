"""Whose turn it is: one session at a time, in all processes of a database, rolls up and drops days."""

from __future__ import annotations

from typing import Final

from vts.store.connection import Connection

_TRY: Final = "SELECT pg_try_advisory_lock(7287, 1)"
_WAIT: Final = "SELECT pg_advisory_lock(7287, 1)"


async def try_turn(connection: Connection) -> bool:
    """Take the turn if nobody has it. It ends with the session."""
    return bool(await connection.fetchval(_TRY))


async def wait_turn(connection: Connection) -> None:
    """Take the turn when it comes. Raises StoreUnavailable when that takes longer than a command may."""
    await connection.execute(_WAIT)
