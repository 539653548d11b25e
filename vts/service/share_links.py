"""Links that share one content's or artist's statistics with people who have no account.

The secret has 256 random bits; only its SHA-256 is kept, so a copy of the database opens nothing. A link that an owner
made is good as long as that user owns the content.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import os
from typing import Any, Final, NamedTuple

from vts.auth.sessions import EndedSessions
from vts.model.grant import GRANT_ID_BYTES
from vts.model.ports import Catalog
from vts.model.principal import Principal
from vts.service.audit_log import actor_of
from vts.store.facts import audit, share_links
from vts.store.facts.share_links import Kind, NewLink
from vts.store.session.connection import Connection
from vts.store.session.pool import Readers, Writer

SECRET_BYTES: Final = 32
SECRET_CHARS: Final = 43  # of base64 without padding
DAYS: Final = 30
DAYS_MAX: Final = 366
NOTE_MAX_CHARS: Final = 200
OPEN_MAX: Final = 1_000  # of one maker: a person keeps track of far fewer


class TooManyLinks(Exception):
    """The maker has as many open links as one may have."""


class Made(NamedTuple):
    """A link that was made. The secret is shown this once."""

    id: int
    secret: str
    expires_at: dt.datetime


class Shared(NamedTuple):
    """What an open link shows. `text` and `title` are the subject's, None where it has none."""

    kind: Kind
    subject: int
    expires_at: dt.datetime
    title: str | None
    text: str | None
    grant_id: bytes

    @property
    def principal(self) -> Principal:
        """Who may follow the one topic of the link, and nothing else."""
        expires_s = self.expires_at.timestamp()
        only = (self.kind, self.subject)
        return Principal(None, frozenset(), expires_s=expires_s, session=self.grant_id, only=only)


class ShareLinks:
    """`catalog` says who owns a content now."""

    def __init__(self, writer: Writer, readers: Readers, catalog: Catalog, ended: EndedSessions) -> None:
        self._writer = writer
        self._readers = readers
        self._catalog = catalog
        self._ended = ended

    async def make(
        self, who: Principal, kind: Kind, subject: int, days: int, note: str | None, texts: dict[int, str]
    ) -> Made:
        """Make a link, noted in the audit log. The caller has checked that the principal may read the subject.

        Raises TooManyLinks, StoreUnavailable.
        """
        secret = base64.urlsafe_b64encode(os.urandom(SECRET_BYTES)).decode("ascii").rstrip("=")
        link = NewLink(_hash(secret), kind, subject, who.user_id, not who.reads_everything, note, days)

        async def write(session: Connection) -> tuple[int, dt.datetime]:
            async with session.transaction():
                if await share_links.open_links_of(session, who.user_id) >= OPEN_MAX:
                    raise TooManyLinks
                made = await share_links.add(session, link, texts | _own_text(who))
                await _note(session, who, "share_link.make", kind, subject, {"id": made[0], "days": days})
                return made

        link_id, expires_at = await self._writer.write(write)
        return Made(link_id, secret, expires_at)

    async def find(self, secret: str) -> Shared | None:
        """Return what a link shows; None when it is unknown, revoked, expired or no longer its owner's.

        Raises StoreUnavailable.
        """
        if len(secret) != SECRET_CHARS or not secret.isascii():
            return None
        secret_hash = _hash(secret)
        row = await share_links.find(self._readers, secret_hash)
        if row is None or not self._is_still_shown(row) or secret_hash[:GRANT_ID_BYTES] in self._ended:
            return None
        kind, subject, _, _, expires_at, title, text = row
        return Shared(kind, subject, expires_at, title, text, secret_hash[:GRANT_ID_BYTES])

    async def revoke(self, who: Principal, link_id: int) -> bool:
        """Revoke a link of the principal's, or any for readers of everything; False when there is none.

        Raises StoreUnavailable.
        """

        async def write(session: Connection) -> share_links.Revoked | None:
            async with session.transaction():
                revoked = await share_links.revoke(session, _maker(who), link_id)
                if revoked is not None:
                    detail = {"id": link_id}
                    await _note(session, who, "share_link.revoke", revoked.kind, revoked.subject, detail)
                return revoked

        revoked = await self._writer.write(write)
        if revoked is None:
            return False
        self._ended.add([(revoked.grant_id, revoked.expires_s)])
        return True

    async def listed(self, who: Principal, before: int, limit: int) -> list[dict[str, Any]]:
        """Return the principal's links, or everyone's for readers of everything. Raises StoreUnavailable."""
        return [dict(row) for row in await share_links.listed(self._readers, _maker(who), before, limit)]

    def _is_still_shown(self, row: Any) -> bool:
        if row["kind"] == "artist":
            return True
        content = self._catalog.content(row["subject"])
        if content is None or content.deleted:
            return False
        return not row["by_owner"] or content.owner_id == row["made_by"]


def _maker(who: Principal) -> int | None:
    """Return whose links a principal may see and revoke: None for everyone's."""
    if who.reads_everything:
        return None
    assert who.user_id is not None, "a token without a subject reads everything"
    return who.user_id


def _own_text(who: Principal) -> dict[int, str]:
    """Return the text of a principal that is named by one, under its number."""
    return {} if who.user_id is None or who.user_text is None else {who.user_id: who.user_text}


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


async def _note(
    session: Connection, who: Principal, action: str, kind: Kind, subject: int, detail: dict[str, Any]
) -> None:
    named = f"{'user' if kind == 'artist' else 'content'}:{subject}"
    await audit.note(session, actor=actor_of(who), action=action, subject=named, detail=detail)
