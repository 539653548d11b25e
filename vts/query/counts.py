"""Views of all time, of one content or of many in one question, by view type."""

from __future__ import annotations

from collections.abc import Collection, Container
from typing import Any, Final, NamedTuple, Protocol

import trio

from vts.model.view import VIEW_TYPES
from vts.store.session.pool import Readers

REFS_MAX: Final = 100  # contents of one question: two pages of a gallery
OWN_VIEWS_S: Final = 0.2  # twice what a drain that keeps up takes for a view: 50 ms of linger and its transaction

LAG: Final = "lag_seconds"
_KINDS: Final = ", ".join(VIEW_TYPES)
_OF_ROW: Final = ", ".join(f"coalesce((kinds->'{kind}'->>0)::bigint, 0)" for kind in VIEW_TYPES)
_SUMS: Final = ", ".join(f"sum({name})::bigint" for name in ("views", *VIEW_TYPES))
# Rolled days from their totals, and from what is not added up yet; the others, few, as they are.
_COUNTS: Final = f"""
SELECT post_id, {_SUMS}
FROM (
    SELECT post_id, views, {_KINDS} FROM post_totals WHERE post_id = ANY($1::bigint[])
    UNION ALL SELECT post_id, views, {_KINDS} FROM post_changes WHERE post_id = ANY($1::bigint[])
    UNION ALL SELECT post_id, total_views, {_OF_ROW}
    FROM post_stats_daily, LATERAL (SELECT breakdowns->'type' AS kinds OFFSET 0) AS counted
    WHERE post_id = ANY($1::bigint[]) AND rolled_at IS NULL
) AS parts GROUP BY post_id
"""  # noqa: S608 - the closed list of view types


class PostCount(NamedTuple):
    """Views of all time; `by_type` has every type. Imported counters may have no types, so they may add up to less."""

    views: int
    by_type: dict[str, int]


class Counts(NamedTuple):
    """Counts by content, and the seconds by which they are known to lag: 0.0 when they are whole."""

    by_post: dict[int, PostCount]
    lag_s: float


class Undrained(Protocol):
    """The journal, as a question about contents sees it."""

    @property
    def oldest_age_s(self) -> float:
        """How long the oldest record that the database lacks has been waiting."""
        ...

    @property
    def has_unread(self) -> bool:
        """Whether the database lacks rows whose contents are not known here."""
        ...

    def last_undrained(self, post_ids: Container[int]) -> int:
        """Return the newest row with a view of one of these contents that the database lacks; 0 for none."""
        ...

    async def wait_drained(self, seq: int) -> None:
        """Return when the database has everything up to row `seq`."""
        ...


async def counts(readers: Readers, post_ids: Collection[int]) -> dict[int, PostCount]:
    """Return the count of each of these contents, zeros where there was no view. Raises StoreUnavailable."""
    rows = await readers.fetch(_COUNTS, list(post_ids)) if post_ids else []
    found = {row[0]: PostCount(row[1], dict(zip(VIEW_TYPES, row[2:], strict=True))) for row in rows}
    return {post_id: found.get(post_id) or PostCount(0, dict.fromkeys(VIEW_TYPES, 0)) for post_id in post_ids}


async def wait_for_own_views(journal: Undrained, post_ids: Collection[int]) -> float:
    """Wait until the database has all views of these contents that this process acknowledged, `OWN_VIEWS_S` at most.

    Returns 0.0 when it has them, else the seconds by which an answer that is read now may lag. Without such a view
    there is no wait; views that wait on disk only are not waited for, since their contents are not known.
    """
    seq = journal.last_undrained(frozenset(post_ids))
    with trio.move_on_after(OWN_VIEWS_S):
        await journal.wait_drained(seq)
        return journal.oldest_age_s if journal.has_unread else 0.0
    return max(OWN_VIEWS_S, journal.oldest_age_s)


def fields(post_id: int, count: PostCount | None) -> dict[str, Any]:
    """Return what answers say of a content; None is one that the asker may not see, or that is not there."""
    if count is None:
        return {"post_id": post_id, "views": None, "views_by_type": None}
    return {"post_id": post_id, "views": count.views, "views_by_type": count.by_type}


def lag_field(counted: Counts) -> dict[str, float]:
    """Return `lag_seconds`, and nothing when the counts are whole."""
    return {LAG: round(counted.lag_s, 3)} if counted.lag_s else {}
