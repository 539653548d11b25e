"""Routes for the administration of the site: site-wide statistics, channels, play orders, peak hours, playlists.

A playlist's owner may ask for it, too; the rest is for moderators, owners of the site and services.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from quart import Blueprint, Response, request

from vts.model.day import day_of
from vts.model.ports import Catalog
from vts.model.principal import Principal
from vts.query import playlist
from vts.query.analytics import channels_answer, peak_hours_answer, play_orders_answer
from vts.query.export.exports import Exports
from vts.query.questions import Questions
from vts.query.ranges import BadRange, parse_range
from vts.query.shape import parse_limit, worked_out
from vts.query.site import answer as site_answer
from vts.web.access import Access, principal_of, require, require_catalog
from vts.web.answers import Problem
from vts.web.table_answers import body_answer

PLAYLIST = "playlist"


def blueprint(access: Access, catalog: Catalog, questions: Questions, exports: Exports) -> Blueprint:
    """Return the routes below `/api/admin` that ask about the site."""
    routes = Blueprint("admin", __name__)

    async def answered(days: tuple[int, int], work: Callable[..., dict[str, Any]]) -> Response:
        first, last = days
        fresh = {"now_us": access.clock(), "lag_s": questions.lag_s()}
        body = await worked_out(last - first + 1, lambda: work(**fresh))
        return await body_answer(request, request.path.removeprefix("/api/admin/"), body, exports.encode)

    @routes.get("/api/admin/sitewide-stats")
    async def sitewide() -> Response:
        _require_reader_of_all(_principal(access))
        days, limit = _range(access), _limit()
        facts = await questions.site_facts(*days, day_of(access.clock()))
        return await answered(days, lambda **fresh: site_answer(facts, limit=limit, **fresh))

    @routes.get("/api/admin/channels")
    async def channels() -> Response:
        _require_reader_of_all(_principal(access))
        days, limit = _range(access), _limit()
        facts = await questions.engagement_facts("channel", *days)
        return await answered(days, lambda **fresh: channels_answer(facts, limit=limit, **fresh))

    @routes.get("/api/admin/play-orders")
    async def play_orders() -> Response:
        _require_reader_of_all(_principal(access))
        days = _range(access)
        facts = await questions.engagement_facts("play_order", *days)
        return await answered(days, lambda **fresh: play_orders_answer(facts, **fresh))

    @routes.get("/api/admin/peak-hours")
    async def peak_hours() -> Response:
        _require_reader_of_all(_principal(access))
        days = _range(access)
        facts = await questions.hours_facts(*days)
        return await answered(days, lambda **fresh: peak_hours_answer(facts, **fresh))

    @routes.get("/api/admin/playlists/<int:playlist_id>")
    async def one_playlist(playlist_id: int) -> Response:
        listed = _readable_playlist(_principal(access), catalog, playlist_id)
        days, limit = _range(access), _limit()
        facts = await questions.playlist_facts(playlist_id, *days)
        if not (listed or facts.known):
            raise Problem(404, "playlist_id: unknown playlist")
        return await answered(days, lambda **fresh: playlist.answer(facts, limit=limit, **fresh))

    return routes


def _principal(access: Access) -> Principal:
    return require(principal_of(request, access))


def _require_reader_of_all(principal: Principal) -> None:
    if not principal.reads_everything:
        raise Problem(403, "Authorization: the role moderator or owner, or a service token is needed")


def _readable_playlist(principal: Principal, catalog: Catalog, playlist_id: int) -> bool:
    """Return whether the catalog has this playlist. Raises Problem 403 for one that may not be read, 503, 404.

    Playlists need not be described to be played, so a principal that reads everything may ask for any.
    """
    require_catalog(catalog)
    if not 0 < playlist_id < 2**63:
        raise Problem(404, "playlist_id: unknown playlist")
    content = catalog.content(playlist_id)
    listed = content is not None and content.kind == PLAYLIST and not content.deleted
    owner_id = content.owner_id if content is not None and listed else None
    if not principal.may_read(owner_id):
        raise Problem(403, "playlist_id: not a playlist of yours")
    return listed


def _range(access: Access) -> tuple[int, int]:
    args = request.args
    try:
        return parse_range(args.get("days"), args.get("from"), args.get("to"), day_of(access.clock()))
    except BadRange as fault:
        raise Problem(400, str(fault)) from None


def _limit() -> int:
    try:
        return parse_limit(request.args.get("limit"))
    except BadRange as fault:
        raise Problem(400, str(fault)) from None
