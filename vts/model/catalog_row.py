"""Two writes of one content or player become one row: each field is that of the write which named it last. Pure.

Writes are merged in the database, one upon the other. After a failover to an older copy a write may be merged upon a
row that lacks an acknowledged one, which comes back from a journal later: the order must not matter.
"""

from __future__ import annotations

import json
from typing import Any, Final

from msgspec.structs import replace

from vts.model.record import CatalogRow

CONTENT_FIELDS: Final = ("kind", "owner_id", "title", "category", "hashtags", "visibility", "created_at")
PLAYER_FIELDS: Final = ("owner_id", "name", "registered", "country", "credential_hash")
WITH_OWNER: Final = (
    *("owner_ref", "first_owner_id", "owner_known_at", "owner_known_revision", "first_owner_until"),
)  # columns that follow the owner


def field_revisions(row: CatalogRow) -> dict[str, int]:
    """Return the revision at which each field was last named, without those that never were.

    All have that of the row where an older version has written it whole; none, where a view has made it.
    """
    return {} if row.row is None else _revisions(row, json.loads(row.row))


def merged(one: CatalogRow, other: CatalogRow) -> CatalogRow:
    """Return the row of both, whichever came first. Of a removed player the newer of the two is the row."""
    older, newer = (one, other) if one.revision <= other.revision else (other, one)
    if older.row is None or newer.row is None or older.revision == newer.revision:
        return newer
    before, after = json.loads(older.row), json.loads(newer.row)
    if not _describes(after) and not after.get("deleted"):  # a view or an import has made it: it says nothing
        older, newer, before, after = newer, older, after, before
    was, now = _revisions(older, before), _revisions(newer, after)
    row = dict(after)
    for field in CONTENT_FIELDS if newer.player_key is None else PLAYER_FIELDS:
        if was.get(field, 0) > now.get(field, 0):
            columns = (field, *WITH_OWNER) if field == "owner_id" else (field,)
            row |= {column: before.get(column) for column in columns if column in before or column in row}
    row["field_revisions"] = was | {field: max(at, was.get(field, 0)) for field, at in now.items()}
    if row.get("provisional") and not before.get("provisional"):
        row |= {"provisional": False, "seen_twice": False}
    return replace(newer, row=json.dumps(row))


def _revisions(row: CatalogRow, fields: dict[str, Any]) -> dict[str, int]:
    known: dict[str, int] | None = fields.get("field_revisions")
    if known is not None:
        return known
    if row.player_key is not None:
        return dict.fromkeys(PLAYER_FIELDS, row.revision)
    return dict.fromkeys(CONTENT_FIELDS, row.revision) if _describes(fields) or fields.get("deleted") else {}


def _describes(fields: dict[str, Any]) -> bool:
    """Whether a row is more than what a view or an import makes of an unknown content."""
    if "provisional" not in fields:
        return True  # a player
    return not fields["provisional"] and any(fields.get(name) is not None for name in ("kind", "owner_id", "title"))
