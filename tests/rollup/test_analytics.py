"""What a day's views tell, counted by hand from the story of tests/query/story.py."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from typing import Any

import trio

from tests.query.story import ANA, EVE, NAMELESS, ana, stored, story, view
from tests.store.drained import DAY, NOON_US
from vts.model import sketch
from vts.model.content import ContentRow, PlayerRow
from vts.model.day import HOUR_US, date_of
from vts.rollup.analytics import PLAYERS_KEPT, roll_day, roll_open_day
from vts.rollup.analytics_actor import AnalyticsActor, refresh, refresh_catalog
from vts.store.facts.catalog import upsert_contents, upsert_players
from vts.store.session.connection import Connection, Database

EVENING_US = NOON_US + 8 * HOUR_US
TABLES = ("engagement_stats_daily", "local_hours_daily", "playlist_stats_daily")


async def rolled(database: Database, day: int = DAY) -> Connection:
    connection = await database.connect("writer")
    async with connection.transaction():
        await roll_day(connection, day)
    return connection


async def everything(connection: Connection) -> list[list[str]]:
    """All rows of the analytics, with their places: a row that was written anew has another."""
    return [
        [row[0] for row in await connection.fetch(f"SELECT ctid::text || t::text FROM {table} AS t ORDER BY 1")]
        for table in TABLES
    ]


def pairs(row: Any, names: Sequence[str]) -> dict[str, tuple[int, int]]:
    return {name: (row[name], row[f"{name}_authenticated"]) for name in names}


async def test_engagement_is_that_of_the_story(database: Database) -> None:
    await stored(database, story())
    connection = await rolled(database)
    rows = await connection.fetch("SELECT * FROM engagement_stats_daily")
    await connection.close()
    names = ("views", "dwell_ms", "dwell_views", "shown", "converted")
    found = {(row["kind"], row["value"], row["context"]): tuple(pairs(row, names).values()) for row in rows}
    assert found == {
        # Ana 30 + 60 s, the nameless 20 s; shown: (ana, 1), (ana, 2), (nameless, 1); Ana came back to post 2.
        ("channel", "all", ""): ((5, 3), (110_000, 90_000), (3, 2), (3, 2), (1, 1)),
        # The silence of 40 minutes counts 15; the other hashtag is another stay.
        ("channel", "hashtag", ""): ((3, 3), (900_000, 900_000), (1, 1), (2, 2), (0, 0)),
        ("channel", "hashtag", "pixelart"): ((2, 2), (900_000, 900_000), (1, 1), (1, 1), (0, 0)),
        ("channel", "hashtag", "cats"): ((1, 1), (0, 0), (0, 0), (1, 1), (0, 0)),
        # Ana had opened post 2 before she was shown it here: no conversion.
        ("channel", "playlist", ""): ((3, 2), (40_000, 40_000), (1, 1), (3, 2), (0, 0)),
        # Eve opened post 1 afterwards, though without a channel; Bob had done so before.
        ("channel", "promoted", ""): ((2, 1), (0, 0), (0, 0), (2, 1), (1, 1)),
        ("play_order", "0", ""): ((5, 3), (110_000, 90_000), (3, 2), (3, 2), (1, 1)),
        ("play_order", "1", ""): ((3, 2), (40_000, 40_000), (1, 1), (3, 2), (0, 0)),
        ("play_order", "2", ""): ((3, 3), (900_000, 900_000), (1, 1), (2, 2), (0, 0)),
    }
    viewers = {(row["value"], row["context"]): (row["sketch"], row["sketch_authenticated"]) for row in rows}
    assert [sketch.count(one) for one in viewers["all", ""]] == [2, 1]
    assert [sketch.count(one) for one in viewers["hashtag", ""]] == [1, 1]
    assert viewers["hashtag", "cats"] == (None, None)


async def test_hours_playlists_and_players_are_those_of_the_story(database: Database) -> None:
    await stored(database, story())
    connection = await rolled(database)
    hours = await connection.fetch("SELECT weekday, hour, views, views_authenticated FROM local_hours_daily ORDER BY 2")
    (playlist,) = await connection.fetch("SELECT * FROM playlist_stats_daily")
    (players,) = await connection.fetch("SELECT * FROM player_stats_daily")
    await connection.close()
    assert [tuple(row) for row in hours] == [(3, 7, 6, 6), (3, 9, 2, 2)]
    assert playlist["playlist_id"] == 9
    assert pairs(playlist, ("views", "dwell_ms")) == {"views": (3, 2), "dwell_ms": (40_000, 40_000)}
    assert json.loads(playlist["breakdowns"]) == {"country": {"BR": [2, 2]}, "post": {"2": [2, 1], "1": [1, 1]}}
    assert sketch.count(playlist["sketch"]) == 2
    assert pairs(players, ("views", "players")) == {"views": (11, 8), "players": (2, 1)}
    by_player = {str(uuid.UUID(bytes=ANA)): [8, 8], str(uuid.UUID(bytes=NAMELESS)): [3, 0]}
    assert json.loads(players["breakdowns"]) == {"country": {"BR": [8, 8]}, "player": by_player}
    assert (players["site_views"], sketch.count(players["sketch"])) == (16, 2)


async def test_rolling_the_same_rows_again_changes_nothing(database: Database) -> None:
    await stored(database, story())
    connection = await rolled(database)
    before = await everything(connection)
    async with connection.transaction():
        await roll_day(connection, DAY)
        await roll_day(connection, DAY)
    assert await everything(connection) == before
    await connection.close()


async def test_a_day_is_replaced_and_other_days_stay(database: Database) -> None:
    await stored(database, [*story(), view(ANA, "08:00:00", 1, "listing", DAY - 1, channel="artwork", play_order=1)])
    connection = await database.connect("writer")
    async with connection.transaction():  # as a catching-up roller may: several days in one transaction
        await roll_day(connection, DAY - 1)
        await roll_day(connection, DAY)
    await connection.execute("DELETE FROM view_events WHERE channel = 'hashtag' OR event_day = $1", date_of(DAY - 1))
    async with connection.transaction():
        await roll_day(connection, DAY)
    kept = await connection.fetch("SELECT day, value FROM engagement_stats_daily ORDER BY kind, day, value")
    await connection.close()
    assert [tuple(row) for row in kept] == [
        (date_of(DAY - 1), "artwork"),
        *((date_of(DAY), value) for value in ("all", "playlist", "promoted")),
        (date_of(DAY - 1), "1"),
        *((date_of(DAY), value) for value in ("0", "1")),
    ]


async def test_a_channel_keeps_its_hundred_largest_contexts(database: Database) -> None:
    tags = {"channel": "hashtag", "play_order": 0}
    crowd = [
        ana(f"10:{n // 60:02}:{n % 60:02}", 1, "listing", 7, channel_context=f"t{n:03}", **tags) for n in range(120)
    ]
    crowd += [ana(f"11:00:{n:02}", 1, "listing", 8, channel_context=f"t{n + 100:03}", **tags) for n in range(20)]
    await stored(database, crowd)
    connection = await rolled(database)
    rows = await connection.fetch("SELECT context, views FROM engagement_stats_daily WHERE kind = 'channel'")
    await connection.close()
    views = {row["context"]: row["views"] for row in rows}
    assert len(views) == 102
    assert (views[""], views["other"], views["t119"], views["t079"]) == (140, 20, 2, 1)
    assert "t080" not in views


async def test_a_day_keeps_the_players_with_most_views(database: Database) -> None:
    players = [n.to_bytes(16, "big") for n in range(1, PLAYERS_KEPT + 3)]
    crowd = [view(key, f"10:{n // 60:02}:{n % 60:02}", 1, "listing", player_key=key) for n, key in enumerate(players)]
    crowd += [view(players[-1], f"11:00:{n:02}", 2, "listing", player_key=players[-1]) for n in range(2)]
    await stored(database, crowd)
    connection = await rolled(database)
    (row,) = await connection.fetch("SELECT breakdowns FROM player_stats_daily")
    await connection.close()
    kept = json.loads(row["breakdowns"])["player"]
    assert len(kept) == PLAYERS_KEPT + 1
    assert (kept[str(uuid.UUID(bytes=players[-1]))], kept["other"]) == ([3, 0], [2, 0])
    assert str(uuid.UUID(bytes=players[-2])) not in kept  # of equal ones the smaller key is kept


async def test_days_with_raw_rows_follow_their_views(database: Database) -> None:
    await stored(database, story())
    connection = await database.connect("writer")
    known = "SELECT site_views FROM player_stats_daily WHERE day = $1"
    await refresh(connection, DAY + 8, 7)
    assert await connection.fetchval(known, date_of(DAY)) is None
    await refresh(connection, DAY + 7, 7)
    assert await connection.fetchval(known, date_of(DAY)) == 16
    late = view(NAMELESS, "23:00:00", 1, "listing", channel="all", play_order=0)
    await stored(database, [late], b"another journal!")
    await refresh(connection, DAY, 7)
    assert await connection.fetchval(known, date_of(DAY)) == 17
    other = await database.connect("writer")
    async with other.transaction():
        await roll_day(other, DAY)
        assert not await roll_open_day(connection, DAY)
    await other.close()
    await connection.close()


async def test_a_day_without_its_raw_rows_stays_as_it_is(database: Database) -> None:
    await stored(database, story())
    connection = await rolled(database)
    before = await everything(connection)
    await connection.execute("DELETE FROM view_events; UPDATE post_stats_daily SET total_views = total_views + 1")
    await connection.execute("INSERT INTO rollup_days (day, dropped_at) VALUES ($1, now())", date_of(DAY))
    await refresh(connection, DAY + 1, 7)
    async with connection.transaction():
        await roll_day(connection, DAY)
    assert await everything(connection) == before
    await connection.close()


async def test_authors_do_not_count_even_when_they_are_known_only_later(database: Database) -> None:
    await stored(database, [*story(), view(EVE, "14:00:00", 3, "listing", channel="promoted", viewer_user_id=30)])
    connection = await database.connect("writer")
    await upsert_contents(connection, [ContentRow(post_id=3, owner_id=30)], now_us=EVENING_US)  # Eve's
    await upsert_contents(connection, [ContentRow(post_id=2, owner_id=20)], now_us=EVENING_US)
    await upsert_players(connection, [PlayerRow(player_key=uuid.UUID(bytes=ANA))], now_us=EVENING_US)
    await upsert_players(connection, [PlayerRow(player_key=uuid.UUID(bytes=ANA), owner_id=20)], now_us=EVENING_US)
    await upsert_contents(connection, [ContentRow(post_id=2, owner_id=10)], now_us=EVENING_US)  # takes nothing away
    await connection.close()
    connection = await rolled(database)
    rows = await connection.fetch(
        "SELECT value, views FROM engagement_stats_daily WHERE kind = 'channel' AND context = ''"
    )
    await connection.close()
    assert {row["value"]: row["views"] for row in rows} == {"all": 3, "hashtag": 3, "playlist": 2, "promoted": 2}


async def test_the_catalog_is_counted_when_it_has_changed(database: Database) -> None:
    connection = await database.connect("writer")
    assert await refresh_catalog(connection)
    assert not await refresh_catalog(connection)
    created = "1970-01-01 00:00:00+00"
    content = (
        "INSERT INTO content (post_id, revision, created_at, provisional) VALUES ($1, 1, $2::text::timestamptz, $3)"
    )
    for post_id, provisional in ((1, False), (2, False), (3, True)):
        await connection.execute(content, post_id, created, provisional)
    player = (
        "INSERT INTO players (player_key, revision, registered, country, registered_at) VALUES ($1, 1, $2, $3, 'epoch')"
    )
    for key, registered, country in ((ANA, True, "BR"), (NAMELESS, True, None), (b"\5" * 16, False, "BR")):
        await connection.execute(player, key, registered, country)
    await connection.execute("UPDATE catalog_revision SET revision = revision + 1")
    assert await refresh_catalog(connection)
    row = await connection.fetchrow(
        "SELECT contents, players, players_registered, players_by_country FROM catalog_stats"
    )
    assert (*row[:3], json.loads(row[3])) == (2, 3, 2, {"BR": 1})
    days = await connection.fetch("SELECT day, contents, players FROM catalog_stats_daily")
    assert [tuple(day) for day in days] == [(date_of(0), 2, 3)]
    await connection.execute("DELETE FROM content; UPDATE catalog_revision SET revision = revision + 1")
    assert await refresh_catalog(connection)
    days = await connection.fetch("SELECT day, contents, players FROM catalog_stats_daily")
    assert [tuple(day) for day in days] == [(date_of(0), 0, 3)]
    await connection.close()


async def test_the_actor_follows_until_it_is_stopped(database: Database) -> None:
    await stored(database, story())
    actor = AnalyticsActor(lambda: database.connect("writer"), 7, lambda: NOON_US, every_s=0.01)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(actor.run)
        connection = await database.connect("reader")
        with trio.fail_after(60):
            while not await connection.fetchval("SELECT count(*) FROM player_stats_daily"):
                await trio.lowlevel.checkpoint()
        actor.stop()
        await connection.close()
