"""A data set like that of a site some years old, made inside PostgreSQL: raw views of a week, daily rows of the years.

The closed days of the week, and today, are rolled up from their raw rows by the roll-up itself. Older days are written
as a roll-up would have left them: their counters come from a few hundred patterns that the drain's code has counted.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any, Final

import trio

from vts.model import sketch
from vts.model.day import date_of, day_of
from vts.model.tally import Tally, add, encode, increments_of
from vts.model.view import ViewEvent
from vts.rollup.recount import prepare
from vts.rollup.replace import roll_day
from vts.rollup.turn import wait_turn
from vts.store.facts.totals import add_up_changes
from vts.store.session import channels
from vts.store.session.connection import Connection, Database, asyncpg_loop

POSTS: Final = 20_000
ARTIST: Final = 1  # owns the first 5,000 contents
ARTIST_POSTS: Final = 5_000
OWNERS: Final = 500  # of the others
POPULAR: Final = 1  # the content that most views of today are of
RAW_DAYS: Final = 7
PATTERNS: Final = 256
VIEWERS: Final = 500_000
TIMEOUT_S: Final = 3600.0
ADDED_UP_EVERY_S: Final = 0.1

Say = Callable[[str], None]

_CONTENTS: Final = """
WITH bumped AS (UPDATE catalog_revision SET revision = revision + 1 RETURNING revision)
INSERT INTO content (post_id, owner_id, revision, kind, title, created_at)
SELECT n, CASE WHEN n <= $2 THEN $3 ELSE 2 + n % $4 END, revision, 'artwork', 'Content ' || n,
    now() - interval '3 years'
FROM generate_series(1, $1::bigint) AS n, bumped ON CONFLICT DO NOTHING
"""
# Few contents have most of the views; ids are of version 7, in the order of time as real ones are.
_RAW: Final = """
INSERT INTO view_events (
    post_id, created_at, event_day, key_version, authenticated, event_id, viewer_key, device_type, view_source,
    view_type, country_code, referrer_domain)
SELECT COALESCE($3::bigint, 1 + floor($4 * power(random(), 3))::bigint), at, $1::date, 1, n % 3 = 0,
    (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || substr(noise, 1, 3) || '8'
        || substr(noise, 4, 15))::uuid,
    decode(md5((random() * $5)::int::text), 'hex'),
    (ARRAY['desktop', 'mobile', 'tablet', 'tv'])[1 + n % 4], 'web', 'intentional',
    (ARRAY['BR', 'US', 'DE', 'FR', 'JP', 'IN', 'GB', NULL])[1 + n % 8],
    (ARRAY['example.org', 'news.example.net', NULL, NULL])[1 + n % 4]
FROM (SELECT n, $1::timestamp AT TIME ZONE 'UTC' + $6::text::interval * n / $2::bigint AS at,
          md5(random()::text) AS noise
      FROM generate_series(0, $2::bigint - 1) AS n) AS made
"""
_PATTERNS_TABLE: Final = """
CREATE TEMPORARY TABLE patterns (
    n int PRIMARY KEY, views bigint, signed bigint, viewers bigint, viewers_signed bigint, breakdowns text,
    sketch bytea, sketch_signed bytea)
"""
_COLUMNS: Final = """
    day, total_views, total_views_authenticated, unique_viewers, unique_viewers_authenticated, first_view_at,
    last_view_at, breakdowns, sketch, sketch_authenticated, rolled_at"""
_DAILY: Final = f"""
INSERT INTO post_stats_daily (post_id, {_COLUMNS})
SELECT post, $1::date - back, views, signed, viewers, viewers_signed, ($1::date - back)::timestamptz,
    ($1::date - back)::timestamptz + interval '23 hours', breakdowns::json, sketch, sketch_signed, now()
FROM generate_series($2::bigint, $3::bigint) AS post CROSS JOIN generate_series(0, $4::int - 1) AS back
JOIN patterns ON patterns.n = (post * 31 + back * 17) % $5::int
"""  # noqa: S608 - the columns above
_SUMS: Final = f"""
INSERT INTO {{table}} ({{key}}, {_COLUMNS})
SELECT name, day, views, signed, largest.viewers, largest.viewers_signed, first_at, last_at, largest.breakdowns::json,
    largest.sketch, largest.sketch_signed, now()
