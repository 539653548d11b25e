"""The audit log: who read personal data, and who changed what as an administrator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from vts.store.session.connection import Connection
from vts.store.session.pool import Readers

_NOTE: Final = (
    "INSERT INTO audit_log (actor, action, subject, detail) VALUES ($1, $2, $3, $4::text::jsonb) RETURNING id"
)
AUDITED_NUMBER: Final = "substring({} FROM '^(?:user|service):([0-9]{{19}})$')::bigint"
"""The number of a user in the log. The text is not in it, so that erasing the text takes it out of here, too."""
_PAGE: Final = f"""
SELECT id, at, coalesce(split_part(actor, ':', 1) || ':' || a.text, actor) AS actor, action,
    coalesce(split_part(subject, ':', 1) || ':' || s.text, subject) AS subject, detail::text
FROM audit_log
LEFT JOIN reference_texts AS a ON a.number = {AUDITED_NUMBER.format("actor")}
LEFT JOIN reference_texts AS s ON s.number = {AUDITED_NUMBER.format("subject")}
WHERE id < $1 ORDER BY id DESC LIMIT $2
"""  # noqa: S608 -- texts of ours


async def note(connection: Connection, *, actor: str, action: str, subject: str, detail: Mapping[str, Any]) -> int:
    """Note who did what to whom; return the entry's id. `actor` is `user:7`, `service` or `service:7`.

    Raises StoreUnavailable.
    """
    entry: int = await connection.fetchval(_NOTE, actor, action, subject, msgspec.json.encode(detail).decode())
    return entry


async def page(readers: Readers, before: int, limit: int) -> Sequence[dict[str, Any]]:
    """Return entries with an id below `before`, the newest first. Raises StoreUnavailable."""
    rows = await readers.fetch(_PAGE, before, limit)
    return [{**dict(row), "detail": msgspec.json.decode(row["detail"])} for row in rows]
