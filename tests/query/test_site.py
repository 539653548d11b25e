"""The whole site: page views and host events as daily rows say them, views and players from the story."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest

from tests.query.story import ANA, BOB, EVE, NAMELESS, stored, story, view
from tests.store.drained import DAY
from vts.model import sketch
from vts.model.content import Player
from vts.model.day import DAY_US, HOUR_US, date_of, datetime_of
from vts.query.export.answer_tables import tables_in
from vts.query.ranges import BadRange
from vts.query.shape import LIMIT_MAX, parse_limit
from vts.query.site import answer
from vts.query.site_load import site_facts
from vts.rollup.analytics_actor import refresh
from vts.store.session.connection import Connection, Database
from vts.store.session.pool import Readers

NOW_US = DAY * DAY_US + 13 * HOUR_US + 1_800_000_000  # 13:30
COUNTS = ("page_views", "unique_visitors", "signups", "uploads", "api_calls", "errors")


def seen(*viewers: bytes) -> bytes | None:
    return sketch.grown(None, [sketch.number_of(viewer) for viewer in viewers])[0]


async def put_site_day(
    connection: Connection, day: int, counts: dict[str, tuple[int, int]], breakdowns: dict[str, Any], *viewers: bytes
) -> None:
    """Store a day of page views and host events; only Eve is signed in."""
    columns = [name + twin for name in COUNTS for twin in ("", "_authenticated")]
    values = [n for name in COUNTS for n in counts.get(name, (0, 0))]
    eve = seen(EVE) if EVE in viewers else None
    places = ", ".join(f"${n}" for n in range(1, len(columns) + 5))
    await connection.execute(
        f"INSERT INTO site_stats_daily ({', '.join(columns)}, day, breakdowns, sketch, sketch_authenticated) "
        f"VALUES ({places})",
        *values,
        date_of(day),
        json.dumps(breakdowns),
        seen(*viewers),
        eve,
    )


async def put_story(database: Database) -> None:
    """Store the story, a player's view the day before, and what the pages and the host reported on both days."""
    await stored(database, [*story(), view(NAMELESS, "22:00:00", 1, "listing", DAY - 1, country_code="FR")])
    connection = await database.connect("writer")
    await put_site_day(
        connection,
        DAY,
        {"page_views": (5, 2), "unique_visitors": (2, 1), "signups": (1, 0), "uploads": (2, 2), "errors": (3, 1)},
        {
            "page": {"/recent": [3, 2], "/posts": [2, 0], "other": [9, 9]},
            "country": {"DE": [4, 2]},
            "device": {"desktop": [4, 2], "mobile": [1, 0]},
            "referrer": {"example.org": [1, 0]},
            "hour_utc": {"12": [1, 0], "13": [4, 2]},
            "error_type": {"timeout": [3, 1]},
        },
        EVE,
        BOB,
    )
    await put_site_day(
        connection,
        DAY - 1,
        {"page_views": (4, 0), "unique_visitors": (2, 0), "api_calls": (7, 7)},
        {"page": {"/posts": [4, 0]}, "hour_utc": {"13": [1, 0], "14": [3, 0]}},
        BOB,
        ANA,
    )
    created = "INSERT INTO content (post_id, revision, created_at) VALUES (90, 1, $1)"
    await connection.execute(created, datetime_of((DAY - 1) * DAY_US))
    player = "INSERT INTO players (player_key, revision, registered, country) VALUES ($1, 1, $2, 'BR')"
    await connection.execute(player, ANA, True)
    await connection.execute(player, NAMELESS, False)
    await refresh(connection, DAY, 7)
    await connection.close()


async def asked(database: Database, first: int, last: int, limit: int = 10) -> dict[str, Any]:
    facts = await site_facts(Readers(database), first, last, DAY)
    known = {ANA: Player(owner_id=20, registered=True, name="Hall")}
    return answer(facts, limit=limit, player_of=known.get, now_us=NOW_US, lag_s=0.25)


async def test_totals_and_top_lists_of_two_days(database: Database) -> None:
    await put_story(database)
    body = await asked(database, DAY - 1, DAY)
    totals = {name: (body[name], body[f"{name}_authenticated"]) for name in ("page_views", "signups", "posts")}
    assert totals == {"page_views": (9, 2), "signups": (1, 0), "posts": (2, 2)}
    assert (body["api_calls"], body["api_calls_authenticated"]) == (7, 7)
    assert (body["errors"], body["errors_authenticated"]) == (3, 1)
    # Bob came on both days and is one visitor; Eve, Bob and two players viewed contents.
    assert (body["unique_visitors"], body["unique_visitors_authenticated"]) == (3, 1)
    assert (body["total_views"], body["total_views_authenticated"]) == (17, 10)
    assert (body["unique_viewers"], body["unique_viewers_authenticated"]) == (4, 2)
    assert body["top_pages"] == {"/posts": 6, "/recent": 3}
    assert body["top_pages_authenticated"] == {"/recent": 2}
    assert body["countries"] == {"DE": 4}
    assert body["devices"] == {"desktop": 4, "mobile": 1}
    assert body["referrers"] == {"example.org": 1}
    assert (body["errors_by_type"], body["errors_by_type_authenticated"]) == ({"timeout": 3}, {"timeout": 1})
    assert body["views_by_source"] == {"player": 12, "web": 5}
    assert body["views_by_type"] == {"listing": 13, "intentional": 4}
    activity, signed = body["player_activity"], body["player_activity_authenticated"]
    assert (activity["views"], activity["active_players"], activity["views_by_country"]) == (12, 2, {"BR": 8, "FR": 1})
    assert (signed["views"], signed["active_players"], signed["views_by_country"]) == (8, 1, {"BR": 8})
    assert (body["posts_registered"], body["players_registered"]) == (1, 1)
    assert body["players_registered_by_country"] == {"BR": 1}
    assert (body["computed_at"], body["lag_seconds"], body["analytics_lag_seconds"]) == (datetime_of(NOW_US), 0.25, 0.0)
    assert (await asked(database, DAY, DAY, limit=1))["top_pages"] == {"/recent": 3}


