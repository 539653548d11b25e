"""Artists: their statistics are those of all their contents together, their lists are sorted as they are asked."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.query.story import ANA, BOB, EVE, NAMELESS, stored, story, view
from tests.store.drained import DAY, ListJournal, Told, drain_of, event, finish
from vts.model.content import ContentRow
from vts.model.day import date_of, datetime_of
from vts.model.reaction import Comment, ReactionChange
from vts.model.view import ViewEvent
from vts.query import artist, artist_posts
from vts.query.artist_load import artist_facts
from vts.query.artist_posts import LIMIT_MAX, OF_CATALOG, OF_RANGE, SORTS, Asked, parse_asked
from vts.query.artist_posts_load import artist_posts as load_posts
from vts.query.live_counts import artist_counts
from vts.query.post import answer as post_answer
from vts.query.post_load import post_facts
from vts.query.ranges import BadRange
from vts.store.facts.artists import add_up_marked
from vts.store.facts.catalog import delete_content, upsert_contents
from vts.store.facts.digests import Digests
from vts.store.facts.reactions import change_comments, change_reactions
from vts.store.session.connection import Connection, Database
from vts.store.session.pool import Readers

ARTIST, OTHER = 7, 8
NOW = {"now_us": DAY * 86_400_000_000, "lag_s": 0.5}


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


class Counting(Readers):
    """Sessions that say how many statements they ran, those of the transaction included."""

    statements = 0

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        async with super().connection() as connection:
            connection._raw.add_query_logger(self._count)
            yield connection
            connection._raw.remove_query_logger(self._count)

    def _count(self, _: object) -> None:
        self.statements += 1


async def known(writer: Connection, *rows: ContentRow) -> None:
    await upsert_contents(writer, rows)
    await add_up_marked(writer)


async def stats(readers: Readers, user_id: int = ARTIST, first: int = DAY, last: int = DAY) -> dict[str, Any]:
    return artist.answer(await artist_facts(readers, user_id, first, last), **NOW)


async def listed(
    readers: Readers, sort: str = "-views", first: int = DAY, last: int = DAY, limit: int = 50, offset: int = 0
) -> dict[str, Any]:
    facts = await load_posts(readers, ARTIST, first, last, Asked(sort, limit, offset))
    return artist_posts.answer(facts, **NOW)


def order(body: dict[str, Any]) -> list[int]:
    return [post["post_id"] for post in body["posts"]]


async def test_an_artist_has_what_all_contents_have_together(database, writer, readers):
    yesterday = [view(BOB, "09:00:00", 2, "intentional", DAY - 1), view(NAMELESS, "22:00:00", 1, "listing", DAY - 1)]
    await stored(database, [*story(), *yesterday])
    kinds = ("artwork", "blog", "playlist")
    await known(writer, *(ContentRow(post_id=n, owner_id=ARTIST, kind=kind) for n, kind in enumerate(kinds, 1)))
    body = await stats(readers, first=DAY - 1)
    assert (body["user_id"], body["total_posts"]) == (ARTIST, 3)
    assert (body["total_views"], body["total_views_authenticated"]) == (17, 10)
    # Ana, the nameless player, Eve and Bob: each once, over all contents and days.
    assert (body["unique_viewers"], body["unique_viewers_authenticated"]) == (4, 2)
    assert [(row["date"], row["views"], row["unique_viewers"]) for row in body["daily_views"]] == [
        (date_of(DAY - 1).isoformat(), 2, 2),
        (date_of(DAY).isoformat(), 15, 4),
    ]
    assert body["views_by_playlist"] == {"9": 3}
    assert body["views_by_playlist_authenticated"] == {"9": 2}
    assert body["views_by_hour_local"] == {"7": 6, "9": 2}
    assert body["views_by_channel"] == {"all": 5, "hashtag": 3, "playlist": 3, "promoted": 2}
    assert body["views_by_country"] == {"BR": 8, "DE": 3}
    assert body["lag_seconds"] == 0.5
    assert body["last_view_at"].hour == 13 and body["last_view_at_authenticated"].minute == 5


async def test_an_artist_of_one_content_has_its_answer(database, writer, readers):
    await stored(database, story())
    await known(writer, ContentRow(post_id=1, owner_id=ARTIST))
    for emoji, signed in (("❤", True), ("🌼", False)):
        await change_reactions(writer, [ReactionChange(1, 3, emoji, adds=True, authenticated=signed)])
    await change_comments(writer, [Comment(post_id=1, user_id=3, comment_id=1)])
    for first in (DAY - 2, DAY):
        of_artist = await stats(readers, first=first)
        of_post = post_answer(await post_facts(readers, 1, first, DAY), **NOW)
        for only in ("user_id", "total_posts", "first_post_at", "latest_post_at"):
            del of_artist[only]
        for only in ("post_id", "title", "kind", "owner_id", "visibility"):
            del of_post[only]
        assert (of_post["total_impressions"], of_post["total_impressions_authenticated"]) == (8, 5)
        assert list(of_artist) == list(of_post)
        assert of_artist == of_post
    assert of_post["total_reactions"] == 2 and of_post["total_comments"] == 1


async def test_an_unknown_user_has_zeros_for_every_day(readers):
    body = await stats(readers, user_id=404, first=DAY - 29)
    assert (body["total_posts"], body["total_views"], body["unique_viewers"], body["views_by_country"]) == (0, 0, 0, {})
    assert len(body["daily_views"]) == len(body["daily_views_authenticated"]) == 30
    assert body["first_view_at"] is None
    nothing = await listed(readers)
    assert (nothing["total"], nothing["posts"]) == (0, [])


async def test_the_number_of_statements_does_not_depend_on_the_number_of_contents(database, writer):
    chance = random.Random(5)
    readers = Counting(database)
    asked = []
    for posts in (1, 3, 300):  # the first time the driver asks about types, too
        numbers = range(1, posts + 1)
        await stored(database, [event(chance, post_id=n) for n in numbers], chance.randbytes(16))
        await known(writer, *(ContentRow(post_id=n, owner_id=ARTIST) for n in numbers))
        counts = []
        for question in (
            lambda: stats(readers, first=DAY - 29),
            lambda: listed(readers, first=DAY - 29, limit=500),
            lambda: listed(readers, "-reactions", first=DAY - 29, limit=500),
        ):
            before = readers.statements
            await question()
            counts.append(readers.statements - before)
        asked.append(counts)
    readers.close()
    assert asked[1] == asked[2]
    assert max(asked[2]) <= 8


async def test_live_counts_are_those_of_the_statistics(database, writer, readers):
    await stored(database, [*story(), view(BOB, "09:00:00", 2, "intentional", DAY - 1)])
    await known(writer, ContentRow(post_id=1, owner_id=ARTIST), ContentRow(post_id=2, owner_id=ARTIST))
    assert await artist_counts(readers, ARTIST, date_of(DAY)) == (15, 14, 4)
    assert await artist_counts(readers, OTHER, date_of(DAY)) == (0, 0, 0)


# ---- lists


async def five(database: Database, writer: Connection) -> list[ViewEvent]:
    """Contents 1 to 5 with 4, 3, 2, 1 and no views on DAY; 4 has six more the day before, all by one viewer."""
    views = [view(who, f"1{n}:00:00", n, "listing") for n in (1, 2, 3, 4) for who in (ANA, BOB, EVE, NAMELESS)[n - 1 :]]
    views += [view(BOB, f"0{n}:00:00", 4, "listing", DAY - 1) for n in range(1, 7)]
    await stored(database, views)
    titles = ("Ocean", "atlas", None, "Zebra", "birds")
    rows = [
        ContentRow(
            post_id=n,
            owner_id=ARTIST,
            title=title,
            kind=("artwork", "blog", "playlist", "stream", "artwork")[n - 1],
            visibility="private" if n == 2 else "public",
            created_at=None if n == 4 else datetime_of((DAY - n) * 86_400_000_000),
        )
        for n, title in enumerate(titles, 1)
    ]
    await known(writer, *rows, ContentRow(post_id=6, owner_id=ARTIST), ContentRow(post_id=9, owner_id=OTHER))
    await delete_content(writer, 6)
    for post_id, users in ((3, 2), (5, 1)):
        for user_id in range(1, users + 1):
            await change_reactions(writer, [ReactionChange(post_id, user_id, "❤", adds=True, authenticated=True)])
    await change_comments(writer, [Comment(post_id=2, user_id=1, comment_id=1)])
    return views


ORDERS = {
    "views": [5, 3, 2, 1, 4],
    "-views": [4, 1, 2, 3, 5],
    "unique_viewers": [5, 3, 4, 2, 1],
    "-unique_viewers": [1, 2, 3, 4, 5],
    "last_view_at": [1, 2, 3, 4, 5],
    "-last_view_at": [4, 3, 2, 1, 5],
    "post_id": [1, 2, 3, 4, 5],
    "-post_id": [5, 4, 3, 2, 1],
    "title": [2, 5, 1, 4, 3],
    "-title": [4, 1, 5, 2, 3],
    "created_at": [5, 3, 2, 1, 4],
    "-created_at": [1, 2, 3, 5, 4],
    "reactions": [1, 2, 4, 5, 3],
    "-reactions": [3, 5, 1, 2, 4],
    "comments": [1, 3, 4, 5, 2],
    "-comments": [2, 1, 3, 4, 5],
}


async def test_a_list_is_sorted_by_whatever_is_asked_and_cut_into_pages(database, writer, readers):
    await five(database, writer)
    assert set(ORDERS) == set(SORTS)
    for sort, expected in ORDERS.items():
        body = await listed(readers, sort, first=DAY - 1)
        assert (order(body), body["total"], body["sort"]) == (expected, 5, sort)
        pages = [order(await listed(readers, sort, DAY - 1, limit=2, offset=offset)) for offset in (0, 2, 4, 6)]
        assert pages == [expected[:2], expected[2:4], expected[4:], []]


async def test_a_line_says_all_about_its_content_in_the_range(database, writer, readers):
    await five(database, writer)
    lines = {post["post_id"]: post for post in (await listed(readers, first=DAY - 1))["posts"]}
    assert [lines[n]["kind"] for n in range(1, 6)] == ["artwork", "blog", "playlist", "stream", "artwork"]
    assert (lines[2]["visibility"], lines[2]["title"], lines[2]["total_comments"]) == ("private", "atlas", 1)
    assert (lines[4]["total_views"], lines[4]["unique_viewers"]) == (7, 2)  # Bob's six, and the nameless player's
    assert (lines[3]["total_reactions"], lines[3]["total_reactions_authenticated"]) == (2, 2)
    assert (lines[5]["total_views"], lines[5]["first_view_at"]) == (0, None)
    assert (lines[4]["first_view_at"].hour, lines[4]["last_view_at"].hour) == (1, 14)
    today = {post["post_id"]: post for post in (await listed(readers))["posts"]}
    assert (today[4]["total_views"], today[4]["unique_viewers"]) == (1, 1)


async def test_digests_change_nothing_but_the_time(database, writer, readers, monkeypatch):
    """Any mixture of days with and without a digest, of late views and of changed owners gives the same lists."""
    monkeypatch.setattr("vts.store.facts.digests.POSTS_FROM", 0)
    monkeypatch.setattr("vts.query.artist_posts_load.DAYS_AT_ONCE", 2)
    chance = random.Random(9)
    await five(database, writer)
    days = range(DAY - 4, DAY + 1)
    digests = Digests()
    digested = 0
    for step in range(8):
        some = [event(chance, post_id=chance.randrange(1, 8), day=chance.choice(days)) for _ in range(8)]
        await counted(database, some, dict.fromkeys((1, 2, 3, 4, 5, *([7] if step else [])), ARTIST))
        moved = chance.randrange(1, 6)
        await known(writer, ContentRow(post_id=moved, owner_id=OTHER), ContentRow(post_id=7, owner_id=ARTIST))
        await known(writer, ContentRow(post_id=moved, owner_id=ARTIST))
        for table in ("post_stats_daily", "artist_stats_daily"):
            rolled = f"UPDATE {table} SET rolled_at = now() WHERE day = ANY($1)"
            await writer.execute(rolled, [date_of(day) for day in days[: chance.randrange(6)]])
        digests.is_behind = chance.random() < 0.7
        digested += await digests.look(writer)
        with_digests = [order(await listed(readers, sort, DAY - 4)) for sort in SORTS]
        rows = await writer.fetch("SELECT * FROM artist_posts_daily")
        await writer.execute("DELETE FROM artist_posts_daily")
        assert with_digests == [order(await listed(readers, sort, DAY - 4)) for sort in SORTS], step
        await _restore(writer, rows)
    assert digested > 8


async def counted(database: Database, views: Sequence[ViewEvent], owners: dict[int, int]) -> None:
    """Drain views as a process does that knows the owners."""
    journal = ListJournal(random.Random(str(views)).randbytes(16))
    journal.append(*views)
    await finish(drain_of(lambda: database.connect("writer"), journal, Told(), owner_of=owners.get))


async def _restore(writer: Connection, rows: Sequence[Any]) -> None:
    if rows:
        columns = list(rows[0].keys())
        await writer.copy_records("artist_posts_daily", [tuple(row) for row in rows], columns)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("sort", text) for text in ("", "likes", "--views", "+views", "views; --")),
        *(("limit", text) for text in ("0", "501", "-1", "x", "", "1.5", "٣", "99999999999")),
        *(("offset", text) for text in ("-1", "x", "", "99999999999")),
    ],
)
def test_what_is_asked_wrongly_is_named_with_what_is_allowed(field: str, value: str) -> None:
    with pytest.raises(BadRange, match=f"^{field}: .*(views|1 to {LIMIT_MAX}|0 to )"):
        parse_asked(**({"sort": None, "limit": None, "offset": None} | {field: value}))


def test_what_is_not_said_is_the_most_viewed_first() -> None:
    assert parse_asked(None, None, None) == Asked("-views", 50, 0)
    assert parse_asked("title", "500", "10") == Asked("title", 500, 10)
    assert len(SORTS) == 2 * len({*OF_RANGE, *OF_CATALOG}) == 16
