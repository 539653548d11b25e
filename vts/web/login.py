"""Signing in and out in a browser, which sends forms and gets pages; `vts.web.sessions` is the same as JSON."""

from __future__ import annotations

from typing import Final

from quart import Blueprint, Request, Response, render_template, request

from vts.model.faults import StoreUnavailable
from vts.service.sign_in import SignIn
from vts.web.access import Access
from vts.web.answers import Problem, json_answer, problem_answer, store_unavailable
from vts.web.origin import check_host
from vts.web.session_cookies import (
    clear_session,
    cookie_of_host,
    form_cookie_name,
    new_form_cookie,
    path_in,
    require_safe_way,
    set_form_cookie,
    set_session,
)
from vts.web.sign_in_door import SignInDoor

FORM_TYPE: Final = "application/x-www-form-urlencoded"


def blueprint(access: Access, sign_in: SignIn, door: SignInDoor) -> Blueprint:
    """Return `/login` and `/logout`."""
    routes = Blueprint("login", __name__, template_folder="templates")

    @routes.get("/login")
    async def look_at_link() -> Response:
        """Show what a link is for. It is not redeemed: scanners of mails and chats open links, too."""
        check_host(request, access)
        name = require_safe_way(request, access)
        link = request.args.get("link", "")
        grant = sign_in.look_at(link)
        if grant is None:
            return await _page("login.html", 401 if link else 200, is_bad=bool(link))
        cookie = request.cookies.get(form_cookie_name(name), "") or new_form_cookie()
        token, path = access.seals.form_token(cookie), path_in(request.args.get("next", ""))
        answer = await _page("login.html", link=link, grant=grant, form_token=token, next=path)
        set_form_cookie(answer, name, cookie)
        return answer

    @routes.post("/login")
    async def login() -> Response:
        form = await request.form if request.mimetype == FORM_TYPE else {}
        path = path_in(form.get("next", ""))
        name, begun = await door.begin(form.get("link", ""), form.get("token", ""), form.get("form", ""))
        answer = _moved(path)
        set_session(answer, name, begun, access)
        return answer

    @routes.post("/logout")
    async def logout() -> Response:
        form = await request.form if request.mimetype == FORM_TYPE else {}
        ended = await door.end(form.get("form", ""), everywhere="everywhere" in request.args)
        answer = _moved("/") if _is_for_people(request) else json_answer({"ended": ended})
        if name := cookie_of_host(request, access):
            clear_session(answer, name)
        return answer

    @routes.errorhandler(Problem)
    async def refused(fault: Problem) -> Response:
        """Show people a page, and programs the error."""
        if not _is_for_people(request):
            return problem_answer(fault)
        answer = await _page("login.html", fault.status, why=fault.error)
        answer.headers.update(fault.headers)
        return answer

    @routes.errorhandler(StoreUnavailable)
    async def unavailable(_: StoreUnavailable) -> Response:
        return await refused(store_unavailable())

    return routes


async def _page(template: str, status: int = 200, **values: object) -> Response:
    page = await render_template(template, **values)
    answer = Response(page, status, content_type="text/html; charset=utf-8")
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _moved(path: str) -> Response:
    """Lead the browser on with a GET. The path is of this site."""
    return Response("", 303, {"Location": path, "Cache-Control": "no-store"}, content_type="text/plain")


def _is_for_people(asked: Request) -> bool:
    return "text/html" in asked.headers.get("Accept", "")
