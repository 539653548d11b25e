"""The first page: what is running, the live table, and who is signed in."""

from __future__ import annotations

from quart import Blueprint, Response, render_template, request

from vts.service.health import Health
from vts.web.access import Access, principal_of, session_cookie_of
from vts.web.answers import Problem, json_answer
from vts.web.session_cookies import cookie_of_host


def blueprint(access: Access, health: Health) -> Blueprint:
    """Return `/` and `/api/status`."""
    routes = Blueprint("pages", __name__, template_folder="templates")

    @routes.get("/")
    async def home() -> Response:
        try:
            principal = principal_of(request, access)
        except Problem:
            principal = None  # of a cookie that cannot be judged yet, or a bad token: the page itself is for everyone
        page = await render_template(
            "home.html",
            status=health.status(),
            principal=principal,
            form_token=access.seals.form_token(session_cookie_of(request, access)),
            may_sign_in=cookie_of_host(request, access) is not None,
        )
        answer = Response(page, content_type="text/html; charset=utf-8")
        answer.headers["Cache-Control"] = "no-store"  # it names who is signed in
        return answer

    @routes.get("/api/status")
    async def status() -> Response:
        return json_answer(health.status())

    return routes
