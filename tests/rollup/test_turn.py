"""The turn to roll up: held by one process, for as long as its session answers."""

from __future__ import annotations

import random
from functools import partial

import pytest
import trio

from tests.rollup.world import RolledSite
from tests.store.drained import DAY
from tests.support.waiting import until
from vts.rollup import turn as rules
from vts.rollup.recount import prepare
from vts.rollup.replace import roll_day
from vts.rollup.turn import Turn, in_turn, try_turn
from vts.store.session.connection import Database
from vts.store.session.faults import StoreUnavailable


@pytest.fixture
def world(database: Database) -> RolledSite:
    return RolledSite(database, random.Random(20260101))


async def test_the_turn_is_anothers_until_its_work_ends(database: Database) -> None:
    connect = partial(database.connect, "writer")
    said: list[str] = []

    async def second(turn: Turn) -> str:
        return "second"

    async def first(turn: Turn) -> str:
        assert await in_turn(connect, second) is None
        return "first"

    assert await in_turn(connect, first, on_wait=lambda: said.append("waits")) == "first"
    assert await in_turn(connect, second) == "second"
    assert said == []


async def test_work_that_waits_begins_when_the_turn_comes(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "ASK_EVERY_S", 0.01)
    holder = await database.connect("writer")
    assert await try_turn(holder)
    waits = trio.Event()

    async def let_go() -> None:
        await waits.wait()
        await holder.close()

    async def work(turn: Turn) -> int:
        return turn.pid

    async with trio.open_nursery() as nursery:
        nursery.start_soon(let_go)
        assert await in_turn(partial(database.connect, "writer"), work, wait_s=600.0, on_wait=waits.set)


async def test_a_bug_in_the_work_comes_out_as_it_was(database: Database) -> None:
    async def work(turn: Turn) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await in_turn(partial(database.connect, "writer"), work)


async def test_work_ends_when_the_turn_is_lost(database: Database) -> None:
    async def work(turn: Turn) -> None:
        admin = await database.connect("login")
        await admin.execute("SELECT pg_terminate_backend($1)", turn.pid)
        await admin.close()
        await trio.sleep_forever()

    with trio.fail_after(60), pytest.raises(StoreUnavailable, match="turn"):
        await in_turn(partial(database.connect, "writer"), work)


async def test_a_process_whose_turn_is_over_puts_no_day_in_place(world: RolledSite) -> None:
    """As one does that was stopped during its recount, and comes back when another has the turn."""
    await world.drained([world.view()])
    await world.day_passes()
    before = await world.everything()
    stopped, other = [await world.database.connect("writer") for _ in range(2)]
    await prepare(stopped)
    holder = await world.database.connect("writer")
    assert await try_turn(holder)
    turn = Turn(await holder.fetchval("SELECT pg_backend_pid()"))
    await turn.check(stopped)
    await holder.close()
    await until(lambda: try_turn(other))
    with pytest.raises(StoreUnavailable, match="turn"):
        await roll_day(stopped, DAY, lambda: world.now_us, turn=turn)
    assert await world.everything() == before
    assert await world.fetch("SELECT FROM rollup_days") == []
    for session in (stopped, other):
        await session.close()
