"""One-time links, made for a person by a service or by the site's owner."""

from __future__ import annotations

import datetime as dt
from typing import Final, Literal

import msgspec
from quart import Blueprint, Response, request

from vts.model.reference import NoReferenceKey
from vts.service.audit_log import AuditLog
from vts.service.sign_in import SignIn
from vts.web.access import Access, require_administrator
from vts.web.answers import Problem, catalog_not_loaded, json_answer
from vts.web.naming import Naming
from vts.web.origin import base_url


class LoginLink(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST /api/login-links`. Without a user the link signs in an owner of the site."""

    user: int | str | None = None
    roles: list[Literal["user", "moderator", "owner"]] = []


_read_body: Final = msgspec.json.Decoder(LoginLink).decode


def blueprint(access: Access, sign_in: SignIn, audit: AuditLog, naming: Naming) -> Blueprint:
    """Return `POST /api/login-links`."""
    routes = Blueprint("login_links", __name__)

    @routes.post("/api/login-links")
    async def make_link() -> Response:
        principal = require_administrator(request, access)
        try:
            body = _read_body(await request.get_data(as_text=False) or b"{}")
        except msgspec.DecodeError:
            raise Problem(400, 'body: {"user": 7, "roles": ["moderator"]} is expected; both may be missing') from None
        roles = frozenset(body.roles) or frozenset(("owner" if body.user is None else "user",))
        if body.user is None and roles == {"user"}:
            raise Problem(400, "user: is needed for the role user")
        number, user = (None, None) if body.user is None else _user(naming, body.user)
        link, grant = sign_in.make_link(user, roles, principal.jti)
        subject = "operator" if number is None else f"user:{number}"
        await audit.note(principal, "login_link.make", subject, {"roles": sorted(roles)})
        expires_at = dt.datetime.fromtimestamp(grant.expires_s, dt.UTC).isoformat()
        url = f"{base_url(request, access)}/login?link={link}"
        return json_answer({"url": url, "expires_at": expires_at}, 201)

    return routes


def _user(naming: Naming, user: int | str) -> tuple[int, int | str]:
    """Return a user's number, and the text where there is one. Raises Problem 400 that names the field, and 503."""
    names = naming.names()
    try:
        number = names.user(user)
        return number, names.texts.get(number, number)
    except ValueError as fault:
        raise Problem(400, f"user: {fault}") from None
    except NoReferenceKey:
        raise catalog_not_loaded() from None
