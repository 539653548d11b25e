"""Reads the most viewed contents: five statements, however many contents there are, one more every 32 months.

A range is made of sums of months (`post_digests`), so a year is read from 13 rows. What is not in them yet, and the
days that are not rolled up, are added in the same snapshot.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

import trio

from vts.model import sketch
from vts.model.day import date_of
from vts.query.artist_posts import numbers
from vts.query.top import Scores, TopAsked, TopLine, edges_of
from vts.store.session.connection import Connection
from vts.store.session.pool import Readers

T = TypeVar("T")

EDGES_AT_ONCE: Final = 32  # sums of months: of 20,000 contents 15 MB
LARGE: Final = 4_000_000  # bytes of contents to be added up: 20 ms, for which no task should hold the loop
SKETCHES_HERE: Final = 4_000  # 1 µs each; more are united in a thread

_POSTS: Final = """
SELECT string_agg(int8send(post_id), ''::bytea ORDER BY post_id) FROM content
WHERE NOT deleted AND ($1::boolean OR visibility = 'public' OR owner_id = $2)
    AND ($3::text IS NULL OR kind = $3) AND ($4::text IS NULL OR category = $4)
    AND ($5::text IS NULL OR hashtags @> ARRAY[$5::text]) AND ($6::bigint IS NULL OR owner_id = $6)
"""
_DIGESTS: Final = """
SELECT place - 1, posts, views, viewers
FROM unnest($1::date[], $2::date[]) WITH ORDINALITY AS edge (month, upto, place), LATERAL (
    SELECT posts, views, CASE WHEN $3::boolean THEN viewers END AS viewers FROM post_digests
    WHERE day BETWEEN edge.month AND edge.upto ORDER BY day DESC LIMIT 1
) AS known
"""
# By period: of the range and of the one before.
_OTHERS: Final = """
SELECT is_asked, string_agg(int8send(post_id), ''::bytea ORDER BY post_id),
    string_agg(int8send(views), ''::bytea ORDER BY post_id),
    string_agg(int8send(viewers), ''::bytea ORDER BY post_id)
FROM (
    SELECT post_id, day >= $2 AS is_asked, sum(views)::bigint AS views, sum(viewers)::bigint AS viewers
    FROM (
        SELECT post_id, day, views, viewers FROM post_changes WHERE day BETWEEN $1 AND $3
        UNION ALL SELECT post_id, day, total_views, unique_viewers + unique_viewers_imported
        FROM post_stats_daily WHERE rolled_at IS NULL AND day BETWEEN $1 AND $3 AND post_id > 0
    ) AS parts GROUP BY 1, 2
) AS summed GROUP BY is_asked
"""
_LINES: Final = """
SELECT content.post_id, title, kind, owner_id, viewed.*
FROM unnest($1::bigint[]) WITH ORDINALITY AS page (post_id, place) JOIN content USING (post_id), LATERAL (
    SELECT count(*) AS days, coalesce(sum(unique_viewers), 0)::bigint AS viewers,
        coalesce(sum(unique_viewers_imported), 0)::bigint AS imported, array_agg(sketch) AS sketches
    FROM post_stats_daily AS stats WHERE stats.post_id = page.post_id AND day BETWEEN $2 AND $3
) AS viewed
ORDER BY place
"""


Part = tuple[int, bool, bytes, bytes, bytes | None]
"""(sign, whether of the range and not of the period before, contents, views, daily viewers where they are needed)"""


async def top(readers: Readers, asked: TopAsked) -> list[TopLine]:
    """Read the first contents of a ranking. Raises StoreUnavailable."""
    async with readers.snapshot() as snapshot:
        scores = await _scores(snapshot, asked)
        page = scores.page(asked.by, asked.limit)
        posts = scores.posts[page].tolist()
        rows = await snapshot.fetch(_LINES, posts, date_of(asked.first), date_of(asked.last))
    views, before = scores.views[page].tolist(), scores.before[page].tolist()
    made = list(zip(rows, views, before, strict=True))
    sketches = sum(row["days"] for row in rows)
    return await _worked(sketches > SKETCHES_HERE, lambda: [_line(*one) for one in made])


async def _scores(snapshot: Connection, asked: TopAsked) -> Scores:
    """Return the numbers of all contents that may be listed."""
    filters = asked.filters
    posts = await snapshot.fetchval(
        _POSTS,
        filters.reads_everything,
        filters.reader,
        filters.kind,
        filters.category,
        filters.hashtag,
        filters.owner_id,
    )
    scores = Scores(numbers(posts))
    if not len(scores.posts):
        return scores
    edges = [(edge, True) for edge in edges_of(asked.first, asked.last)]
    edges += [(edge, False) for edge in edges_of(*asked.before)]
    for start in range(0, len(edges), EDGES_AT_ONCE):
        some = edges[start : start + EDGES_AT_ONCE]
        months, ends = [edge.month for edge, _ in some], [edge.upto for edge, _ in some]
        sums = await snapshot.fetch(_DIGESTS, months, ends, asked.by == "viewers")
        await _take(scores, [(some[row[0]][0].sign, some[row[0]][1], *row[1:]) for row in sums])
    days = [date_of(day) for day in (asked.before[0], asked.first, asked.last)]
    await _take(scores, [(1, *row) for row in await snapshot.fetch(_OTHERS, *days)])
    return scores


async def _take(scores: Scores, parts: Sequence[Part]) -> None:
    def take() -> None:
        for part in parts:
            scores.take(*part)

    await _worked(sum(len(part[2]) for part in parts) > LARGE, take)


async def _worked(is_long: bool, work: Callable[[], T]) -> T:
    """Work here, or in a thread what would hold the loop for too long."""
    return await trio.to_thread.run_sync(work) if is_long else work()


def _line(row: Any, views: int, before: int) -> TopLine:
    """A single day says its viewers itself; several have the union of their sketches. Imported ones are numbers."""
    seen = row["viewers"] if row["days"] <= 1 else sketch.union(row["sketches"])
    return TopLine(
        post_id=row["post_id"],
        title=row["title"],
        kind=row["kind"],
        owner_id=row["owner_id"],
        views=views,
        unique_viewers=min(seen + row["imported"], views),
        views_before=before,
    )
