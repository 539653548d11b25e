"""What is kept about a person, as tables: the same columns as in exports of whole tables, the person's rows only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from vts.query.export.stored_tables import Connect, stored_where
from vts.query.export.table import Table

PERSONAL: Final = (
    "view_events", "site_events", "reactions", "comments", "viewing_history", "players", "player_presence", "content",
    "sessions", "share_links", "dead_letters", "audit_log",
)  # fmt: skip


def tables_of(connect: Connect, user_id: int, keys: Sequence[bytes]) -> list[Table]:
    """Return the person's part of every table that has one. `keys` are the person's viewer keys, 16 bytes each."""
    return [stored_where(connect, name, _condition(name, int(user_id), keys)) for name in PERSONAL]


def _condition(name: str, user_id: int, keys: Sequence[bytes]) -> str:
    """Return which rows are the person's. Only a number and hexadecimal digits of ours are put into the text."""
    match name:
        case "view_events" | "site_events":
            ours = ", ".join(rf"'\x{key.hex()}'::bytea" for key in keys)
            return f"viewer_user_id = {user_id} OR viewer_key IN ({ours})"
        case "reactions" | "comments" | "viewing_history" | "sessions":
            return f"user_id = {user_id}"
        case "players" | "content":
            return f"owner_id = {user_id}"
        case "player_presence":
            return f"player_key IN (SELECT player_key FROM players WHERE owner_id = {user_id})"  # noqa: S608
        case "share_links":
            return f"made_by = {user_id} OR (kind = 'artist' AND subject = {user_id})"
        case "audit_log":
            return f"actor = 'user:{user_id}' OR subject = 'user:{user_id}'"
        case _:
            ours = " OR ".join(f"""body LIKE '%"viewer_key": "{key.hex()}"%'""" for key in keys)
            return f"""body LIKE '%"viewer_user_id": {user_id},%' OR {ours}"""
