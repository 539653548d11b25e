"""Sign-in: one-time links, sessions, and their pages."""

from __future__ import annotations

from functools import partial
from typing import Final

from vts.web.openapi.builders import (
    FLAG,
    HTML,
    JSON,
    NAMED,
    SIGNED,
    TEXT,
    TIME,
    USER,
    Json,
    Paths,
    answer,
    array,
    body,
    obj,
    operation,
    or_null,
    query,
    words,
)
from vts.web.openapi.errors import RETRY_AFTER, refusal

SIGN_IN: Final = "Sign-in"

_open: Final = partial(operation, ignores_unknown=True)  # links get parameters on their way, of mails and of campaigns
_FORM: Final = "application/x-www-form-urlencoded"
_PLAIN: Final = "text/plain"
_COOKIE: Final[dict[str, Json]] = {
    "Set-Cookie": {"required": True, "schema": TEXT, "description": "HttpOnly, SameSite=Lax; Secure under HTTPS."}
}
_ID: Final = TEXT | {"pattern": "^[0-9a-f]{32}$"}
_ROLES: Final = array(words("user", "moderator", "owner"))
_TOO_MANY: Final = refusal(429, "Too many attempts that failed, from this address or in all.") | {
    "headers": RETRY_AFTER
}
_FORM_TOKEN: Final = TEXT | {
    "description": "For `X-VTS-Form`, where a client sends neither Origin nor Sec-Fetch-Site with its cookie."
}
_WHO: Final[dict[str, Json]] = {
    "signed_in": FLAG,
    "user": or_null(NAMED),
    "roles": array(TEXT),
    "expires_at": or_null(TIME),
    "form_token": _FORM_TOKEN,
}
_NEXT: Final = TEXT | {"description": "Where to go then: a path of this site. Default: `/`."}
_PAGE: Final = answer("A page.", {HTML: TEXT})
_NOT_SIGNED_IN: Final = answer(
    "The link is unknown, used or expired, or the token is not good.",
    {HTML: TEXT, JSON: {"$ref": "#/components/schemas/Error"}},
)


def paths() -> Paths:
    """Return the operations of sign-in."""
    return {
        "/login": {"get": _look(), "post": _login()},
        "/logout": {"post": _logout()},
        "/api/session": {"get": _session(), "post": _begin()},
        "/api/me/sessions": {"get": _sessions()},
        "/api/me/sessions/{session_id}": {"delete": _end()},
        "/api/login-links": {"post": _make_link()},
    }


def _look() -> Json:
    return _open(
        SIGN_IN,
        "See what a one-time link is for",
        {200: _PAGE, 401: _NOT_SIGNED_IN},
        errors=(400, 403, 405, 421),
        about="The page has one button. Opening it redeems nothing: scanners of mails and chats open links, too.",
        parameters=[query("link", TEXT, "As `vts login-link` prints it."), query("next", TEXT, "A path of this site.")],
    )


def _login() -> Json:
    form = obj({"link": TEXT, "token": TEXT, "next": _NEXT, "form": TEXT}, optional=("link", "token", "next", "form"))
    moved = answer("The session's cookie is set.", {_PLAIN: TEXT}, _COOKIE | {"Location": {"schema": TEXT}})
    return operation(
        SIGN_IN,
        "Sign in by a form",
        {303: moved, 401: _NOT_SIGNED_IN, 429: _TOO_MANY},
        errors=(400, 403, 405, 421),
        about="Redeems a one-time link, or takes a token of the host application: one of the two. A page of another "
        "origin may send this form if `http.allowed_origins` has it. Only over HTTPS and on loopback.",
        sent=body({_FORM: form}),
    )


def _logout() -> Json:
    moved = answer("For browsers. The cookie is taken back.", {_PLAIN: TEXT}, {"Location": {"schema": TEXT}})
    ended = answer("The sessions have ended.", {JSON: obj({"ended": {"type": "integer", "minimum": 0}})})
    return operation(
        SIGN_IN,
        "Sign out",
        {200: ended, 303: moved},
        errors=(400, 401, 403, 405, 421),
        about="Ends this session, or all of its user. Live connections of a session end with it, within seconds.",
        parameters=[query("everywhere", TEXT, "Every session of the user; any value.")],
        sent=body({_FORM: obj({"form": TEXT}, optional=("form",))}, required=False),
        security=[*SIGNED, {}],
    )


def _session() -> Json:
    return operation(
        SIGN_IN,
        "Who is signed in",
        {200: answer("Without a session only `signed_in`.", {JSON: obj(_WHO, optional=tuple(_WHO)[1:])})},
        errors=(401, 405, 421),
        security=[*SIGNED, {}],
    )


def _begin() -> Json:
    return operation(
        SIGN_IN,
        "Sign in by JSON",
        {201: answer("The session has begun.", {JSON: obj(_WHO)}, _COOKIE), 429: _TOO_MANY},
        errors=(400, 401, 403, 405, 421),
        about='For pages of the same origin and of `http.allowed_origins` (with `credentials: "include"`). The session '
        "ends with the token, and when the token is revoked. A service's token begins none.",
        sent=body({JSON: obj({"token": TEXT, "link": TEXT}, optional=("token", "link"))}),
    )


def _sessions() -> Json:
    one = obj(
        {
            "id": _ID,
            "origin": words("link", "token"),
            "device_type": TEXT,
            "began_at": TIME,
            "expires_at": TIME,
            "current": FLAG,
        }
    )
    return operation(
        SIGN_IN,
        "List your sessions",
        {200: answer("The open ones, the newest first.", {JSON: obj({"sessions": array(one)})})},
        errors=(401, 403, 405, 421),
        security=SIGNED,
    )


def _end() -> Json:
    return operation(
        SIGN_IN,
        "End one of your sessions",
        {200: answer("It has ended.", {JSON: obj({"ended": {"const": 1}})})},
        errors=(400, 401, 403, 404, 405, 421),
        parameters=[
            {"name": "session_id", "in": "path", "required": True, "schema": _ID, "description": "As it is listed."}
        ],
        security=SIGNED,
    )


def _make_link() -> Json:
    made = obj({"url": TEXT, "expires_at": TIME})
    return operation(
        SIGN_IN,
        "Make a one-time link",
        {201: answer("Good once, for 15 min, at any process.", {JSON: made})},
        errors=(400, 401, 403, 405, 421),
        about="For services and the owner. Without `user` it signs in an operator of the site. `vts login-link` asks "
        "for one.",
        sent=body({JSON: obj({"user": or_null(USER), "roles": _ROLES}, optional=("user", "roles"))}, required=False),
        security=SIGNED,
    )
