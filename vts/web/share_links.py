"""Links that share one content's or artist's statistics: made, listed and revoked by those who may read them."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from quart import Blueprint, Response, request

from vts.model.names import BadId, Names
from vts.model.ports import Catalog
from vts.model.principal import Principal
from vts.model.reference import NoReferenceKey
from vts.model.view import POST_ID_MAX
from vts.service.share_links import DAYS, DAYS_MAX, NOTE_MAX_CHARS, OPEN_MAX, ShareLinks, TooManyLinks
from vts.store.facts.share_links import Kind
from vts.web.access import Access, principal_of, readable_content, require
from vts.web.answers import Problem, catalog_not_loaded, json_answer
from vts.web.naming import Naming
from vts.web.openapi.request_bodies import NO_NUL
from vts.web.origin import base_url

LIMIT: Final = 100
LIMIT_MAX: Final = 1_000
SUBJECTS: Final[dict[Kind, str]] = {"content": "post_id", "artist": "user_id"}
"""The kind of a link → the field that names its subject."""


class NewShare(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST /api/share-links`: exactly one of `post_id` and `user_id`."""

    post_id: int | str | None = None
    user_id: int | str | None = None
    days: Annotated[int, msgspec.Meta(ge=1, le=DAYS_MAX)] = DAYS
    note: Annotated[str, msgspec.Meta(max_length=NOTE_MAX_CHARS, pattern=NO_NUL)] | None = None


_read_body: Final = msgspec.json.Decoder(NewShare).decode


def blueprint(access: Access, catalog: Catalog, links: ShareLinks, naming: Naming) -> Blueprint:
    """Return `/api/share-links`."""
    routes = Blueprint("share_links", __name__)

    @routes.post("/api/share-links")
    async def make() -> Response:
        who = require(principal_of(request, access))
        body, names = _body(await request.get_data(as_text=False)), naming.names()
        kind, subject = _subject(body, names)
        _check_readable(who, catalog, kind, subject)
        try:
            made = await links.make(who, kind, subject, body.days, body.note, names.texts)
        except TooManyLinks:
            raise Problem(409, f"{OPEN_MAX} links are open; revoke some", "too_many_links") from None
        said = {SUBJECTS[kind]: subject, "expires_at": made.expires_at, "note": body.note}
        url = f"{base_url(request, access)}/share/{made.secret}"
        answer = await naming.json({"id": made.id, "kind": kind, **said, "url": url}, names.texts)
        answer.status_code = 201
        return answer

    @routes.get("/api/share-links")
    async def listed() -> Response:
        who = require(principal_of(request, access))
        limit = _number("limit", LIMIT, LIMIT_MAX)
        rows = await links.listed(who, _number("before", POST_ID_MAX, POST_ID_MAX), limit)
        next_before = rows[-1]["id"] if len(rows) == limit else None
        return await naming.json({"links": [_shown(row) for row in rows], "next_before": next_before}, {})

    @routes.delete("/api/share-links/<int:link_id>")
    async def revoke(link_id: int) -> Response:
        who = require(principal_of(request, access))
        if not 0 < link_id <= POST_ID_MAX or not await links.revoke(who, link_id):
            raise Problem(404, "link_id: no such open link, or not yours")
        return json_answer({"revoked": 1})

    return routes


def _body(data: bytes | str) -> NewShare:
    try:
        return _read_body(data)
    except msgspec.ValidationError as fault:
        raise Problem(400, f"body: {_words(fault)}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Problem(400, 'body: {"post_id": 42, "days": 30} is expected') from None


def _words(fault: msgspec.ValidationError) -> str:
    """Say which field is wrong, and nothing of what was sent."""
    field = str(fault).rpartition("`$.")[2].rstrip("`")
    known = field if field in NewShare.__struct_fields__ else "post_id or user_id, days and note"
    limits = f"days from 1 to {DAYS_MAX}, a note of up to {NOTE_MAX_CHARS} characters"
    return f"{known}: expected are post_id or user_id (a number or a text), {limits}"


def _subject(body: NewShare, names: Names) -> tuple[Kind, int]:
    """Return what is to be shared. Raises Problem 400 that names the field, and 503."""
    if (body.post_id is None) == (body.user_id is None):
        raise Problem(400, "post_id, user_id: one of the two is expected")
    try:
        if body.post_id is not None:
            return "content", names.read("post_id", body.post_id)
        assert body.user_id is not None
        return "artist", names.read("user_id", body.user_id)
    except BadId as fault:
        raise Problem(400, str(fault)) from None
    except NoReferenceKey:
        raise catalog_not_loaded() from None


def _check_readable(who: Principal, catalog: Catalog, kind: Kind, subject: int) -> None:
    """Raise Problem 403, 404 or 503 when the principal may not read the statistics of a subject."""
    if kind == "content":
        readable_content(who, catalog, subject)
    elif not who.may_read(subject):
        raise Problem(403, "user_id: not yours to read")


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    subject = {SUBJECTS[row["kind"]]: row.pop("subject")}
    return row | subject


def _number(field: str, usual: int, most: int) -> int:
    text = request.args.get(field)
    if text is None:
        return usual
    if not (text.isascii() and text.isdecimal() and len(text) <= 19 and 1 <= int(text) <= most):
        raise Problem(400, f"{field}: a number from 1 to {most} is expected")
    return int(text)
