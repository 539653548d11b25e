"""Routes about a person's data: for the site's owner and for services."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from quart import Blueprint, Response, request

from vts.model.view import POST_ID_MAX
from vts.query.export.exports import Exports
from vts.query.export.table import Table
from vts.service.audit_log import AuditLog
from vts.service.personal_data import PersonalData
from vts.web.access import Access, actor_of, require_administrator
from vts.web.answers import Problem, json_answer
from vts.web.table_answers import all_pieces, first_piece


def blueprint(access: Access, data: PersonalData, audit: AuditLog, exports: Exports) -> Blueprint:
    """Return `GET` and `DELETE /api/admin/users/{id}/data`."""
    routes = Blueprint("persons", __name__)

    @routes.get("/api/admin/users/<int:user_id>/data")
    async def export(user_id: int) -> Response:
        principal = require_administrator(request, access)
        _check(user_id)
        answer = Response(content_type="application/json")
        if request.method != "HEAD":
            await audit.note(actor_of(principal), "person.export", f"user:{user_id}", {})
            pieces = _document(user_id, data.tables(user_id), exports)
            answer = Response(all_pieces(await first_piece(pieces), pieces), content_type="application/json")
        answer.timeout = None  # every write has a deadline of its own
        answer.headers["Cache-Control"] = "no-store"
        return answer

    @routes.delete("/api/admin/users/<int:user_id>/data")
    async def erase(user_id: int) -> Response:
        principal = require_administrator(request, access)
        _check(user_id)
        await audit.note(actor_of(principal), "person.erase", f"user:{user_id}", {})
        return json_answer({"user_id": user_id, "erased": await data.erase(user_id)})

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
