"""The catalog's writes come back from the journal, and the database is told to have gone back until they have."""

from __future__ import annotations

import random
import uuid

import pytest
import trio

from tests.store.drained import NOON_US, ListJournal, Told, drain_of, event, finish
from tests.support.waiting import until
from vts.model import identity
from vts.model.content import ContentRow, PlayerRow
from vts.store.drain.replay import replay_catalog
from vts.store.drain.waterline import Waterline
from vts.store.facts.catalog import Write, changes_since, delete_content, delete_player, upsert_contents, upsert_players

KEY = uuid.UUID("0193d3a0-0000-7000-8000-000000000001")
OTHER_KEY = uuid.UUID("0193d3a0-0000-7000-8000-000000000002")
_CATALOG = """
SELECT json_agg(known ORDER BY post_id)::text, (SELECT json_agg(p ORDER BY player_key)::text FROM players AS p)
FROM (SELECT post_id, owner_id, title, deleted, provisional, revision FROM content) AS known
"""


@pytest.fixture
def chance() -> random.Random:
    return random.Random(9)


@pytest.fixture
async def newer(database):
    """The database that is lost; it is written to as processes do, revisions from 100 on."""
    connection = await database.connect("writer")
    await connection.execute("UPDATE catalog_revision SET revision = 100")
    yield connection
    await connection.close()


@pytest.fixture
async def older(postgres_server, newer):
    """An older copy, from before any of it."""
    async with postgres_server.fresh("migrated") as database:
        connection = await database.connect("writer")
        yield connection
        await connection.close()


async def write_all(newer) -> list[Write]:
    """Writes of two processes, by turns: odd ones are of the other."""
    writes = [Write() for _ in range(7)]
    await upsert_contents(newer, [ContentRow(post_id=n, owner_id=7, title="first") for n in (1, 2, 3)], writes[0])
    await upsert_contents(newer, [ContentRow(post_id=2, owner_id=9, title="second")], writes[1])
    await upsert_players(
        newer, [PlayerRow(player_key=k, owner_id=7, credential="x" * 43) for k in (KEY, OTHER_KEY)], writes[2]
    )
    await delete_content(newer, 3, writes[3])
    await delete_player(newer, KEY.bytes, writes[4])
    await upsert_contents(newer, [ContentRow(post_id=2, owner_id=8, title="third", hashtags=["a"])], writes[5])
    await upsert_players(newer, [PlayerRow(player_key=OTHER_KEY, owner_id=8, name="hall")], writes[6])
    return writes


async def replay(connection, *writes: Write) -> None:
    now_us = max(row.created_at for write in writes for row in write.rows)
    async with connection.transaction():
        assert await replay_catalog(connection, [row for write in writes for row in write.rows], now_us) == []


async def catalog(connection) -> tuple[str, str]:
    return tuple(await connection.fetchrow(_CATALOG))


async def test_what_several_processes_wrote_comes_back_in_any_order_of_replays(newer, older):
    writes = await write_all(newer)
    await replay(older, *writes[1::2])
    await replay(older, *writes[0::2])
    assert await catalog(older) == await catalog(newer)
    for write in (*writes, *reversed(writes)):
        await replay(older, write)
    assert await catalog(older) == await catalog(newer)


async def test_a_database_that_has_it_all_is_not_touched(newer):
    writes = await write_all(newer)
    before = await newer.fetchrow("SELECT revision, horizon FROM catalog_revision"), await catalog(newer)
    await replay(newer, *writes)
    assert (await newer.fetchrow("SELECT revision, horizon FROM catalog_revision"), await catalog(newer)) == before


async def test_who_knew_the_newer_catalog_loads_what_was_replayed(newer, older):
    writes = await write_all(newer)
    known = (await changes_since(newer, -1)).revision
    await replay(older, *writes)
    change = await changes_since(older, known)
    assert change.whole and change.revision > known
    assert dict(change.contents)[2].owner_id == 8


async def test_a_first_owner_put_back_applies_to_days_that_were_rolled_meanwhile(newer, older):
    write = Write()
    await upsert_contents(newer, [ContentRow(post_id=1, owner_id=7)], write, now_us=NOON_US)
    await older.execute("UPDATE catalog_revision SET revision = 5000")  # what a roll-up since has noted
    await replay(older, write)
    owner, revision = await older.fetchrow("SELECT first_owner_id, owner_known_revision FROM content")
    assert owner == 7 and revision > 5_000


async def test_a_write_after_the_failover_is_newer_than_any_replayed_one(newer, older):
    writes = await write_all(newer)
    known = (await changes_since(newer, -1)).revision
    await upsert_contents(older, [ContentRow(post_id=2, owner_id=11, title="since")], Write(above=known))
    await delete_content(older, 2, Write(above=known))
    await upsert_contents(older, [ContentRow(post_id=1, owner_id=11)], Write(above=known))
    await replay(older, *writes)
    rows = await older.fetch("SELECT owner_id, title, deleted FROM content WHERE post_id < 3 ORDER BY post_id")
    assert [tuple(row) for row in rows] == [(11, "first", False), (11, None, True)]


