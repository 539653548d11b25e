"""Routes of the live counts that do not need a WebSocket: tickets and server-sent events."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import urlsplit

from quart import Blueprint, Request, Response, request

from vts.model.faults import TooManyClients
from vts.model.principal import Principal
from vts.web.access import Access, principal_of, require
from vts.web.answers import Problem, json_answer
from vts.web.origin import check_host
from vts.web.services import LiveEvents


def blueprint(access: Access, live_events: LiveEvents) -> Blueprint:
    """Return `POST /api/live/ticket` and `GET /live/events`."""
    routes = Blueprint("live", __name__)

    @routes.post("/api/live/ticket")
    async def ticket() -> Response:
        principal = require(principal_of(request, access))
        return json_answer({"ticket": access.tickets.issue(principal, access.now_s), "expires_in": 30})

    @routes.get("/live/events")
    async def events() -> Response:
        check_host(request, access)
        principal = _listener(request, access)
        topics = request.args.get("topics", "")
        if not topics:
            raise Problem(400, "topics: names separated by commas are expected, like post:42,top")
        pieces = live_events(principal, topics, request.remote_addr or "")
        try:
            first = await anext(pieces)
        except TooManyClients as fault:
            raise Problem(503, str(fault), "unavailable", {"Retry-After": "5"}) from None
        answer = Response(_all(first, pieces), content_type="text/event-stream")
        answer.timeout = None  # it ends when either side leaves
        answer.headers["Cache-Control"] = "no-store"
        answer.headers["X-Accel-Buffering"] = "no"
        return answer

    return routes


async def _all(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for piece in rest:
        yield piece


def _listener(asked: Request, access: Access) -> Principal | None:
    """Return the principal of a token, session or ticket; the Origin must be ours, as for a WebSocket."""
    origin = asked.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc != asked.host and origin not in access.allowed_origins:
        raise Problem(403, "Origin: this page may not follow live counts here")
    ticket = asked.args.get("ticket")
    if ticket is not None:
        found = access.tickets.redeem(ticket, access.now_s)
        if found is None:
            raise Problem(401, "ticket: unknown, used or expired")
        return found
    principal = principal_of(asked, access)
    is_page = origin is not None or asked.headers.get("Sec-Fetch-Site") == "same-origin"
    if principal is None and not (access.anonymous_live and is_page):
        raise Problem(401, "a token, a session or a ticket is needed")
    return principal
