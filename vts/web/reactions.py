"""Routes by which a service reports reactions and comments."""

from __future__ import annotations

from quart import Blueprint, Response, request

from vts.model.reaction import Comment, Reaction, ReactionLimitExceeded
from vts.service.reactions import Reactions
from vts.web.access import Access, principal_of, require_service
from vts.web.answers import Problem, json_answer
from vts.web.rows import decode_rows, plain_body_of

LIMIT_CODE = "reaction_limit_exceeded"


def blueprint(access: Access, reactions: Reactions) -> Blueprint:
    """Return `POST /api/reactions` and `POST /api/comments`."""
    routes = Blueprint("reactions", __name__)

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
