"""Pages: the dashboard for who is signed in, and the first page for everyone else."""

from __future__ import annotations

from typing import Any

import msgspec
from quart import Blueprint, Response, render_template, request

from vts.model.principal import Principal
from vts.service.health import Health
from vts.web.access import Access, principal_of, session_cookie_of
from vts.web.answers import Problem, json_answer
from vts.web.session_cookies import cookie_of_host


def blueprint(access: Access, health: Health) -> Blueprint:
    """Return `/`, the pages of the dashboard, and `/api/status`."""
    routes = Blueprint("pages", __name__, template_folder="templates")

    @routes.get("/")
    async def home() -> Response:
        principal = _principal()
        if principal is not None:
            return await _dashboard(principal)
        return await _page(
            "home.html",
            status=health.status(),
            may_sign_in=cookie_of_host(request, access) is not None,
        )

    @routes.get("/now")
    @routes.get("/players")
    @routes.get("/channels")
    @routes.get("/not-counted")
    @routes.get("/operations")
    async def site_page() -> Response:
        return await _dashboard(_principal())

    @routes.get("/content/<post_id>")
    async def content_page(post_id: str) -> Response:
        return await _dashboard(_principal())

    @routes.get("/artist/<name:user_id>")
    async def artist_page(user_id: str) -> Response:
        return await _dashboard(_principal())

    @routes.get("/api/status")
    async def status() -> Response:
        return json_answer(health.status())

    def _principal() -> Principal | None:
        try:
            return principal_of(request, access)
        except Problem:
            return None  # of a cookie that cannot be judged yet, or a bad token: the pages themselves are for everyone

    async def _dashboard(principal: Principal | None) -> Response:
        """Answer the page in which the dashboard is drawn: it has no data; the API decides what is seen."""
        me: dict[str, Any] = {}
        if principal is not None:
            user = principal.user_text or principal.user_id
            me = {
                "user": None if user is None else str(user),
                "roles": sorted(principal.roles),
                "reads_everything": principal.reads_everything,
                "form": access.seals.form_token(session_cookie_of(request, access)),
            }
        return await _page("dashboard.html", me=msgspec.json.encode(me).decode())

    return routes


async def _page(template: str, **values: Any) -> Response:
    answer = Response(await render_template(template, **values), content_type="text/html; charset=utf-8")
    answer.headers["Cache-Control"] = "no-store"  # it names who is signed in
    return answer