FROM (
    SELECT {{name}} AS name, day, sum(total_views) AS views, sum(total_views_authenticated) AS signed,
        min(first_view_at) AS first_at, max(last_view_at) AS last_at
    FROM post_stats_daily JOIN content USING (post_id) WHERE day <= $1 AND post_id > 0 GROUP BY 1, 2
) AS summed, (SELECT viewers, viewers_signed, breakdowns, sketch, sketch_signed FROM patterns
              ORDER BY views DESC LIMIT 1) AS largest
"""  # noqa: S608
_SITE: Final = """
INSERT INTO site_stats_daily (
    day, page_views, page_views_authenticated, unique_visitors, unique_visitors_authenticated, signups,
    signups_authenticated, uploads, uploads_authenticated, api_calls, api_calls_authenticated, errors,
    errors_authenticated, breakdowns, sketch, sketch_authenticated, rolled_at)
SELECT day, 5 * total_views, total_views, unique_viewers, unique_viewers_authenticated, 10, 10, 40, 40, 900, 900, 3, 1,
    json_build_object('page', breakdowns->'referrer', 'country', breakdowns->'country', 'device', breakdowns->'device',
        'referrer', breakdowns->'referrer', 'hour_utc', breakdowns->'hour_utc'), sketch, sketch_authenticated, now()
