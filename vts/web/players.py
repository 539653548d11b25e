"""Routes of players: the catalog's, written by services, and the list with what players last said of themselves."""

from __future__ import annotations

from dataclasses import dataclass

from quart import Blueprint, Response, request

from vts.capture.http.limits import Limits
from vts.capture.players.topics import parse_key
from vts.model import identity
from vts.model.content import PlayerName, PlayerRow
from vts.model.principal import Principal
from vts.model.reference import ReferenceTaken
from vts.query import players
from vts.query.questions import Questions
from vts.query.ranges import BadRange
from vts.service.audit_log import AuditLog
from vts.service.catalog_writes import CatalogWrites
from vts.web.access import Access, principal_of, require, require_service
from vts.web.answers import Problem, json_answer, reference_taken
from vts.web.naming import Naming
from vts.web.rows import rows_of
from vts.web.table_answers import Answers


@dataclass(frozen=True, slots=True)
class Listing:
    """What the list of players needs."""

    questions: Questions
    answers: Answers


def blueprint(
    access: Access, writes: CatalogWrites, audit: AuditLog, naming: Naming, limits: Limits, listing: Listing
) -> Blueprint:
    """Return `GET` and `POST /api/players`, and `DELETE /api/players/{key}`."""
    routes = Blueprint("players", __name__)

    @routes.get("/api/players")
    async def list_players() -> Response:
        asked = _asked(require(principal_of(request, access)), naming)
        rows = await listing.questions.players(asked, access.clock())
        return await listing.answers.body(request, "players", players.page(rows, asked.limit))

    @routes.post("/api/players")
    async def upsert_players() -> Response:
        principal = require_service(principal_of(request, access))
        names = naming.names()
        rows = await rows_of(request, PlayerRow, names, limits)
        await audit.note(principal, "catalog.upsert", "players", {"rows": len(rows)})
        try:
            return json_answer({"upserted": await writes.upsert_players(rows, names.texts)})
        except ReferenceTaken as fault:
            raise reference_taken(fault, rows, names) from None

    @routes.post("/api/players/delete")
    async def delete_players() -> Response:
        principal = require_service(principal_of(request, access))
        rows = await rows_of(request, PlayerName, naming.names(), limits)
        await audit.note(principal, "catalog.delete", "players", {"rows": len(rows)})
        return json_answer({"deleted": await writes.delete_players([row.player_key.bytes for row in rows])})

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


def _asked(principal: Principal, naming: Naming) -> players.PlayersAsked:
    """Return which players are asked for: of a user, the user's own. Raises Problem 400, 403 and 503."""
    args = request.args
    owner = args.get("owner")
    owner_id = None if owner is None else naming.owner(owner)
    if not principal.reads_everything:
        if owner_id not in (None, principal.user_id):
            raise Problem(403, "owner: players of other users are not yours to read")
        owner_id = principal.user_id
    after = parse_key(args["after"]) if "after" in args else players.BEFORE_ALL
    if after is None:
        raise Problem(400, "after: the UUID of a player is expected")
    try:
        return players.PlayersAsked(
            after=after,
            limit=players.parse_limit(args.get("limit")),
            owner_id=owner_id,
            online=players.parse_status(args.get("status")),
        )
    except BadRange as fault:
        raise Problem(400, str(fault)) from None
