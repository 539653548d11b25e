"""The catalog's rows: written whole or not at all, followed by revision, settled after a day."""

from __future__ import annotations

import datetime as dt
import hashlib
import random
import uuid

import pytest
import trio

from tests.store.drained import ListJournal, Told, drain_of, event, finish
from vts.model.content import Content, ContentRow, Player, PlayerRow
from vts.store.facts.catalog import (
    changes_since,
    delete_content,
    delete_player,
    settle_provisional,
    upsert_contents,
    upsert_players,
)
from vts.store.session import channels
from vts.store.session.faults import BadData

KEY = uuid.UUID("0193d3a0-0000-7000-8000-000000000001")


@pytest.fixture
async def writer(database):
    connection = await database.connect("writer")
    yield connection
    await connection.close()


async def test_a_content_is_stored_as_described_and_changed_in_what_is_named(writer):
    when = dt.datetime(2025, 12, 1, 10, tzinfo=dt.UTC)
    full = ContentRow(
        post_id=42, kind="blog", owner_id=7, title="Blühendes 🌼", category="art", hashtags=["a", "b"],
        visibility="private", created_at=when,
    )  # fmt: skip
    assert await upsert_contents(writer, [full]) == 1
    row = await writer.fetchrow("SELECT kind, owner_id, title, category, hashtags, visibility, created_at FROM content")
    assert tuple(row) == ("blog", 7, "Blühendes 🌼", "art", ["a", "b"], "private", when)
    await upsert_contents(writer, [ContentRow(post_id=42, owner_id=8)])
    row = await writer.fetchrow("SELECT kind, owner_id, title, category, hashtags, visibility FROM content")
    assert tuple(row) == ("blog", 8, "Blühendes 🌼", "art", ["a", "b"], "private")
    cleared = dict.fromkeys(("kind", "owner_id", "title", "category", "hashtags", "created_at"))
    await upsert_contents(writer, [ContentRow(post_id=42, **cleared)])
    row = await writer.fetchrow("SELECT kind, owner_id, title, category, hashtags, visibility, created_at FROM content")
    assert tuple(row) == ("artwork", None, None, None, [], "private", None)


async def test_of_several_rows_for_one_content_the_later_wins_field_by_field(writer):
    rows = [ContentRow(post_id=1, owner_id=5, visibility="private"), ContentRow(post_id=1, owner_id=6, title="x")]
    assert await upsert_contents(writer, [*rows, ContentRow(post_id=1, title=None)]) == 3
    assert (await changes_since(writer, -1)).contents == [(1, Content(6, "artwork", True, False, False))]
    assert await writer.fetchval("SELECT title FROM content") is None


async def test_a_content_that_a_view_made_known_becomes_a_full_one_with_defaults(writer):
    await writer.execute("INSERT INTO content (post_id, revision, provisional) VALUES (1, 0, true)")
    await upsert_contents(writer, [ContentRow(post_id=1, title="seen before")])
    assert (await changes_since(writer, -1)).contents == [(1, Content(None, "artwork", False, False, False))]


async def test_a_private_content_that_was_deleted_and_is_synced_again_stays_private(writer):
    await upsert_contents(writer, [ContentRow(post_id=1, owner_id=7, visibility="private", title="first")])
    await delete_content(writer, 1)
    await upsert_contents(writer, [ContentRow(post_id=1, title="again")])
    assert (await changes_since(writer, -1)).contents == [(1, Content(7, "artwork", True, False, False))]


async def test_a_bad_row_keeps_the_whole_request_out(writer):
    before = (await changes_since(writer, -1)).revision
    with pytest.raises(BadData):
        await upsert_contents(writer, [ContentRow(post_id=1), ContentRow(post_id=2, title="a\0b")])
    change = await changes_since(writer, -1)
    assert (change.contents, change.revision) == ([], before)


async def test_a_player_keeps_what_is_not_named_its_credential_too(writer):
    player = PlayerRow(player_key=KEY, owner_id=7, name="Wall", country="BR", credential="x" * 43)
    await upsert_players(writer, [player])
    known = hashlib.sha256(b"x" * 43).digest()
    await upsert_players(writer, [PlayerRow(player_key=KEY, owner_id=8, registered=False)])
    assert (await changes_since(writer, -1)).players == [(KEY.bytes, Player(8, False, "BR", known, "Wall"))]
    await upsert_players(writer, [PlayerRow(player_key=KEY, credential="y" * 43)])
    other = hashlib.sha256(b"y" * 43).digest()
    assert (await changes_since(writer, -1)).players == [(KEY.bytes, Player(8, False, "BR", other, "Wall"))]
    await upsert_players(writer, [PlayerRow(player_key=KEY, owner_id=None, name=None, country=None, credential=None)])
    assert (await changes_since(writer, -1)).players == [(KEY.bytes, Player(None, False, None, None, None))]


async def test_a_follower_by_revision_has_what_a_fresh_load_has(writer):
    """A random history of writes, followed at random moments."""
    chance = random.Random(3)
    keys = [uuid.UUID(int=chance.getrandbits(128)) for _ in range(6)]
    contents, players, revision = {}, {}, -1
    for _ in range(60):
        match chance.randrange(5):
            case 0 | 1:
                posts = chance.sample(range(1, 12), 3)
                await upsert_contents(writer, [ContentRow(post_id=p, owner_id=chance.randrange(1, 4)) for p in posts])
            case 2:
                await delete_content(writer, chance.randrange(1, 12))
            case 3:
                await upsert_players(writer, [PlayerRow(player_key=chance.choice(keys), owner_id=1)])
            case 4:
                await delete_player(writer, chance.choice(keys).bytes)
        if chance.random() < 0.3:
            change = await changes_since(writer, revision)
            assert change.whole == (revision < 0)
            revision = change.revision
            _take(contents, change.contents)
            _take(players, change.players)
            newcomer = await changes_since(writer, -1)
            assert (contents, players) == (dict(newcomer.contents), dict(newcomer.players))
    assert len(players) > 1


