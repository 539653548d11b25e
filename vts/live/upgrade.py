"""Whether a live connection may be opened, decided before the upgrade. Pure: callables check tokens and tickets.

A browser sends an Origin that no page can forge, so a foreign page can neither use a visitor's cookie nor read `top`
from a VTS on the same machine. Without a token, a session or a ticket every client follows public contents and no more.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from http.cookies import CookieError, SimpleCookie
from typing import Final, NamedTuple
from urllib.parse import parse_qs, urlsplit

from vts.model.hosts import OwnHosts
from vts.model.principal import Principal

_QUERY_FIELDS_MAX: Final = 8

Check = Callable[[str], Principal | None]
"""A token or a ticket → its principal, None when it is not valid."""


class SessionCheck(NamedTuple):
    """`cookie` is the name of the session's cookie, None where a session may not be: on plain HTTP off loopback."""

    cookie: str | None
    check: Check


class UpgradeAllowed(NamedTuple):
    """The upgrade may go on. `principal` is None for a client without a token.

    `is_public`: it follows what everyone may, in places of their own; else it is an anonymous browser on this machine.
    """

    principal: Principal | None
    is_public: bool = False


class UpgradeRefused(NamedTuple):
    """The upgrade is refused with an HTTP status and an error body."""

    status: int
    error: str
    error_code: str


class Rules(NamedTuple):
    """`allowed_origins` beside the own host's; `anonymous`: a browser needs no token (loopback only).

    `hosts` holds the Host values of this service.
    """

    allowed_origins: frozenset[str]
    anonymous: bool
    hosts: Container[str] = OwnHosts((), loopback_only=False)


_NOT_OURS: Final = UpgradeRefused(421, "Host: not a name of this service", "misdirected_request")
_FOREIGN: Final = UpgradeRefused(
    403, "Origin: pages of other origins follow public contents, without a token or ticket", "forbidden"
)
_EVERYONE: Final = UpgradeAllowed(None, is_public=True)
_BAD_TOKEN: Final = UpgradeRefused(401, "the token is not good", "authentication_failed")
_BAD_TICKET: Final = UpgradeRefused(401, "ticket: unknown, used or expired", "authentication_failed")


def decide(
    headers: Sequence[tuple[bytes, bytes]],
    query: str,
    *,
    rules: Rules,
    verify: Check,
    redeem: Check,
    session: SessionCheck,
) -> UpgradeAllowed | UpgradeRefused:
    """Decide about an upgrade of `/live` by its headers (names in any case) and its query string (without `?`).

    The first of Authorization, ticket and session cookie that is there decides; a ticket is used up only when the
    Origin is ours. Of another Origin no cookie is read.
    """
    origins, hosts = _values(headers, b"origin"), _values(headers, b"host")
    if any(host not in rules.hosts for host in hosts):
        return _NOT_OURS
    authorizations, tickets = _values(headers, b"authorization"), _tickets(query)
    if len(origins) > 1 or (origins and not _is_ours(origins[0], hosts, rules.allowed_origins)):
        return _FOREIGN if authorizations or tickets else _EVERYONE
    if authorizations:
        return _by(verify, _bearer(authorizations), _BAD_TOKEN)
    if tickets:
        return _by(redeem, tickets[0] if len(tickets) == 1 else "", _BAD_TICKET)
    if not origins:
        return _EVERYONE
    cookie = _cookie(session.cookie, _values(headers, b"cookie"))
    principal = session.check(cookie) if cookie else None
    if principal is None and not rules.anonymous:
        return _EVERYONE
    return UpgradeAllowed(principal)


def _by(check: Check, credential: str, fault: UpgradeRefused) -> UpgradeAllowed | UpgradeRefused:
    principal = check(credential) if credential else None
    return fault if principal is None else UpgradeAllowed(principal)


def _values(headers: Sequence[tuple[bytes, bytes]], name: bytes) -> list[str]:
    return [value.decode("latin-1").strip() for key, value in headers if key.lower() == name]


def _is_ours(origin: str, hosts: list[str], allowed: frozenset[str]) -> bool:
    """Whether the page is one of ours. `null` (a sandboxed frame, a file) never is."""
    if origin in allowed:
        return True
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    same = len(hosts) == 1 and parts.netloc != "" and parts.netloc.lower() == hosts[0].lower()
    return same and parts.scheme in ("http", "https")


def _bearer(authorizations: list[str]) -> str:
    scheme, _, token = authorizations[0].partition(" ")
    return token.strip() if len(authorizations) == 1 and scheme.lower() == "bearer" else ""


def _tickets(query: str) -> list[str]:
    try:
        fields = parse_qs(query, keep_blank_values=True, max_num_fields=_QUERY_FIELDS_MAX)
    except ValueError:
        return [""]  # so many fields are no query of ours: as bad as a bad ticket
    return fields.get("ticket", [])


def _cookie(name: str | None, cookies: list[str]) -> str:
    jar: SimpleCookie = SimpleCookie()
    try:
        for cookie in cookies:
            jar.load(cookie)
    except CookieError:
        return ""
    return jar[name].value if name is not None and name in jar else ""
