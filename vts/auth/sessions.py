"""Which principal a session's cookie names, decided in memory: the cookie is signed, and ended sessions are known."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from vts.auth.seals import Seals
from vts.auth.tokens import Tokens
from vts.model.grant import Grant
from vts.model.hosts import is_loopback_name
from vts.model.principal import Principal
from vts.model.reference import NoReferenceKey, References

SECURE_COOKIE: Final = "__Host-vts_session"
"""Under HTTPS. Browsers take this prefix only with Secure, Path=/ and no Domain, so no other host can set it."""
LOOPBACK_COOKIE: Final = "vts_session"
"""On loopback over plain HTTP, where browsers take no prefix."""


class SessionsNotLoaded(Exception):
    """Which sessions have ended is not known yet: the database has not answered since the process started."""


def cookie_name(host: str, *, is_secure: bool) -> str | None:
    """Return the name of the session's cookie for a Host; None where a cookie could be read on its way."""
    if is_secure:
        return SECURE_COOKIE
    return LOOPBACK_COOKIE if is_loopback_name(host) else None


class EndedSessions:
    """The ids of sessions and share links that were ended before they expired, until they would have expired.

    `unwritten` are those that were ended here while the database was away.
    """

    def __init__(self) -> None:
        self.is_loaded = False
        self.unwritten: set[bytes] = set()
        self._until_s: dict[bytes, float] = {}

    def __contains__(self, grant_id: bytes) -> bool:
        return grant_id in self._until_s

    def __len__(self) -> int:
        return len(self._until_s)

    def add(self, ended: Iterable[tuple[bytes, float]]) -> None:
        """Take in ids and when each expires. None is taken out: a database that went back revives no session."""
        self._until_s.update(ended)

    def forget_expired(self, now_s: float) -> None:
        """Forget those that have expired: nothing accepts them any more."""
        self._until_s = {one: until_s for one, until_s in self._until_s.items() if now_s < until_s}


class Sessions:
    """Reads cookies. `references` returns what gives a user's text its number, None before its key was loaded."""

    def __init__(
        self, seals: Seals, tokens: Tokens, ended: EndedSessions, references: Callable[[], References | None]
    ) -> None:
        self._seals = seals
        self._tokens = tokens
        self._ended = ended
        self._references = references

    def grant(self, cookie: str, now_s: float) -> Grant | None:
        """Return what a cookie says; None for one that is not ours or has expired. It may have been ended."""
        return self._seals.read("session", cookie, now_s) if cookie else None

    def principal(self, cookie: str, now_s: float) -> Principal | None:
        """Return the principal of a cookie; None for one that is not ours, has expired or was ended.

        Raises SessionsNotLoaded, and NoReferenceKey for a user's text before the catalog is there.
        """
        grant = self.grant(cookie, now_s)
        if grant is None:
            return None
        if not self._ended.is_loaded:
            raise SessionsNotLoaded
        principal = principal_of(grant, self._references)
        return principal if self.holds(principal, now_s) else None

    def holds(self, principal: Principal, now_s: float) -> bool:
        """Whether what a principal came by is still good: its token, and its session or share link."""
        ended = principal.session is not None and principal.session in self._ended
        return not ended and self._tokens.holds(principal, now_s)


def principal_of(grant: Grant, references: Callable[[], References | None]) -> Principal:
    """Return the principal that a grant names. Raises NoReferenceKey."""
    number, text = (None, grant.user) if isinstance(grant.user, str) else (grant.user, None)
    if text is not None:
        known = references()
        if known is None:
            raise NoReferenceKey
        number = known.user(text)
    return Principal(
        number, frozenset(grant.roles), grant.jti, float(grant.expires_s), user_text=text, session=grant.id
    )
