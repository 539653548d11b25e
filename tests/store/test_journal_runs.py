"""A journal's file and the database: older, copied and moved files, dropped days, events that are held."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from supervisors.engine.mailbox import Mailbox
from tests.journal.damage import copy_journal, put_back
from tests.store.drained import DAY, NOON_US, Told, drain_of, event, finish
from vts.journal.entry import Entry
from vts.journal.journal import Journal
from vts.model.day import DAY_US, date_of
from vts.rollup.recount import prepare
from vts.rollup.replace import Rolled, roll_day
from vts.rollup.retention import drop_day
from vts.store.drain.held import count_held, discard_held, held
from vts.store.drain.intake import HELD
from vts.store.session.connection import Connection, Database

SLOT = b"slot" * 4


@pytest.fixture
def chance() -> random.Random:
    return random.Random(20260102)


@pytest.fixture
async def owner(database: Database) -> AsyncIterator[Connection]:
    connection = await database.connect("owner")
    yield connection
    await connection.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    return tmp_path / "data" / "journal.sqlite"


@asynccontextmanager
async def life(path: Path) -> AsyncIterator[Journal]:
    box: Mailbox[Entry] = Mailbox(100)
    journal = Journal(path, box, max_bytes=2**30, keep_drained_s=86_400, clock=lambda: NOON_US)
    async with trio.open_nursery() as nursery:
        await nursery.start(journal.run)
        yield journal
        box.seal()


async def start(path, connect, *events, gone_back=lambda last, expected: None) -> Told:
    """Start, take these views, drain, end."""
    told = Told()
    async with life(path) as journal:
        for one in events:
            await journal.append([one])
        drain = drain_of(connect, journal, told, slot_id=SLOT, on_went_back=gone_back)
        assert await finish(drain) == 0
    return told


async def totals(look) -> int:
    return await look.fetchval("SELECT coalesce(sum(total_views), 0)::bigint FROM post_stats_daily WHERE post_id > 0")


async def roll_and_drop(database, day: int) -> None:
    for role, work in (("writer", roll), ("owner", drop)):
        connection = await database.connect(role, command_timeout_s=60)
        try:
            await work(connection, day)
        finally:
            await connection.close()


async def roll(connection, day: int) -> None:
    await prepare(connection)
    assert isinstance(await roll_day(connection, day, lambda: NOON_US + DAY_US), Rolled)


async def drop(connection, day: int) -> None:
    assert await drop_day(connection, day, NOON_US + 10 * DAY_US)


async def test_what_came_after_an_older_copy_is_stored_though_its_numbers_were_drained(look, connect, chance, path):
    old, drained, new = ([event(chance) for _ in range(size)] for size in (3, 20, 40))
    await start(path, connect, *old)
    backup = copy_journal(path, path.parent.parent / "backup")
    await start(path, connect, *drained)
    put_back(backup, path)
    async with life(path) as journal:  # the database is away
        for one in new:
            await journal.append([one])
    warned = []
    await start(path, connect, gone_back=lambda last, expected: warned.append((last, expected)))
    assert await look.fetchval("SELECT count(*) FROM view_events") == 63
    assert await totals(look) == 63
    assert warned == [], "the mark beside the file has told it"


async def test_an_older_copy_without_its_mark_is_found_by_the_database(look, connect, chance, path):
    await start(path, connect, *(event(chance) for _ in range(3)))
    backup = copy_journal(path, path.parent.parent / "backup")
    await start(path, connect, *(event(chance) for _ in range(20)))
    put_back(backup, path)
    path.with_suffix(".mark").unlink()
    warned = []
    await start(path, connect, event(chance), gone_back=lambda last, expected: warned.append((last, expected)))
    assert warned == [(3, 23)]
    assert await totals(look) == 24


async def test_a_folder_that_is_moved_counts_nothing_again_when_its_day_is_gone(database, look, connect, chance, path):
    await start(path, connect, *(event(chance) for _ in range(15)))
    await roll_and_drop(database, DAY)
    assert await totals(look) == 15
    moved = copy_journal(path, path.parent.parent / "moved")
    await start(moved, connect, event(chance, day=DAY + 9))
    assert await totals(look) == 16
    older = copy_journal(path, path.parent.parent / "older")
    await start(older, connect, event(chance, day=DAY + 9))
    assert await totals(look) == 17
    assert await look.fetchval("SELECT count(*) FROM dead_letters") == 0


async def test_two_copies_of_one_folder_drain_side_by_side(look, connect, chance, path):
    async with life(path) as journal:
        for _ in range(10):
            await journal.append([event(chance)])
    copy = copy_journal(path, path.parent.parent / "copy")
    for folder in (path, copy, path, copy):
        await start(folder, connect, *(event(chance) for _ in range(5)))
    assert await totals(look) == 30
    assert await look.fetchval("SELECT count(*) FROM journal_slots") == 1
    assert await look.fetchval("SELECT count(DISTINCT slot_id) FROM journal_offset") == 1


async def test_a_writer_number_belongs_to_the_folder(look, connect, chance, path):
    await start(path, connect, event(chance))
    numbers = await look.fetch("SELECT writer FROM journal_slots")
    await start(path, connect, event(chance))
    assert await look.fetch("SELECT writer FROM journal_slots") == numbers
    assert await look.fetchval("SELECT count(*) FROM journal_offset") == 2, "a run each"


def as_version_1(path: Path, identity: bytes, inode: int, drained: int) -> None:
    """Write the file as the first version of VTS did."""
    db = sqlite3.connect(path, isolation_level=None)
    rows = db.execute("SELECT seq, at_us, upto, body FROM entries").fetchall()
    db.executescript("DROP TABLE entries; DROP TABLE runs; DROP TABLE gaps; DELETE FROM meta; PRAGMA user_version = 1")
    db.execute(
        "CREATE TABLE entries (seq INTEGER PRIMARY KEY, at_us INTEGER NOT NULL, upto INTEGER NOT NULL, body BLOB)"
    )
    db.executemany("INSERT INTO entries VALUES (?, ?, ?, ?)", rows)
    meta = [("id", identity), ("inode", inode), ("drained", drained)]
    db.executemany("INSERT INTO meta VALUES (?, ?)", meta)
    db.close()
    path.with_suffix(".mark").unlink()


async def of_version_1(path: Path, owner, chance, views: Sequence[object], drained: int) -> None:
    """A data folder of the first version, and what the database knows of it."""
    async with life(path) as journal:
        for one in views:
            await journal.append([one])
    identity = chance.randbytes(16)
    as_version_1(path, identity, path.stat().st_ino, drained)
    await owner.execute("INSERT INTO journal_offset (journal_id, seq) VALUES ($1, $2)", identity, drained)


async def test_a_journal_of_the_first_version_goes_on_where_it_was(owner, look, connect, chance, path):
    views = [event(chance) for _ in range(30)]
    await of_version_1(path, owner, chance, views, 10)
    await start(path, connect, event(chance))
    assert await look.fetchval("SELECT count(*) FROM view_events") == 21


async def test_a_moved_journal_of_the_first_version_counts_new_days_and_holds_dropped_ones(
    database, owner, look, connect, chance, path
):
    old, young = [event(chance) for _ in range(15)], [event(chance, day=DAY + 8) for _ in range(4)]
    await start(path, connect, *old, *young)
    await roll_and_drop(database, DAY)
    as_version_1(path, chance.randbytes(16), 1, 0)
    shutil.move(path, path.with_name("moved.sqlite"))
    moved = path.with_name("moved.sqlite")
    await start(moved, connect, event(chance, day=DAY + 9))
    assert await totals(look) == 20, "what the database can recognise falls out"
    letters = await look.fetch("SELECT held, reason FROM dead_letters")
    assert [tuple(letter) for letter in letters] == [(True, HELD)] * 15
    assert [(day.date, day.events) for day in await held(look)] == [(date_of(DAY), 15)]


@pytest.mark.parametrize(("decide", "counted"), [(count_held, 19), (discard_held, 4)], ids=["counted", "discarded"])
async def test_the_operator_counts_what_is_held_or_discards_it(
    database, owner, look, connect, chance, path, decide, counted
):
    await start(path, connect, *(event(chance, day=DAY + 8) for _ in range(4)))
    await owner.execute("INSERT INTO rollup_days (day, dropped_at) VALUES ($1, now())", date_of(DAY))
    async with life(path) as journal:
        for _ in range(15):
            await journal.append([event(chance)])
    as_version_1(path, chance.randbytes(16), 1, 0)
    await start(path, connect)
    assert await totals(look) == 4
    writer = await connect()
    try:
        assert await decide(writer) == 15
        assert await decide(writer) == 0
    finally:
        await writer.close()
    assert await totals(look) == counted
    assert await look.fetchval("SELECT count(*) FROM dead_letters") == 0
