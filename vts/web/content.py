"""Routes of contents in the catalog, written by services."""

from __future__ import annotations

from quart import Blueprint, Response, request

from vts.capture.http.limits import Limits
from vts.model.content import KINDS, ContentName, ContentRow
from vts.model.names import Names
from vts.model.reference import ReferenceTaken
from vts.query import contents
from vts.query.questions import Questions
from vts.query.ranges import BadRange
from vts.service.audit_log import AuditLog
from vts.service.catalog_writes import CatalogWrites
from vts.web.access import Access, principal_of, require, require_service
from vts.web.answers import Problem, json_answer, reference_taken
from vts.web.naming import Naming
from vts.web.rows import rows_of


def blueprint(
    access: Access, writes: CatalogWrites, audit: AuditLog, naming: Naming, limits: Limits, questions: Questions
) -> Blueprint:
    """Return `GET` and `POST /api/content`, and `DELETE /api/content/{id}`."""
    routes = Blueprint("content", __name__)

    @routes.get("/api/content")
    async def list_contents() -> Response:
        if not require(principal_of(request, access)).reads_everything:
            raise Problem(403, "Authorization: a service, a moderator or an owner of the site may read the catalog")
        names = naming.names()
        asked = _asked(naming, names)
        rows = await questions.contents(asked)
        return await naming.json(contents.page(rows, asked.limit), names.texts)

    @routes.post("/api/content")
    async def upsert_contents() -> Response:
        principal = require_service(principal_of(request, access))
        names = naming.names()
        rows = await rows_of(request, ContentRow, names, limits)
        await audit.note(principal, "catalog.upsert", "content", {"rows": len(rows)})
        try:
            return json_answer({"upserted": await writes.upsert_contents(rows, names.texts)})
        except ReferenceTaken as fault:
            raise reference_taken(fault, rows, names) from None

    @routes.post("/api/content/delete")
    async def delete_contents() -> Response:
        principal = require_service(principal_of(request, access))
        rows = await rows_of(request, ContentName, naming.names(), limits)
        await audit.note(principal, "catalog.delete", "content", {"rows": len(rows)})
        return json_answer({"deleted": await writes.delete_contents([row.post_id for row in rows])})

    @routes.delete("/api/content/<post_id>")
    async def delete_content(post_id: str) -> Response:
        principal = require_service(principal_of(request, access))
        names = naming.names()
        number = naming.content(post_id, names=names)
        if number:  # 0 are digits that no content has
            await audit.note(principal, "catalog.delete", f"content:{names.texts.get(number, number)}", {"rows": 1})
        if not number or not await writes.delete_content(number):
            raise Problem(404, "post_id: unknown content")
        return json_answer({"deleted": 1})

    return routes


def _asked(naming: Naming, names: Names) -> contents.ContentsAsked:
    """Return which page of the catalog is asked for. Raises Problem 400 and 503."""
    args = request.args
    after, kind, owner = args.get("after"), args.get("kind"), args.get("owner")
    if kind is not None and kind not in KINDS:
        raise Problem(400, f"kind: one of {', '.join(KINDS)} is expected")
    try:
        return contents.ContentsAsked(
            after=0 if after is None else naming.after(after, names),
            limit=contents.parse_limit(args.get("limit")),
            kind=kind,
            owner_id=None if owner is None else naming.owner(owner, names),
        )
    except BadRange as fault:
        raise Problem(400, str(fault)) from None
