"""A person's data, and who looked at what."""

from __future__ import annotations

from typing import Final

from vts.query.export.personal_data import PERSONAL
from vts.web.audit import LIMIT, LIMIT_MAX
from vts.web.openapi.builders import (
    COUNT,
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
    obj,
    operation,
    or_null,
    path_id,
    query,
    words,
)
from vts.web.openapi.errors import refusal
from vts.web.openapi.files import BOM_QUERY, FORMAT_QUERY, files
from vts.web.personal_data import CONFIRMED

TAG: Final = "Privacy"

_ROWS: Final = array({"type": "object"})
_USER: Final = path_id("user_id", "The person.", USER)
_ENTRY: Final = obj(
    {"id": ID, "at": TIME, "actor": TEXT, "action": TEXT, "subject": TEXT, "detail": {"type": "object"}}
)
_DOCUMENT: Final = obj({"user_id": NAMED} | dict.fromkeys(PERSONAL, _ROWS))
_AS_TABLE: Final = [FORMAT_QUERY, BOM_QUERY, query("table", words(*PERSONAL), "One of the tables alone.")]
_BUSY: Final = refusal(503, "`busy`: as many as may run at a time are running; or the database does not answer.")
_ERASED: Final = (
    *("journal", "view_events", "site_events", "dead_letters", "reactions", "comments", "sessions"),
    *("viewing_history", "share_links", "players"),
)
_ERASURE: Final = obj({"user_id": NAMED, "erased": obj(dict.fromkeys(_ERASED, COUNT))})


def paths() -> Paths:
    """Return the operations of privacy."""
    return {
        "/api/me/data": {"get": _export_own(), "delete": _erase_own()},
        "/api/admin/users/{user_id}/data": {"get": _export(), "delete": _erase()},
        "/api/admin/audit": {"get": _audit()},
    }


def _export() -> Json:
    return operation(
        TAG,
        "Everything that is kept about a person",
        {200: answer("The person's rows of every table, or of one.", files(_DOCUMENT)), 503: _BUSY},
        errors=(400, 401, 403, 404, 405),
        about="For the role owner and services. Streamed; noted in the audit log.",
        parameters=[_USER, *_AS_TABLE],
        security=SIGNED,
    )


def _erase() -> Json:
    return operation(
        TAG,
        "Erase a person",
        {200: answer("How many rows of each kind were changed.", {JSON: _ERASURE})},
        errors=(400, 401, 403, 404, 405),
        about="User id and viewer keys go from rows, journal and dead letters; counts stay. May be repeated.",
        parameters=[_USER],
        security=SIGNED,
    )


def _export_own() -> Json:
    return operation(
        TAG,
        "Everything that is kept about the user who asks",
        {200: answer("The user's rows of every table, or of one.", files(_DOCUMENT)), 503: _BUSY},
        errors=(400, 401, 403, 405),
        about="With the user's own token or session; 403 for services. Streamed; noted in the audit log.",
        parameters=_AS_TABLE,
        security=SIGNED,
    )


def _erase_own() -> Json:
    refused = refusal(400, f"`confirmation_needed`: without `confirm={CONFIRMED}`.")
    return operation(
        TAG,
        "Erase the user who asks",
        {200: answer("How many rows of each kind were changed.", {JSON: _ERASURE}), 400: refused, 503: _BUSY},
        errors=(401, 403, 405),
        about="As a person is erased by the site's owner. 403 for services, and for a session on a page elsewhere.",
        parameters=[query("confirm", words(CONFIRMED), "Must be given.")],
        security=SIGNED,
    )


def _audit() -> Json:
    page = obj({"entries": array(_ENTRY), "next_before": or_null(ID)})
    number: Json = {"type": "integer", "minimum": 1}
    return operation(
        TAG,
        "Who read personal data and who changed what",
        {200: answer("The newest first.", files(page))},
        errors=(400, 401, 403, 405),
        about="For the role owner and services. Reading is noted, too; the entry is in the answers that follow.",
        parameters=[
            query("limit", number | {"maximum": LIMIT_MAX, "default": LIMIT}, "Entries of a page."),
            query("before", number, "Entries older than this one: `next_before`, or the last id, of the page before."),
            FORMAT_QUERY,
            BOM_QUERY,
            query("table", words("entries"), "What a table is made of."),
        ],
        security=SIGNED,
    )
