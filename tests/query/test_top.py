"""Totals and rankings of any days are the sum of daily rows, after roll-ups, late rows, imports and corrections."""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from typing import Any

import pytest
import trio

from tests.query.story import BOB, EVE, stored, view
from tests.store.drained import DAY, event
from tests.support.waiting import until
from vts.model.content import ContentRow
from vts.model.day import DAY_US, date_of, day_of_date
from vts.model.imports import DailyRow
from vts.query.counts import counts
from vts.query.top import BYS, Filters, TopAsked, TopLine, edges_of
from vts.query.top_load import top
from vts.rollup.recount import prepare
from vts.rollup.replace import roll_day
from vts.store.facts.artists import Artists
from vts.store.facts.catalog import delete_content, upsert_contents
from vts.store.facts.history_import import Ticket, import_daily
from vts.store.facts.totals import add_up_changes
from vts.store.facts.undo_import import undo_import
from vts.store.session import locks
from vts.store.session.connection import Connection, Database
from vts.store.session.pool import Readers

POSTS = range(1, 9)
ARTIST = 7
ALL = Filters(reads_everything=True)


@pytest.fixture
async def writer(database: Database) -> AsyncIterator[Connection]:
    connection = await database.connect("writer")
    yield connection
    await connection.close()


@pytest.fixture
async def readers(database: Database) -> AsyncIterator[Readers]:
    sessions = Readers(database)
    yield sessions
    sessions.close()


class Site:
    """A site to which things happen; what is read is compared with its daily rows after each."""

    def __init__(self, database: Database, writer: Connection, readers: Readers) -> None:
        self.database, self.writer, self.readers = database, writer, readers
        self.chance = random.Random(16)
        self.checks = 0

    async def view(self, day: int, views: int = 20) -> None:
        kinds = ("intentional", "listing", "search", "widget")
        chance = self.chance
        made = [
            event(chance, post_id=chance.choice(POSTS), day=day, view_type=chance.choice(kinds)) for _ in range(views)
        ]
        await stored(self.database, made, chance.randbytes(16))

    async def roll(self, day: int) -> None:
        await prepare(self.writer)
        await roll_day(self.writer, day, lambda: (day + 2) * DAY_US)

    async def bring(self, day: int, posts: int) -> None:
        rows = [
            DailyRow(post_id=post, day=date_of(day), views=10 * post, breakdowns={"type": {"listing": post}})
            for post in range(1, posts + 1)
        ]
        ticket = Ticket(f"import {day} {posts}", "daily", self.chance.randbytes(32))
        await import_daily(self.writer, ticket, rows, [], lambda post: None)

    async def add_up(self) -> None:
        while await add_up_changes(self.writer):
            pass

    async def rows(self) -> list[Any]:
        return await self.writer.fetch(
            "SELECT post_id, day, total_views, unique_viewers + unique_viewers_imported, breakdowns->'type'"
            " FROM post_stats_daily WHERE post_id > 0"
        )

    async def check(self) -> None:
        """Compare counts and rankings with sums of the daily rows, whether or not they were added up."""
        rows = await self.rows()
        views: Counter[int] = Counter()
        for post_id, _, n, *_ in rows:
            views[post_id] += n
        counted = await counts(self.readers, POSTS)
        assert {post: count.views for post, count in counted.items()} == {post: views[post] for post in POSTS}
        self.checks += 1
        ranges = (
            (DAY, DAY),
            (DAY - 40, DAY),
            (DAY - 18, DAY - 1),
            (DAY - 31, DAY - 16),
            (DAY - 70, DAY - 64),
            (DAY - 1500, DAY),
        )
        for place, (first, last) in enumerate(ranges):
            by = BYS[(self.checks + place) % len(BYS)]
            found = await top(self.readers, TopAsked(first, last, by, 5, ALL))
            assert [(line.post_id, line.views, line.views_before) for line in found] == ranked(rows, first, last, by)


