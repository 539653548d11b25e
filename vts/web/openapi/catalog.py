"""What services write: contents, players, reactions, comments."""

from __future__ import annotations

from typing import Final

from vts.model.content import KINDS
from vts.model.content_sync import PARTS_MAX, REMOVED_SHARE, SAMPLE_MAX
from vts.query import contents
from vts.web.openapi.builders import (
    BEARER,
    CONTENT,
    COUNT,
    FLAG,
    JSON,
    NAMED,
    NDJSON,
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
    path_id,
    query,
    ref,
    words,
)
from vts.web.openapi.errors import refusal

TAG: Final = "Catalog"
SERVICE: Final[list[Json]] = [{BEARER: []}]

_CONTENT: Final = obj(
    {
        "post_id": NAMED,
        "kind": words(*KINDS),
        "owner_id": or_null(NAMED),
        "title": or_null(TEXT),
        "category": or_null(TEXT),
        "hashtags": array(TEXT),
        "visibility": words("public", "private"),
        "created_at": or_null(TIME),
    }
)
_SAYS: Final = "An object, an array or NDJSON. A bad row is named by its index and nothing of the request is applied. "
_MERGED: Final = (
    "A field that is absent stays as it is, null clears it; of several rows for one id the later wins, field by field. "
)
_GONE: Final = "Those that are not known are none of `deleted`. "
_EXAMPLES: Final[dict[str, Json]] = {
    "ContentRow": {"post_id": 42, "kind": "artwork", "owner_id": 7, "title": "Evening", "hashtags": ["pixelart"]},
    "PlayerRow": {"player_key": "0b6d8a3e-5f0c-4d5b-9b07-2f6a4c1d9e11", "owner_id": 7, "name": "Hall", "country": "BR"},
    "ContentName": {"post_id": "blog:1030"},
    "PlayerName": {"player_key": "0b6d8a3e-5f0c-4d5b-9b07-2f6a4c1d9e11"},
    "Reaction": {"post_id": 42, "user_id": 7, "emoji": "❤", "op": "add"},
    "Comment": {"post_id": "blog:1030", "user_id": "Xy7", "comment_id": 1001, "op": "add"},
}


def rows_of(name: str) -> dict[str, Json]:
    """Describe a bulk body: one row, an array of them, or NDJSON."""
    lines: Json = {"type": "string", "contentMediaType": NDJSON, "description": "A row on each line."}
    either: Json = {"anyOf": [ref(name), array(ref(name), minItems=1)]}
    if name in _EXAMPLES:
        either["x-example"] = _EXAMPLES[name]
    return {JSON: either, NDJSON: lines}


def paths() -> Paths:
    """Return the operations of the catalog, of reactions and of comments."""
    upserted = answer("All of them are in force.", {JSON: obj({"upserted": COUNT})})
    deleted = answer("None of them is there any more.", {JSON: obj({"deleted": COUNT})})
    accepted = answer("All of them are kept.", {JSON: obj({"accepted": COUNT})})
    limit = refusal(
        409,
        "`reaction_limit_exceeded`: five reactions of a user or visitor on a post. `reference_taken`: another text has "
        "the number of a text. Nothing is applied.",
    )
    taken = refusal(409, "`reference_taken`: another text has the number of a text. Nothing is applied.")
    key: Json = {
        "name": "player_key",
        "in": "path",
        "required": True,
        "schema": {"type": "string", "format": "uuid"},
        "description": "The player.",
    }
    return {
        "/api/content": {
            "get": _list(),
            "post": _write("Write contents", "ContentRow", {200: upserted, 409: taken}, _MERGED),
        },
        "/api/content/delete": {"post": _write("Delete contents", "ContentName", {200: deleted, 409: taken}, _GONE)},
        "/api/content/sync": {"post": _sync()},
        "/api/content/{post_id}": {
            "delete": _delete("Delete a content", "Its views are dropped as `deleted` from now on.", _number())
        },
        "/api/players": {"post": _write("Write players", "PlayerRow", {200: upserted, 409: taken}, _MERGED)},
        "/api/players/delete": {"post": _write("Delete players", "PlayerName", {200: deleted}, _GONE)},
        "/api/players/{player_key}": {"delete": _delete("Delete a player", "It may report nothing from now on.", key)},
        "/api/reactions": {"post": _write("Add or remove reactions", "Reaction", {202: accepted, 409: limit})},
        "/api/comments": {"post": _write("Add or remove comments", "Comment", {202: accepted, 409: taken})},
    }


