"""Pages: the first page with its live table, and the way into a session."""

from __future__ import annotations

from typing import Final

from quart import Blueprint, Response, redirect, render_template, request
from werkzeug import Response as PlainResponse

from vts.service.health import Health
from vts.web.access import SESSION_COOKIE, Access
from vts.web.answers import Problem, json_answer
from vts.web.origin import base_url, check_host

SESSION_TTL_S: Final = 12 * 3600


def blueprint(access: Access, health: Health) -> Blueprint:
    """Return `/`, `/login` and `/api/status`."""
    routes = Blueprint("pages", __name__, template_folder="templates")

    @routes.get("/")
    async def home() -> str:
        return await render_template("home.html", status=health.status())

    @routes.get("/api/status")
    async def status() -> Response:
        return json_answer(health.status())

    @routes.get("/login")
    async def login() -> PlainResponse:
        check_host(request, access)
        token, ttl_s = _session(access, request.args.get("ticket", ""))
        answer = redirect("/")
        secure = base_url(request, access).startswith("https:")
        answer.set_cookie(SESSION_COOKIE, token, max_age=ttl_s, httponly=True, secure=secure, samesite="Strict")
        return answer

    return routes


def _session(access: Access, ticket: str) -> tuple[str, int]:
    """Return the token of a new session and its life in seconds; it ends with the token of the ticket.

    Raises Problem 401 for a ticket that is not valid.
    """
    now_s = access.now_s
    principal = access.tickets.redeem(ticket, now_s)
    if principal is None:
        raise Problem(401, "ticket: used, expired or unknown; restart VTS on a terminal for a new link")
    ttl_s = int(min(SESSION_TTL_S, principal.expires_s - now_s))
    if ttl_s <= 0 or not access.tokens.holds(principal, now_s):
        raise Problem(401, "ticket: the token that it was given for has ended")
    token = access.tokens.issue(
        user_id=principal.user_text or principal.user_id,
        roles=principal.roles,
        now_s=now_s,
        ttl_s=ttl_s,
        jti=principal.jti,
    )
    return token, ttl_s
