"""Routes of one content: its statistics and its public count."""

from __future__ import annotations

from quart import Blueprint, Response, request

from vts.model.ports import Catalog
from vts.query.daily import TOP_COUNTRIES
from vts.query.export.exports import Exports
from vts.query.post import answer
from vts.query.questions import Questions
from vts.web.access import Access, bearer_of, principal_of, readable_content
from vts.web.answers import Problem, json_answer
from vts.web.asked import days_of
from vts.web.cors import public
from vts.web.table_answers import body_answer, is_table_asked


def blueprint(access: Access, catalog: Catalog, questions: Questions, exports: Exports) -> Blueprint:
    """Return the routes below `/api/post/{id}`."""
    routes = Blueprint("posts", __name__)

    @routes.get("/api/post/<int:post_id>/stats")
    async def stats(post_id: int) -> Response:
        readable_content(principal_of(request, access), catalog, post_id)
        days = days_of(request, access.clock())
        whole = is_table_asked(request)
        facts = await questions.post_facts(post_id, *days)
        countries = None if whole else TOP_COUNTRIES
        body = answer(facts, now_us=access.clock(), lag_s=questions.lag_s(), top_countries=countries)
        return await body_answer(request, f"post_{post_id}", body, exports.encode)

    @routes.get("/api/post/<int:post_id>/count")
    @public
    async def count(post_id: int) -> Response:
        bearer_of(request, access)
        content = catalog.content(post_id)
        if content is None or content.deleted or content.private:
            raise Problem(404, "post_id: unknown content")
        views, lag_s = await questions.post_views(post_id)
        lag = {"lag_seconds": round(lag_s, 3)} if lag_s else {}
        return json_answer({"post_id": post_id, "views": views} | lag)

    return routes
