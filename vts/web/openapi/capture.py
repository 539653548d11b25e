"""What comes in: views, page views, host events and what video players report."""

from __future__ import annotations

from functools import partial
from typing import Final

from vts.capture.http.limits import Limits
from vts.model.outcome import Reason
from vts.web.openapi.builders import (
    BEARER,
    CONTENT,
    COUNT,
    JSON,
    NDJSON,
    OPTIONAL,
    PLAIN,
    PLAYER,
    PLAYER_BEARER,
    PLAYER_KEY,
    SECONDS,
    TEXT,
    Json,
    Paths,
    answer,
    array,
    body,
    counts,
    obj,
    operation,
    path_id,
    query,
    ref,
    shared,
)
from vts.web.openapi.errors import RETRY_AFTER, size

TAG: Final = "Capture"
# Clients of the replaced systems send parameters of their own.
_operation: Final = partial(operation, ignores_unknown=True)

_COUNTED: Final = "Durable: on disk, and in the database exactly once. What was dropped on purpose says why."
_ONE_EXAMPLE: Final = {"post_id": 42, "view_type": "intentional", "referrer": "https://example.org/feed"}
_PLAYER_EXAMPLE: Final = {"post_id": 192, "timestamp": "2025-12-22T16:24:15Z", "intent": "channel", "channel": "all"}
_PLAYBACK_EXAMPLE: Final = {
    "streamId": "7",
    "clientId": "a-browser",
    "events": [{"type": "play", "videoTime": 0}, {"type": "heartbeat", "videoTime": 15}],
}
_PAGE_EXAMPLE: Final = {"path": "/search", "referrer": "https://example.org/"}
_EVENT_EXAMPLE: Final = {"event_type": "signup", "user_id": 7}
_PREFLIGHT: Final = (
    " Pages of any origin may call it, with credentials; `Content-Encoding: gzip` is understood; the content type is a"
    " hint only."
)

SCHEMAS: Final[dict[str, Json]] = {
    "Dropped": counts(
        "How many events were dropped, by reason; each has a counter in `/metrics`.",
        [reason.value for reason in Reason],
    ),
    "Accepted": obj(
        {"accepted": COUNT, "dropped": ref("Dropped"), "errors": array(ref("ItemError"))},
        optional=("errors",),
        description="What became of the events of a request; `errors` names those of a batch that cannot be read.",
    ),
    "TooMany": obj(
        {
            "error": TEXT,
            "error_code": {"const": "rate_limited"},
            "retry_after": SECONDS,
            "accepted": {"const": 0},
            "dropped": ref("Dropped"),
            "errors": array(ref("ItemError")),
        },
        optional=("errors",),
    ),
    "Later": obj(
        {"error": TEXT, "error_code": TEXT, "retry_after": SECONDS},
        optional=("retry_after",),
        description="Nothing of the request was kept. Send it again.",
    ),
}

_ACCEPTED: Final = answer(_COUNTED, {JSON: ref("Accepted") | {"x-example": {"accepted": 1, "dropped": {}}}})
_UNREADABLE: Final = answer("Nothing in it could be read.", {JSON: ref("BatchError")})
_TOO_MANY: Final = answer("All of it is too much for now.", {JSON: ref("TooMany")}, RETRY_AFTER)
_LATER: Final = answer(
    "It cannot be kept right now: the journal is full, or no catalog yet.", {JSON: ref("Later")}, RETRY_AFTER
)
_TAKEN: Final = {202: _ACCEPTED, 400: shared(400), 429: _TOO_MANY, 503: _LATER}
_BY_STATUS: Final = {
    201: answer(
        "The same as 202, where `capture.post_view_status` is `201_204`.",
        {JSON: ref("Accepted") | {"x-example": {"accepted": 1, "dropped": {}}}},
    ),
    204: answer("Dropped on purpose, where `capture.post_view_status` is `201_204`."),
}
_PICTURE: Final = {"image/gif": {"type": "string", "contentMediaType": "image/gif"}}
_CACHE: Final = {"Cache-Control": {"required": True, "schema": {"const": "no-store"}}}


def paths(limits: Limits) -> Paths:
    """Return the operations of capture."""
    return {
        "/api/view": {"post": _view(limits)},
        "/api/post/{post_id}/view": {"post": _post_view()},
        "/api/pixel.gif": {
            "get": _pixel("Count a view without a script"),
            "head": _pixel("Ask for the picture's head"),
        },
        "/player/events/view": {"post": _player_view()},
        "/api/track/page-view": {"post": _page_view(limits)},
        "/api/track/event": {"post": _host_event(limits)},
        "/analytics/events": {"post": _playback()},
    }


