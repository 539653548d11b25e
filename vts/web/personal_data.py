"""Routes about a person's data: for the site's owner and for services."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

import msgspec
from quart import Blueprint, Response, request

from vts.query.export.exports import Exports
from vts.query.export.table import Table
from vts.query.naming import named
from vts.service.audit_log import AuditLog
from vts.service.personal_data import PersonalData
from vts.web.access import Access, require_administrator
from vts.web.answers import Problem, json_answer
from vts.web.naming import Naming
from vts.web.table_answers import all_pieces, first_piece


def blueprint(access: Access, data: PersonalData, audit: AuditLog, exports: Exports, naming: Naming) -> Blueprint:
    """Return `GET` and `DELETE /api/admin/users/{id}/data`."""
    routes = Blueprint("persons", __name__)

    @routes.get("/api/admin/users/<name:user_id>/data")
    async def export(user_id: str) -> Response:
        principal = require_administrator(request, access)
        names = naming.names()
        number = _known(naming.user(user_id, names))
        answer = Response(content_type="application/json")
        if request.method != "HEAD":
            await audit.note(principal, "person.export", f"user:{number}", {})
            pieces = _document(named(number, names.texts), data.tables(number), exports)
            answer = Response(all_pieces(await first_piece(pieces), pieces), content_type="application/json")
        answer.timeout = None  # every write has a deadline of its own
        answer.headers["Cache-Control"] = "no-store"
        return answer

    @routes.delete("/api/admin/users/<name:user_id>/data")
    async def erase(user_id: str) -> Response:
        principal = require_administrator(request, access)
        names = naming.names()
        number = _known(naming.user(user_id, names))
        await audit.note(principal, "person.erase", f"user:{number}", {})
        return json_answer(named({"user_id": number, "erased": await data.erase(number)}, names.texts))

    return routes


async def _document(user_id: int | str, tables: Sequence[Table], exports: Exports) -> AsyncGenerator[bytes, None]:
    """Give one JSON object with an array for every table, as it is read. The first piece has rows in it, if any."""
    head = b'{"user_id":%s' % msgspec.json.encode(user_id)
    for table in tables:
        head += b',"%s":' % table.name.encode()
        async with aclosing(exports.encode(table, "json")) as pieces:
            async for piece in pieces:
                yield head + piece
                head = b""
    yield b"}"


def _known(number: int) -> int:
    if not number:
        raise Problem(404, "user_id: not a user's number")
    return number
