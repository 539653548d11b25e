"""Routes about a person's data and the audit log: for the site's owner and for services."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Final

from quart import Blueprint, Response, request

from vts.model.principal import Principal
from vts.model.view import POST_ID_MAX
from vts.query.export.exports import Exports
from vts.query.export.table import Table
from vts.service.audit_log import AuditLog
from vts.service.personal_data import PersonalData
from vts.web.access import Access, actor_of, principal_of, require
from vts.web.answers import Problem, json_answer
from vts.web.table_answers import all_pieces, first_piece

LIMIT: Final = 100
LIMIT_MAX: Final = 1000
_RIGHTS: Final = frozenset(("owner", "service"))


def blueprint(access: Access, data: PersonalData, audit: AuditLog, exports: Exports) -> Blueprint:
    """Return `/api/admin/users/{id}/data` and `/api/admin/audit`."""
    routes = Blueprint("persons", __name__)

    def administrator() -> Principal:
        """Return the principal. A moderator may read statistics, and no personal data. Raises Problem 401, 403."""
        who = require(principal_of(request, access))
        if who.roles.isdisjoint(_RIGHTS):
            raise Problem(403, "Authorization: the role owner or service is needed")
        return who

    @routes.get("/api/admin/users/<int:user_id>/data")
    async def export(user_id: int) -> Response:
        who = administrator()
        _check(user_id)
        answer = Response(content_type="application/json")
        if request.method != "HEAD":
            await audit.note(actor_of(who), "person.export", f"user:{user_id}", {})
            pieces = _document(user_id, data.tables(user_id), exports)
            answer = Response(all_pieces(await first_piece(pieces), pieces), content_type="application/json")
        answer.timeout = None  # every write has a deadline of its own
        answer.headers["Cache-Control"] = "no-store"
        return answer

    @routes.delete("/api/admin/users/<int:user_id>/data")
    async def erase(user_id: int) -> Response:
        who = administrator()
        _check(user_id)
        await audit.note(actor_of(who), "person.erase", f"user:{user_id}", {})
        return json_answer({"user_id": user_id, "erased": await data.erase(user_id)})

    @routes.get("/api/admin/audit")
    async def audit_entries() -> Response:
        administrator()
        limit = _number("limit", LIMIT, LIMIT_MAX)
        before = _number("before", POST_ID_MAX, POST_ID_MAX)
        entries = await audit.page(before, limit)
        return json_answer({"entries": entries, "next_before": entries[-1]["id"] if len(entries) == limit else None})

    return routes


async def _document(user_id: int, tables: Sequence[Table], exports: Exports) -> AsyncGenerator[bytes, None]:
    """Give one JSON object with an array for every table, as it is read. The first piece has rows in it, if any."""
    head = b'{"user_id":%d' % user_id
    for table in tables:
        head += b',"%s":' % table.name.encode()
        async with aclosing(exports.encode(table, "json")) as pieces:
            async for piece in pieces:
                yield head + piece
                head = b""
    yield b"}"


def _check(user_id: int) -> None:
    if not 0 < user_id <= POST_ID_MAX:
        raise Problem(404, "user_id: not a user's number")


def _number(field: str, usual: int, most: int) -> int:
    text = request.args.get(field)
    if text is None:
        return usual
    if not (text.isascii() and text.isdecimal() and len(text) <= 19 and 1 <= int(text) <= most):
        raise Problem(400, f"{field}: a number from 1 to {most} is expected")
    return int(text)