FROM post_stats_daily WHERE post_id = 0 ON CONFLICT DO NOTHING
"""
_GONE: Final = """
INSERT INTO rollup_days (day, rolled_at, dropped_at, views)
SELECT day, now(), now(), total_views FROM post_stats_daily WHERE post_id = 0 AND day <= $1 ON CONFLICT DO NOTHING
"""


def fill(url: str, raw: int, daily: int, say: Say) -> None:
    """Fill the database at `url`, which a VTS has migrated and counts nothing in, with so many rows of each kind."""

    async def inside() -> None:
        async with asyncpg_loop():
            database = Database(url=lambda: url)
            connection = await database.connect("writer", command_timeout_s=TIMEOUT_S, name="vts bench")
            try:
                await _fill(connection, raw, daily, say)
            finally:
                await connection.close()

    trio.run(inside)


async def _fill(connection: Connection, raw: int, daily: int, say: Say) -> None:
    """The turn of the roll-up is held meanwhile, so that the running process does not roll half a day."""
    started_s = time.monotonic()
    await wait_turn(connection)
    await fill_contents(connection)
    now_us = time.time_ns() // 1000
    today = day_of(now_us)
    days = daily // POSTS
    await _fill_older(connection, today - RAW_DAYS, days, say)
    say(f"{days * POSTS:,} daily rows after {time.monotonic() - started_s:.0f} s")
    await _fill_raw(connection, today, now_us, raw)
    say(f"{raw:,} raw rows after {time.monotonic() - started_s:.0f} s")
    await prepare(connection)
    for day in range(today - RAW_DAYS + 1, today + 1):
        await roll_day(connection, day, lambda: time.time_ns() // 1000)
    await connection.execute(_SITE)
    await _add_up(connection)
    for table in (
        "post_totals",
        "post_digests",
        "post_changes",
        "post_stats_daily",
        "artist_stats_daily",
        "view_events",
        "content",
    ):
        await connection.execute(f"ANALYZE {table}")
    say(f"rolled up after {time.monotonic() - started_s:.0f} s")


async def _add_up(connection: Connection) -> None:
    """Have totals as they are a moment after a roll-up. The running process is at it, too."""
    while await connection.fetchval("SELECT EXISTS (SELECT FROM post_changes)"):
        if not await add_up_changes(connection):
            await trio.sleep(ADDED_UP_EVERY_S)


async def fill_contents(connection: Connection) -> None:
    """Register the contents, and notify all processes."""
    await connection.execute(_CONTENTS, POSTS, ARTIST_POSTS, ARTIST, OWNERS)
    await connection.execute("SELECT pg_notify($1, revision::text) FROM catalog_revision", channels.CATALOG)


async def fill_day(connection: Connection, day: int, views: int, span: str = "86399 seconds") -> None:
    """Give a day so many raw views, spread over `span` from its beginning and over all contents."""
    await connection.execute("SELECT make_day($1)", date_of(day))
    await connection.execute(_RAW, date_of(day), views, None, POSTS, VIEWERS, span)


async def _fill_raw(connection: Connection, today: int, now_us: int, raw: int) -> None:
    popular = raw // 10
    each = (raw - popular) // RAW_DAYS
    so_far = f"{now_us % 86_400_000_000 // 1_000_000} seconds"
    for day in range(today - RAW_DAYS + 1, today + 1):
        await (fill_day(connection, day, each, so_far) if day == today else fill_day(connection, day, each))
    await connection.execute(_RAW, date_of(today), popular, POPULAR, POSTS, VIEWERS, so_far)


async def _fill_older(connection: Connection, last: int, days: int, say: Say) -> None:
    if not days:
        return
    await connection.execute(_PATTERNS_TABLE)
    await connection.copy_records(
        "patterns",
        _patterns(),
        ("n", "views", "signed", "viewers", "viewers_signed", "breakdowns", "sketch", "sketch_signed"),
    )
    for first in range(1, POSTS + 1, POSTS // 10):
        await connection.execute(_DAILY, date_of(last), first, first + POSTS // 10 - 1, days, PATTERNS)
    say("daily rows of artists and of the site")
    await connection.execute(_SUMS.format(table="artist_stats_daily", key="owner_id", name="owner_id"), date_of(last))
    await connection.execute(_SUMS.format(table="post_stats_daily", key="post_id", name="post_id * 0"), date_of(last))
    await connection.execute(_GONE, date_of(last))


def _patterns() -> list[tuple[Any, ...]]:
    """Return counters of contents: most with a few views a day, the last with many thousand."""
    chance = random.Random(1)  # noqa: S311 -- the same data set every time
    return [_pattern(chance, n, 30_000 if n == PATTERNS - 1 else int(chance.paretovariate(0.9)) % 400 + 1)
            for n in range(PATTERNS)]  # fmt: skip


def _pattern(chance: random.Random, n: int, views: int) -> tuple[Any, ...]:
    part = increments_of([_view(chance) for _ in range(views)])[1, 0]
    tally = Tally()
    add(tally, part)
    seen, viewers = sketch.grown(None, part.viewers)
    signed = [viewer for viewer, one in zip(part.viewers, part.signed, strict=True) if one]
    seen_signed, viewers_signed = sketch.grown(None, signed) if signed else (None, 0)
    return (n, views, len(signed), viewers, viewers_signed, encode(tally.breakdowns), seen, seen_signed)


def _view(chance: random.Random) -> ViewEvent:
    return ViewEvent(
        post_id=1,
        event_day=0,
        event_id=bytes(16),
        viewer_key=chance.randrange(VIEWERS).to_bytes(16, "big")[::-1],
        key_version=1,
        viewer_user_id=None,
        authenticated=chance.random() < 0.3,
        country_code=chance.choice(["BR", "US", "DE", "FR", "JP", None]),
        device_type=chance.choice(["desktop", "mobile", "player"]),
        view_source=chance.choice(["web", "player"]),
        view_type=chance.choice(["intentional", "listing"]),
        user_agent_hash=None,
        referrer_domain=f"r{int(chance.paretovariate(1)) % 120}.example" if chance.random() < 0.5 else None,
        player_key=None,
        local_datetime=None,
        local_timezone=None,
        local_hour=chance.randrange(24),
        local_weekday=chance.randrange(7),
        play_order=chance.choice([None, 0, 1, 2]),
        channel=chance.choice([None, "all", "hashtag"]),
        channel_context=None,
        playlist_id=None,
        created_at=chance.randrange(86_400_000_000),
    )