async def test_the_players_with_most_views_are_named(database: Database) -> None:
    await put_story(database)
    ana = {"player_key": str(UUID(bytes=ANA)), "name": "Hall", "owner_id": 20}
    nameless = {"player_key": str(UUID(bytes=NAMELESS)), "name": None, "owner_id": None}
    body = await asked(database, DAY - 1, DAY)
    assert body["player_activity"]["views_by_player"] == [ana | {"views": 8}, nameless | {"views": 4}]
    assert body["player_activity_authenticated"]["views_by_player"] == [ana | {"views": 8}, nameless | {"views": 0}]
    assert (await asked(database, DAY - 1, DAY, limit=1))["player_activity"]["views_by_player"] == [ana | {"views": 8}]
    table = tables_in(body)["player"]
    assert [column.name for column in table.columns] == [*ana, "views", "views_authenticated"]
    assert table.rows == [[*ana.values(), 8, 8], [*nameless.values(), 4, 0]]
    of_all = sum(row[1] for row in tables_in(body)["country"].rows)
    assert of_all == sum(body["views_by_country"].values()), "the table of all views, not that of players"


async def test_viewers_of_imported_days_are_added(database: Database) -> None:
    await put_story(database)
    connection = await database.connect("writer")
    imported = """
        UPDATE post_stats_daily SET unique_viewers_imported = 5, total_views = total_views + 5
        WHERE post_id = 0 AND day = $1
    """
    await connection.execute(imported, date_of(DAY - 1))
    await connection.close()
    body = await asked(database, DAY - 1, DAY)
    assert (body["unique_viewers"], body["unique_viewers_imported"], body["unique_viewers_authenticated"]) == (9, 5, 2)
    assert [day["unique_viewers"] for day in body["daily_trend"]] == [6, 4]


async def test_every_day_is_in_the_trend(database: Database) -> None:
    await put_story(database)
    body = await asked(database, DAY - 2, DAY)
    zero = dict.fromkeys(("page_views", "unique_visitors", "signups", "posts", "api_calls", "errors"), 0)
    zero |= dict.fromkeys(
        ("posts_registered", "views", "unique_viewers", "player_views", "active_players", "visits"), 0
    )
    zero |= dict.fromkeys(("pages_per_visit", "seconds_per_visit", "bounce_rate"))
    before, yesterday, today = (date_of(day).isoformat() for day in (DAY - 2, DAY - 1, DAY))
    assert body["daily_trend"] == [
        zero | {"date": before},
        zero
        | {"date": yesterday, "page_views": 4, "unique_visitors": 2, "api_calls": 7, "posts_registered": 1, "views": 1}
        | {"unique_viewers": 1, "player_views": 1, "active_players": 1},
        zero
        | {"date": today, "page_views": 5, "unique_visitors": 2, "signups": 1, "posts": 2, "errors": 3, "views": 16}
        | {"unique_viewers": 4, "player_views": 11, "active_players": 2},
    ]
    assert body["daily_trend_authenticated"][2] == zero | {
        "date": today,
        "page_views": 2,
        "unique_visitors": 1,
        "posts": 2,
        "errors": 1,
        "views": 10,
        "unique_viewers": 2,
        "player_views": 8,
        "active_players": 1,
    }


async def test_the_last_24_hours_whatever_the_range(database: Database) -> None:
    await put_story(database)
    hours = (await asked(database, DAY - 40, DAY - 35))["hourly_trend"]
    assert len(hours) == 24
    assert (hours[0]["hour"], hours[-1]["hour"]) == (
        datetime_of(DAY * DAY_US - 10 * HOUR_US),
        datetime_of(NOW_US - 1_800_000_000),
    )
    shown = {row["hour"].hour: (row["page_views"], row["views"]) for row in hours if row["page_views"] or row["views"]}
    # 13:00 of yesterday is 24 hours ago and no longer in it.
    assert shown == {14: (3, 0), 22: (0, 1), 10: (0, 6), 11: (0, 2), 12: (1, 4), 13: (4, 4)}


async def test_an_empty_site_answers_zeros(database: Database) -> None:
    body = await asked(database, DAY - 29, DAY)
    assert len(body["daily_trend"]) == len(body["daily_trend_authenticated"]) == 30
    assert (body["page_views"], body["unique_visitors"], body["posts_registered"], body["top_pages"]) == (0, 0, 0, {})
    assert body["analytics_computed_at"] is None


@pytest.mark.parametrize("text", ["0", "101", "-1", "x", "", "1.5", "٣", "9999"])
def test_a_limit_says_what_is_allowed(text: str) -> None:
    with pytest.raises(BadRange, match=f"limit: must be 1 to {LIMIT_MAX}"):
        parse_limit(text)


def test_limits() -> None:
    assert [parse_limit(text) for text in (None, "1", "100")] == [10, 1, 100]
