"""Share links: how they are made and revoked, and what their bearers see."""

from __future__ import annotations

from typing import Final

from vts.model.view import POST_ID_MAX
from vts.service.share_links import DAYS, DAYS_MAX, NOTE_MAX_CHARS
from vts.web.openapi.builders import (
    CONTENT,
    COUNT,
    DATE,
    HTML,
    ID,
    JSON,
    NAMED,
    SIGNED,
    TEXT,
    TIME,
    USER,
    Json,
    Paths,
    answer,
    array,
    body,
    obj,
    operation,
    or_null,
    query,
    ref,
    words,
)
from vts.web.openapi.errors import RETRY_AFTER, refusal
from vts.web.openapi.request_bodies import NO_NUL
from vts.web.openapi.signing import SIGN_IN

_KIND: Final = words("content", "artist")
_NOTE: Final = or_null(
    TEXT | {"maxLength": NOTE_MAX_CHARS, "pattern": NO_NUL, "description": "For whom it is; only its maker sees it."}
)
_SUBJECT: Final[dict[str, Json]] = {"post_id": NAMED, "user_id": NAMED}
_EITHER: Final = ("post_id", "user_id")
_TOO_MANY: Final = refusal(429, "Too many unknown links were tried, from this address or in all.") | {
    "headers": RETRY_AFTER
}
_HEADER: Final[Json] = {
    "name": "X-VTS-Share",
    "in": "header",
    "required": True,
    "schema": TEXT,
    "description": "The secret of the link, which is the last part of its address.",
}
_DAYS: Final = [
    query("days", {"type": "integer", "minimum": 1}, "So many days up to today; default 30."),
    query("from", DATE, "First UTC day."),
    query("to", DATE, "Last UTC day."),
]
_VALUE: Final = query("trend_of", TEXT, "A value of a breakdown, like `country:BR`: its days as `value_trend`.")


def paths() -> Paths:
    """Return the operations of share links."""
    link_id = {"name": "link_id", "in": "path", "required": True, "schema": ID, "description": "As it is listed."}
    revoked = answer("It opens nothing any more, at any process.", {JSON: obj({"revoked": {"const": 1}})})
    return {
        "/api/share-links": {"post": _make(), "get": _listed()},
        "/api/share-links/{link_id}": {
            "delete": operation(
                SIGN_IN,
                "Revoke a share link",
                {200: revoked},
                errors=(401, 403, 404, 405, 421),
                about="Live connections that it opened are closed within seconds.",
                parameters=[link_id],
                security=SIGNED,
            )
        },
        "/share/{secret}": {"get": _page()},
        "/api/share": {"get": _what()},
        "/api/share/stats": {"get": _stats()},
        "/api/share/ticket": {"post": _ticket()},
    }


def _make() -> Json:
    days = {"type": "integer", "minimum": 1, "maximum": DAYS_MAX, "default": DAYS}
    more = {"days": days, "note": _NOTE}
    asked: Json = {
        "oneOf": [
            obj({"post_id": CONTENT} | more, optional=tuple(more)),
            obj({"user_id": USER} | more, optional=tuple(more)),
        ]
    }
    made = obj({"id": ID, "kind": _KIND, **_SUBJECT, "expires_at": TIME, "note": _NOTE, "url": TEXT}, optional=_EITHER)
    return operation(
        SIGN_IN,
        "Share the statistics of a content or an artist",
        {201: answer("The address is shown this once.", {JSON: made}), 409: refusal(409, "1,000 of yours are open.")},
        errors=(400, 401, 403, 404, 405, 421),
        about="For the owner of the content, for the artist, and for readers of everything. Noted in the audit log.",
        sent=body({JSON: asked}),
        security=SIGNED,
    )


def _listed() -> Json:
    one = obj(
        {
            "id": ID,
            "kind": _KIND,
            **_SUBJECT,
            "made_by": or_null(NAMED),
            "note": _NOTE,
            "made_at": TIME,
            "expires_at": TIME,
            "revoked_at": or_null(TIME),
        },
        optional=_EITHER,
    )
    listed = obj({"links": array(one), "next_before": or_null(ID)})
    return operation(
        SIGN_IN,
        "List share links",
        {200: answer("Yours, the newest first; everyone's for readers of everything.", {JSON: listed})},
        errors=(400, 401, 403, 405, 421),
        parameters=[
            query("limit", {"type": "integer", "minimum": 1, "maximum": 1000}, "Default 100."),
            query("before", {"type": "integer", "minimum": 1, "maximum": POST_ID_MAX}, "The `next_before` of a page."),
        ],
        security=SIGNED,
    )


def _page() -> Json:
    shown = answer("The statistics.", {HTML: TEXT})
    gone = answer("Unknown, revoked or expired: one answer for all.", {HTML: TEXT})
    secret = {"name": "secret", "in": "path", "required": True, "schema": TEXT, "description": "Of the link."}
    return operation(
        SIGN_IN,
        "The page of a share link",
        {200: shown, 404: gone, 429: answer("Too many unknown links were tried.", {HTML: TEXT}, RETRY_AFTER)},
        errors=(400, 405),
        about="Without cookies; no other site learns its address.",
        parameters=[secret, *_DAYS, _VALUE],
        ignores_unknown=True,
    )


def _what() -> Json:
    said = obj({"kind": _KIND, **_SUBJECT, "title": or_null(TEXT), "expires_at": TIME, "topic": TEXT}, optional=_EITHER)
    return _of_link("What a share link shows", {200: answer("It is open.", {JSON: said})})


def _stats() -> Json:
    stats: Json = {"anyOf": [ref("PostStats"), ref("ArtistStats")]}
    return _of_link(
        "The statistics of a share link",
        {200: answer("As their owner gets them, without the owner's id.", {JSON: stats})},
        parameters=[_HEADER, *_DAYS, _VALUE],
    )


def _ticket() -> Json:
    ticket = obj({"ticket": TEXT, "expires_in": COUNT, "topic": TEXT})
    made = answer("Good once, for 30 s, for this topic alone.", {JSON: ticket})
    return _of_link("Get a ticket for the live topic of a share link", {200: made})


def _of_link(summary: str, responses: dict[int, Json], parameters: list[Json] | None = None) -> Json:
    return operation(
        SIGN_IN,
        summary,
        responses | {404: refusal(404, "Unknown, revoked or expired: one answer for all."), 429: _TOO_MANY},
        errors=(400, 405),
        parameters=parameters or [_HEADER],
    )