def _take(known: dict, entries: list) -> None:
    for key, value in entries:
        if value is None:
            known.pop(key, None)
        else:
            known[key] = value


async def test_nothing_new_is_an_empty_change(writer):
    await upsert_contents(writer, [ContentRow(post_id=1)])
    now = (await changes_since(writer, -1)).revision
    change = await changes_since(writer, now)
    assert change == (now, [], [], False, change.reference_key)


async def test_a_revision_that_this_database_never_had_loads_everything(writer):
    """A restored backup: a process that followed the lost one is ahead of it."""
    await upsert_contents(writer, [ContentRow(post_id=1)])
    change = await changes_since(writer, 1_000)
    assert change.whole
    assert [post_id for post_id, _ in change.contents] == [1]


async def test_many_rows_come_in_pages_and_none_is_missing(writer, monkeypatch):
    monkeypatch.setattr("vts.store.facts.catalog.ROWS_AT_ONCE", 7)
    await upsert_contents(writer, [ContentRow(post_id=p) for p in range(1, 51)])
    await upsert_players(writer, [PlayerRow(player_key=uuid.UUID(int=n)) for n in range(1, 51)])
    change = await changes_since(writer, -1)
    assert [post_id for post_id, _ in change.contents] == list(range(1, 51))
    assert len(change.players) == 50


async def test_deleting_returns_whether_there_was_a_row(writer):
    await upsert_contents(writer, [ContentRow(post_id=1, title="gone soon", owner_id=7)])
    assert [await delete_content(writer, 1) for _ in range(2)] == [True, False]
    assert (await changes_since(writer, -1)).contents == [(1, Content(7, "artwork", False, True, False))]
    assert await writer.fetchval("SELECT title FROM content") is None
    await upsert_contents(writer, [ContentRow(post_id=1)])
    assert not (await changes_since(writer, -1)).contents[0][1].deleted
    assert not await delete_player(writer, KEY.bytes)


async def test_every_write_is_announced_with_its_revision(database, writer):
    heard = []
    listener = await database.connect("reader")
    await listener.listen(channels.CATALOG, heard.append)
    await upsert_contents(writer, [ContentRow(post_id=1)])
    await upsert_players(writer, [PlayerRow(player_key=KEY)])
    await listener.fetchval("SELECT 1")
    assert heard == ["1", "2"]
    await listener.close()


async def test_revisions_become_visible_in_their_order(database, writer):
    """Two writers at once: a reader of the second's revision sees the first's rows."""
    seen = []

    async def write(post_id: int) -> None:
        connection = await database.connect("writer")
        await upsert_contents(connection, [ContentRow(post_id=post_id)])
        await connection.close()

    async def follow() -> None:
        revision, known = -1, set()
        while len(known) < 8:
            change = await changes_since(writer, revision)
            known |= {post_id for post_id, _ in change.contents}
            assert len(known) == change.revision
            revision = change.revision
            seen.append(revision)

    with trio.fail_after(20):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(follow)
            for post_id in range(1, 9):
                nursery.start_soon(write, post_id)
    assert seen[-1] == 8


async def test_a_provisional_content_stays_with_a_second_viewer_and_goes_without(database, writer):
    chance = random.Random(1)
    journal = ListJournal(chance.randbytes(16))
    lonely, popular, returning, described, fresh = range(1, 6)
    viewer = chance.randbytes(16)
    journal.append(
        event(chance, post_id=lonely),
        *(event(chance, post_id=popular) for _ in range(2)),
        *(event(chance, post_id=returning, viewer_key=viewer, day=day) for day in (20_454, 20_455)),
        event(chance, post_id=described),
        event(chance, post_id=fresh),
    )
    await finish(drain_of(lambda: database.connect("writer"), journal, Told()))
    await upsert_contents(writer, [ContentRow(post_id=described)])
    known = await changes_since(writer, -1)
    assert {post for post, content in known.contents if content.provisional} == {lonely, popular, returning, fresh}
    await writer.execute("UPDATE content SET registered_at = now() - interval '25 hours' WHERE post_id <> $1", fresh)
    assert await settle_provisional(writer) == 2
    change = await changes_since(writer, known.revision)
    assert dict(change.contents) == {lonely: None, returning: None, popular: Content(None, None, False, False, False)}
    assert await settle_provisional(writer) == 0
    # The next view registers it again.
    journal.append(event(chance, post_id=lonely))
    await finish(drain_of(lambda: database.connect("writer"), journal, Told()))
    assert (lonely, Content(None, None, False, False, True)) in (await changes_since(writer, change.revision)).contents


async def test_removals_are_forgotten_and_a_process_that_missed_them_loads_everything(writer):
    await upsert_players(writer, [PlayerRow(player_key=KEY)])
    before = (await changes_since(writer, -1)).revision
    await delete_player(writer, KEY.bytes)
    await writer.execute("UPDATE catalog_removed SET removed_at = now() - interval '3 days'")
    await settle_provisional(writer)
    late = await changes_since(writer, before)
    assert (late.whole, late.players) == (True, [])
    assert not (await changes_since(writer, late.revision)).whole
