"""Routes about a person's data: each user's own, and any user's for the site's owner and for services."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from quart import Blueprint, Request, Response, request

from vts.model.principal import Principal
from vts.query.export.exports import Busy, Exports
from vts.query.export.personal_data import PERSONAL
from vts.query.export.table import Table
from vts.query.naming import named
from vts.service.audit_log import AuditLog
from vts.service.personal_data import PersonalData
from vts.web.access import Access, principal_of, require, require_administrator
from vts.web.answers import Problem, json_answer
from vts.web.naming import Naming
from vts.web.table_answers import Encode, all_pieces, busy, first_piece, is_table_asked, table_answer

OWN_AT_ONCE: Final = 2  # users who read or erase their own data: each request looks at every raw row
CONFIRMED: Final = "erase"
"""What `confirm` must be where users erase their own data, so that no mistaken request does it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Person:
    """Whose data is meant, and who asks; `texts` has the person's text, where there is one."""

    number: int
    texts: Mapping[int, str]
    asking: Principal


@dataclass(frozen=True, slots=True)
class _Persons:
    """What the routes do."""

    data: PersonalData
    audit: AuditLog

    async def read(self, person: _Person, encode: Encode) -> Response:
        """Answer everything that is kept about a person, or one table of it; noted first."""
        wanted = _table_asked(request)
        detail = {} if wanted is None else {"table": wanted, "format": request.args.get("format", "json")}
        if request.method != "HEAD":
            await self.audit.note(person.asking, "person.export", f"user:{person.number}", detail)
        tables = self.data.tables(person.number)
        if wanted is not None:
            return await table_answer(request, next(one for one in tables if one.name == wanted), encode)
        answer = Response(content_type="application/json")
        if request.method != "HEAD":
            pieces = _document(named(person.number, person.texts), tables, encode)
            answer = Response(all_pieces(await first_piece(pieces), pieces), content_type="application/json")
        answer.timeout = None  # every write has a deadline of its own
        answer.headers["Cache-Control"] = "no-store"
        return answer

    async def erase(self, person: _Person) -> Response:
        """Erase a person; noted first."""
        await self.audit.note(person.asking, "person.erase", f"user:{person.number}", {})
        erased = await self.data.erase(person.number)
        return json_answer(named({"user_id": person.number, "erased": erased}, person.texts))


def blueprint(access: Access, data: PersonalData, audit: AuditLog, exports: Exports, naming: Naming) -> Blueprint:
    """Return `GET` and `DELETE` of `/api/me/data` and of `/api/admin/users/{id}/data`."""
    routes = Blueprint("persons", __name__)
    persons, own = _Persons(data, audit), _Places(OWN_AT_ONCE)

    def any_person(user_id: str) -> _Person:
        asking = require_administrator(request, access)
        names = naming.names()
        return _Person(number=_known(naming.user(user_id, names)), texts=names.texts, asking=asking)

    @routes.get("/api/admin/users/<name:user_id>/data")
    async def export(user_id: str) -> Response:
        return await persons.read(any_person(user_id), exports.encode)

    @routes.delete("/api/admin/users/<name:user_id>/data")
    async def erase(user_id: str) -> Response:
        return await persons.erase(any_person(user_id))

    @routes.get("/api/me/data")
    async def export_own() -> Response:
        return await persons.read(_self(access), lambda table, form: own.held(exports.encode(table, form)))

    @routes.delete("/api/me/data")
    async def erase_own() -> Response:
        person = _self(access)
        if request.args.get("confirm") != CONFIRMED:
            about = f"confirm: must be {CONFIRMED}; what is kept about you is erased and does not come back"
            raise Problem(400, about, "confirmation_needed")
        try:
            with own.taken():
                return await persons.erase(person)
        except Busy:
            raise busy() from None

    return routes


def _self(access: Access) -> _Person:
    """Return the user who asks. Raises Problem 401, and 403 for a service and for a token without a user."""
    asking = require(principal_of(request, access))
    if asking.is_service or asking.user_id is None:
        raise Problem(403, "Authorization: a user's token is needed; a service has no data of its own")
    texts = {} if asking.user_text is None else {asking.user_id: asking.user_text}
    # Noted without the text: reading after an erasure must not bring it back. A text that is kept is shown in the log.
    return _Person(number=asking.user_id, texts=texts, asking=asking._replace(user_text=None))


def _table_asked(asked: Request) -> str | None:
    """Return the table that a request names, the first one where it names a format only, None for all together."""
    if not is_table_asked(asked):
        return None
    wanted: str = asked.args.get("table", PERSONAL[0])
    if wanted not in PERSONAL:
        raise Problem(400, f"table: one of {', '.join(PERSONAL)} is expected")
    return wanted


async def _document(user_id: Any, tables: Sequence[Table], encode: Encode) -> AsyncGenerator[bytes, None]:
    """Give one JSON object with an array for every table, as it is read. The first piece has rows in it, if any."""
    head = b'{"user_id":%s' % msgspec.json.encode(user_id)
    for table in tables:
        head += b',"%s":' % table.name.encode()
        async with aclosing(encode(table, "json")) as pieces:
            async for piece in pieces:
                yield head + piece
                head = b""
    yield b"}"


class _Places:
    """How many may do something at a time."""

    def __init__(self, how_many: int) -> None:
        self._free = how_many

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Take a place. Raises Busy."""
        if not self._free:
            raise Busy
        self._free -= 1
        try:
            yield
        finally:
            self._free += 1

    async def held(self, pieces: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
        """Give pieces while a place is taken. Raises Busy at the first one."""
        async with aclosing(pieces):
            with self.taken():
                async for piece in pieces:
                    yield piece


def _known(number: int) -> int:
    if not number:
        raise Problem(404, "user_id: not a user's number")
    return number
