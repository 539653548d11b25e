"""Routes of players in the catalog, written by services."""

from __future__ import annotations

from quart import Blueprint, Response, request

from vts.capture.players.topics import parse_key
from vts.model import identity
from vts.model.content import PlayerRow
from vts.model.reference import ReferenceTaken
from vts.service.audit_log import AuditLog
from vts.service.catalog_writes import CatalogWrites
from vts.web.access import Access, principal_of, require_service
from vts.web.answers import Problem, json_answer, reference_taken
from vts.web.naming import Naming
from vts.web.rows import decode_rows, plain_body_of


def blueprint(access: Access, writes: CatalogWrites, audit: AuditLog, naming: Naming) -> Blueprint:
    """Return `POST /api/players` and `DELETE /api/players/{key}`."""
    routes = Blueprint("players", __name__)

    @routes.post("/api/players")
    async def upsert_players() -> Response:
        principal = require_service(principal_of(request, access))
        names = naming.names()
        rows = decode_rows(await plain_body_of(request), PlayerRow, names)
        await audit.note(principal, "catalog.upsert", "players", {"rows": len(rows)})
        try:
            return json_answer({"upserted": await writes.upsert_players(rows, names.texts)})
        except ReferenceTaken as fault:
            raise reference_taken(fault, rows, names) from None

    @routes.delete("/api/players/<player_key>")
    async def delete_player(player_key: str) -> Response:
        principal = require_service(principal_of(request, access))
        key = parse_key(player_key)
        if key is None:
            raise Problem(400, "player_key: a UUID is expected")
        await audit.note(principal, "catalog.delete", f"player:{identity.text_of(key)}", {"rows": 1})
        if not await writes.delete_player(key):
            raise Problem(404, "player_key: unknown player")
        return json_answer({"deleted": 1})

    return routes