async def test_a_title_sync_right_after_the_failover_publishes_no_private_content(newer, older):
    """The older copy lacks the write that made it private, which comes back from the journal behind the title's."""
    lost, since = Write(), Write()
    await upsert_contents(
        newer, [ContentRow(post_id=1, owner_id=7, title="first", visibility="private", kind="blog")], lost
    )
    known = (await changes_since(newer, -1)).revision
    since.above = known
    await upsert_contents(older, [ContentRow(post_id=1, title="second")], since)
    for rows in ((lost,), (since,), (lost, since)):
        await replay(older, *rows)
        row = await older.fetchrow("SELECT owner_id, title, visibility, kind, first_owner_id, deleted FROM content")
        assert tuple(row) == (7, "second", "private", "blog", 7, False)


_FIELDS = "SELECT post_id, owner_id, title, category, hashtags, visibility, deleted FROM content ORDER BY post_id"


async def test_every_field_is_that_of_the_last_write_whatever_order_the_journals_come_in(newer, older, chance):
    """Two histories of partial writes, one on each side of a failover; what is named last wins."""
    writes, expected = [], {}
    choices = {"owner_id": (1, 2, None), "title": ("a", "b", None), "category": ("x", None), "hashtags": (["h"], None)}
    choices["visibility"] = ("private", "public")
    for number in range(40):
        write = Write(above=0 if number < 20 else 5_000)
        post_id = chance.randrange(1, 4)
        named = {name: chance.choice(choices[name]) for name in chance.sample(sorted(choices), 2)}
        if chance.random() < 0.1 and post_id in expected:
            await delete_content(newer if number < 20 else older, post_id, write)
            if write.rows:
                expected[post_id] |= {"title": None, "category": None, "hashtags": None, "deleted": True}
        else:
            await upsert_contents(newer if number < 20 else older, [ContentRow(post_id=post_id, **named)], write)
            expected[post_id] = expected.get(post_id, {}) | named | {"deleted": False}
        writes.append(write)
    whole = [
        (post, had.get("owner_id"), had.get("title"), had.get("category"), had.get("hashtags") or [],
         had.get("visibility", "public"), had["deleted"])
        for post, had in sorted(expected.items())
    ]  # fmt: skip
    for _ in range(2):
        chance.shuffle(writes)
        for at in range(0, 40, 8):
            await replay(older, *writes[at : at + 8])
    assert [tuple(row) for row in await older.fetch(_FIELDS)] == whole
    revision = await older.fetchval("SELECT revision FROM catalog_revision")
    await replay(older, *writes)
    assert await older.fetchval("SELECT revision FROM catalog_revision") == revision  # nothing is lacked any more


async def test_a_row_that_a_view_has_made_meanwhile_is_described_again(newer, older, chance):
    writes = await write_all(newer)
    await older.execute("INSERT INTO content (post_id, revision, provisional) VALUES (1, 5000, true)")
    await replay(older, *writes)
    assert tuple(await older.fetchrow("SELECT owner_id, title, provisional FROM content WHERE post_id = 1")) == (
        7, "first", False,
    )  # fmt: skip


async def test_the_drain_replays_and_a_row_that_is_refused_stops_nothing(database, newer, chance):
    write = Write()
    await upsert_contents(newer, [ContentRow(post_id=1, owner_id=7)], write)
    (row,) = write.rows
    await newer.execute("DELETE FROM content")
    poison = type(row)(row.revision + 1, 2, None, '{"post_id": 2, "revision": 1}', row.created_at)
    journal = ListJournal(identity.version_7(NOON_US, b"j" * 10))
    journal.append(row, poison, event(chance, post_id=1))
    told = Told()
    assert await finish(drain_of(lambda: database.connect("writer"), journal, told), restarts=0) == 0
    assert (told.commits[0].dead, told.commits[0].duplicates) == (1, 0)
    assert await newer.fetchval("SELECT owner_id FROM content") == 7
    assert "post_id" in await newer.fetchval("SELECT body FROM dead_letters")


async def test_a_database_lags_until_every_known_journal_is_drained_again(database, newer):
    ours, theirs = bytes(16), b"t" * 16
    told: list[str] = []

    async def recovered() -> None:
        told.append("whole")

    waterline = Waterline(
        lambda: database.connect("reader"), lambda: database.connect("writer"), dict, lambda: 0,
        lambda: told.append("back"), recovered, linger_s=0.0,
    )  # fmt: skip
    await newer.execute("INSERT INTO journal_offset VALUES ($1, 5), ($2, 6)", ours, theirs)
    waterline.drained({ours: 5})
    waterline.heard(theirs, 6)
    await waterline.check(newer)
    assert not waterline.is_behind and waterline.lag_s() == 0.0
    waterline.heard(theirs, 7)
    await waterline.check(newer)
    assert waterline.is_behind and waterline.lag_s() > 0.0 and told == ["back"]
    async with trio.open_nursery() as nursery:
        await nursery.start(waterline.run)
        await newer.execute("UPDATE journal_offset SET seq = 7 WHERE journal_id = $1", theirs)
        await until(lambda: told == ["back", "whole"])
        nursery.cancel_scope.cancel()
    assert not waterline.is_behind
