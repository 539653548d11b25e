"""How many exports run at a time, and what a stored table is read by."""

from __future__ import annotations

import datetime as dt
import random
from contextlib import aclosing
from pathlib import Path

import pytest

from tests.store.drained import DAY, ListJournal, Told, drain_of, event, finish
from tests.support.postgres import database, postgres_server  # noqa: F401
from vts.model.day import date_of
from vts.query.export.table import Column, listed
from vts.query.exports import Busy, Exports
from vts.query.tables import TABLES
from vts.store.connection import Connection, Database

COLUMNS = [Column("n", "integer")]


async def nobody() -> Connection:
    raise AssertionError("no session is needed")


async def test_exports_beyond_the_bound_are_refused_until_one_is_over(tmp_path: Path) -> None:
    exports = Exports(nobody, tmp_path / "scratch", at_once=1)
    async with aclosing(exports.encode(listed("t", COLUMNS, [[1]]), "csv")) as first:
        await anext(first)
        with pytest.raises(Busy):
            await anext(exports.encode(listed("t", COLUMNS, [[2]]), "csv"))
    async with aclosing(exports.encode(listed("t", COLUMNS, [[3]]), "csv")) as again:
        assert await anext(again) == b"n\r\n3\r\n"


def test_what_an_earlier_process_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / "scratch" / "tmp1").mkdir(parents=True)
    Exports(nobody, tmp_path / "scratch")
    assert not list((tmp_path / "scratch").iterdir())


async def test_a_stored_table_comes_in_blocks_of_one_snapshot(database: Database, tmp_path: Path) -> None:  # noqa: F811
    chance = random.Random(3)
    days = [event(chance, post_id=7, day=day) for day in (DAY, DAY + 1) for _ in range(200)]
    journal, told = ListJournal(chance.randbytes(16)), Told()
    journal.append(*days)
    await finish(drain_of(lambda: database.connect("writer"), journal, told))
    sessions: list[Connection] = []

    async def connect() -> Connection:
        sessions.append(await database.connect("reader"))
        return sessions[-1]

    exports = Exports(connect, tmp_path / "scratch")
    first = date_of(DAY + 1)
    async with aclosing(exports.stored("view_events", first, None).blocks) as blocks:
        sizes = [len(block) async for block in blocks]
    assert sum(sizes) == 200 and len(sizes) == 2
    assert sessions[0].is_closed
    async with aclosing(exports.stored("view_events", None, first - dt.timedelta(days=1)).blocks) as blocks:
        await anext(blocks)
    assert sessions[1].is_closed


def test_no_table_gives_away_sketches_or_credentials() -> None:
    names = {column.name for table in TABLES.values() for column in table.columns}
    assert not [name for name in names if "sketch" in name or "credential" in name]
