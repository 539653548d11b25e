"""Artists' days follow their contents: the owner at the time of adding up has their views, and no other artist."""

from __future__ import annotations

import datetime as dt
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import partial

import pytest
import trio

from tests.store.drained import DAY, ListJournal, Told, assert_row, drain_of, event, finish
from tests.support.waiting import until
from vts.model import sketch
from vts.model.content import ContentRow
from vts.model.day import date_of, day_of_date
from vts.model.view import ViewEvent
from vts.store.facts import artists
from vts.store.facts.artists import Artists, add_up_marked
from vts.store.facts.catalog import delete_content, upsert_contents
from vts.store.facts.digests import Digests
from vts.store.session.connection import Connection, Database

AT_ONCE = dt.timedelta(0)
LATER = dt.timedelta(minutes=1)


@pytest.fixture
def chance() -> random.Random:
    return random.Random(4)


@pytest.fixture
async def writer(database: Database) -> Iterator[Connection]:
    connection = await database.connect("writer")
    yield connection
    await connection.close()


async def drained(database: Database, views: Sequence[ViewEvent], owners: dict[int, int] | None = None) -> None:
    """Drain views as a process does that knows of these owners."""
    journal = ListJournal(random.Random(str(len(views))).randbytes(16))
    journal.append(*views)
    await finish(drain_of(lambda: database.connect("writer"), journal, Told(), owner_of=(owners or {}).get))


async def owned(writer: Connection, owners: dict[int, int | None]) -> None:
    await upsert_contents(writer, [ContentRow(post_id=post, owner_id=owner) for post, owner in owners.items()])


async def marks(writer: Connection) -> set[tuple[int, int]]:
    """The marks, but for those of the day on which this test runs."""
    rows = await writer.fetch(
        "SELECT owner_id, day FROM artist_stats_dirty WHERE day < (now() AT TIME ZONE 'UTC')::date"
    )
    return {(owner, day_of_date(day)) for owner, day in rows}


async def assert_artists(writer: Connection, views: Sequence[ViewEvent], owners: dict[int, int | None]) -> None:
    groups = defaultdict(list)
    for view in views:
        if owners.get(view.post_id) is not None:
            groups[owners[view.post_id], view.event_day].append(view)
    rows = await writer.fetch("SELECT * FROM artist_stats_daily")
    assert {(row["owner_id"], day_of_date(row["day"])) for row in rows} == set(groups)
    for row in rows:
        of_day = groups[row["owner_id"], day_of_date(row["day"])]
        assert_row(row, of_day)
        assert sketch.count(row["sketch"]) == len({view.viewer_key for view in of_day})


async def test_views_that_came_before_their_owner_was_known_are_the_owners(database, writer, chance):
    views = [event(chance, post_id=1 + n % 2, day=DAY - n % 3) for n in range(40)]
    await drained(database, views)
    await owned(writer, {1: 7, 2: 7, 3: 7})
    assert await marks(writer) == {(7, DAY), (7, DAY - 1), (7, DAY - 2)}
    await add_up_marked(writer)
    await assert_artists(writer, views, {1: 7, 2: 7})


async def test_contents_move_go_and_come_back_and_every_day_follows(database, writer, chance):
    """A random history of owners, views in between by a process that may be behind."""
    views: list[ViewEvent] = []
    owners: dict[int, int | None] = {}
    for _ in range(12):
        stale = dict(owners)
        for post in chance.sample(range(1, 7), 3):
            owners[post] = chance.choice([None, 70, 71, 72])
        await owned(writer, owners)
        if chance.random() < 0.5:
            await add_up_marked(writer, LATER)
        more = [event(chance, post_id=chance.randrange(1, 7), day=DAY - chance.randrange(2)) for _ in range(9)]
        known = {post: owner for post, owner in stale.items() if owner is not None}
        views += more
        await drained(database, views, known)
    await writer.execute("UPDATE artist_stats_dirty SET marked_at = now() - interval '1 hour'")
    await drained(database, [event(chance, post_id=9)], {})
    # A content without marks, counted for no artist by the last batch, is none of the artists'.
    await add_up_marked(writer, LATER)
    await assert_artists(writer, views, owners)
    assert await writer.fetchval("SELECT count(*) FROM artist_stats_dirty") == 0


