"""Files of our own pages, and the scripts that pages of other origins load: the tracker and the badge."""

from __future__ import annotations

from quart import Blueprint, Response, request
from werkzeug.exceptions import NotFound

from vts.web.static_files import FOR_PAGES_OF_OTHERS, FOREVER, SCRIPTS, built_files, is_hashed


def blueprint() -> Blueprint:
    """Return `/static/…`, `/vts.js`, `/vts-offline.js` and `/widget.js`. None needs a token or takes a parameter."""
    routes = Blueprint("scripts", __name__)
    files = built_files()

    @routes.get("/static/<filename>")
    async def static_file(filename: str) -> Response:
        found = files.get(filename)
        if found is None or filename in SCRIPTS:
            raise NotFound
        return await found.answer(request, FOREVER if is_hashed(filename) else FOR_PAGES_OF_OTHERS)

    @routes.get("/vts.js")
    async def page_tracker() -> Response:
        return await _for_every_page("vts.js")

    @routes.get("/vts-offline.js")
    async def page_tracker_offline() -> Response:
        return await _for_every_page("vts-offline.js")

    @routes.get("/widget.js")
    async def widget() -> Response:
        return await _for_every_page("widget.js")

    async def _for_every_page(name: str) -> Response:
        answer = await files[name].answer(request, FOR_PAGES_OF_OTHERS)
        answer.headers["Access-Control-Allow-Origin"] = "*"  # for `crossorigin` and for modules
        answer.headers["Cross-Origin-Resource-Policy"] = "cross-origin"  # for pages that are cross-origin isolated
        return answer

    return routes
