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
)

TAG: Final = "Privacy"

_ROWS: Final = array({"type": "object"})
_USER: Final = path_id("user_id", "The person.", USER)
_ENTRY: Final = obj(
    {"id": ID, "at": TIME, "actor": TEXT, "action": TEXT, "subject": TEXT, "detail": {"type": "object"}}
)
_ERASED: Final = ("journal", "view_events", "site_events", "dead_letters", "reactions", "comments", "players")


def paths() -> Paths:
    """Return the operations of privacy."""
    return {
        "/api/admin/users/{user_id}/data": {"get": _export(), "delete": _erase()},
        "/api/admin/audit": {"get": _audit()},
    }


def _export() -> Json:
    document = obj({"user_id": NAMED} | dict.fromkeys(PERSONAL, _ROWS))
    return operation(
        TAG,
        "Everything that is kept about a person",
        {200: answer("The person's rows of every table.", {JSON: document})},
        errors=(400, 401, 403, 404, 405),
        about="For the role owner and services. Streamed; noted in the audit log.",
        parameters=[_USER],
        security=SIGNED,
    )


def _erase() -> Json:
    erased = obj({"user_id": NAMED, "erased": obj(dict.fromkeys(_ERASED, COUNT))})
    return operation(
        TAG,
        "Erase a person",
        {200: answer("How many rows of each kind were changed.", {JSON: erased})},
        errors=(400, 401, 403, 404, 405),
        about="User id and viewer keys go from rows, journal and dead letters; counts stay. May be repeated.",
        parameters=[_USER],
        security=SIGNED,
    )


def _audit() -> Json:
    page = obj({"entries": array(_ENTRY), "next_before": or_null(ID)})
    number: Json = {"type": "integer", "minimum": 1}
    return operation(
        TAG,
        "Who read personal data and who changed what",
        {200: answer("The newest first.", {JSON: page})},
        errors=(400, 401, 403, 405),
        parameters=[
            query("limit", number | {"maximum": LIMIT_MAX, "default": LIMIT}, "Entries of a page."),
            query("before", number, "Entries older than this one: `next_before` of the page before."),
        ],
        security=SIGNED,
    )
