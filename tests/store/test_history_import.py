"""What is imported counts once, beside what was counted here, and no roll-up takes it away."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
import trio

from tests.store.drained import DAY, event
from vts.model.day import date_of
from vts.model.imports import DailyRow
from vts.query.post_load import post_facts
from vts.rollup.days import read_days
from vts.store.facts.history_import import Applied, DaysOpen, ImportIdUsed, Ticket, import_daily, import_views
from vts.store.schema.migrate import migrations
from vts.store.schema.partitions import make_days
from vts.store.session.connection import Connection, Database
from vts.store.session.pool import Readers

LONG_AGO = DAY - 100
DATE = date_of(LONG_AGO)
DAILY = Ticket("a", "daily", b"1")
VIEWS = Ticket("v", "views", b"1")
ROWS = [
    DailyRow(
        post_id=7,
        day=DATE,
        views=10,
        views_authenticated=4,
        unique_viewers=6,
        breakdowns={"country": {"BR": [6, 4], "DE": 3}},
    ),
    DailyRow(post_id=8, day=DATE, views=5, unique_viewers=5, breakdowns={"country": {"BR": 5}}),
    DailyRow(post_id=0, day=DATE, unique_viewers=9),
]


def owner_of(post_id: int) -> int | None:
    return 70 if post_id in {7, 8} else None


async def session(database: Database) -> Connection:
    return await database.connect("writer")


async def row_of(connection: Connection, post_id: int, table: str = "post_stats_daily", key: str = "post_id") -> Any:
    return await connection.fetchrow(f"SELECT * FROM {table} WHERE {key} = $1 AND day = $2", post_id, DATE)


async def test_counters_of_a_day_are_merged_into_content_artist_and_site(database: Database) -> None:
    connection = await session(database)
    assert await import_daily(connection, DAILY, ROWS, [7, 8], owner_of) == Applied(3)
    seven, site, artist = [
        await row_of(connection, 7),
        await row_of(connection, 0),
        await row_of(connection, 70, "artist_stats_daily", "owner_id"),
    ]
    assert (seven["total_views"], seven["total_views_authenticated"], seven["unique_viewers_imported"]) == (10, 4, 6)
    assert (site["total_views"], site["unique_viewers_imported"]) == (15, 9)
    assert (artist["total_views"], artist["unique_viewers_imported"]) == (15, 0)
    assert site["breakdowns"] == '{"country":{"BR":[11,4],"DE":[3,0]}}'
    assert seven["first_view_at"].date() == seven["last_view_at"].date() == DATE
    assert seven["rolled_at"] is not None
    known = await connection.fetch("SELECT post_id, provisional FROM content ORDER BY post_id")
    assert [tuple(row) for row in known] == [(7, False), (8, False)]


async def test_the_same_import_is_applied_once_and_another_one_is_added(database: Database) -> None:
    connection = await session(database)
    await import_daily(connection, DAILY, ROWS, [], owner_of)
    assert await import_daily(connection, DAILY, ROWS, [], owner_of) == Applied(0, repeated=True)
    with pytest.raises(ImportIdUsed):
        await import_daily(connection, DAILY._replace(digest=b"2"), ROWS, [], owner_of)
    assert (await row_of(connection, 7))["total_views"] == 10
    await import_daily(connection, DAILY._replace(import_id="b"), ROWS, [], owner_of)
    seven = await row_of(connection, 7)
    assert (seven["total_views"], seven["unique_viewers_imported"]) == (20, 12)
    assert seven["breakdowns"] == '{"country":{"BR":[12,8],"DE":[6,0]}}'


async def test_two_requests_of_one_import_at_the_same_time_are_one(database: Database) -> None:
    applied: list[Applied] = []

    async def one() -> None:
        applied.append(await import_daily(await session(database), DAILY, ROWS, [7, 8], owner_of))

    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(one)
    assert sorted(applied) == [Applied(0, repeated=True)] * 2 + [Applied(3)]
    assert (await row_of(await session(database), 0))["total_views"] == 15


async def test_a_day_with_raw_rows_takes_no_import_until_they_are_dropped(database: Database) -> None:
    connection = await session(database)
    await make_days(connection, [DATE])
    with pytest.raises(DaysOpen) as refused:
        await import_daily(connection, DAILY, ROWS, [], owner_of)
    assert refused.value.days == {DATE}
    assert await connection.fetchval("SELECT count(*) FROM post_stats_daily") == 0
    assert await connection.fetchval("SELECT count(*) FROM imports") == 0
    await connection.execute("INSERT INTO rollup_days (day, dropped_at) VALUES ($1, now())", DATE)
    assert (await import_daily(connection, DAILY, ROWS, [], owner_of)).imported == 3


async def test_an_imported_day_is_closed_permanently(database: Database) -> None:
    connection = await session(database)
    await import_daily(connection, DAILY, ROWS, [], owner_of)
    await make_days(connection, [DATE])  # as a late event from an old journal would
    (day,) = await read_days(connection, before=DAY, remembered=True)
    assert (day.day, day.views) == (LONG_AGO, 15)
    assert day.has_rows and not day.can_roll and not day.is_open


async def test_old_views_count_once_by_their_ids_whatever_import_brings_them(database: Database) -> None:
    connection = await session(database)
    chance = random.Random(1)
    events = [event(chance, post_id=7, day=LONG_AGO) for _ in range(5)]
    again = Ticket("w", "views", b"2")
    assert await import_views(connection, VIEWS, [*events, events[0]], [7], owner_of) == Applied(5)
    assert await import_views(connection, VIEWS, [*events, events[0]], [7], owner_of) == Applied(0, repeated=True)
    more = [*events, event(chance, post_id=7, day=LONG_AGO)]
    assert await import_views(connection, again, more, [], owner_of) == Applied(1)
    seven, artist = await row_of(connection, 7), await row_of(connection, 70, "artist_stats_daily", "owner_id")
    assert (seven["total_views"], seven["unique_viewers"], artist["unique_viewers"]) == (6, 6, 6)
    assert seven["rolled_at"] is not None and artist["rolled_at"] is not None
    assert await connection.fetchval("SELECT count(*) FROM view_events") == 0


async def test_numbers_and_sketches_of_viewers_add_up_over_a_range(database: Database) -> None:
    connection = await session(database)
    chance = random.Random(2)
    viewer = chance.randbytes(16)
    events = [event(chance, post_id=7, day=day, viewer_key=viewer) for day in (LONG_AGO, LONG_AGO + 1)]
    await import_daily(connection, DAILY, ROWS, [], owner_of)
    await import_views(connection, VIEWS, events, [], owner_of)  # a view after the number: neither replaces the other
    readers = Readers(database)
    facts = await post_facts(readers, 7, LONG_AGO, LONG_AGO + 1)
    assert [day.unique_viewers[0] for day in facts.days] == [7, 1]
    assert [day.imported_viewers[0] for day in facts.days] == [6, 0]
    assert facts.unique_viewers[0] == 7
    one_day = await post_facts(readers, 7, LONG_AGO, LONG_AGO)
    assert one_day.unique_viewers[0] == 7 and one_day.days[0].views[0] == 11
    readers.close()


async def test_listeners_receive_the_new_totals(database: Database) -> None:
    connection, ear = await session(database), await database.connect("reader")
    heard: list[str] = []
    await ear.listen("vts_live", heard.append)
    await import_daily(connection, DAILY, ROWS, [], owner_of)
    with trio.fail_after(60):
        while not heard:
            await ear.execute("SELECT 1")
    assert f"[7,{LONG_AGO},10,6]" in heard[0]
    await ear.close()


async def test_a_hundred_values_are_kept_and_the_sum_stays(database: Database) -> None:
    connection = await session(database)
    values = {f"site{n}.example": 1 for n in range(300)}
    row = DailyRow(post_id=7, day=DATE, views=300, breakdowns={"referrer": values})
    await import_daily(connection, DAILY, [row], [], owner_of)
    stored = (await row_of(connection, 7))["breakdowns"]
    assert stored.count("site") == 100 and '"other":[200,0]' in stored


SITE_ROW = DailyRow(
    post_id=0,
    day=DATE,
    views=20,
    views_authenticated=3,
    unique_viewers=9,
    breakdowns={"country": {"BR": [12, 3], "FR": 7}},
)
CONTENTS = ROWS[:2]


@pytest.mark.parametrize(
    "parts",
    [[[*CONTENTS, SITE_ROW]], [CONTENTS, [SITE_ROW]], [[SITE_ROW], CONTENTS], [CONTENTS[:1], [SITE_ROW], CONTENTS[1:]]],
)
async def test_contents_and_site_rows_of_a_day_count_once_for_the_site(
    database: Database, parts: list[list[DailyRow]]
) -> None:
    connection = await session(database)
    for name, rows in enumerate(parts):
        await import_daily(connection, DAILY._replace(import_id=str(name)), rows, [], owner_of)
    site = await row_of(connection, 0)
    assert (site["total_views"], site["total_views_authenticated"], site["unique_viewers_imported"]) == (20, 4, 9)
    assert json.loads(site["breakdowns"]) == {"country": {"BR": [12, 3], "FR": [7, 0]}}
    assert (await row_of(connection, 7))["total_views"] == 10
    (day,) = await read_days(connection, before=DAY, remembered=True)
    assert day.views == 20


async def test_what_contents_know_beyond_the_site_s_row_counts_too(database: Database) -> None:
    connection = await session(database)
    small = DailyRow(post_id=0, day=DATE, views=12, unique_viewers=9, breakdowns={"country": {"FR": 12}})
    await import_daily(connection, DAILY, [small], [], owner_of)
    assert json.loads((await row_of(connection, 0))["breakdowns"]) == {"country": {"FR": [12, 0]}}
    await import_daily(connection, DAILY._replace(import_id="b"), CONTENTS, [], owner_of)
    site = await row_of(connection, 0)
    assert (site["total_views"], site["unique_viewers_imported"]) == (15, 9)
    assert json.loads(site["breakdowns"]) == {"country": {"BR": [11, 4], "DE": [3, 0]}}


async def test_imported_days_of_the_site_leave_what_was_counted_here(database: Database) -> None:
    connection = await session(database)
    view = event(random.Random(3), post_id=9, day=LONG_AGO, country_code="JP", authenticated=True)
    await import_views(connection, VIEWS, [view], [], owner_of)
    for name, row in (("a", CONTENTS[0]), ("b", SITE_ROW), ("c", CONTENTS[1])):
        await import_daily(connection, DAILY._replace(import_id=name), [row], [], owner_of)
    site = await row_of(connection, 0)
    assert (site["total_views"], site["unique_viewers"], site["unique_viewers_imported"]) == (21, 1, 9)
    assert json.loads(site["breakdowns"])["country"] == {"BR": [12, 3], "FR": [7, 0], "JP": [1, 1]}


async def test_a_site_s_row_adds_what_exceeds_the_imports_of_an_earlier_version(database: Database) -> None:
    connection = await session(database)
    await import_daily(connection, DAILY, CONTENTS, [], owner_of)
    (upgrade,) = (one.sql for one in migrations() if one.name == "imported_site_days")
    owner = await database.connect("owner")
    await owner.execute("DROP TABLE imported_site_days")
    await owner.execute(upgrade)
    await owner.close()
    await import_daily(connection, DAILY._replace(import_id="b"), [SITE_ROW], [], owner_of)
    assert (await row_of(connection, 0))["total_views"] == 20
