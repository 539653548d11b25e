"""Routes of the live counts that do not need a WebSocket: tickets and server-sent events."""

from __future__ import annotations

from collections.abc import AsyncIterator

from quart import Blueprint, Request, Response, request

from vts.enrich.client_ip import subscriber_of
from vts.model.faults import TooManyClients
from vts.model.principal import Principal
from vts.web.access import Access, principal_of, require
from vts.web.answers import Problem, json_answer
from vts.web.cors import public
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
    @public
    async def events() -> Response:
        check_host(request, access)
        principal, is_everyone = _listener(request, access)
        topics = request.args.get("topics", "")
        if not topics:
            raise Problem(400, "topics: names separated by commas are expected, like post:42,top")
        forwarded = request.headers.getlist("X-Forwarded-For")
        client = subscriber_of(request.remote_addr or "", forwarded, access.schemes.trusted)
        pieces = live_events(principal, topics, client, is_everyone)
        try:
            first = await anext(pieces)
        except TooManyClients as fault:
            status, code = (429, "rate_limited") if fault.of_address else (503, "unavailable")
            raise Problem(status, str(fault), code, {"Retry-After": "5"}) from None
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


def _listener(asked: Request, access: Access) -> tuple[Principal | None, bool]:
    """Return the principal of a token, session or ticket, and whether there is none and everyone may do the same.

    As for a WebSocket (`vts.live.upgrade`): a page of another origin uses neither cookies nor tickets nor tokens.
    """
    origin = asked.headers.get("Origin")
    ticket = asked.args.get("ticket")
    if origin is not None and origin.partition("://")[2] != asked.host and origin not in access.allowed_origins:
        if ticket is not None or "Authorization" in asked.headers:
            raise Problem(403, "Origin: pages of other origins follow public contents, without a token or ticket")
        return None, True
    if ticket is not None:
        found = access.tickets.redeem(ticket, access.now_s)
        if found is None:
            raise Problem(401, "ticket: unknown, used or expired")
        return found, False
    principal = principal_of(asked, access)
    is_page = origin is not None or asked.headers.get("Sec-Fetch-Site") == "same-origin"
    return principal, principal is None and not (access.anonymous_live and is_page)
