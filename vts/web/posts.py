"""The statistics of one content."""

from __future__ import annotations

from quart import Blueprint, Response, request

from vts.model.ports import Catalog
from vts.query.daily import TOP_COUNTRIES
from vts.query.post import answer
from vts.query.questions import Questions
from vts.query.value_trend import OF_VIEWS
from vts.web.access import Access, principal_of, readable_content, require
from vts.web.asked import days_of, trend_of
from vts.web.table_answers import Answers, is_table_asked
from vts.web.zones import views_in_zone


def blueprint(access: Access, catalog: Catalog, questions: Questions, answers: Answers) -> Blueprint:
    """Return the routes below `/api/post/{id}`."""
    routes = Blueprint("posts", __name__)

    @routes.get("/api/post/<post_id>/stats")
    async def stats(post_id: str) -> Response:
        principal = require(principal_of(request, access))
        names = answers.naming.names()
        number = answers.naming.content(post_id, names=names)
        readable_content(principal, catalog, number)
        zone = answers.zones.asked(request)
        days = days_of(request, access.clock(), zone)
        whole = is_table_asked(request)
        value = trend_of(request, OF_VIEWS)
        facts = await questions.post_facts(number, *days)
        countries = None if whole else TOP_COUNTRIES
        now_us, lag_s = access.clock(), questions.lag_s()
        body = answer(facts, now_us=now_us, lag_s=lag_s, top_countries=countries, trend_of=value)
        body = await views_in_zone(body, zone, days, questions.hour_rows, "post", number)
        return await answers.body(request, f"post_{post_id}", body, names.texts)

    return routes
