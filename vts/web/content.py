"""Routes of contents in the catalog, written by services."""

from __future__ import annotations

from quart import Blueprint, Response, request

from vts.model.content import ContentRow
from vts.model.view import POST_ID_MAX
from vts.service.audit_log import AuditLog
from vts.service.catalog_writes import CatalogWrites
from vts.web.access import Access, actor_of, principal_of, require_service
from vts.web.answers import Problem, json_answer
from vts.web.rows import decode_rows, plain_body_of


def blueprint(access: Access, writes: CatalogWrites, audit: AuditLog) -> Blueprint:
    """Return `POST /api/content` and `DELETE /api/content/{id}`."""
    routes = Blueprint("content", __name__)

    @routes.post("/api/content")
    async def upsert_contents() -> Response:
        principal = require_service(principal_of(request, access))
        rows = decode_rows(await plain_body_of(request), ContentRow)
        await audit.note(actor_of(principal), "catalog.upsert", "content", {"rows": len(rows)})
        return json_answer({"upserted": await writes.upsert_contents(rows)})

    @routes.delete("/api/content/<int:post_id>")
    async def delete_content(post_id: int) -> Response:
        require_service(principal_of(request, access))
        if post_id > POST_ID_MAX or not await writes.delete_content(post_id):
            raise Problem(404, "post_id: unknown content")
        return json_answer({"deleted": 1})

    return routes