async def test_a_mark_is_added_up_once_more_when_every_process_has_the_owner(database, writer, chance):
    early = [event(chance) for _ in range(5)]
    await drained(database, early)
    await owned(writer, {1: 7})
    assert await add_up_marked(writer, LATER) > 0
    late = [event(chance) for _ in range(3)]
    await drained(database, early + late)  # by a process that does not have the owner
    assert await add_up_marked(writer, LATER) == 0
    await assert_artists(writer, early, {1: 7})
    await writer.execute("UPDATE artist_stats_dirty SET marked_at = marked_at - interval '61 seconds'")
    assert await add_up_marked(writer, LATER) > 0
    await assert_artists(writer, early + late, {1: 7})
    assert await writer.fetchval("SELECT count(*) FROM artist_stats_dirty") == 0


async def test_a_day_that_is_right_stays_as_the_roll_up_has_left_it(database, writer, chance):
    await drained(database, [event(chance) for _ in range(5)])
    await owned(writer, {1: 7})
    await add_up_marked(writer, LATER)
    await writer.execute("UPDATE artist_stats_daily SET unique_viewers = 6")  # a sketch that was fed in another order
    await writer.execute("UPDATE artist_stats_dirty SET marked_at = marked_at - interval '61 seconds'")
    assert await add_up_marked(writer, LATER) > 0
    assert await writer.fetchval("SELECT unique_viewers FROM artist_stats_daily") == 6


async def test_what_is_marked_again_meanwhile_is_added_up_again(database, writer, chance):
    views = [event(chance) for _ in range(4)]
    await drained(database, views)
    for owner in (7, 8):
        await owned(writer, {1: owner})
        await add_up_marked(writer, LATER)
        await assert_artists(writer, views, {1: owner})


async def test_contents_without_views_mark_nothing(writer):
    await owned(writer, {post: post % 5 + 1 for post in range(1, 500)})
    assert await writer.fetchval("SELECT count(*) FROM artist_stats_dirty") == 0
    await owned(writer, {post: post % 5 + 1 for post in range(1, 500)})
    assert await writer.fetchval("SELECT count(*) FROM artist_stats_dirty") == 0


async def test_a_deleted_content_leaves_its_counts_with_its_owner(database, writer, chance):
    views = [event(chance) for _ in range(4)]
    await drained(database, views)
    await owned(writer, {1: 7})
    await delete_content(writer, 1)
    await add_up_marked(writer)
    await assert_artists(writer, views, {1: 7})


async def test_many_artists_and_contents_go_in_bounded_steps(database, writer, chance, monkeypatch):
    monkeypatch.setattr(artists, "POSTS_AT_ONCE", 3)
    monkeypatch.setattr(artists, "POSTS_MAX", 10)
    monkeypatch.setattr(artists, "OWNERS_MAX", 4)
    views = [event(chance, post_id=chance.randrange(1, 60)) for _ in range(200)]
    await drained(database, views)
    owners = {post: 7 if post < 30 else post % 9 + 1 for post in range(1, 60)}
    await owned(writer, owners)
    await add_up_marked(writer, AT_ONCE)
    await assert_artists(writer, views, owners)


