"""Routes of one content: its statistics, its public count, reactions and comments."""

from __future__ import annotations

from quart import Blueprint, Response, request

from vts.model.day import day_of
from vts.model.ports import Catalog
from vts.model.reaction import Comment, Reaction, ReactionLimitExceeded
from vts.query.daily import TOP_COUNTRIES
from vts.query.export.exports import Exports
from vts.query.post import answer
from vts.query.questions import Questions
from vts.query.ranges import BadRange, parse_range
from vts.service.reactions import Reactions
from vts.web.access import Access, bearer_of, principal_of, readable_content, require_service
from vts.web.answers import Problem, json_answer
from vts.web.rows import decode_rows, plain_body_of
from vts.web.table_answers import body_answer, is_table_asked

LIMIT_CODE = "reaction_limit_exceeded"
ANY_ORIGIN = {"Access-Control-Allow-Origin": "*"}


def blueprint(
    access: Access, catalog: Catalog, questions: Questions, reactions: Reactions, exports: Exports
) -> Blueprint:
    """Return the routes below `/api/post/{id}`, and `/api/reactions`, `/api/comments`."""
    routes = Blueprint("posts", __name__)

    @routes.get("/api/post/<int:post_id>/stats")
    async def stats(post_id: int) -> Response:
        now_us = access.clock()
        principal = principal_of(request, access)
        readable_content(principal, catalog, post_id)
        args = request.args
        try:
            days = parse_range(args.get("days"), args.get("from"), args.get("to"), day_of(now_us))
        except BadRange as fault:
            raise Problem(400, str(fault)) from None
        whole = is_table_asked(request)
        facts = await questions.post_facts(post_id, *days)
        countries = None if whole else TOP_COUNTRIES
        body = answer(facts, now_us=access.clock(), lag_s=questions.lag_s(), top_countries=countries)
        return await body_answer(request, f"post_{post_id}", body, exports.encode)

    @routes.get("/api/post/<int:post_id>/count")
    async def count(post_id: int) -> Response:
        bearer_of(request, access, ANY_ORIGIN)
        content = catalog.content(post_id)
        if content is None or content.deleted or content.private:
            raise Problem(404, "post_id: unknown content", headers=ANY_ORIGIN)
        views, lag_s = await questions.post_views(post_id)
        said = {"lag_seconds": round(lag_s, 3)} if lag_s else {}
        return json_answer({"post_id": post_id, "views": views} | said, headers=ANY_ORIGIN)

    @routes.post("/api/reactions")
    async def post_reactions() -> Response:
        require_service(principal_of(request, access))
        rows = decode_rows(await plain_body_of(request), Reaction)
        for index, row in enumerate(rows):
            try:
                await reactions.react(row)
            except ReactionLimitExceeded as fault:
                raise Problem(409, f"row {index}: {fault}; the rows before it are kept", LIMIT_CODE) from None
        return json_answer({"accepted": len(rows)}, 202)

    @routes.post("/api/comments")
    async def post_comments() -> Response:
        require_service(principal_of(request, access))
        rows = decode_rows(await plain_body_of(request), Comment)
        for row in rows:
            await reactions.comment(row)
        return json_answer({"accepted": len(rows)}, 202)

    return routes
