"""Channels, play orders, peak hours and a playlist, counted by hand from the story of tests/query/story.py."""

from __future__ import annotations

import random
from typing import Any

import pytest

from tests.query.story import ANA, BOB, NAMELESS, stored, story, view
from tests.store.drained import DAY, NOON_US
from vts.model.day import DAY_US, date_of, datetime_of
from vts.query import playlist
from vts.query.analytics import channels_answer, peak_hours_answer, play_orders_answer
from vts.query.analytics_load import engagement_facts, hours_facts, playlist_facts
from vts.rollup.analytics_actor import refresh
from vts.store.session.connection import Database
from vts.store.session.pool import Readers

EVENING_US = DAY * DAY_US + 20 * 3_600_000_000
TODAY = date_of(DAY).isoformat()


async def analysed(database: Database, day: int = DAY) -> None:
    connection = await database.connect("writer")
    await refresh(connection, day, 7)
    await connection.close()


async def channels(database: Database, first: int = DAY, last: int = DAY, limit: int = 10) -> dict[str, Any]:
    facts = await engagement_facts(Readers(database), "channel", first, last)
    return channels_answer(facts, limit=limit, now_us=EVENING_US, lag_s=0.0)


async def one_playlist(database: Database, number: int = 9, first: int = DAY, last: int = DAY) -> dict[str, Any]:
    facts = await playlist_facts(Readers(database), number, first, last)
    return playlist.answer(facts, limit=10, now_us=EVENING_US, lag_s=0.0) | {"known": facts.known}


async def test_channels(database: Database) -> None:
    await stored(database, story())
    await analysed(database)
    answer = await channels(database)
    rows = {row.pop("channel"): row for row in answer["channels"]}
    assert list(rows) == ["all", "hashtag", "playlist", "promoted", "user", "by_user", "artwork", "reactions"]
    assert rows["all"] == {
        "views": 5,
        "views_authenticated": 3,
        "unique_viewers": 2,
        "unique_viewers_authenticated": 1,
        "dwell_seconds": 110.0,
        "dwell_seconds_authenticated": 90.0,
        "dwell_views": 3,
        "dwell_views_authenticated": 2,
        "dwell_seconds_per_view": 36.6667,
        "dwell_seconds_per_view_authenticated": 45.0,
        "shown": 3,
        "shown_authenticated": 2,
        "converted": 1,
        "converted_authenticated": 1,
        "conversion_rate": 0.3333,
        "conversion_rate_authenticated": 0.5,
        "contexts": [],
    }
    assert [(one["context"], one["views"], one["dwell_seconds"]) for one in rows["hashtag"]["contexts"]] == [
        ("pixelart", 2, 900.0),
        ("cats", 1, 0.0),
    ]
    assert (rows["promoted"]["conversion_rate"], rows["promoted"]["conversion_rate_authenticated"]) == (0.5, 1.0)
    assert (rows["artwork"]["views"], rows["artwork"]["conversion_rate"]) == (0, None)
    assert answer["daily_views_authenticated"] == [
        {
            "date": TODAY,
            "all": 3,
            "promoted": 1,
            "user": 0,
            "by_user": 0,
            "artwork": 0,
            "hashtag": 3,
            "playlist": 2,
            "reactions": 0,
        }
    ]
    assert answer["analytics_lag_seconds"] == 0.0


async def test_views_are_fresh_before_the_analytics_are_and_the_answer_says_how_far_these_are_behind(
    database: Database,
) -> None:
    await stored(database, story())
    answer = await channels(database)
    first = answer["channels"][0]
    assert (first["channel"], first["views"], first["dwell_seconds"], first["contexts"]) == ("all", 5, 0.0, [])
    # Nothing was computed yet: the lag counts from the first view, at 10:00.
    assert (answer["analytics_computed_at"], answer["analytics_lag_seconds"]) == (None, 36_000.0)
    await analysed(database)
    await stored(database, [view(NAMELESS, "19:59:00", 1, "listing", channel="all")], b"another journal!")
    answer = await channels(database)
    assert (answer["channels"][0]["views"], answer["channels"][0]["shown"]) == (6, 3)
    assert answer["analytics_computed_at"] is not None


async def test_days_add_up_and_viewers_are_united(database: Database) -> None:
    await stored(database, [*story(), view(ANA, "08:00:00", 1, "listing", DAY - 2, channel="all", play_order=0)])
    await analysed(database)
    answer = await channels(database, DAY - 2, DAY)
    first = answer["channels"][0]
    assert (first["views"], first["unique_viewers"], first["shown"]) == (6, 2, 4)
    assert [day["all"] for day in answer["daily_views"]] == [1, 0, 5]
    assert (await channels(database, DAY - 1, DAY - 1))["channels"][0]["views"] == 0


