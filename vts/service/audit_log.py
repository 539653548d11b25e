"""The audit log: which token did what to the catalog and to a person's data, and when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vts.model.principal import Principal
from vts.store.drain.texts import note_texts
from vts.store.facts import audit
from vts.store.session.connection import Connection
from vts.store.session.pool import Readers, Writer


class AuditLog:
    """An entry is committed before the thing that it names is done."""

    def __init__(self, writer: Writer, readers: Readers) -> None:
        self._writer = writer
        self._readers = readers

    async def note(self, principal: Principal, action: str, subject: str, detail: dict[str, Any]) -> int:
        """Add an entry about what the bearer of a token does, with the bearer's text; return the entry's id.

        Raises StoreUnavailable.
        """
        user_id, text = principal.user_id, principal.user_text
        texts = {} if user_id is None or text is None else {user_id: text}
        actor = actor_of(principal)

        async def write(session: Connection) -> int:
            async with session.transaction():
                await note_texts(session, texts)
                return await audit.note(session, actor=actor, action=action, subject=subject, detail=detail)

        return await self._writer.write(write)

    async def page(self, before: int, limit: int) -> Sequence[dict[str, Any]]:
        """Return up to `limit` entries with an id below `before`, the newest first. Raises StoreUnavailable."""
        return await audit.page(self._readers, before, limit)


def actor_of(principal: Principal) -> str:
    """Return how the audit log names the bearer: `user:7`, `service`, or `service:7` for one with a subject."""
    kind = "service" if principal.is_service or principal.user_id is None else "user"
    return kind if principal.user_id is None else f"{kind}:{principal.user_id}"
