"""`vts rollup` against a database of its own."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio
from click.testing import CliRunner, Result

from tests.rollup.world import World
from tests.support.postgres import Server
from vts.cli.main import main
from vts.model.day import DAY_US, date_of
from vts.store.connection import asyncpg_loop

TODAY = 20_600
DAYS = (TODAY - 2, TODAY - 1)


@pytest.fixture
def url(postgres_server: Server) -> Iterator[str]:
    """A site with two closed days and one that is open."""

    async def fill() -> None:
        async with asyncpg_loop():
            await postgres_server.execute("CREATE DATABASE by_hand TEMPLATE migrated")
            world = World(postgres_server.database("by_hand"), random.Random(1))
            await world.drained([world.view(day=day) for day in (*DAYS, DAYS[1], TODAY)])

    async def drop() -> None:
        async with asyncpg_loop():
            await postgres_server.execute("DROP DATABASE by_hand WITH (FORCE)")

    trio.run(fill)
    yield postgres_server.url("by_hand")
    trio.run(drop)


def test_rolls_by_hand_and_says_before_what_it_would_do(
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
