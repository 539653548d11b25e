"""Routes of the catalog: contents and players, written by writes."""

from __future__ import annotations

from quart import Blueprint, Response, request

from vts.capture.players.topics import parse_key
from vts.model import identity
from vts.model.content import ContentRow, PlayerRow
from vts.model.principal import Principal
from vts.model.view import POST_ID_MAX
from vts.service.audit_log import AuditLog
from vts.service.catalog_writes import CatalogWrites
from vts.web.access import Access, actor_of, principal_of, require_service
from vts.web.answers import Problem, json_answer
from vts.web.rows import decode_rows, plain_body_of


def blueprint(access: Access, writes: CatalogWrites, audit: AuditLog) -> Blueprint:
    """Return the routes `/api/content` and `/api/players`."""
    routes = Blueprint("content", __name__)

    async def audited(action: str, subject: str, rows: int) -> None:
        """Note a change in the audit log before it is made. Raises Problem 401, 403."""
        await audit.note(actor_of(check_service()), action, subject, {"rows": rows})

    def check_service() -> Principal:
        return require_service(principal_of(request, access))

    @routes.post("/api/content")
    async def upsert_contents() -> Response:
        check_service()
        rows = decode_rows(await plain_body_of(request), ContentRow)
        await audited("catalog.upsert", "content", len(rows))
        return json_answer({"upserted": await writes.upsert_contents(rows)})

    @routes.post("/api/players")
    async def upsert_players() -> Response:
        check_service()
        rows = decode_rows(await plain_body_of(request), PlayerRow)
        await audited("catalog.upsert", "players", len(rows))
        return json_answer({"upserted": await writes.upsert_players(rows)})

    @routes.delete("/api/content/<int:post_id>")
    async def delete_content(post_id: int) -> Response:
        check_service()
        if post_id > POST_ID_MAX or not await writes.delete_content(post_id):
            raise Problem(404, "post_id: unknown content")
        return json_answer({"deleted": 1})

    @routes.delete("/api/players/<player_key>")
    async def delete_player(player_key: str) -> Response:
        check_service()
        key = parse_key(player_key)
        if key is None:
            raise Problem(400, "player_key: a UUID is expected")
        await audited("catalog.delete", f"player:{identity.text_of(key)}", 1)
        if not await writes.delete_player(key):
            raise Problem(404, "player_key: unknown player")
        return json_answer({"deleted": 1})

    return routes
