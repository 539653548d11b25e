"""The route of one playlist: for its owner, and for principals that read everything."""

from __future__ import annotations

from quart import Blueprint, Response, request

from vts.model.ports import Catalog
from vts.model.principal import Principal
from vts.query import playlist
from vts.query.questions import Questions
from vts.web.access import Access, principal_of, require, require_catalog
from vts.web.admin import FreshAnswer
from vts.web.answers import Problem
from vts.web.asked import days_of, limit_of
from vts.web.table_answers import Answers

PLAYLIST = "playlist"
UNKNOWN = "playlist_id: unknown playlist"


def blueprint(access: Access, catalog: Catalog, questions: Questions, answers: Answers) -> Blueprint:
    """Return `GET /api/admin/playlists/{id}`."""
    routes = Blueprint("playlists", __name__)
    answered = FreshAnswer(access, questions, answers)

    @routes.get("/api/admin/playlists/<playlist_id>")
    async def one_playlist(playlist_id: str) -> Response:
        principal = require(principal_of(request, access))
        names = answers.naming.names()
        number = answers.naming.content(playlist_id, "playlist_id", names=names)
        listed = _readable(principal, catalog, number)
        days, limit = days_of(request, access.clock()), limit_of(request)
        facts = await questions.playlist_facts(number, *days)
        if not (listed or facts.known):
            raise Problem(404, UNKNOWN)
        return await answered(days, lambda **fresh: playlist.answer(facts, limit=limit, **fresh), names.texts)

    return routes


def _readable(principal: Principal, catalog: Catalog, playlist_id: int) -> bool:
    """Return whether the catalog has this playlist. Raises Problem 403 for one that may not be read, 503, 404.

    Playlists need not be described to be played, so a principal that reads everything may ask for any.
    """
    require_catalog(catalog)
    if not playlist_id:
        raise Problem(404, UNKNOWN)
    content = catalog.content(playlist_id)
    listed = content is not None and content.kind == PLAYLIST and not content.deleted
    owner_id = content.owner_id if content is not None and listed else None
    if not principal.may_read(owner_id):
        raise Problem(403, "playlist_id: not a playlist of yours")
    return listed
