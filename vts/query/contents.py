"""The catalog read back: contents as services described them, in the order of their numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from vts.query.ranges import BadRange
from vts.store.session.pool import Readers

LIMIT_DEFAULT: Final = 100
LIMIT_MAX: Final = 1000

# Not those that only a view or an import has made known, and not deleted ones: nothing describes them.
_PAGE: Final = """
SELECT post_id, kind, owner_id, title, category, hashtags, visibility, created_at
FROM content
WHERE post_id > $1 AND NOT deleted AND NOT provisional AND kind IS NOT NULL
    AND ($2::text IS NULL OR kind = $2) AND ($3::bigint IS NULL OR owner_id = $3)
ORDER BY post_id LIMIT $4
"""


class ContentsAsked(NamedTuple):
    """Which contents: those behind a number, of a kind, of an owner; None for any."""

    after: int = 0
    limit: int = LIMIT_DEFAULT
    kind: str | None = None
    owner_id: int | None = None


def parse_limit(text: str | None) -> int:
    """Return how many contents a page has. Raises BadRange."""
    if text is None:
        return LIMIT_DEFAULT
    if not (text.isascii() and text.isdigit() and len(text) <= 4 and 1 <= int(text) <= LIMIT_MAX):
        raise BadRange(f"limit: must be 1 to {LIMIT_MAX}")
    return int(text)


async def contents(readers: Readers, asked: ContentsAsked) -> list[dict[str, Any]]:
    """Return a page of contents, each with the fields that a write of it has. Raises StoreUnavailable."""
    rows = await readers.fetch(_PAGE, asked.after, asked.kind, asked.owner_id, asked.limit)
    return [dict(row) for row in rows]


def page(rows: Sequence[dict[str, Any]], limit: int) -> dict[str, Any]:
    """Return the answer: the contents, and the last one's id when there may be more behind it."""
    return {"contents": list(rows), "next_after": rows[-1]["post_id"] if len(rows) == limit else None}
