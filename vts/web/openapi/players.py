"""The list of players with what they last said of themselves."""

from __future__ import annotations

from typing import Final

from vts.query import players
from vts.web.openapi.builders import (
    FLAG,
    NAMED,
    SIGNED,
    TEXT,
    TIME,
    USER,
    Json,
    Paths,
    answer,
    array,
    obj,
    operation,
    or_null,
    query,
    words,
)
from vts.web.openapi.catalog import TAG
from vts.web.openapi.files import BOM_QUERY, FORMAT_QUERY, files

_UUID: Final[Json] = {"type": "string", "format": "uuid"}
_LIMIT: Final[Json] = {
    "type": "integer",
    "minimum": 1,
    "maximum": players.LIMIT_MAX,
    "default": players.LIMIT_DEFAULT,
}
_PLAYER: Final = obj(
    {
        "player_key": _UUID,
        "name": or_null(TEXT),
        "owner_id": or_null(NAMED),
        "registered": FLAG,
        "country": or_null(TEXT),
        "status": words(*players.STATUSES),
        "firmware_version": or_null(TEXT),
        "current_post_id": or_null(NAMED) | {"description": "What it last said that it shows."},
        "online_since": or_null(TIME) | {"description": "Null while it is offline."},
        "last_seen_at": or_null(TIME) | {"description": "The last sign of any kind."},
        "last_view_at": or_null(TIME),
    }
)


def paths() -> Paths:
    """Return the operation that lists players."""
    return {"/api/players": {"get": _list()}}


def _list() -> Json:
    next_after = or_null(_UUID) | {"description": "Give it as `after` for the next page; null on the last."}
    return operation(
        TAG,
        "List players with their last status",
        {
            200: answer(
                "A page of players, in the order of their keys.",
                files(obj({"players": array(_PLAYER), "next_after": next_after})),
            )
        },
        errors=(400, 401, 403, 405),
        about="Services, moderators and owners of the site see all players, a user the user's own.",
        parameters=[
            query("after", _UUID, "Players behind this key."),
            query("limit", _LIMIT, "How many."),
            query("status", words(*players.STATUSES), "Players with this status."),
            query("owner", USER, "Players of this user."),
            FORMAT_QUERY,
            BOM_QUERY,
            query("table", TEXT, "`players`."),
        ],
        security=SIGNED,
    )