async def test_no_more_contexts_than_asked_for(database: Database) -> None:
    await stored(database, story())
    await analysed(database)
    answer = await channels(database, limit=1)
    (hashtag,) = (row for row in answer["channels"] if row["channel"] == "hashtag")
    assert [one["context"] for one in hashtag["contexts"]] == ["pixelart"]


async def test_play_orders(database: Database) -> None:
    await stored(database, story())
    await analysed(database)
    facts = await engagement_facts(Readers(database), "play_order", DAY, DAY)
    rows = play_orders_answer(facts, now_us=EVENING_US, lag_s=0.0)["play_orders"]
    fields = ("play_order", "name", "views", "unique_viewers", "dwell_seconds_per_view", "conversion_rate")
    assert [tuple(row[field] for field in fields) for row in rows] == [
        (0, "server", 5, 2, 36.6667, 0.3333),
        (1, "created", 3, 2, 40.0, 0.0),
        (2, "random", 3, 1, 900.0, 0.0),
    ]


async def test_peak_hours(database: Database) -> None:
    sunday = view(BOB, "23:30:00", 5, "intentional", local_hour=1, local_weekday=6)
    await stored(database, [*story(), sunday])
    await analysed(database)
    answer = peak_hours_answer(await hours_facts(Readers(database), DAY, DAY), now_us=EVENING_US, lag_s=0.0)
    assert [(row["hour"], row["views"], row["views_authenticated"]) for row in answer["hours"] if row["views"]] == [
        (1, 1, 0),
        (7, 6, 6),
        (9, 2, 2),
    ]
    assert [row["views"] for row in answer["weekdays"]] == [0, 0, 0, 8, 0, 0, 1]
    cells = {(row["weekday"], row["hour"]): row["views"] for row in answer["weekday_hours"]}
    assert len(cells) == 7 * 24
    assert {place: views for place, views in cells.items() if views} == {(3, 7): 6, (3, 9): 2, (6, 1): 1}
    assert (answer["peak_hours"], answer["peak_hours_authenticated"]) == ([7, 9, 1], [7, 9])
    assert (answer["peak_weekdays"], answer["peak_weekdays_authenticated"]) == ([3], [3])


async def test_a_playlist(database: Database) -> None:
    await stored(database, [*story(), view(BOB, "08:00:00", 1, "listing", DAY - 1, playlist_id=9, country_code="DE")])
    fresh = await one_playlist(database)
    assert (fresh["views"], fresh["unique_viewers"], fresh["known"]) == (3, 0, True)
    await analysed(database)
    answer = await one_playlist(database, first=DAY - 1)
    assert {name: answer[name] for name in answer if name.startswith(("views", "unique", "dwell"))} == {
        "views": 4,
        "views_authenticated": 2,
        "unique_viewers": 3,
        "unique_viewers_authenticated": 1,
        "dwell_seconds": 40.0,
        "dwell_seconds_authenticated": 40.0,
        "dwell_views": 1,
        "dwell_views_authenticated": 1,
        "dwell_seconds_per_view": 40.0,
        "dwell_seconds_per_view_authenticated": 40.0,
        "views_by_post": {"1": 2, "2": 2},
        "views_by_post_authenticated": {"1": 1, "2": 1},
        "views_by_country": {"BR": 2, "DE": 1},
        "views_by_country_authenticated": {"BR": 2},
    }
    assert [day["views"] for day in answer["daily_views"]] == [1, 3]
    assert not (await one_playlist(database, 10))["known"]


async def test_a_day_with_more_playlists_than_it_names_still_has_the_views_of_each(database: Database) -> None:
    chance = random.Random(7)
    crowd = [
        view(chance.randbytes(16), f"09:{n // 60 % 60:02}:{n % 60:02}", 1, "listing", playlist_id=100 + n % 300)
        for n in range(601)
    ]
    await stored(database, crowd)
    await analysed(database)
    assert [(await one_playlist(database, number))["views"] for number in (100, 101, 399)] == [3, 2, 2]


@pytest.mark.parametrize("kind", ["channel", "play_order"])
async def test_an_empty_site_answers_zeros(database: Database, kind: Any) -> None:
    facts = await engagement_facts(Readers(database), kind, DAY - 29, DAY)
    answer = channels_answer(facts, limit=10, now_us=NOON_US, lag_s=0.0)
    assert len(answer["daily_views"]) == 30
    assert {row["views"] for row in answer["channels"]} == {0}
    assert (answer["computed_at"], answer["analytics_lag_seconds"]) == (datetime_of(NOON_US), 0.0)
