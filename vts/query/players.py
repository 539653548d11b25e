"""The list of players with their last status: which players, in which order, and when one is online."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from vts.model.day import datetime_of
from vts.model.identity import text_of
from vts.query.ranges import BadRange
from vts.store.session.pool import Readers

LIMIT_DEFAULT: Final = 100
LIMIT_MAX: Final = 1000
BEFORE_ALL: Final = bytes(16)
STATUSES: Final = ("online", "offline")

# The range of keys first: a page costs its rows, unless a filter on the status passes most of them over.
_PAGE: Final = """
SELECT player_key, name, owner_id, registered, country, is_online, firmware_version, current_post_id,
    CASE WHEN is_online THEN online_since END AS online_since, seen_at AS last_seen_at, last_view_at
FROM players LEFT JOIN player_presence AS heard USING (player_key), LATERAL (
    SELECT registered AND COALESCE(seen_at > $1 AND (offline_at IS NULL OR active_at > offline_at), false) AS is_online
) AS now
WHERE player_key > $2 AND ($3::bigint IS NULL OR owner_id = $3) AND ($4::boolean IS NULL OR is_online = $4)
ORDER BY player_key LIMIT $5
"""


class PlayersAsked(NamedTuple):
    """Which players: those behind a key, of an owner, with a status; None for any."""

    after: bytes = BEFORE_ALL
    limit: int = LIMIT_DEFAULT
    owner_id: int | None = None
    online: bool | None = None


def parse_limit(text: str | None) -> int:
    """Return how many players a page has. Raises BadRange."""
    if text is None:
        return LIMIT_DEFAULT
    if not (text.isascii() and text.isdigit() and len(text) <= 4 and 1 <= int(text) <= LIMIT_MAX):
        raise BadRange(f"limit: must be 1 to {LIMIT_MAX}")
    return int(text)


def parse_status(text: str | None) -> bool | None:
    """Return whether players shall be online, None for both. Raises BadRange."""
    if text is None:
        return None
    if text not in STATUSES:
        raise BadRange(f"status: {' or '.join(STATUSES)} is expected")
    return text == STATUSES[0]


async def players(readers: Readers, asked: PlayersAsked, silent_since_us: int) -> list[dict[str, Any]]:
    """Return a page of players; one without a sign since `silent_since_us` is offline. Raises StoreUnavailable."""
    since = datetime_of(silent_since_us)
    rows = await readers.fetch(_PAGE, since, asked.after, asked.owner_id, asked.online, asked.limit)
    return [_line(row) for row in rows]


def page(rows: Sequence[dict[str, Any]], limit: int) -> dict[str, Any]:
    """Return the JSON object of `GET /api/players`."""
    return {"players": list(rows), "next_after": rows[-1]["player_key"] if len(rows) == limit else None}


def _line(row: Any) -> dict[str, Any]:
    return {
        "player_key": text_of(row["player_key"]),
        "name": row["name"],
        "owner_id": row["owner_id"],
        "registered": row["registered"],
        "country": row["country"],
        "status": STATUSES[0] if row["is_online"] else STATUSES[1],
        "firmware_version": row["firmware_version"],
        "current_post_id": row["current_post_id"],
        "online_since": row["online_since"],
        "last_seen_at": row["last_seen_at"],
        "last_view_at": row["last_view_at"],
    }
