"""Routes of one artist: statistics over all contents, and the list of the contents with theirs.

For the artist, and for principals that read everything. A user without contents is an artist with zeros.
"""

from __future__ import annotations

from functools import partial
from typing import Final

from quart import Blueprint, Response, request

from vts.query import artist, artist_posts
from vts.query.daily import TOP_COUNTRIES
from vts.query.export.exports import Exports
from vts.query.questions import Questions
from vts.query.shape import worked_out
from vts.web.access import Access, principal_of, require
from vts.web.answers import Problem
from vts.web.asked import days_of, page_of
from vts.web.table_answers import body_answer, is_table_asked

ID_MAX: Final = 2**63 - 1


def blueprint(access: Access, questions: Questions, exports: Exports) -> Blueprint:
    """Return the routes below `/api/user/{id}`."""
    routes = Blueprint("artists", __name__)

    @routes.get("/api/user/<int:user_id>/artist-stats")
    async def artist_stats(user_id: int) -> Response:
        _require_reader(access, user_id)
        first, last = days_of(request, access.clock())
        countries = None if is_table_asked(request) else TOP_COUNTRIES
        facts = await questions.artist_facts(user_id, first, last)
        work = partial(artist.answer, facts, now_us=access.clock(), lag_s=questions.lag_s(), top_countries=countries)
        body = await worked_out(len(facts.days), work)
        return await body_answer(request, f"artist_{user_id}", body, exports.encode)

    @routes.get("/api/user/<int:user_id>/posts-stats")
    async def posts_stats(user_id: int) -> Response:
        _require_reader(access, user_id)
        first, last = days_of(request, access.clock())
        asked = page_of(request)
        facts = await questions.artist_posts(user_id, first, last, asked)
        body = artist_posts.answer(facts, now_us=access.clock(), lag_s=questions.lag_s())
        return await body_answer(request, f"artist_{user_id}", body, exports.encode)

    return routes


def _require_reader(access: Access, user_id: int) -> None:
    """Raise Problem 401 or 403 without the right to read the user's statistics, 404 for a number that no user has."""
    principal = require(principal_of(request, access))
    if not principal.may_read(user_id):
        raise Problem(403, "user_id: not yours to read")
    if not 0 < user_id <= ID_MAX:
        raise Problem(404, "user_id: no user has this number")
