"""The audit log: which token did what to the catalog and to a person's data, and when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vts.store.facts import audit
from vts.store.session.pool import Readers, Writer


class AuditLog:
    """An entry is committed before the thing that it names is done."""

    def __init__(self, writer: Writer, readers: Readers) -> None:
        self._writer = writer
        self._readers = readers

    async def note(self, actor: str, action: str, subject: str, detail: dict[str, Any]) -> None:
        """Add an entry. `actor` is `user:7`, `service` or `service:7`. Raises StoreUnavailable."""
        await self._writer.write(
            lambda session: audit.note(session, actor=actor, action=action, subject=subject, detail=detail)
        )

    async def page(self, before: int, limit: int) -> Sequence[dict[str, Any]]:
        """Return up to `limit` entries with an id below `before`, the newest first. Raises StoreUnavailable."""
        return await audit.page(self._readers, before, limit)
