"""The description of the API: for programs as OpenAPI, for people as a page that is drawn from it."""

from __future__ import annotations

from hashlib import sha256
from typing import Final

from quart import Blueprint, Response, render_template, request

from vts.capture.http.limits import Limits
from vts.web import openapi
from vts.web.access import Access
from vts.web.origin import base_url

MAX_AGE_S: Final = 300  # it changes with the version and the settings of the door


def blueprint(access: Access, limits: Limits) -> Blueprint:
    """Return `/openapi.json` and `/docs`. Neither needs a token."""
    routes = Blueprint("docs", __name__, template_folder="templates")
    description = openapi.encoded(limits)
    etag = sha256(description).hexdigest()[:32]

    @routes.get("/openapi.json")
    async def openapi_json() -> Response:
        answer = Response(description, content_type="application/json")
        answer.headers["Access-Control-Allow-Origin"] = "*"  # tools in browsers read it from anywhere
        answer.cache_control.max_age = MAX_AGE_S
        answer.set_etag(etag)
        return await answer.make_conditional(request)

    @routes.get("/docs")
    async def docs() -> str:
        return await render_template("docs.html", base=base_url(request, access))

    return routes
