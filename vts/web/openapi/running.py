"""Live counts, pages, and what operators ask."""

from __future__ import annotations

from typing import Final

from vts.web.openapi.builders import (
    BEARER,
    FLAG,
    HTML,
    JSON,
    SESSION,
    SIGNED,
    TEXT,
    TICKET,
    Json,
    Paths,
    answer,
    array,
    obj,
    operation,
    query,
    words,
)
from vts.web.openapi.errors import refusal

LIVE: Final = "Live"
OPERATIONS: Final = "Operations"
PAGES: Final = "Pages"
TOPICS_MAX: Final = 100  # of `vts.live.frames`, which nobody here may know; a test compares them

_FOLLOWERS: Final[list[Json]] = [{BEARER: []}, {SESSION: []}, {TICKET: []}, {}]
_FRAME: Final = (
    'Frames are JSON: `{"topic","epoch","seq","views","views_today","unique_viewers_today","viewers_now","at"}`, `top` '
    "has `posts` instead. A snapshot comes first, then at most four changes a second for each topic, the newest wins. "
    "Topics are `post:ID`, `artist:ID`, `stream:ID`, `player:KEY`, `site` and `top`, which is public on loopback."
)
_READY: Final = obj(
    {
        "status": words("ok", "degraded", "unavailable"),
        "accepting_events": FLAG,
        "degraded": array(TEXT, description="Parts that are not as they should be."),
        "parts": {"type": "object", "additionalProperties": TEXT, "description": "Part → ok, or what is wrong."},
    }
)

_UNCHANGED: Final = answer("It is what `If-None-Match` names.")


def paths() -> Paths:
    """Return the operations of live counts, pages and operators."""
    return _live() | _operations() | _pages()


def _live() -> Paths:
    upgraded = answer(
        'The WebSocket is open. Send `{"op":"subscribe","topics":["post:42"]}`, or `unsubscribe`. What may not be '
        'followed is answered `{"error","error_code","topic"}`.',
        headers={"Upgrade": {"required": True, "schema": {"const": "websocket"}}},
    )
    told = obj({"ticket": TEXT, "expires_in": {"const": 30, "description": "Seconds."}})
    stream: Json = {
        "type": "string",
        "contentMediaType": "text/event-stream",
        "description": "An event for each frame.",
    }
    topics = query("topics", TEXT, f"At most {TOPICS_MAX}, separated by commas, like `post:42,top`.", required=True)
    return {
        "/live": {
            "get": operation(
                LIVE,
                "Follow live counts over a WebSocket",
                {101: upgraded, 401: refusal(401) | {"headers": {}}},
                errors=(400, 403, 404, 421, 426),
                says=_FRAME,
                security=_FOLLOWERS,
            )
        },
        "/live/events": {
            "get": operation(
                LIVE,
                "Follow live counts as server-sent events",
                {200: answer("It ends when either side leaves.", {"text/event-stream": stream})},
                errors=(400, 401, 403, 405, 421),
                says=_FRAME,
                parameters=[topics],
                security=_FOLLOWERS,
            )
        },
        "/api/live/ticket": {
            "post": operation(
                LIVE,
                "Get a ticket for a page",
                {200: answer("Good once, for 30 s, as `?ticket=`.", {JSON: told})},
                errors=(401, 405),
                says="For pages, which cannot send a token when they open a WebSocket.",
                security=SIGNED,
            )
        },
    }


def _operations() -> Paths:
    alive = answer("The process answers.", {JSON: obj({"status": {"const": "ok"}})})
    metrics = answer("Prometheus' text format.", {"text/plain": TEXT})
    status = {"type": "object", "additionalProperties": {"type": ["string", "integer"]}}
    return {
        "/health/live": {"get": operation(OPERATIONS, "Whether the process lives", {200: alive}, errors=(405,))},
        "/health/ready": {
            "get": operation(
                OPERATIONS,
                "Whether events are accepted",
                {
                    200: answer("They are; degraded parts are named.", {JSON: _READY}),
                    503: answer("They are not.", {JSON: _READY}),
                },
                errors=(405,),
            )
        },
        "/metrics": {"get": operation(OPERATIONS, "Metrics", {200: metrics}, errors=(405,))},
        "/api/status": {
            "get": operation(
                OPERATIONS,
                "What the first page says is running",
                {200: answer("Name → value.", {JSON: status})},
                errors=(405,),
            )
        },
        "/openapi.json": {
            "get": operation(
                OPERATIONS,
                "This description",
                {200: answer("OpenAPI 3.1.", {JSON: {"type": "object"}}), 304: _UNCHANGED},
                errors=(405,),
                says="It changes with the version only.",
            )
        },
    }


def _pages() -> Paths:
    page = answer("A page.", {HTML: TEXT})
    login = operation(
        PAGES,
        "Begin a session of the dashboard",
        {302: answer("The session's cookie is set.", {HTML: TEXT}, {"Location": {"required": True, "schema": TEXT}})},
        errors=(401, 405),
        says="`vts serve` prints such a link on a terminal.",
        parameters=[query("ticket", TEXT, "Good once.", required=True)],
    )
    name = {"name": "filename", "in": "path", "required": True, "schema": TEXT, "description": "Name of the file."}
    kinds = ("text/javascript", "text/css", "image/svg+xml")
    file = answer("The file.", dict.fromkeys(kinds, TEXT))
    return {
        "/": {"get": operation(PAGES, "The most viewed contents, live", {200: page}, errors=(405,))},
        "/docs": {"get": operation(PAGES, "Documentation", {200: page}, errors=(405,))},
        "/login": {"get": login},
        "/static/{filename}": {
            "get": operation(
                PAGES, "A file of the pages", {200: file, 304: _UNCHANGED}, errors=(404, 405), parameters=[name]
            )
        },
    }
