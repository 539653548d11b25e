"""Who is asking, and whether they may."""

from __future__ import annotations

from quart import Request

from vts.auth.tokens import BadToken, Principal, Tokens
from vts.model.content import Content
from vts.model.ports import Catalog
from vts.web.answers import Problem

SESSION_COOKIE = "vts_session"


def principal_of(request: Request, tokens: Tokens, now_us: int) -> Principal | None:
    """Return who the bearer token or the dashboard's session cookie speaks for; None for nobody.

    Raises Problem 401 for a token that is not good.
    """
    shown = bearer_of(request, tokens, now_us)
    cookie = request.cookies.get(SESSION_COOKIE, "")
    return shown if shown is not None or not cookie else _verified(cookie, tokens, now_us)


def bearer_of(request: Request, tokens: Tokens, now_us: int, headers: dict[str, str] | None = None) -> Principal | None:
    """Return who the bearer token speaks for, whatever the cookies; None when there is none.

    Raises Problem 401, with `headers`, for a token that is not good: also where none is needed, so that a client whose
    token has expired is told everywhere.
    """
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if not scheme:
        return None
    if scheme.lower() != "bearer":
        raise Problem(401, "Authorization: a Bearer token is expected", headers=headers)
    return _verified(token.strip(), tokens, now_us, headers)


def _verified(token: str, tokens: Tokens, now_us: int, headers: dict[str, str] | None = None) -> Principal:
    try:
        return tokens.verify(token, now_us / 1_000_000)
    except BadToken as fault:
        raise Problem(401, f"Authorization: {fault}", headers=headers) from None


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


def readable_content(principal: Principal | None, catalog: Catalog, post_id: int) -> Content:
    """Return a content whose statistics the principal may read, else raise Problem 401, 403, 404 or 503."""
    who = require(principal)
    if not catalog.ready:
        raise Problem(503, "the catalog is not loaded yet; try again", "unavailable", {"Retry-After": "2"})
    content = catalog.content(post_id)
    if content is None or content.deleted:
        if who.reads_everything:
            raise Problem(404, "post_id: unknown content")
        # Whoever may not read everything learns nothing about what exists.
        raise Problem(403 if content is not None else 404, "post_id: unknown content, or not yours")
    if not who.may_read(content.owner_id):
        raise Problem(403, "post_id: not yours to read")
    return content


def actor_of(who: Principal) -> str:
    """Return how the audit log names the bearer: `user:7`, `service`, or `service:7` for one with a subject."""
    kind = "service" if who.is_service or who.user_id is None else "user"
    return kind if who.user_id is None else f"{kind}:{who.user_id}"