async def test_a_day_is_rolled_when_those_of_all_its_contents_are_and_keeps_a_hundred_values(database, writer, chance):
    views = [event(chance, post_id=1 + n % 2, referrer_domain=f"{n}.example") for n in range(150)]
    await drained(database, views)
    when = dt.datetime(2026, 1, 2, tzinfo=dt.UTC)
    await writer.execute("UPDATE post_stats_daily SET rolled_at = $1 WHERE post_id = 1", when)
    await owned(writer, {1: 7, 2: 7})
    await add_up_marked(writer)
    kept = "SELECT rolled_at, (SELECT count(*) FROM json_object_keys(breakdowns -> 'referrer')) FROM artist_stats_daily"
    assert tuple(await writer.fetchrow(kept)) == (None, 150)
    await writer.execute("UPDATE post_stats_daily SET rolled_at = $1 WHERE post_id = 2", when)
    await owned(writer, {1: 8, 2: 8})
    await add_up_marked(writer)
    assert tuple(await writer.fetchrow(kept)) == (when, 101)


async def test_digests_of_large_artists_follow_the_roll_up(database, writer, chance, monkeypatch):
    monkeypatch.setattr("vts.store.facts.digests.POSTS_FROM", 2)
    views = [event(chance, post_id=1 + n % 3, day=DAY - n % 2) for n in range(30)]
    await drained(database, views, {1: 7, 2: 7, 3: 7})
    await owned(writer, {1: 7, 2: 7, 3: 7, 4: 8})
    await writer.execute("DELETE FROM artist_stats_dirty")
    digests = Digests()
    assert await digests.look(writer) == 0  # nothing is rolled
    for table in ("post_stats_daily", "artist_stats_daily"):
        await writer.execute(f"UPDATE {table} SET rolled_at = now() WHERE day = $1", date_of(DAY - 1))
    await writer.execute("INSERT INTO rollup_days (day) VALUES ($1)", date_of(DAY - 1))
    assert await digests.look(writer) == 1
    row = await writer.fetchrow("SELECT * FROM artist_posts_daily")
    assert (row["owner_id"], day_of_date(row["day"]), row["total_views"]) == (7, DAY - 1, 15)
    assert row["posts"] == b"".join(post.to_bytes(8, "big") for post in (1, 2, 3))
    assert row["views"] == (5).to_bytes(8, "big") * 3
    assert await digests.look(writer) == 0
    await owned(writer, {1: 8})
    await add_up_marked(writer)
    assert await writer.fetchval("SELECT count(*) FROM artist_posts_daily") == 0


async def test_a_first_view_that_is_being_stored_while_its_owner_arrives_is_not_missed(database, writer, chance):
    """The upsert waits for the drain that has just registered the content, and marks what that drain counted."""
    other = await database.connect("writer")
    done = trio.Event()

    async def arrive() -> None:
        await owned(writer, {1: 7})
        done.set()

    async with trio.open_nursery() as nursery, other.transaction():
        await other.execute("INSERT INTO content (post_id, revision, provisional) VALUES (1, 0, true)")
        await other.execute(
            "INSERT INTO post_stats_daily VALUES (1, 2, 0, 1, 0, now(), now(), NULL, NULL, NULL, $1, '{}')",
            date_of(DAY),
        )
        nursery.start_soon(arrive)
        await until(lambda: other.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"))
        assert not done.is_set()
    assert await marks(writer) == {(7, DAY)}
    await other.close()


async def test_the_actor_looks_when_poked_and_by_itself(database, writer, chance, monkeypatch):
    """A writer wakes its own actor; marks of a process that did not live to add them up are found all the same."""
    views = [event(chance, post_id=1)]
    await drained(database, views)
    for every_s, owner, pokes in ((1_000.0, 7, True), (0.01, 8, False)):
        monkeypatch.setattr(artists, "LOOK_EVERY_S", every_s)
        actor = Artists(lambda: database.connect("writer"))
        added_up = partial(writer.fetchval, "SELECT count(*) FROM artist_stats_daily WHERE owner_id = $1", owner)
        async with trio.open_nursery() as nursery:
            await nursery.start(actor.run)
            await owned(writer, {1: owner})
            if pokes:
                actor.poke()
            await until(added_up)
            nursery.cancel_scope.cancel()
    await assert_artists(writer, views, {1: 8})
