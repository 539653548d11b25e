"""Random damage to the journal: hundreds of files by themselves, and whole starts over some of them."""

from __future__ import annotations

import os
import random
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest
import trio

from tests.journal.damage import Written, wound
from tests.journal.test_damage import STATES, damaged_story, first_seed, older_copy_story
from tests.support.folders import open_folder
from tests.support.postgres import Server, postgres_server  # noqa: F401
from tests.support.process import Vts, running
from tests.support.waiting import wait_until
from vts.journal.pages import Pages
from vts.journal.quarantine import Quarantine
from vts.model.record import Record
from vts.model.view import ViewEvent
from vts.store.session.connection import Database, asyncpg_loop

DAMAGES = 100  # for each state of the database
OLDER_COPIES = 20  # for each, in place and as new files
STARTS = int(os.environ.get("VTS_DAMAGE_STARTS", "5"))  # for each; 25 make a hundred
NO_SERVER = "postgresql://vts@127.0.0.1:9/vts"  # the discard port: refused at once

_COUNTED = "SELECT coalesce(sum(total_views), 0)::bigint FROM post_stats_daily WHERE post_id > 0"

_records = msgspec.msgpack.Decoder(list[Record])


@pytest.mark.parametrize("state", STATES)
def test_random_damages(tmp_path: Path, state: str) -> None:
    first = first_seed()
    for seed in range(first, first + DAMAGES):
        damaged_story(_empty(tmp_path / "d"), seed, state)


@pytest.mark.parametrize("state", STATES)
def test_older_copies(tmp_path: Path, state: str) -> None:
    first = first_seed()
    for seed in range(first, first + OLDER_COPIES):
        for in_place in (True, False):
            print("seed", seed, state, in_place)
            older_copy_story(_empty(tmp_path / "d"), seed, state, in_place=in_place)


def _empty(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


@dataclass
class Past:
    """A data folder that `kill -9` left, its journal row by row, and two states of its database."""

    folder: Path
    server: Server
    acknowledged: set[str] = field(default_factory=set)

    @property
    def journal(self) -> Path:
        return self.folder / "data" / "journal.sqlite"

    def rows(self) -> dict[int, list[str]]:
        log = self.journal.with_name("journal.sqlite-wal")
        cells = Pages(self.journal.read_bytes(), log.read_bytes()).cells()
        found = [(cell.row_id, cell.columns[3]) for cell in cells if len(cell.columns) == 6]
        return {seq: [_id(record) for record in _records.decode(body)] for seq, body in found}  # type: ignore[arg-type]


def _id(record: Record) -> str:
    assert isinstance(record, ViewEvent)
    return str(uuid.UUID(bytes=record.event_id))


def send(vts: Vts, chance: random.Random, views: int) -> set[str]:
    """Send views, alone and in batches; returns the ids of those that were acknowledged."""
    sent: set[str] = set()
    with vts.client() as client:
        while len(sent) < views:
            ids = [str(uuid.UUID(int=chance.getrandbits(128), version=4)) for _ in range(chance.choice([1, 1, 3, 40]))]
            batch = [{"post_id": chance.randrange(1, 30), "event_id": one} for one in ids]
            answer = client.post("/api/view", json=batch)
            assert answer.json() == {"accepted": len(ids), "dropped": {}}, answer.text
            sent |= set(ids)
    return sent


@pytest.fixture(scope="module")
def past(postgres_server: Server) -> Iterator[Past]:  # noqa: F811
    chance = random.Random(7)
    with open_folder() as folder:
        made = Past(folder / "past", postgres_server)
        create(postgres_server, "now", "migrated")
        settings = {"VTS_DATABASE__URL": postgres_server.url("now"), "VTS_LIMITS__WEB_PER_MINUTE": "0"}
        with running(made.folder, **settings) as vts:
            made.acknowledged |= send(vts, chance, 300)
            wait_until(lambda: stored_in(postgres_server, "now")[1] == len(made.acknowledged), 60)
        create(postgres_server, "older", "now")
        with running(made.folder, **settings) as vts:
            made.acknowledged |= send(vts, chance, 300)
            wait_until(lambda: stored_in(postgres_server, "now")[1] == len(made.acknowledged), 60)
        with running(made.folder, **(settings | {"VTS_DATABASE__URL": NO_SERVER})) as vts:
            made.acknowledged |= send(vts, chance, 300)
        yield made


def create(server: Server, name: str, template: str) -> None:
    """Make a database as a copy of another."""

    async def create() -> None:
        async with asyncpg_loop():
            await server.execute(f"CREATE DATABASE {name} TEMPLATE {template}")

    trio.run(create)


def drop(server: Server, name: str) -> None:
    async def drop() -> None:
        async with asyncpg_loop():
            await server.execute(f"DROP DATABASE {name} WITH (FORCE)")

    trio.run(drop)


def stored_in(server: Server, name: str) -> tuple[list[str], int]:
    async def look() -> tuple[list[str], int]:
        async with asyncpg_loop():
            connection = await Database(url=lambda: server.url(name)).connect("login")
            try:
                rows = await connection.fetch("SELECT event_id FROM view_events")
                counted = await connection.fetchval(_COUNTED)
            finally:
                await connection.close()
            return [str(uuid.UUID(bytes=bytes(row[0]))) for row in rows], counted

    return trio.run(look)


@pytest.mark.parametrize("state", STATES)
def test_whole_starts(past: Past, state: str) -> None:
    first = first_seed()
    for seed in range(first, first + STARTS):
        with open_folder() as folder:
            _whole_start(past, state, seed, folder)


def _whole_start(past: Past, state: str, seed: int, folder: Path) -> None:
    chance = random.Random(seed)
    shutil.copytree(past.folder, folder, dirs_exist_ok=True)
    written = Written(folder / "data" / "journal.sqlite")
    rows, places = past.rows(), written.places()
    hurt = wound(chance, written)
    print("seed", seed, state, hurt.name)
    hit = {seq for seq, where in places.items() if any(hurt.hits(which, at) for which, at in where)}
    name = f"case_{seed}"
    create(past.server, name, {"older": "older", "empty": "migrated"}.get(state, "now"))
    settings = {"VTS_DATABASE__URL": past.server.url(name), "VTS_LIMITS__WEB_PER_MINUTE": "0"}
    acknowledged = set(past.acknowledged)
    try:
        if state == "away":
            with running(folder, **(settings | {"VTS_DATABASE__URL": NO_SERVER})) as vts:
                acknowledged |= send(vts, chance, 20)
        with running(folder, **settings) as vts:
            acknowledged |= send(vts, chance, 20)
            may_lack = {one for seq in hit for one in rows[seq]}
            wait_until(lambda: acknowledged - may_lack <= set(stored_in(past.server, name)[0]), 60, 0.2)
            wait_until(lambda: "vts_journal_depth 0.0" in vts.client().get("/metrics").text, 60, 0.2)
        stored, counted = stored_in(past.server, name)
    finally:
        drop(past.server, name)
    assert len(stored) == len(set(stored)) == counted, "counted twice"
    assert set(stored) <= acknowledged, "altered"
    lines = Quarantine(written.path.with_suffix(".quarantine")).lines()
    mark = max((line.last for line in lines), default=0)
    for seq, ids in rows.items():
        if not set(ids) <= set(stored) and seq <= mark:
            assert any(line.first <= seq <= line.last for line in lines), f"row {seq} was lost without a word"
