"""Signing in and out: one-time links, the host's tokens, and the list of sessions.

A link is signed and says who and until when, so making one needs no database. Redeeming one adds a session that carries
the link's id, which the database has once: so every process may redeem it, and only one does.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any, Final, Literal, NamedTuple

from vts.auth.seals import Seals
from vts.auth.sessions import EndedSessions, principal_of
from vts.auth.tokens import Tokens
from vts.enrich.device import device_type
from vts.model.day import SECOND_US
from vts.model.faults import StoreUnavailable
from vts.model.grant import GRANT_ID_BYTES, Grant
from vts.model.ports import Clock
from vts.model.principal import Principal
from vts.model.reference import References
from vts.store.facts import sessions
from vts.store.session.connection import Connection
from vts.store.session.pool import Writer

LINK_TTL_S: Final = 900  # long enough to find the mail, short enough that a forgotten one is worth nothing
LISTED_MAX: Final = 200


class BadSignIn(Exception):
    """No session begins. The text says why, and repeats nothing of what was sent."""


class Begun(NamedTuple):
    """A session that has begun: the text of its cookie, and what it says."""

    cookie: str
    grant: Grant


class SignIn:
    """`ttl_s` is how long a session may last. `references` gives a user's text its number."""

    def __init__(
        self,
        writer: Writer,
        seals: Seals,
        tokens: Tokens,
        ended: EndedSessions,
        references: Callable[[], References | None],
        clock: Clock,
        ttl_s: float,
    ) -> None:
        self._writer = writer
        self._seals = seals
        self._tokens = tokens
        self._ended = ended
        self._references = references
        self._clock = clock
        self._ttl_s = ttl_s

    def make_link(self, user: int | str | None, roles: frozenset[str], jti: str | None = None) -> tuple[str, Grant]:
        """Return a one-time link's secret, and what it grants. `jti` is the id of the token that asked for it."""
        grant = self._grant(user, roles, self._now_s + LINK_TTL_S, jti)
        return self._seals.seal("login link", grant), grant

    def look_at(self, link: str) -> Grant | None:
        """Return what a link grants, None for one that is unknown or has expired. It may have been used."""
        return self._seals.read("login link", link, self._now_s)

    async def by_link(self, link: str, agent: str, replaces: Grant | None = None) -> Begun:
        """Redeem a link. `agent` is the browser's, `replaces` the session that it has. Raises BadSignIn.

        Raises StoreUnavailable, too: then the link is as good as before. NoReferenceKey before the catalog is there.
        """
        link_grant = self.look_at(link)
        if link_grant is None:
            raise BadSignIn("the link is unknown or has expired")
        who = principal_of(link_grant, self._references)
        if not self._tokens.holds(who, self._now_s):
            raise BadSignIn("the token that the link was made with has been revoked")
        grant = self._grant(link_grant.user, who.roles, self._now_s + self._ttl_s, link_grant.jti)
        return await self._begin(grant, who.user_id, "link", link_grant.id, agent, replaces)

    async def by_token(self, who: Principal, agent: str, replaces: Grant | None = None) -> Begun:
        """Begin a session for the bearer of a token; it ends with the token. Raises BadSignIn, StoreUnavailable."""
        if who.is_service:
            raise BadSignIn("a service's token begins no session; ask for a link with it")
        user = who.user_text or who.user_id
        grant = self._grant(user, who.roles, min(who.expires_s, self._now_s + self._ttl_s), who.jti)
        return await self._begin(grant, who.user_id, "token", None, agent, replaces)

    async def end(self, grant: Grant) -> None:
        """End a session here and now, and in the database; while that is away, as soon as it is back."""
        self._ended.add([(grant.id, grant.expires_s)])
        try:
            await self._writer.write(lambda session: sessions.end(session, [grant.id]))
        except StoreUnavailable:
            self._ended.unwritten.add(grant.id)

    async def end_all(self, who: Principal) -> int:
        """End every session of a user. Returns how many. Raises StoreUnavailable."""
        ended = await self._writer.write(lambda session: sessions.end_of(session, who))
        self._ended.add(ended)
        return len(ended)

    async def end_one(self, who: Principal, session_id: bytes) -> bool:
        """End one session of a user; False when the user has no such session. Raises StoreUnavailable."""
        ended = await self._writer.write(lambda session: sessions.end_of(session, who, session_id))
        self._ended.add(ended)
        return bool(ended)

    async def listed(self, who: Principal) -> list[dict[str, Any]]:
        """Return the open sessions of a user, the newest first. Raises StoreUnavailable."""
        rows: Sequence[Any] = await self._writer.write(lambda session: sessions.listed(session, who, LISTED_MAX))
        return [{**dict(row), "id": row["id"].hex(), "current": row["id"] == who.session} for row in rows]

    @property
    def _now_s(self) -> float:
        return self._clock() / SECOND_US

    def _grant(self, user: int | str | None, roles: frozenset[str], expires_s: float, jti: str | None) -> Grant:
        """Return a grant with an id of its own: nothing that a client sends becomes the id of a session."""
        return Grant(
            id=os.urandom(GRANT_ID_BYTES),
            user=user,
            roles=tuple(sorted(roles)),
            issued_s=int(self._now_s),
            expires_s=int(expires_s),
            jti=jti,
        )

    async def _begin(
        self,
        grant: Grant,
        user_id: int | None,
        origin: Literal["link", "token"],
        link_id: bytes | None,
        agent: str,
        replaces: Grant | None,
    ) -> Begun:
        async def write(session: Connection) -> bool:
            async with session.transaction():
                begun = await sessions.begin(session, grant, user_id, origin, link_id, device_type(agent))
                if begun and replaces is not None:
                    await sessions.end(session, [replaces.id])
                return begun

        if not await self._writer.write(write):
            raise BadSignIn("the link has been used")
        if replaces is not None:
            self._ended.add([(replaces.id, replaces.expires_s)])
        return Begun(self._seals.seal("session", grant), grant)
