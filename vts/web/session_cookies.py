"""The cookies of a session: set, taken back, and refused where they could be read on their way."""

from __future__ import annotations

import os
from typing import Final

from quart import Request, Response

from vts.auth.sessions import cookie_name
from vts.service.sign_in import LINK_TTL_S, Begun
from vts.web.access import Access, is_secure
from vts.web.answers import Problem

FORM_COOKIE_BYTES: Final = 16
HTTPS_NEEDED: Final = (
    "sign-in needs HTTPS: on plain HTTP a session could be read on its way. Open VTS by https://; behind a proxy set "
    "http.trusted_proxies and have it send X-Forwarded-Proto. On the same machine http://localhost works"
)
HTTPS_CODE: Final = "https_needed"


def cookie_of_host(asked: Request, access: Access) -> str | None:
    """Return the name of the session's cookie for a request, None where no session may be."""
    return cookie_name(asked.host, is_secure=is_secure(asked, access))


def require_safe_way(asked: Request, access: Access) -> str:
    """Return the name of the session's cookie. Raises Problem 403 where it could be read on its way."""
    name = cookie_of_host(asked, access)
    if name is None:
        raise Problem(403, HTTPS_NEEDED, HTTPS_CODE)
    return name


def set_session(answer: Response, name: str, begun: Begun, access: Access) -> None:
    """Give the browser the cookie of a session that has begun."""
    ttl_s = max(1, round(begun.grant.expires_s - access.now_s))
    _set(answer, name, begun.cookie, ttl_s, "Lax")


def clear_session(answer: Response, name: str) -> None:
    """Take the cookie back."""
    _set(answer, name, "", 0, "Lax")


def form_cookie_name(session_cookie: str) -> str:
    """Return the name of the cookie that belongs to the form of a link."""
    return session_cookie.replace("session", "form")


def set_form_cookie(answer: Response, session_cookie: str, value: str) -> None:
    """Give the browser the cookie of a form; it is sent with that form only."""
    _set(answer, form_cookie_name(session_cookie), value, LINK_TTL_S, "Strict")


def new_form_cookie() -> str:
    """Return a value that no other page knows."""
    return os.urandom(FORM_COOKIE_BYTES).hex()


def path_in(text: str) -> str:
    """Return where a browser is led after sign-in: a path of this site, the first page for an empty text.

    Raises Problem 400 for anything that a browser could read as another site (`//host`, `/\\host`, a tab between).
    """
    plain = text.isascii() and text.isprintable() and "\\" not in text and " " not in text
    if not text or (plain and text.startswith("/") and not text.startswith("//")):
        return text or "/"
    raise Problem(400, "next: a path of this site is expected, like /?days=7")


def _set(answer: Response, name: str, value: str, max_age: int, samesite: str) -> None:
    secure = name.startswith("__Host-")
    answer.set_cookie(name, value, max_age=max_age, path="/", secure=secure, httponly=True, samesite=samesite)
    answer.headers["Cache-Control"] = "no-store"
