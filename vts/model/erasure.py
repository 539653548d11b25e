"""Taking a person out of what is kept about views: pure, so that every place where records lie does the same.

User ids go. A viewer key becomes another one, the same wherever the old one stood, drawn at random and kept nowhere:
counts of views and of viewers stay what they are, also when a day is counted again.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

from msgspec.structs import replace

from vts.model.record import CatalogRow, Record, ReferenceText
from vts.model.site import PlaybackEvent, SiteEvent

KEY_BYTES: Final = 16


class Erasure:
    """One person's erasure. `keys` are the viewer keys that the person has, under every version that may be kept."""

    def __init__(self, user_id: int, keys: list[bytes], entropy: Callable[[int], bytes]) -> None:
        self.user_id = user_id
        self.keys = frozenset(keys)
        self._entropy = entropy
        self._instead: dict[bytes, bytes] = {}

    def key_for(self, key: bytes) -> bytes:
        """Return what stands in the place of a key from now on."""
        if key not in self._instead:
            self._instead[key] = self._entropy(KEY_BYTES)
        return self._instead[key]

    def record(self, record: Record) -> Record:
        """Return a record without the person: itself when it is not of the person."""
        if isinstance(record, CatalogRow):
            return self._catalog_row(record)
        if isinstance(record, ReferenceText):
            return record if record.number != self.user_id else replace(record, text="")
        if isinstance(record, PlaybackEvent) or not self._concerns(record.viewer_user_id, record.viewer_key):
            return record
        key = self.key_for(record.viewer_key)
        if isinstance(record, SiteEvent):
            return replace(record, viewer_user_id=None, viewer_key=key, event_data=None)
        return replace(record, viewer_user_id=None, viewer_key=key)

    def _catalog_row(self, record: CatalogRow) -> CatalogRow:
        """A player of the person loses owner and name, as in the database."""
        if record.player_key is None or record.row is None:
            return record
        fields: dict[str, Any] = json.loads(record.row)
        if fields.get("owner_id") != self.user_id:
            return record
        return replace(record, row=json.dumps(fields | {"owner_id": None, "owner_ref": None, "name": None}))

    def dead_letter(self, body: str) -> str | None:
        """Return the body of a dead letter without the person, None when it is not of the person."""
        fields: dict[str, Any] = json.loads(body)
        try:
            key = bytes.fromhex(fields.get("viewer_key") or "")
        except ValueError:
            key = b""
        if not self._concerns(fields.get("viewer_user_id"), key):
            return None
        fields |= {"viewer_user_id": None, "viewer_key": self.key_for(key).hex()}
        if "event_data" in fields:
            fields["event_data"] = None
        return json.dumps(fields, ensure_ascii=True)

    def _concerns(self, user_id: int | None, key: bytes) -> bool:
        return user_id == self.user_id or key in self.keys