def ranked(rows: list[Any], first: int, last: int, by: str) -> list[tuple[int, int, int]]:
    views, viewers, before = Counter[int](), Counter[int](), Counter[int]()
    for post_id, date, n, seen, _ in rows:
        day = day_of_date(date)
        if first <= day <= last:
            views[post_id] += n
            viewers[post_id] += seen
        elif first - (last - first + 1) <= day < first:
            before[post_id] += n
    score = {
        "views": lambda post: views[post],
        "viewers": lambda post: viewers[post],
        "trend": lambda post: views[post] - before[post],
    }[by]
    order = sorted((post for post in views if views[post]), key=lambda post: (-score(post), post))
    return [(post, views[post], before[post]) for post in order[:5]]


async def test_totals_are_the_sum_of_daily_rows_whatever_happens_to_a_day(database, writer, readers):
    site = Site(database, writer, readers)
    await upsert_contents(writer, [ContentRow(post_id=post) for post in POSTS])
    happens = {
        "days of two months": lambda: each(site.view, range(DAY - 32, DAY + 1, 16)),
        "some are rolled up": lambda: each(site.roll, (DAY - 32, DAY - 16)),
        "today is viewed": lambda: site.view(DAY),
        "late rows come for a rolled day": lambda: site.view(DAY - 32),
        "and for another one": lambda: site.view(DAY - 16),
        "they are rolled up again": lambda: each(site.roll, (DAY - 32, DAY - 16)),
        "rolled up twice": lambda: site.roll(DAY - 16),
        "history is imported": lambda: each(lambda day: site.bring(day, 5), range(DAY - 68, DAY - 63)),
        "to the same days again": lambda: site.bring(DAY - 65, 7),
        "a day behind them": lambda: site.bring(DAY - 72, 2),
        "views for days that are imported": lambda: site.view(DAY - 66),
        "two imports are undone": lambda: each(
            lambda name: undo_import(writer, name), (f"import {DAY - 65} 7", f"import {DAY - 72} 2")
        ),
        "a row is removed": lambda: writer.execute(
            "DELETE FROM post_stats_daily WHERE post_id = 3 AND day < $1", date_of(DAY - 20)
        ),
    }
    for place, (what, happen) in enumerate(happens.items()):
        await happen()
        await site.check()
        if place % 2:
            await site.add_up()
            await site.check()
            assert await writer.fetchval("SELECT count(*) FROM post_changes") == 0, what
    await site.add_up()
    totals = {row[0]: list(row)[1:] for row in await writer.fetch("SELECT * FROM post_totals ORDER BY post_id")}
    rolled = await writer.fetch(
        "SELECT post_id, sum(total_views)::bigint,"
        " sum(coalesce((breakdowns->'type'->'listing'->>0)::bigint, 0))::bigint"
        " FROM post_stats_daily WHERE rolled_at IS NOT NULL AND post_id > 0 GROUP BY post_id"
    )
    assert {row[0]: (row[1], row[2]) for row in rolled} == {post: (one[0], one[2]) for post, one in totals.items()}


async def each(do: Any, days: Any) -> None:
    for day in days:
        await do(day)


async def test_counts_by_type_are_whole_before_and_after_a_roll_up(database, writer, readers):
    site = Site(database, writer, readers)
    await stored(database, [view(BOB, "09:00:00", 1, "listing"), view(EVE, "09:00:01", 1, "search")])
    expected = (2, {"intentional": 0, "listing": 1, "search": 1, "widget": 0})
    assert tuple((await counts(readers, [1]))[1]) == expected
    await site.roll(DAY)
    assert tuple((await counts(readers, [1]))[1]) == expected
    await site.add_up()
    assert tuple((await counts(readers, [1]))[1]) == expected


