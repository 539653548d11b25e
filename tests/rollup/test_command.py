"""`vts rollup` against a database of its own."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
import trio
from click.testing import CliRunner, Result

from tests.rollup.world import RolledSite
from tests.support.postgres import Server
from vts.cli.main import main
from vts.model.day import DAY_US, date_of
from vts.rollup.turn import Turn, in_turn
from vts.store.session.connection import Database, asyncpg_loop

TODAY = 20_600
DAYS = (TODAY - 2, TODAY - 1)


@pytest.fixture
def url(postgres_server: Server) -> Iterator[str]:
    """A site with two closed days and one that is open."""

    async def fill() -> None:
        async with asyncpg_loop():
            await postgres_server.execute("CREATE DATABASE by_hand TEMPLATE migrated")
            world = RolledSite(postgres_server.database("by_hand"), random.Random(1))
            await world.drained([world.view(day=day) for day in (*DAYS, DAYS[1], TODAY)])

    async def drop() -> None:
        async with asyncpg_loop():
            await postgres_server.execute("DROP DATABASE by_hand WITH (FORCE)")

    trio.run(fill)
    yield postgres_server.url("by_hand")
    trio.run(drop)


def test_rolls_by_hand_and_a_dry_run_prints_what_it_would_do(
    url: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vts.cli.rollup.now_us", lambda: TODAY * DAY_US)

    def vts(*arguments: str) -> Result:
        environment = {"VTS_DATABASE__URL": url, "VTS_DATA__DIR": str(folder)}
        return CliRunner().invoke(main, ["rollup", *arguments], env=environment, catch_exceptions=False)

    first, second = (str(date_of(day)) for day in DAYS)
    assert vts("--dry-run").stdout.splitlines() == [
        f"{first}             1 views  to roll up",
        f"{second}             2 views  to roll up",
    ]
    rolled = vts("--from", second)
    assert rolled.exit_code == 0
    assert rolled.stdout.startswith(f"{second}  2 views, ")
    assert vts("--dry-run", "--to", second).stdout.splitlines()[1].endswith("to roll up again: nothing has changed")
    assert vts("--to", "2020-01-01").stdout == "no closed day in this range has raw rows\n"
    assert vts("--from", second, "--to", first).exit_code == 2
    assert len(vts().stdout.splitlines()) == 2
    before = trio.run(rolled_at, url)
    with ThreadPoolExecutor(1) as other:
        held, done = threading.Event(), threading.Event()
        other.submit(trio.run, hold_turn, url, held, done)
        try:
            assert held.wait(30)
            refused = vts("--wait", "0")
        finally:
            done.set()
    assert refused.exit_code == 1
    assert "another roll-up is still going on" in refused.output
    assert trio.run(rolled_at, url) == before


async def rolled_at(url: str) -> list[object]:
    async with asyncpg_loop():
        connection = await Database(url=lambda: url).connect("reader")
        rows = await connection.fetch("SELECT rolled_at FROM rollup_days ORDER BY day")
        await connection.close()
    return [row[0] for row in rows]


async def hold_turn(url: str, held: threading.Event, done: threading.Event) -> None:
    async def work(_: Turn) -> None:
        held.set()
        await trio.to_thread.run_sync(done.wait)

    async with asyncpg_loop():
        await in_turn(partial(Database(url=lambda: url).connect, "writer"), work)
