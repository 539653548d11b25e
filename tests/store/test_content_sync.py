"""A full sync in parts: the catalog becomes what the parts named, whichever process takes a step and however often."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence

import pytest

from vts.catalog.memory import MemoryCatalog
from vts.model.content import ContentRow
from vts.model.content_sync import PartsMissing, PartUsed, SyncClosed, TooManyRemoved, UnknownSync
from vts.model.faults import JournalFull
from vts.model.record import Record
from vts.service.catalog_writes import CatalogWrites
from vts.service.content_sync import ContentSync
from vts.store.drain.replay import replay_catalog
from vts.store.facts import content_sync
from vts.store.facts.catalog import upsert_contents
from vts.store.facts.content_sync import Part, forget_syncs
from vts.store.session.pool import Writer

ALIVE = "SELECT post_id FROM content WHERE NOT deleted AND NOT provisional ORDER BY post_id"


class Journal:
    """Keeps what it is given, and takes nothing more after `left` appends."""

    def __init__(self) -> None:
        self.refusing = False
        self.records: list[Record] = []
        self.left = 1_000

    async def append(self, records: Sequence[Record], /) -> None:
        self.left -= 1
        if self.left < 0:
            raise JournalFull("full")
        self.records += records


async def nothing() -> None:
    pass


@pytest.fixture
async def processes(database) -> AsyncIterator[Callable[[Journal], ContentSync]]:
    """Makes the sync of a process of its own, which has a session of its own."""
    writers = []

    def process(journal: Journal) -> ContentSync:
        writers.append(Writer(lambda: database.connect("writer"), timeout_s=60.0))
        writes = CatalogWrites(writers[-1], journal, MemoryCatalog(), nothing, lambda: 0)
        return ContentSync(writes, lambda: 1_750_000_000_000_000)

    yield process
    for writer in writers:
        writer.close()


@pytest.fixture
async def look(database):
    connection = await database.connect("writer")
    yield connection
    await connection.close()


def part(number: int, body: str = "") -> Part:
    return Part("nightly", number, (body or f"body {number}").encode())


def rows(*posts: int, **fields: str) -> list[ContentRow]:
    return [ContentRow(post_id=post, **fields) for post in posts]


async def alive(connection) -> list[int]:
    return [post for (post,) in await connection.fetch(ALIVE)]


async def test_a_commit_removes_what_no_part_named_and_nothing_wrote_since(processes, look):
    one, two = processes(Journal()), processes(Journal())
    await upsert_contents(look, rows(*range(1, 31), title="old"))
    await look.execute("INSERT INTO content (post_id, revision, provisional) VALUES (40, 0, true)")
    assert await one.open("nightly", dry_run=False) == ([], False, False)
    assert await one.part(part(1), rows(*range(1, 20), title="old"), {}) == (0, 0, False)
    assert await two.part(part(2), rows(*range(20, 28), 50, title="new"), {}) == (1, 8, False)
    assert await one.part(part(2), rows(*range(20, 28), 50, title="new"), {}) == (0, 0, True)
    await upsert_contents(look, rows(30, 60))  # written by others while the sync is open
    asked = await two.commit("nightly", 2, dry_run=True, force=False)
    assert (asked.created, asked.changed, asked.removed, asked.contents, asked.sample) == (1, 8, 2, 32, [28, 29])
    assert len(await alive(look)) == 32
    done = await two.commit("nightly", 2, dry_run=False, force=False)
    assert (done.removed, done.repeated) == (2, False)
    assert await alive(look) == [*range(1, 28), 30, 50, 60]
    assert await look.fetchval("SELECT provisional FROM content WHERE post_id = 40")
    again = await one.commit("nightly", 2, dry_run=False, force=False)
    assert (again.removed, again.repeated) == (2, True)
    assert await look.fetchval("SELECT count(*) FROM content_sync_named") == 0
    assert (await one.open("nightly", dry_run=False)).committed
    with pytest.raises(SyncClosed):
        await one.part(part(3), rows(1), {})


async def test_nothing_is_removed_while_a_part_is_missing_or_without_force_more_than_a_tenth(processes, look):
    sync = processes(Journal())
    await upsert_contents(look, rows(*range(1, 21)))
    await sync.open("nightly", dry_run=False)
    await sync.part(part(1), rows(*range(1, 10)), {})
    await sync.part(part(3), rows(*range(10, 18)), {})
    with pytest.raises(PartsMissing) as missing:
        await sync.commit("nightly", 4, dry_run=False, force=True)
    assert missing.value.parts == [2, 4]
    await sync.part(part(2), rows(10), {})
    with pytest.raises(PartUsed):
        await sync.part(part(2, "another body"), rows(11), {})
    with pytest.raises(TooManyRemoved, match="3 of 20"):
        await sync.commit("nightly", 3, dry_run=False, force=False)
    assert len(await alive(look)) == 20
    await sync.part(part(4), rows(18), {})  # it is still open
    assert (await sync.commit("nightly", 4, dry_run=False, force=False)).removed == 2, "a tenth is allowed"


async def test_a_dry_run_says_what_would_change_and_changes_nothing(processes, look):
    sync = processes(Journal())
    await upsert_contents(look, rows(*range(1, 21), title="old"))
    revision = await look.fetch("SELECT * FROM content ORDER BY post_id")
    await sync.open("nightly", dry_run=True)
    assert await sync.part(part(1), [*rows(*range(1, 6), title="old"), *rows(6, 30, title="new")], {}) == (1, 1, False)
    done = await sync.commit("nightly", 1, dry_run=False, force=True)
    assert (done.created, done.changed, done.removed, done.dry_run) == (1, 1, 14, True)
    assert await look.fetch("SELECT * FROM content ORDER BY post_id") == revision


async def test_a_commit_that_breaks_off_goes_on_and_the_journal_has_every_removal(processes, look, monkeypatch):
    """Also the step whose rows the journal refused: after a failover they must come back as removed."""
    monkeypatch.setattr(content_sync, "REMOVED_AT_ONCE", 3)
    full, journal = Journal(), Journal()
    await upsert_contents(look, rows(*range(1, 11)))
    before = [dict(row) for row in await look.fetch("SELECT post_id, revision FROM content ORDER BY post_id")]
    sync = processes(full)
    await sync.open("nightly", dry_run=False)
    await sync.part(part(1), rows(1), {})
    full.left = 1
    with pytest.raises(JournalFull):
        await sync.commit("nightly", 1, dry_run=False, force=True)
    assert 1 < len(await alive(look)) < 10
    done = await processes(journal).commit("nightly", 1, dry_run=False, force=False)  # it was allowed
    assert (done.removed, await alive(look)) == (9, [1])
    assert {row.post_id for row in (*full.records, *journal.records)} == set(range(1, 11))
    # The older copy has all ten; the journals bring the removals back.
    for row in before:
        await look.execute(
            "UPDATE content SET deleted = false, revision = $2, field_revisions = '{}' WHERE post_id = $1",
            *row.values(),
        )
    async with look.transaction():
        assert await replay_catalog(look, [*journal.records, *full.records], 0) == []
    assert await alive(look) == [1]


async def test_a_part_that_the_journal_refused_is_journaled_when_it_comes_again(processes):
    journal = Journal()
    sync = processes(journal)
    await sync.open("nightly", dry_run=False)
    journal.left = 0
    with pytest.raises(JournalFull):
        await sync.part(part(1), rows(1, 2), {})
    journal.left = 10
    assert (await sync.part(part(1), rows(1, 2), {})).repeated
    assert [row.post_id for row in journal.records] == [1, 2]


async def test_an_unfinished_sync_ages_out_and_takes_nothing_more(processes, look):
    sync = processes(Journal())
    with pytest.raises(UnknownSync):
        await sync.part(part(1), rows(1), {})
    await sync.open("nightly", dry_run=False)
    await sync.part(part(1), rows(1), {})
    assert (await sync.open("nightly", dry_run=False)).parts == [1]
    await look.execute("UPDATE content_syncs SET touched_at = now() - interval '25 hours'")
    with pytest.raises(UnknownSync):
        await sync.commit("nightly", 1, dry_run=False, force=True)
    await forget_syncs(look)
    assert await look.fetchval("SELECT count(*) FROM content_sync_named") == 0
    assert (await sync.open("nightly", dry_run=False)).parts == []