async def test_a_list_has_the_contents_that_are_asked_for_and_that_the_asker_may_see(database, writer, readers):
    described = [
        ContentRow(post_id=1, owner_id=ARTIST, title="One", category="photo", hashtags=["sea", "sky"]),
        ContentRow(post_id=2, owner_id=ARTIST, visibility="private"),
        ContentRow(post_id=3, owner_id=8, kind="blog", category="photo", hashtags=["sea"]),
        ContentRow(post_id=4, owner_id=8),
    ]
    await upsert_contents(writer, described)
    await stored(
        database, [view(BOB, f"0{n}:00:{post:02}", post, "listing") for post in (1, 2, 3, 4) for n in range(post)]
    )
    await delete_content(writer, 4)

    async def listed(**filters: Any) -> list[int]:
        found = await top(readers, TopAsked(DAY, DAY, "views", 10, Filters(**filters)))
        return [line.post_id for line in found]

    assert await listed() == [3, 1]
    assert await listed(reader=ARTIST) == [3, 2, 1]
    assert await listed(reader=8) == [3, 1]
    assert await listed(reads_everything=True) == [3, 2, 1]
    assert await listed(kind="blog") == [3]
    assert await listed(category="photo") == [3, 1]
    assert await listed(hashtag="sky") == [1]
    assert await listed(owner_id=ARTIST) == [1]
    assert await listed(category="none") == []
    (line,) = await top(readers, TopAsked(DAY, DAY, "views", 10, Filters(hashtag="sky")))
    assert line == TopLine(1, "One", "artwork", ARTIST, 1, 1, 0)


async def test_viewers_of_several_days_are_a_union_and_ties_go_by_number(database, writer, readers):
    await upsert_contents(writer, [ContentRow(post_id=post) for post in (4, 5, 6)])
    week = [view(BOB, "09:00:00", post, "listing", DAY - back) for back in range(3) for post in (6, 5)]
    await stored(database, [*week, *(view(who, "10:00:00", 4, "listing") for who in (BOB, EVE))])
    found = await top(readers, TopAsked(DAY - 2, DAY, "viewers", 10, ALL))
    assert [(line.post_id, line.views, line.unique_viewers) for line in found] == [(5, 3, 1), (6, 3, 1), (4, 2, 2)]
    found = await top(readers, TopAsked(DAY, DAY, "trend", 2, ALL))
    assert [(line.post_id, line.views - line.views_before) for line in found] == [(4, 2), (5, 0)]


def test_a_range_is_made_of_sums_of_months() -> None:
    def days_of(first: dt.date, last: dt.date) -> dict[dt.date, int]:
        days: dict[dt.date, int] = defaultdict(int)
        for edge in edges_of(day_of_date(first), day_of_date(last)):
            for day in range(day_of_date(edge.month), day_of_date(edge.upto) + 1):
                days[date_of(day)] += edge.sign
        return {day: n for day, n in days.items() if n}

    chance = random.Random(3)
    for _ in range(300):
        first = dt.date(2024, 1, 1) + dt.timedelta(days=chance.randrange(700))
        last = first + dt.timedelta(days=chance.choice([0, 1, 27, 30, 31, 365]))
        wanted = [date_of(day) for day in range(day_of_date(first), day_of_date(last) + 1)]
        assert days_of(first, last) == dict.fromkeys(wanted, 1)
    assert list(edges_of(5, 4)) == []


async def test_changes_are_added_up_by_the_actor_and_by_one_process_at_a_time(database, writer, readers):
    site = Site(database, writer, readers)
    await site.view(DAY)
    await site.roll(DAY)
    other = await database.connect("writer")
    async with other.transaction():
        await other.execute("SELECT pg_advisory_xact_lock($1, 1)", locks.TOTALS)
        assert not await add_up_changes(writer), "another process is at it"
    await other.close()
    actor = Artists(lambda: database.connect("writer"))
    async with trio.open_nursery() as nursery:
        await nursery.start(actor.run)
        await until(lambda: is_empty(writer))
        nursery.cancel_scope.cancel()
    assert await writer.fetchval("SELECT sum(views)::bigint FROM post_totals") == 20


async def is_empty(writer: Connection) -> bool:
    return not await writer.fetchval("SELECT count(*) FROM post_changes")
