"""Reads a page of an artist's contents: seven statements, however many contents there are, two more every 64 days.

First which contents, then everything about those. A list in the order of views is ranked from digests of rolled days
(`vts.store.facts.digests`); days without one, today among them, are read content by content.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

import trio

from vts.model import sketch
from vts.model.day import date_of
from vts.model.tally import Pair
from vts.query.artist_posts import OF_RANGE, Asked, ListFacts, PostLine, Ranking, numbers
from vts.query.shape import WHO, at_most, worked_out
from vts.store.session.connection import Connection
from vts.store.session.pool import Readers

DAYS_AT_ONCE: Final = 64  # with 5,000 contents a day 5 MB
SKETCHES_HERE: Final = 4_000  # 1 µs each; more are united in a thread

_COUNT: Final = "SELECT count(*) FROM content WHERE owner_id = $1 AND NOT deleted"
_POSTS: Final = """
SELECT string_agg(int8send(post_id), ''::bytea ORDER BY post_id) FROM content WHERE owner_id = $1 AND NOT deleted
"""
_LAST_VIEW: Final = "(extract(epoch FROM last_view_at) * 1000000)::bigint"
_STORED: Final = {
    "views": ("views", "total_views"),
    "unique_viewers": ("viewers", "unique_viewers + unique_viewers_imported"),
    "last_view_at": ("last_view", _LAST_VIEW),
}
"""What is sorted by → its column in `artist_posts_daily`, and what it is in `post_stats_daily`."""


def _digests(column: str) -> str:
    return f"""
SELECT days.day, known.posts, known.{column}
FROM artist_stats_daily AS days LEFT JOIN artist_posts_daily AS known
    ON known.owner_id = days.owner_id AND known.day = days.day
        AND known.total_views = days.total_views AND known.rolled_at = days.rolled_at
WHERE days.owner_id = $1 AND days.day BETWEEN $2 AND $3
"""  # noqa: S608


def _content_by_content(value: str) -> str:
    """Deleted contents are here, too: the index of owners does not know of them, and the ranking passes them over."""
    return f"""
SELECT string_agg(int8send(post_id), ''::bytea), string_agg(int8send(value), ''::bytea)
FROM content, LATERAL (
    SELECT {value} AS value FROM post_stats_daily AS stats
    WHERE stats.post_id = content.post_id AND day = ANY($2::date[]) OFFSET 0
) AS days
WHERE owner_id = $1
"""  # noqa: S608


def _sorted(key: str, more: str = "") -> tuple[str, str]:
    ascending, descending = (
        f"SELECT post_id FROM content {more} WHERE owner_id = $1 AND NOT deleted "  # noqa: S608
        f"ORDER BY {key} {order} NULLS LAST, post_id LIMIT $2 OFFSET $3"
        for order in ("ASC", "DESC")
    )
    return ascending, descending


_DIGESTS: Final = {name: _digests(_STORED[name][0]) for name in OF_RANGE}
_DIRECT: Final = {name: _content_by_content(_STORED[name][1]) for name in OF_RANGE}
_PAGES: Final = {
    "post_id": _sorted("post_id"),
    "title": _sorted("lower(title)"),
    "created_at": _sorted("created_at"),
    "reactions": _sorted(
        "coalesce(reacted, 0)",
        "LEFT JOIN LATERAL (SELECT sum(total) AS reacted FROM reaction_counts AS counts "
        "WHERE counts.post_id = content.post_id OFFSET 0) AS reactions ON true",
    ),
    "comments": _sorted("coalesce(total, 0)", "LEFT JOIN comment_counts USING (post_id)"),
}
_LINES: Final = """
SELECT content.post_id, title, kind, visibility, content.created_at, viewed.*,
    coalesce(reactions, 0) AS reactions, coalesce(reactions_authenticated, 0) AS reactions_authenticated,
    coalesce(comment_counts.total, 0) AS comments
