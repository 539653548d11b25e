"""The audit log: who read personal data, and who changed what as an administrator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from vts.store.session.connection import Connection
from vts.store.session.pool import Readers

_NOTE: Final = "INSERT INTO audit_log (actor, action, subject, detail) VALUES ($1, $2, $3, $4::text::jsonb)"
_PAGE: Final = """
SELECT id, at, actor, action, subject, detail::text FROM audit_log WHERE id < $1 ORDER BY id DESC LIMIT $2
"""


async def note(connection: Connection, *, actor: str, action: str, subject: str, detail: Mapping[str, Any]) -> None:
    """Note who did what to whom. `actor` is `user:7`, `service` or `service:7`. Raises StoreUnavailable."""
    await connection.execute(_NOTE, actor, action, subject, msgspec.json.encode(detail).decode())


async def page(readers: Readers, before: int, limit: int) -> Sequence[dict[str, Any]]:
    """Return entries with an id below `before`, the newest first. Raises StoreUnavailable."""
    rows = await readers.fetch(_PAGE, before, limit)
    return [{**dict(row), "detail": msgspec.json.decode(row["detail"])} for row in rows]
