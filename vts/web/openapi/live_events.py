"""The routes of live counts: WebSocket, server-sent events, and tickets."""

from __future__ import annotations

from typing import Final

from vts.web.openapi.builders import (
    BEARER,
    JSON,
    SESSION,
    SIGNED,
    TEXT,
    TICKET,
    Json,
    Paths,
    answer,
    obj,
    operation,
    query,
)
from vts.web.openapi.errors import refusal

LIVE: Final = "Live"
TOPICS_MAX: Final = 100  # of `vts.live.frames`, which this room may not import; a test compares them

_CROWDED: Final = refusal(429, "The client has too many live connections.")
_FOLLOWERS: Final[list[Json]] = [{BEARER: []}, {SESSION: []}, {TICKET: []}, {}]
_FRAME: Final = (
    'Frames are JSON: `{"topic","epoch","seq","views","views_today","unique_viewers_today","viewers_now","at"}`, `top` '
    "has `posts` instead. A snapshot comes first, then at most `live.per_second` changes a second for each topic (4 "
    "unless it is set); the newest replaces those before it. "
    "Topics are `post:ID`, `artist:ID`, `stream:ID`, `player:KEY`, `site` and `top`, which is public on loopback. An "
    "ID is a number or a text, like `post:blog:1030`; `stream:ID` is the content `stream:ID` where ID is a text. "
    "Without a token, a session or a ticket, from pages of any origin, `post:ID` of public contents may be followed, "
    "without `unique_viewers_today`; other topics are `forbidden`. A page of another origin shows no token or ticket."
)


def paths() -> Paths:
    """Return the operations of live counts."""
    return {
        "/live": {"get": _websocket()},
        "/live/events": {"get": _events()},
        "/api/live/ticket": {"post": _ticket()},
    }


def _websocket() -> Json:
    upgraded = answer(
        'The WebSocket is open. Send `{"op":"subscribe","topics":["post:42"]}`, or `unsubscribe`. What may not be '
        'followed is answered `{"error","error_code","topic"}`, where `topic` is null for a name that is none.',
        headers={"Upgrade": {"required": True, "schema": {"const": "websocket"}}},
    )
    return operation(
        LIVE,
        "Follow live counts over a WebSocket",
        {101: upgraded, 401: refusal(401) | {"headers": {}}, 429: _CROWDED},
        errors=(400, 403, 404, 421, 426),
        about=_FRAME,
        security=_FOLLOWERS,
        ignores_unknown=True,
    )


def _events() -> Json:
    stream: Json = {
        "type": "string",
        "contentMediaType": "text/event-stream",
        "description": "An event for each frame.",
    }
    topics = query("topics", TEXT, f"At most {TOPICS_MAX}, separated by commas, like `post:42,top`.", required=True)
    return operation(
        LIVE,
        "Follow live counts as server-sent events",
        {
            200: answer("It ends when either side leaves.", {"text/event-stream": stream}),
            429: _CROWDED,
        },
        errors=(400, 401, 403, 405, 421),
        about=_FRAME,
        parameters=[topics],
        security=_FOLLOWERS,
    )


def _ticket() -> Json:
    ticket = obj({"ticket": TEXT, "expires_in": {"const": 30, "description": "Seconds."}})
    return operation(
        LIVE,
        "Get a ticket for a page",
        {200: answer("Good once, for 30 s, as `?ticket=`.", {JSON: ticket})},
        errors=(401, 405),
        about="For pages, which cannot send a token when they open a WebSocket.",
        security=SIGNED,
    )
