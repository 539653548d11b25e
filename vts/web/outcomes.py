"""Routes of what became of events: over time, and of single events while an integration is tested."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Final

import msgspec
from quart import Blueprint, Response, request

from vts.model.principal import Principal
from vts.query.naming import named
from vts.query.outcomes import answer, since_us
from vts.query.questions import Questions
from vts.service.outcome_feed import OutcomeFeed
from vts.web.access import Access, require_reader_of_all
from vts.web.admin import FreshAnswer
from vts.web.asked import days_of
from vts.web.naming import Naming
from vts.web.table_answers import NO_TEXTS, Answers

_encode: Final = msgspec.json.encode


def blueprint(access: Access, questions: Questions, answers: Answers, feed: OutcomeFeed) -> Blueprint:
    """Return `GET /api/admin/outcomes` and `GET /api/admin/outcomes/live`."""
    routes = Blueprint("outcomes", __name__)
    answered = FreshAnswer(access, questions, answers)

    @routes.get("/api/admin/outcomes")
    async def outcomes() -> Response:
        require_reader_of_all(request, access)
        days = days_of(request, access.clock())
        rows = await questions.outcomes(since_us(days[0], access.clock()))
        return await answered(days, lambda **fresh: answer(rows, *days, **fresh))

    @routes.get("/api/admin/outcomes/live")
    async def live() -> Response:
        principal = require_reader_of_all(request, access)
        reply = Response(_stream(feed, answers.naming, access, principal), content_type="text/event-stream")
        reply.timeout = None  # it ends when either side leaves
        reply.headers["Cache-Control"] = "no-store"
        reply.headers["X-Accel-Buffering"] = "no"
        return reply

    return routes


async def _stream(feed: OutcomeFeed, naming: Naming, access: Access, principal: Principal) -> AsyncIterator[bytes]:
    """Give server-sent events until the reader leaves or its token ends."""
    async with aclosing(feed.events()) as pieces:
        async for missed, events in pieces:
            if not access.tokens.holds(principal, access.now_s):
                return
            lines = [event.line() for event in events]
            body = {"missed": missed, "events": named(lines, await naming.texts_in(lines, NO_TEXTS))}
            yield b"data: " + _encode(body) + b"\n\n"
