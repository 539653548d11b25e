"""Pages: the first page with its live table, and the way into a session."""

from __future__ import annotations

from typing import Final

from quart import Blueprint, Response, redirect, render_template, request
from werkzeug import Response as PlainResponse

from vts.web.answers import Problem, json_answer
from vts.web.services import Services
from vts.web.who import SESSION_COOKIE

SESSION_TTL_S: Final = 12 * 3600


def blueprint(services: Services) -> Blueprint:
    """Return `/`, `/login` and `/api/status`."""
    routes = Blueprint("pages", __name__, template_folder="templates")

    @routes.get("/")
    async def home() -> str:
        return await render_template("home.html", status=services.status())

    @routes.get("/api/status")
    async def status() -> Response:
        return json_answer(services.status())

    @routes.get("/login")
    async def login() -> PlainResponse:
        now_s = services.clock() / 1_000_000
        principal = services.tickets.redeem(request.args.get("ticket", ""), now_s)
        if principal is None:
            raise Problem(401, "ticket: used, expired or unknown; restart VTS on a terminal for a new link")
        answer = redirect("/")
        answer.set_cookie(
            SESSION_COOKIE,
            services.tokens.issue(user_id=principal.user_id, roles=principal.roles, now_s=now_s, ttl_s=SESSION_TTL_S),
            max_age=SESSION_TTL_S,
            httponly=True,
            secure=request.is_secure,
            samesite="Strict",
        )
        return answer

    return routes