def _one_or_many(schema: str, example: Json, lines: str, limits: Limits) -> dict[str, Json]:
    """Return the bodies that hold one event or up to `batch_max_events`: JSON, an array, NDJSON."""
    most = limits.batch_max_events
    sound_or_not = {"anyOf": [ref(schema), {}], "description": "One that cannot be read is named in `errors`."}
    batch = array(sound_or_not, minItems=1, maxItems=most)
    as_lines = {
        "type": "string",
        "contentMediaType": NDJSON,
        "description": f"One on each line, at most {most}.",
        "x-example": lines,
    }
    as_text = {"type": "string", "contentMediaType": JSON, "description": "The same: a beacon sends no preflight."}
    return {JSON: {"anyOf": [ref(schema), batch], "x-example": example}, PLAIN: as_text, NDJSON: as_lines}


def _many(limits: Limits) -> str:
    return f"an array or NDJSON of up to {limits.batch_max_events}, {size(limits.batch_body_max_bytes)} in all."


def _view(limits: Limits) -> Json:
    return _operation(
        TAG,
        "Count a view, or many",
        _TAKEN | {400: _UNREADABLE},
        errors=(401, 405, 415),
        about=f"One view, {_many(limits)}" + _PREFLIGHT,
        sent=body(_one_or_many("View", _ONE_EXAMPLE, '{"post_id": 42}\n{"post_id": 43}\n', limits)),
        security=OPTIONAL,
    )


def _post_view() -> Json:
    return _operation(
        TAG,
        "Count a view of one content",
        _TAKEN | _BY_STATUS,
        errors=(401, 404, 405, 415),
        about="404 for unknown contents in strict mode, and for deleted ones." + _PREFLIGHT,
        parameters=[path_id("post_id", "The content.")],
        sent=body({JSON: ref("PostView") | {"x-example": {"intent": "impression"}}}, required=False),
        security=OPTIONAL,
    )


def _pixel(summary: str) -> Json:
    parameters = [
        query("post_id", CONTENT, "The content. Without a sound one nothing is counted."),
        query("view_type", TEXT, "As for a view; widget unless given."),
        query("source", TEXT, "As for a view."),
        query("referrer", TEXT, "As for a view."),
        query("event_id", TEXT, "As for a view."),
    ]
    return _operation(
        TAG,
        summary,
        {
            200: answer("Always the same 43 bytes: a picture that is not drawn would be worse.", _PICTURE, _CACHE),
            503: answer("The picture; the view could not be kept.", _PICTURE, _CACHE | RETRY_AFTER),
        },
        errors=(400, 401, 405),
        about="For pages without scripts, e-mail and README files. GET counts, HEAD does not.",
        parameters=parameters,
        security=OPTIONAL,
    )


def _player_view() -> Json:
    return _operation(
        TAG,
        "Count a player's view",
        _TAKEN,
        errors=(401, 405, 415),
        about="For players without MQTT; the payload is the one of MQTT. User name is the player's key, the password "
        "its credential; or the credential is a bearer, with the key in `X-Player-Key` or without it. A "
        "player's views lie at least 5 s apart.",
        sent=body({JSON: ref("PlayerView") | {"x-example": _PLAYER_EXAMPLE}}),
        security=[{PLAYER: []}, {PLAYER_BEARER: [], PLAYER_KEY: []}, {PLAYER_BEARER: []}],
    )


def _page_view(limits: Limits) -> Json:
    return _operation(
        TAG,
        "Count a page view, or many",
        _TAKEN | {400: _UNREADABLE},
        errors=(401, 405, 415),
        about=f"Of any page of the site: one, {_many(limits)} Pages are told apart by `site.page_rules`." + _PREFLIGHT,
        sent=body(_one_or_many("PageView", _PAGE_EXAMPLE, '{"path": "/"}\n{"path": "/search"}\n', limits)),
        security=OPTIONAL,
    )


def _host_event(limits: Limits) -> Json:
    lines = '{"event_type": "signup", "user_id": 7}\n{"event_type": "upload", "user_id": 7}\n'
    return _operation(
        TAG,
        "Report what happened in the host application",
        _TAKEN | {400: _UNREADABLE},
        errors=(401, 403, 405, 415),
        about=f"For services: one event, {_many(limits)}",
        sent=body(_one_or_many("HostEvent", _EVENT_EXAMPLE, lines, limits)),
        security=[{BEARER: []}],
    )


def _playback() -> Json:
    ingested = obj(
        {"ingested": COUNT, "dropped": ref("Dropped")},
        optional=("dropped",),
        description="How many events of the request are durable now; `dropped` is there when others are not new.",
    )
    return _operation(
        TAG,
        "Report what a video player did",
        _TAKEN | {202: answer(_COUNTED, {JSON: ingested})},
        errors=(401, 404, 405, 415),
        about="What is new in a request is kept as a whole or not at all. 404 for an unknown stream." + _PREFLIGHT,
        sent=body({JSON: ref("Playback") | {"x-example": _PLAYBACK_EXAMPLE}}),
        security=OPTIONAL,
    )
