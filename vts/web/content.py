"""Routes of contents in the catalog, written by services."""

from __future__ import annotations

from quart import Blueprint, Response, request

from vts.capture.http.limits import Limits
from vts.model.content import ContentRow
from vts.model.reference import ReferenceTaken
from vts.service.audit_log import AuditLog
from vts.service.catalog_writes import CatalogWrites
from vts.web.access import Access, principal_of, require_service
from vts.web.answers import Problem, json_answer, reference_taken
from vts.web.naming import Naming
from vts.web.rows import rows_of


def blueprint(access: Access, writes: CatalogWrites, audit: AuditLog, naming: Naming, limits: Limits) -> Blueprint:
    """Return `POST /api/content` and `DELETE /api/content/{id}`."""
    routes = Blueprint("content", __name__)

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