FROM unnest($1::bigint[]) WITH ORDINALITY AS page (post_id, place) JOIN content USING (post_id)
LEFT JOIN comment_counts USING (post_id), LATERAL (
    SELECT sum(total)::bigint AS reactions, sum(total_authenticated)::bigint AS reactions_authenticated
    FROM reaction_counts WHERE reaction_counts.post_id = page.post_id
) AS reacted, LATERAL (
    SELECT count(*) AS days,
        coalesce(sum(total_views), 0)::bigint AS views,
        coalesce(sum(total_views_authenticated), 0)::bigint AS views_authenticated,
        coalesce(sum(unique_viewers), 0)::bigint AS viewers,
        coalesce(sum(unique_viewers_authenticated), 0)::bigint AS viewers_authenticated,
        coalesce(sum(unique_viewers_imported), 0)::bigint AS imported,
        coalesce(sum(unique_viewers_imported_authenticated), 0)::bigint AS imported_authenticated,
        min(first_view_at) AS first_view_at, min(first_view_at_authenticated) AS first_view_at_authenticated,
        max(last_view_at) AS last_view_at, max(last_view_at_authenticated) AS last_view_at_authenticated,
        array_agg(sketch) AS sketches, array_agg(sketch_authenticated) AS sketches_authenticated
    FROM post_stats_daily AS stats WHERE stats.post_id = page.post_id AND day BETWEEN $2 AND $3
) AS viewed
ORDER BY place
"""


async def artist_posts(readers: Readers, user_id: int, first: int, last: int, asked: Asked) -> ListFacts:
    """Read a page of the list, days inclusive. Raises StoreUnavailable."""
    async with readers.snapshot() as snapshot:
        if asked.field in OF_RANGE:
            total, page = await _ranked(snapshot, user_id, first, last, asked)
        else:
            statement = _PAGES[asked.field][asked.descending]
            total = await snapshot.fetchval(_COUNT, user_id)
            page = [row[0] for row in await snapshot.fetch(statement, user_id, asked.limit, asked.offset)]
        rows = await snapshot.fetch(_LINES, page, date_of(first), date_of(last))
    posts = await _lines(rows)
    return ListFacts(user_id=user_id, from_day=first, to_day=last, asked=asked, total=total, posts=posts)


async def _ranked(snapshot: Connection, user_id: int, first: int, last: int, asked: Asked) -> tuple[int, list[int]]:
    """Return how many contents there are, and those of the page."""
    posts = numbers(await snapshot.fetchval(_POSTS, user_id))
    latest = asked.field == "last_view_at"
    ranking = Ranking(posts, latest=latest)
    for start in range(first, last + 1, DAYS_AT_ONCE):
        until = min(start + DAYS_AT_ONCE - 1, last)
        rows = await snapshot.fetch(_DIGESTS[asked.field], user_id, date_of(start), date_of(until))
        parts = [(row[1], row[2]) for row in rows if row[1] is not None]
        direct = [row[0] for row in rows if row[1] is None]
        if direct:
            parts.append(tuple(await snapshot.fetchrow(_DIRECT[asked.field], user_id, direct) or (None, None)))
        await worked_out(last - first, partial(_take, ranking, parts))
    return len(posts), ranking.page(asked, nothing_last=latest)


def _take(ranking: Ranking, parts: Sequence[tuple[bytes | None, bytes | None]]) -> None:
    for posts, values in parts:
        ranking.take(numbers(posts), numbers(values))


async def _lines(rows: Sequence[Any]) -> list[PostLine]:
    if sum(row["days"] for row in rows) * len(WHO) <= SKETCHES_HERE:
        return [_line(row) for row in rows]
    return await trio.to_thread.run_sync(lambda: [_line(row) for row in rows])


def _line(row: Any) -> PostLine:
    return PostLine(
        post_id=row["post_id"],
        title=row["title"],
        kind=row["kind"],
        visibility=row["visibility"],
        created_at=row["created_at"],
        views=_pair(row, "views"),
        unique_viewers=_unique(row),
        reactions=_pair(row, "reactions"),
        comments=[row["comments"]] * 2,  # only signed-in users comment
        first_view_at=_pair(row, "first_view_at"),
        last_view_at=_pair(row, "last_view_at"),
    )


def _unique(row: Any) -> Pair:
    """A day says its viewers itself; several days have the union of their sketches. Imported ones are numbers."""
    imported = _pair(row, "imported")
    if row["days"] <= 1:
        seen = _pair(row, "viewers")
    else:
        seen = [sketch.union(row["sketches"]), sketch.union(row["sketches_authenticated"])]
    return at_most([seen[who] + imported[who] for who in WHO], _pair(row, "views"))


def _pair(row: Any, name: str) -> list[Any]:
    return [row[name], row[f"{name}_authenticated"]]
