"""The route of the audit log: for the site's owner and for services."""

from __future__ import annotations

from typing import Final

from quart import Blueprint, Response, request

from vts.model.view import POST_ID_MAX
from vts.service.audit_log import AuditLog
from vts.web.access import Access, require_administrator
from vts.web.answers import Problem
from vts.web.table_answers import Answers, format_asked

LIMIT: Final = 100
LIMIT_MAX: Final = 1000


def blueprint(access: Access, audit: AuditLog, answers: Answers) -> Blueprint:
    """Return `GET /api/admin/audit`."""
    routes = Blueprint("audit", __name__)

    @routes.get("/api/admin/audit")
    async def audit_entries() -> Response:
        principal = require_administrator(request, access)
        limit = _number("limit", LIMIT, LIMIT_MAX)
        before = _number("before", POST_ID_MAX, POST_ID_MAX)
        detail = {"format": format_asked(request) or "json", "before": request.args.get("before"), "limit": limit}
        if request.method != "HEAD":  # a reading is noted before it is done, and is in the answers after its own
            before = min(before, await audit.note(principal, "audit.read", "audit_log", detail))
        entries = await audit.page(before, limit)
        body = {"entries": entries, "next_before": entries[-1]["id"] if len(entries) == limit else None}
        return await answers.body(request, "audit", body)

    return routes


def _number(field: str, usual: int, most: int) -> int:
    text = request.args.get(field)
    if text is None:
        return usual
    if not (text.isascii() and text.isdecimal() and len(text) <= 19 and 1 <= int(text) <= most):
        raise Problem(400, f"{field}: a number from 1 to {most} is expected")
    return int(text)
