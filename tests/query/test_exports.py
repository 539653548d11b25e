"""How many exports run at a time, and what a stored table is read by."""

from __future__ import annotations

import datetime as dt
import json
import random
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import pytest

from tests.store.drained import DAY, ListJournal, Told, drain_of, event, finish
from tests.support.postgres import Server, database, postgres_server  # noqa: F401
from vts.capture.http.limits import Limits
from vts.model.day import date_of
from vts.model.imports import DailyRow, SiteRow, check
from vts.query.export.exports import Busy, Exports
from vts.query.export.stored_tables import TABLES
from vts.query.export.table import Column, listed
from vts.store.facts.history_import import Ticket, import_daily, import_views
from vts.store.session.connection import Connection, Database
from vts.web.import_rows import rows_in

COLUMNS = [Column("n", "integer")]


async def no_session() -> Connection:
    raise AssertionError("no session is needed")


async def test_exports_beyond_the_bound_are_refused_until_one_is_over(tmp_path: Path) -> None:
    exports = Exports(no_session, tmp_path / "scratch", at_once=1)
    async with aclosing(exports.encode(listed("t", COLUMNS, [[1]]), "csv")) as first:
        await anext(first)
        with pytest.raises(Busy):
            await anext(exports.encode(listed("t", COLUMNS, [[2]]), "csv"))
    async with aclosing(exports.encode(listed("t", COLUMNS, [[3]]), "csv")) as again:
        assert await anext(again) == b"n\r\n3\r\n"


def test_what_an_earlier_process_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / "scratch" / "tmp1").mkdir(parents=True)
    Exports(no_session, tmp_path / "scratch")
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


async def history(connection: Connection) -> None:
    """Days of the kinds that there are: counted, imported as numbers, both, and of the site alone."""
    chance = random.Random(11)
    events = [
        event(chance, post_id=1 + n % 3, day=DAY - 100 - n % 2, referrer_domain=f"site{n % 150}.example")
        for n in range(400)
    ]
    await import_views(connection, Ticket("views", "views", b"1"), events, [], lambda post_id: 70)
    numbers = [
        DailyRow(post_id=4, day=date_of(DAY - 100), views=9, unique_viewers=5),
        DailyRow(post_id=4, day=date_of(DAY - 102), views=7, breakdowns={"country": {"BR": [2, 0]}}),
        SiteRow(day=date_of(DAY - 102), views=8, unique_viewers=6, breakdowns={"country": {"BR": 3}}),
        SiteRow(day=date_of(DAY - 103), views=5, views_authenticated=1, unique_viewers=2),
    ]
    await import_daily(connection, Ticket("numbers", "daily", b"2"), numbers, [], lambda post_id: 70)


SITE_DAYS = """
SELECT day, total_views, total_views_authenticated, unique_viewers + unique_viewers_imported AS viewers,
    unique_viewers_authenticated + unique_viewers_imported_authenticated AS viewers_authenticated,
    first_view_at, last_view_at, breakdowns
FROM post_stats_daily WHERE post_id = 0 ORDER BY day
"""


async def site_days(connection: Connection) -> list[dict[str, object]]:
    rows = [dict(row) for row in await connection.fetch(SITE_DAYS)]
    return [row | {"breakdowns": json.loads(row["breakdowns"])} for row in rows]


@asynccontextmanager
async def session(database: Database) -> AsyncIterator[Connection]:  # noqa: F811
    connection = await database.connect("writer")
    try:
        yield connection
    finally:
        await connection.close()


@pytest.mark.parametrize("order", [("post_stats_daily", "site_views_daily"), ("site_views_daily", "post_stats_daily")])
async def test_the_site_s_days_leave_and_come_back_as_they_were(
    database: Database,  # noqa: F811
    postgres_server: Server,  # noqa: F811
    tmp_path: Path,
    order: tuple[str, str],
) -> None:
    exports = Exports(lambda: database.connect("reader"), tmp_path / "scratch")
    files = {}
    async with session(database) as source:
        await history(source)
        before = await site_days(source)
        # as a sketch estimates: a little more than there were
        await source.execute(
            "UPDATE post_stats_daily SET unique_viewers = total_views + 2,"
            " unique_viewers_authenticated = total_views_authenticated + 1 WHERE post_id = 1"
        )
    for name in order:
        async with aclosing(exports.encode(exports.stored(name, None, None), "csv")) as pieces:
            files[name] = b"".join([piece async for piece in pieces])
    assert b"\r\n0," not in files["post_stats_daily"]
    assert files["site_views_daily"].startswith(b"day,")
    async with postgres_server.fresh("migrated") as empty, session(empty) as target:
        for name in order:
            kind: type[DailyRow] = SiteRow if name == "site_views_daily" else DailyRow
            rows = rows_in(files[name], "text/csv", None, kind, Limits())
            assert len(rows) == (4 if kind is SiteRow else 8)
            assert {row.post_id == 0 for row in rows} == {kind is SiteRow}
            for row in rows:
                check(row)
            await import_daily(target, Ticket(name, "daily", name.encode()), rows, [], lambda post_id: 70)
        assert await site_days(target) == before
