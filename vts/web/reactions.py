"""Routes by which a service reports reactions and comments."""

from __future__ import annotations

from quart import Blueprint, Response, request

from vts.capture.http.limits import Limits
from vts.model.reaction import Comment, Reaction, ReactionLimitExceeded
from vts.model.reference import ReferenceTaken
from vts.service.reactions import BadReaction, Reactions
from vts.web.access import Access, principal_of, require_service
from vts.web.answers import Problem, json_answer, reference_taken
from vts.web.naming import Naming
from vts.web.rows import rows_of

LIMIT_CODE = "reaction_limit_exceeded"


def blueprint(access: Access, reactions: Reactions, naming: Naming, limits: Limits) -> Blueprint:
    """Return `POST /api/reactions` and `POST /api/comments`."""
    routes = Blueprint("reactions", __name__)

    @routes.post("/api/reactions")
    async def post_reactions() -> Response:
        service = require_service(principal_of(request, access))
        names = naming.names()
        rows = await rows_of(request, Reaction, names, limits)
        try:
            await reactions.react_all(rows, service, request.remote_addr or "", names.texts)
        except BadReaction as fault:
            raise Problem(400, f"row {fault.index}: {fault}") from None
        except ReactionLimitExceeded as fault:
            raise Problem(409, f"row {fault.index}: {fault}; nothing is applied", LIMIT_CODE) from None
        except ReferenceTaken as fault:
            raise reference_taken(fault, rows, names) from None
        return json_answer({"accepted": len(rows)}, 202)

    @routes.post("/api/comments")
    async def post_comments() -> Response:
        require_service(principal_of(request, access))
        names = naming.names()
        rows = await rows_of(request, Comment, names, limits)
        try:
            await reactions.comment_all(rows, names.texts)
        except ReferenceTaken as fault:
            raise reference_taken(fault, rows, names) from None
        return json_answer({"accepted": len(rows)}, 202)

    return routes