def _list() -> Json:
    next_after = or_null(NAMED) | {"description": "Give it as `after` for the next page; null on the last."}
    page = obj({"contents": array(_CONTENT), "next_after": next_after})
    limit: Json = {"type": "integer", "minimum": 1, "maximum": contents.LIMIT_MAX, "default": contents.LIMIT_DEFAULT}
    return operation(
        TAG,
        "Read the catalog",
        {200: answer("A page of contents, as they may be written.", {JSON: page})},
        errors=(400, 401, 403, 405),
        about="For services, moderators and owners of the site. Deleted contents are left out, as are those that no "
        "service has described. The order is that of VTS; every content has one place in it.",
        parameters=[
            query("after", CONTENT, "The last content of the page before."),
            query("limit", limit, "Contents of a page."),
            query("kind", words(*KINDS), "Of this kind only."),
            query("owner", USER, "Of this owner only."),
        ],
        security=SIGNED,
    )


def _sync() -> Json:
    part_id: Json = {"type": "string", "pattern": "^[!-~]{1,200}$"}
    rows = rows_of("ContentRow")
    rows[JSON] = {"anyOf": [ref("SyncOrder"), *rows[JSON]["anyOf"]], "x-example": {"sync_id": "2026-11-21"}}
    opened = obj({"sync_id": TEXT, "parts": array(COUNT), "dry_run": FLAG, "committed": FLAG})
    done = obj({"sync_id": TEXT, "part": COUNT, "rows": COUNT, "created": COUNT, "changed": COUNT, "repeated": FLAG})
    committed = obj(
        {
            "sync_id": TEXT,
            **{"created": COUNT, "changed": COUNT, "removed": COUNT, "contents": or_null(COUNT)},
            "sample": array(NAMED, maxItems=SAMPLE_MAX),
            "dry_run": FLAG,
            "repeated": FLAG,
        }
    )
    return operation(
        TAG,
        "Sync the whole catalog in parts",
        {
            200: answer("Opened, a part, or committed.", {JSON: {"anyOf": [opened, done, committed]}}),
            404: refusal(404, "`unknown_sync`: never opened, or nothing came for a day."),
            409: refusal(
                409,
                "`parts_missing`, `part_used`, `sync_closed`, `reference_taken`; `too_many_removed`: more than "
                f"{REMOVED_SHARE} % of the contents, and no `force`.",
            ),
        },
        errors=(400, 401, 403, 405, 415),
        about='`{"sync_id"}` opens; then rows as of `POST /api/content` with `sync_id` and `part` in the query; then '
        '`{"sync_id","commit":true,"parts":n}` removes the contents that no part named and nothing wrote since the '
        "opening. Every step may be sent again. A dry run says what would change and changes nothing.",
        parameters=[
            query("sync_id", part_id, "Of a part: the sync that it belongs to."),
            query("part", {"type": "integer", "minimum": 1, "maximum": PARTS_MAX}, "The number of the part, from 1."),
        ],
        sent=body(rows),
        security=SERVICE,
    )


def _number() -> Json:
    return path_id("post_id", "The content.")


def _write(summary: str, row: str, responses: dict[int, Json], about: str = "") -> Json:
    return operation(
        TAG,
        summary,
        responses,
        errors=(400, 401, 403, 405),
        about=_SAYS + about + "In force here before the answer, and idempotent.",
        sent=body(rows_of(row)),
        security=SERVICE,
    )


def _delete(summary: str, about: str, parameter: Json) -> Json:
    deleted = answer("It is gone.", {JSON: obj({"deleted": {"const": 1}})})
    return operation(
        TAG,
        summary,
        {200: deleted},
        errors=(400, 401, 403, 404, 405),
        about=about,
        parameters=[parameter],
        security=SERVICE,
    )
