"""The most viewed contents of any days: public ones for anyone, from any origin; with a token those it may see."""

from __future__ import annotations

from quart import Blueprint, Response, request

from vts.model.names import Names
from vts.model.principal import Principal
from vts.query.questions import Questions
from vts.query.ranges import BadRange
from vts.query.top import Filters, TopAsked, answer, check_size, parse_by, parse_kind
from vts.web.access import Access, bearer_of
from vts.web.answers import Problem
from vts.web.asked import days_of, limit_of
from vts.web.cors import public
from vts.web.table_answers import Answers


def blueprint(access: Access, questions: Questions, answers: Answers) -> Blueprint:
    """Return the route of the most viewed contents."""
    routes = Blueprint("top", __name__)

    @routes.get("/api/top")
    @public
    async def top() -> Response:
        principal = bearer_of(request, access)
        names = answers.naming.names()
        asked = _asked(access, answers, names, principal)
        lines = await questions.top(asked)
        body = answer(asked, lines, now_us=access.clock(), lag_s=questions.lag_s())
        return await answers.body(request, "top", body, names.texts)

    return routes


def _asked(access: Access, answers: Answers, names: Names, principal: Principal | None) -> TopAsked:
    """Read the question. Raises Problem 400 that names the field, and 503."""
    first, last = days_of(request, access.clock())
    args, limit = request.args, limit_of(request)
    owner = args.get("owner")
    try:
        by, kind = parse_by(args.get("by")), parse_kind(args.get("kind"))
        check_size(first, last, limit)
    except BadRange as fault:
        raise Problem(400, str(fault)) from None
    filters = Filters(
        kind=kind,
        category=args.get("category"),
        hashtag=args.get("hashtag"),
        owner_id=None if owner is None else answers.naming.owner(owner, names),
        reader=None if principal is None else principal.user_id,
        reads_everything=principal is not None and principal.reads_everything,
    )
    return TopAsked(first, last, by, limit, filters)
