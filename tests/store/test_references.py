"""Texts of references are kept with what they name: by the catalog, by the drain, and after a failover."""

from __future__ import annotations

import json
import random
import tempfile
import uuid
from contextlib import suppress
from functools import partial
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.store.cutting_proxy import Cut, cutting_proxy
from tests.store.drained import NOON_US, ListJournal, Told, drain_of, event, finish
from vts.admit.admission import Admission
from vts.admit.gate import Gate, GateSettings
from vts.admit.texts import JournaledTexts
from vts.catalog.memory import MemoryCatalog
from vts.model.content import ContentRow, PlayerRow
from vts.model.erasure import Erasure
from vts.model.record import ReferenceText
from vts.model.reference import ReferenceKey, References, ReferenceTaken
from vts.model.view import Report
from vts.store.drain.texts import note_texts, texts_of
from vts.store.facts.catalog import Write, changes_since, upsert_contents, upsert_players
from vts.store.facts.erasing import erase_person
from vts.store.session.connection import Database

NAMES = References(ReferenceKey(b"k" * 32))
BLOG, ANN, BOB = NAMES.content("blog:1"), NAMES.user("ann"), NAMES.user("bob")


@pytest.fixture
async def writer(database: Database):
    connection = await database.connect("writer")
    yield connection
    await connection.close()


async def test_an_installation_has_one_key(writer):
    first, again = await changes_since(writer, -1), await changes_since(writer, 0)
    assert first.reference_key == again.reference_key is not None
    assert len(first.reference_key) == 32


async def test_a_catalog_write_keeps_its_texts_or_nothing(writer):
    rows = [ContentRow(post_id=BLOG, kind="blog", owner_id=ANN), ContentRow(post_id=1)]
    await upsert_contents(writer, rows, texts={BLOG: "blog:1", ANN: "ann"})
    await upsert_contents(writer, rows, texts={BLOG: "blog:1", ANN: "ann"})
    assert await texts_of(writer, [BLOG, ANN, 1]) == {BLOG: "blog:1", ANN: "ann"}
    revision = (await changes_since(writer, -1)).revision
    with pytest.raises(ReferenceTaken, match="blog:2"):
        await upsert_contents(writer, [ContentRow(post_id=BLOG), ContentRow(post_id=2)], texts={BLOG: "blog:2"})
    assert (await changes_since(writer, revision)).contents == []
    assert await texts_of(writer, [BLOG]) == {BLOG: "blog:1"}


async def test_the_journal_of_a_catalog_write_carries_the_texts(writer):
    write = Write()
    await upsert_contents(writer, [ContentRow(post_id=BLOG, owner_id=ANN)], write, texts={BLOG: "blog:1", ANN: "ann"})
    await upsert_players(writer, [PlayerRow(player_key=uuid.UUID(int=7), owner_id=BOB)], write, texts={BOB: "bob"})
    content, player = (json.loads(row.row) for row in write.rows)
    assert (content["ref"], content["owner_ref"], player["owner_ref"]) == ("blog:1", "ann", "bob")


@pytest.fixture
def journal() -> ListJournal:
    return ListJournal(random.Random(5).randbytes(16))


async def test_a_view_and_its_texts_are_drained_together(database, writer, journal):
    chance = random.Random(6)
    journal.append(
        ReferenceText(BLOG, "blog:1"), ReferenceText(ANN, ""), event(chance, post_id=BLOG, viewer_user_id=ANN)
    )
    journal.append(ReferenceText(BLOG, "blog:1"), ReferenceText(7, "no hash"), event(chance, post_id=BLOG))
    told = Told()
    await finish(drain_of(partial(database.connect, "writer"), journal, told))
    assert await texts_of(writer, [BLOG, ANN, 7]) == {BLOG: "blog:1"}
    assert sum(committed.duplicates for committed in told.commits) == 0
    assert await writer.fetchval("SELECT count(*) FROM view_events WHERE post_id = $1", BLOG) == 2


@pytest.mark.parametrize("cut", list(Cut), ids=lambda cut: cut.name)
async def test_a_cut_between_the_journal_and_the_database_loses_no_text(database, writer, journal, cut):
    catalog = MemoryCatalog()
    catalog.revision = 0
    gate = Gate(GateSettings(raw_days=3_000, web_per_minute=0), catalog, bytes(32))

    def submit(records, settled):
        journal.append(*records)
        settled(None)

    admission = Admission(gate, submit, JournaledTexts(catalog), lambda: NOON_US, lambda *counted: None)
    server = Path(parse_qs(urlsplit(database.url()).query)["host"][0])
    texts = {NAMES.content(f"blog:{n}"): f"blog:{n}" for n in range(4)} | {ANN: "ann"}
    with tempfile.TemporaryDirectory() as folder:
        behind = Database(url=lambda: database.url().replace(str(server), folder))
        async with cutting_proxy(Path(folder), server) as proxy:
            for number, after in enumerate((0, 2, 4, 6)):
                post_id = NAMES.content(f"blog:{number}")
                named = (ReferenceText(post_id, f"blog:{number}"), ReferenceText(ANN, "ann"))
                viewer = random.Random(number).randbytes(16)
                report = Report(
                    post_id=post_id,
                    arrived_us=NOON_US,
                    viewer_key=viewer,
                    key_version=1,
                    viewer_user_id=ANN,
                    texts=named,
                )
                admission.submit_one_soon(report, lambda outcome: None)
                proxy.arm(after, cut)
                with suppress(AssertionError):  # the process ends here; the next one drains the same journal
                    await finish(drain_of(partial(behind.connect, "writer"), journal, Told()), restarts=0)
                assert proxy.fired
    await finish(drain_of(partial(database.connect, "writer"), journal, Told()))
    assert await texts_of(writer, list(texts)) == texts
    assert await writer.fetchval("SELECT count(*) FROM view_events") == 4
    assert [type(row[-1]).__name__ for row in journal.rows] == ["ViewEvent"] * 4
    assert [len(row) for row in journal.rows] == [3, 2, 2, 2], "the user's text was durable with the first"


async def test_texts_come_back_with_the_rows_that_a_failover_lost(database, writer, journal):
    write = Write()
    await upsert_contents(writer, [ContentRow(post_id=BLOG, owner_id=ANN)], write, texts={BLOG: "blog:1", ANN: "ann"})
    await writer.execute("DELETE FROM content")
    await writer.execute("DELETE FROM reference_texts")
    journal.append(*write.rows)
    await finish(drain_of(partial(database.connect, "writer"), journal, Told()))
    assert await texts_of(writer, [BLOG, ANN]) == {BLOG: "blog:1", ANN: "ann"}


async def test_erasing_a_person_takes_the_text_too(writer):
    await note_texts(writer, {ANN: "ann", BOB: "bob"})
    await upsert_contents(writer, [ContentRow(post_id=1, owner_id=BOB)])
    for user in (ANN, BOB):
        await erase_person(writer, Erasure(user, [], random.randbytes))
    assert await texts_of(writer, [ANN, BOB]) == {BOB: "bob"}, "the host still names its owner"
    assert Erasure(ANN, [], random.randbytes).record(ReferenceText(ANN, "ann")) == ReferenceText(ANN, "")
    assert Erasure(ANN, [], random.randbytes).record(ReferenceText(BOB, "bob")) == ReferenceText(BOB, "bob")
