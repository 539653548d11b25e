"""The description of the whole HTTP API as one OpenAPI 3.1 document, served as `/openapi.json`.

Bodies come from the structs that decode them, words and bounds from the modules that enforce them; a test holds the
routes against it, and another sends what it allows, and what it does not, to a real process.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Final

import msgspec

from vts.capture.http.limits import Limits
from vts.web.openapi import (
    capture,
    catalog,
    errors,
    files,
    live_events,
    personal_data,
    players,
    questions,
    request_bodies,
    running,
    sharing,
    signing,
    statistics,
)
from vts.web.openapi.builders import BEARER, PLAYER, PLAYER_BEARER, PLAYER_KEY, SESSION, TICKET, Json, Paths

OPENAPI: Final = "3.1.0"
TAGS: Final = {
    capture.TAG: "Views and other events. **202 means durable**: on disk, and in the database exactly once.",
    questions.STATISTICS: "Of contents and artists. Days are UTC days; a missing day is zero.",
    questions.SITE: "Of the whole site, for those who run it.",
    catalog.TAG: "What is viewed and on what, written by the host application.",
    files.TAG: "Tables as files, and the counters and views of another system.",
    personal_data.TAG: "A person's data, and the log of who read it.",
    live_events.LIVE: "Counts as they change, from committed rows only.",
    signing.SIGN_IN: "One-time links, sessions, and links that share one content's or artist's statistics.",
    running.OPERATIONS: "Health and metrics.",
    running.PAGES: "What a browser opens.",
}
_ABOUT: Final = (
    'Every error is `{"error": "what and where", "error_code": "…"}`. Times are RFC 3339 in UTC. No token is '
    "anonymous, a bad one is 401 everywhere. A `GET` may be asked as `HEAD`. Fields that are not named here are "
    "ignored. **References.** A content is named by a positive integer or by a text `kind:id` like `blog:1030`, a "
    "user or a comment by a positive integer or any text of up to 128 printable characters. Both are taken wherever an "
    "id is; answers show the text where there is one, tables in a column of its own (`post_ref` behind `post_id`). "
    "Integers from 2^61 to 2^62 - 1 stand for texts and are refused, integers beyond 2^53 - 1 are answered as digits. "
    "The statuses 408, 413, 417, 431, 500, 501, 503 and 505 may answer any request."
)
_SESSION: Final = (
    "The dashboard's session. On loopback over plain HTTP its name is `vts_session`. It counts for requests of our own "
    "pages and of `http.allowed_origins` only."
)
_SECURITY: Final[dict[str, Json]] = {
    BEARER: {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "Claims `sub`, `roles` (user, moderator, owner, service) and `exp`. `vts token` prints one.",
    },
    SESSION: {"type": "apiKey", "in": "cookie", "name": "__Host-vts_session", "description": _SESSION},
    PLAYER: {"type": "http", "scheme": "basic", "description": "A player's key and its credential."},
    PLAYER_BEARER: {
        "type": "http",
        "scheme": "bearer",
        "description": "A player's credential, beside its key in `X-Player-Key`.",
    },
    PLAYER_KEY: {"type": "apiKey", "in": "header", "name": "X-Player-Key", "description": "A player's key, a UUID."},
    TICKET: {"type": "apiKey", "in": "query", "name": "ticket", "description": "Good once, for 30 s."},
}
_WORD: Final = re.compile(r"[A-Za-z]+")


@cache
def document(limits: Limits) -> Json:
    """Return the description of a process with these limits. It is made once and must not be changed."""
    rooms = (questions, catalog, players, personal_data, live_events, signing, sharing, running)
    paths: Paths = capture.paths(limits) | files.paths(limits)
    for room in rooms:
        for path, methods in room.paths().items():
            paths.setdefault(path, {}).update(methods)
    for path, methods in paths.items():
        for method, operation in methods.items():
            operation["operationId"] = _name(method, path)
    schemas = request_bodies.schemas() | errors.SCHEMAS | capture.SCHEMAS | statistics.SCHEMAS
    return {
        "openapi": OPENAPI,
        "info": {
            "title": "VTS",
            "summary": "Who looks at what, live and exactly.",
            "description": _ABOUT,
            "version": _version(),
        },
        "tags": [{"name": name, "description": text} for name, text in TAGS.items()],
        "paths": paths,
        "components": {"schemas": schemas, "responses": errors.responses(limits), "securitySchemes": _SECURITY},
    }


@cache
def encoded(limits: Limits) -> bytes:
    """Return the description as JSON."""
    return msgspec.json.encode(document(limits))


def _name(method: str, path: str) -> str:
    """Name an operation: `get /api/post/{post_id}/stats` is `getApiPostPostIdStats`."""
    return method + "".join(word.capitalize() for word in _WORD.findall(path))


def _version() -> str:
    try:
        return version("vts")
    except PackageNotFoundError:
        return "0"
