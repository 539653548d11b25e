"""The principal of a request, and what that principal may do."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from typing import Final

from quart import Request

from vts.auth.seals import Seals
from vts.auth.sessions import Sessions, SessionsNotLoaded, cookie_name
from vts.auth.tickets import Tickets
from vts.auth.tokens import BadToken, Principal, Tokens
from vts.enrich.schemes import Schemes
from vts.model.content import Content
from vts.model.day import SECOND_US
from vts.model.ports import Catalog, Clock
from vts.model.reference import NoReferenceKey
from vts.web.answers import Problem, catalog_not_loaded, sessions_not_loaded

FORM_HEADER: Final = "X-VTS-Form"
"""The header that repeats the token of the session's forms, for requests that say not from which page they come."""
_READING: Final = frozenset(("GET", "HEAD", "OPTIONS"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """The rules of who may ask, and under which name.

    `hosts`: names of this service. `allowed_origins`: pages of other sites that may call it. `schemes` has the trusted
    proxies and the public URL, which is empty or has no slash at its end. `anonymous_live`: a browser needs no token
    for public live counts.
    """

    clock: Clock
    tokens: Tokens
    tickets: Tickets
    sessions: Sessions
    seals: Seals
    hosts: Container[str]
    allowed_origins: frozenset[str]
    schemes: Schemes
    anonymous_live: bool

    @property
    def now_s(self) -> float:
        """The time in seconds since 1970."""
        return self.clock() / SECOND_US

    def verify(self, token: str) -> Principal:
        """Return the principal of a token.

        Raises Problem 401 for one that is not valid, and 503 for a user's text before the catalog is there.
        """
        try:
            return self.tokens.verify(token, self.now_s)
        except BadToken as fault:
            raise Problem(401, f"Authorization: {fault}") from None
        except NoReferenceKey:
            raise catalog_not_loaded() from None


def principal_of(request: Request, access: Access, form_token: str = "") -> Principal | None:
    """Return the principal of the bearer token or of the session's cookie; None without either.

    A cookie counts only where the request comes from our own pages, and one that has expired or was ended counts as
    none: a browser sends cookies without being asked. `form_token` is that of a form that was sent.
    Raises Problem 401 for a token that is not valid, and 503 while the ended sessions are not known.
    """
    shown = bearer_of(request, access)
    cookie = session_cookie_of(request, access)
    if shown is not None or not cookie or not is_from_own_page(request, access, form_token):
        return shown
    try:
        return access.sessions.principal(cookie, access.now_s)
    except SessionsNotLoaded:
        raise sessions_not_loaded() from None
    except NoReferenceKey:
        raise catalog_not_loaded() from None


def scheme_of(request: Request, access: Access) -> str:
    """Return the scheme of the client."""
    forwarded = request.headers.getlist("X-Forwarded-Proto")
    return access.schemes.of_client(request.remote_addr or "", request.scheme, forwarded)


def is_secure(request: Request, access: Access) -> bool:
    """Whether the client reached this service by HTTPS."""
    return access.schemes.is_secure(scheme_of(request, access), request.host)


def session_cookie_of(request: Request, access: Access) -> str:
    """Return the session's cookie; an empty text for none, and where no session may be: on plain HTTP off loopback."""
    name = cookie_name(request.host, is_secure=is_secure(request, access))
    return request.cookies.get(name, "") if name else ""


def is_from_own_page(request: Request, access: Access, form_token: str = "", form_cookie: str = "") -> bool:
    """Whether a request comes from a page of ours, of an allowed origin, or from no page at all.

    `Sec-Fetch-Site` says it where browsers send it (only to HTTPS and to loopback), else the Origin. A link on another
    page that is followed (`navigate`) shows our answer to the visitor and not to that page. Where both headers are
    missing, a request that changes something has to repeat the token of its cookie, in the form or in `X-VTS-Form`;
    `form_cookie` is the cookie of a form that is sent without a session.
    """
    origin, site = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site")
    if origin is not None and origin in access.allowed_origins:
        return True
    if request.headers.get("Sec-Fetch-Mode") == "navigate" and request.method in ("GET", "HEAD"):
        return True
    if site is not None and site not in ("same-origin", "none"):
        return False
    if origin is not None:
        return origin.partition("://")[2] == request.host
    if site is not None or request.method in _READING:
        return True
    token = form_token or request.headers.get(FORM_HEADER, "")
    cookies = (session_cookie_of(request, access), form_cookie)
    return any(access.seals.is_form_token(token, cookie) for cookie in cookies)


def bearer_of(request: Request, access: Access) -> Principal | None:
    """Return the principal of the bearer token, independent of cookies; None when there is none.

    Raises Problem 401 for a token that is not valid: also where none is needed, so that a client whose token has
    expired gets the same answer from every route.
    """
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if not scheme:
        return None
    if scheme.lower() != "bearer":
        raise Problem(401, "Authorization: a Bearer token is expected")
    return access.verify(token.strip())


def require(principal: Principal | None) -> Principal:
    """Return the principal, or raise Problem 401."""
    if principal is None:
        raise Problem(401, "Authorization: a token is needed")
    return principal


def require_service(principal: Principal | None) -> Principal:
    """Return the principal when it is a service, else raise Problem 401 or 403."""
    if not require(principal).is_service:
        raise Problem(403, "Authorization: a service token is needed")
    return require(principal)


def require_reader_of_all(request: Request, access: Access) -> Principal:
    """Return the principal when it may read all statistics, else raise Problem 401 or 403."""
    principal = require(principal_of(request, access))
    if not principal.reads_everything:
        raise Problem(403, "Authorization: the role moderator or owner, or a service token is needed")
    return principal


def require_administrator(request: Request, access: Access) -> Principal:
    """Return the principal when it is the site's owner or a service, else raise Problem 401 or 403.

    A moderator may read statistics, and no personal data.
    """
    principal = require(principal_of(request, access))
    if not principal.administers:
        raise Problem(403, "Authorization: the role owner or service is needed")
    return principal


def require_catalog(catalog: Catalog) -> None:
    """Raise Problem 503 while the catalog is not in memory."""
    if not catalog.ready:
        raise catalog_not_loaded()


def readable_content(principal: Principal | None, catalog: Catalog, post_id: int) -> Content:
    """Return a content whose statistics the principal may read, else raise Problem 401, 403, 404 or 503.

    A deleted content is answered as one that was never there, to everyone who shows a token.
    """
    principal = require(principal)
    require_catalog(catalog)
    content = catalog.content(post_id)
    if content is None or content.deleted:
        raise Problem(404, "post_id: unknown content")
    if not principal.may_read(content.owner_id):
        raise Problem(403, "post_id: not yours to read")
    return content
