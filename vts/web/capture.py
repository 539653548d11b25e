"""The slower twin of the door's express lane: the same capture routes, the same decision, in the framework."""

from __future__ import annotations

from quart import Blueprint, Request, Response, request

from vts.capture.http.request import METHODS, CaptureHead, Route, route_of
from vts.web.answers import Problem
from vts.web.rows import body_of
from vts.web.services import Services

_RULES = {
    Route.VIEW: "/api/view",
    Route.POST_VIEW: "/api/post/<post_id>/view",
    Route.PIXEL: "/api/pixel.gif",
    Route.PLAYER_VIEW: "/player/events/view",
    Route.PAGE_VIEW: "/api/track/page-view",
    Route.HOST_EVENT: "/api/track/event",
    Route.PLAYBACK: "/analytics/events",
}


def blueprint(services: Services) -> Blueprint:
    """Return the capture routes."""
    routes = Blueprint("capture", __name__)

    async def capture(post_id: str | None = None) -> Response:
        head = _head(request)
        reply = await services.beacon.receive(head, await body_of(request))
        answer = Response(reply.body, status=reply.status, content_type=reply.content_type)
        answer.headers.update(dict(reply.headers))
        answer.headers["Access-Control-Allow-Origin"] = "*"
        return answer

    for route, rule in _RULES.items():
        methods = [method.decode() for method in METHODS[route]]
        routes.add_url_rule(rule, route.name.lower(), capture, methods=methods)
    return routes


def _head(asked: Request) -> CaptureHead:
    route = route_of(asked.path.encode())
    if route is None:
        raise Problem(404, "no such capture endpoint")
    head = CaptureHead(route, asked.method, asked.path, asked.query_string.decode("latin-1"), asked.remote_addr or "")
    lines = ((name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in asked.headers.items())
    return head.read(lines)
