"""Routes of one artist: statistics over all contents, and the list of the contents with theirs.

For the artist, and for principals that read everything. A user without contents is an artist with zeros.
"""

from __future__ import annotations

from functools import partial

from quart import Blueprint, Response, request

from vts.model.names import Names
from vts.query import artist, artist_posts
from vts.query.artist_posts import SORT_DEFAULT, Asked
from vts.query.daily import TOP_COUNTRIES
from vts.query.questions import Questions
from vts.query.shape import worked_out
from vts.query.value_trend import OF_VIEWS
from vts.web.access import Access, principal_of, require
from vts.web.answers import Problem
from vts.web.asked import days_of, page_of, posts_of, trend_of
from vts.web.naming import Naming
from vts.web.table_answers import Answers, is_table_asked
from vts.web.zones import views_in_zone


def blueprint(access: Access, questions: Questions, answers: Answers) -> Blueprint:
    """Return the routes below `/api/user/{id}`."""
    routes = Blueprint("artists", __name__)

    @routes.get("/api/user/<name:user_id>/artist-stats")
    async def artist_stats(user_id: str) -> Response:
        names = answers.naming.names()
        number = _readable(access, answers.naming, user_id, names)
        zone = answers.zones.asked(request)
        days = days_of(request, access.clock(), zone)
        countries = None if is_table_asked(request) else TOP_COUNTRIES
        value = trend_of(request, OF_VIEWS)
        facts = await questions.artist_facts(number, *days)
        listed = None
        if shown := posts_of(request):
            listed = await questions.artist_posts(number, *days, Asked(SORT_DEFAULT, shown, 0))
        work = partial(
            artist.answer,
            facts,
            now_us=access.clock(),
            lag_s=questions.lag_s(),
            top_countries=countries,
            posts=listed,
            trend_of=value,
        )
        body = await worked_out(len(facts.days), work)
        body = await views_in_zone(body, zone, days, questions.hour_rows, "artist", number)
        return await answers.body(request, f"artist_{user_id}", body, names.texts)

    @routes.get("/api/user/<name:user_id>/posts-stats")
    async def posts_stats(user_id: str) -> Response:
        names = answers.naming.names()
        number = _readable(access, answers.naming, user_id, names)
        first, last = days_of(request, access.clock())
        asked = page_of(request)
        facts = await questions.artist_posts(number, first, last, asked)
        body = artist_posts.answer(facts, now_us=access.clock(), lag_s=questions.lag_s())
        return await answers.body(request, f"artist_{user_id}", body, names.texts)

    return routes


def _readable(access: Access, naming: Naming, user_id: str, names: Names) -> int:
    """Return the number of a user whose statistics may be read, else raise Problem 400, 401, 403, 404 or 503."""
    principal = require(principal_of(request, access))
    number = naming.user(user_id, names)
    if not principal.may_read(number):
        raise Problem(403, "user_id: not yours to read")
    if not number:
        raise Problem(404, "user_id: no user has this number")
    return number
