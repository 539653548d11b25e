"""What a journal holds: a closed union. The structs are tagged, so that files of older versions stay readable."""

from __future__ import annotations

import msgspec

from vts.model.reference import ReferenceText
from vts.model.site import PlaybackEvent, SiteEvent
from vts.model.view import ViewEvent

__all__ = ["CatalogRow", "Event", "Record", "ReferenceText"]


class CatalogRow(msgspec.Struct, frozen=True, array_like=True, tag="c", gc=False):
    """A content or a player as a write of this process left it in the database; exactly one of the keys is set.

    `revision` is the catalog's revision of that write, `row` the whole row as a JSON object by column names, None for a
    player that was removed. `created_at` is the time of the write in microseconds.
    """

    revision: int
    post_id: int | None
    player_key: bytes | None
    row: str | None
    created_at: int


Event = ViewEvent | SiteEvent | PlaybackEvent
Record = Event | CatalogRow | ReferenceText
