"""The catalog in step with a database that is scripted here: what is committed is in force, and on disk soon after."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio
import trio.testing

from tests.support.waiting import until
from vts.catalog.actor import BITE, CatalogActor
from vts.catalog.file import CatalogFile
from vts.catalog.memory import MemoryCatalog
from vts.model.content import Change, Content, Player
from vts.model.faults import StoreUnavailable


def owned(owner_id: int) -> Content:
    return Content(owner_id, "artwork", False, False, False)


class Database:
    """Contents with revisions, as the store answers. Its faults: `is_away`, `is_quiet` (no news) and `gate` (slow)."""

    def __init__(self) -> None:
        self.rows: dict[int, tuple[int, Content | None]] = {}
        self.revision = 0
        self.horizon = 0
        self.loads = 0
        self.asked: list[int] = []
        self.is_away = False
        self.is_quiet = False
        self.gate: trio.Event | None = None
        self.listeners: list[Callable[[], None]] = []

    def write(self, *posts: int, owner: int = 7) -> None:
        self.revision += 1
        for post_id in posts:
            self.rows[post_id] = self.revision, owned(owner) if owner else None
        for wake in () if self.is_quiet else self.listeners:
            wake()

    async def since(self, revision: int) -> Change:
        await trio.lowlevel.checkpoint()
        if self.is_away:
            raise StoreUnavailable("away")
        self.loads += 1
        self.asked.append(revision)
        now, rows = self.revision, list(self.rows.items())
        if self.gate is not None:
            await self.gate.wait()
        whole = not self.horizon <= revision <= now
        found = [(post, content) for post, (at, content) in rows if whole or at > revision]
        if whole:
            found = [(post, content) for post, content in found if content is not None]
        return Change(now, found, [(b"P" * 16, Player(7, True))] if whole else [], whole)

    @asynccontextmanager
    async def listening(self, wake: Callable[[], None]) -> AsyncIterator[Callable[[], Awaitable[None]]]:
        if self.is_away:
            raise StoreUnavailable("away")
        self.listeners.append(wake)
        try:
            yield trio.sleep_forever
        finally:
            self.listeners.remove(wake)


class CatalogProcess:
    def __init__(self, folder: Path) -> None:
        self.path = folder / "catalog.sqlite"
        self.database = Database()
        self.start()

    def start(self) -> None:
        """A new process on the same folder."""
        self.memory, self.file = MemoryCatalog(), CatalogFile(self.path)
        self.actor = CatalogActor(self.memory, self.file, self.database.since, self.database.listening, lambda: 0)

    async def until_saved(self) -> None:
        await until(lambda: self.file.revision == self.database.revision)


@pytest.fixture
def world(tmp_path: Path) -> CatalogProcess:
    return CatalogProcess(tmp_path)


@asynccontextmanager
async def running(world: CatalogProcess) -> AsyncIterator[None]:
    async with trio.open_nursery() as nursery:
        await nursery.start(world.actor.run)
        with trio.fail_after(10):
            await world.actor.loaded.wait()
        yield
        nursery.cancel_scope.cancel()


def whole_group(error: BaseException) -> list[BaseException]:
    parts = error.exceptions if isinstance(error, BaseExceptionGroup) else [error]
    return [leaf for part in parts for leaf in (whole_group(part) if part is not error else [part])]


async def test_an_empty_database_is_a_catalog(world: CatalogProcess) -> None:
    async with running(world):
        assert world.memory.ready


async def test_what_is_written_is_in_force_when_refresh_returns(world: CatalogProcess) -> None:
    async with running(world):
        world.database.write(1, 2)
        await world.actor.refresh()
        assert world.memory.content(1) == owned(7)
        world.database.write(1, owner=0)
        await world.actor.refresh()
        assert (world.memory.content(1), world.memory.content(2)) == (None, owned(7))


async def test_writes_of_other_processes_arrive(world: CatalogProcess) -> None:
    async with running(world):
        world.database.write(5)
        await until(lambda: world.memory.content(5) is not None)


async def test_a_start_without_a_database_has_the_last_process_s_catalog(world: CatalogProcess) -> None:
    world.database.write(1, 2, 3)
    async with running(world):
        await world.until_saved()
        world.database.write(3, owner=9)
        await world.until_saved()
    world.start()
    world.database.is_away = True
    with pytest.raises(BaseExceptionGroup) as raised:
        async with trio.open_nursery() as nursery:
            await nursery.start(world.actor.run)
    assert all(isinstance(leaf, StoreUnavailable) for leaf in whole_group(raised.value))
    assert world.memory.content(3) == owned(9)
    assert world.memory.player(b"P" * 16) == Player(7, True)
    assert world.actor.loaded.is_set()
    world.database.is_away = False
    world.database.write(4)
    async with running(world):
        await until(lambda: world.memory.content(4) is not None)
    assert 1 < world.database.asked[-1] + 1 <= 3  # only what had changed was asked for


async def test_a_database_that_went_back_is_loaded_whole(world: CatalogProcess) -> None:
    async with running(world):
        for _ in range(3):
            world.database.write(1)
        await world.actor.refresh()
        await world.until_saved()
        world.database.rows, world.database.revision = {2: (1, owned(8))}, 1
        await world.actor.refresh()
        assert (world.memory.content(1), world.memory.content(2)) == (None, owned(8))
        await world.until_saved()
    world.start()
    async with running(world):
        assert (world.memory.content(1), world.memory.content(2)) == (None, owned(8))


async def test_writers_at_once_share_a_look_that_began_after_they_wrote(world: CatalogProcess) -> None:
    async with running(world):
        await world.actor.refresh()
        before = world.database.loads
        world.database.is_quiet = True
        world.database.gate = trio.Event()
        in_force: list[bool] = []

        async def write(post_id: int) -> None:
            world.database.write(post_id)
            await world.actor.refresh()
            in_force.append(world.memory.content(post_id) is not None)

        async with trio.open_nursery() as nursery:
            for post_id in range(10, 40):
                nursery.start_soon(write, post_id)
            await trio.testing.wait_all_tasks_blocked(0.01)
            world.database.gate.set()
        assert in_force == [True] * 30
        assert world.database.loads - before <= 2


async def test_a_refresh_that_was_cancelled_leaves_nothing_out(world: CatalogProcess) -> None:
    async with running(world):
        world.database.is_quiet = True
        world.database.write(*range(1, 3 * BITE))
        for checkpoints in range(1, 6):
            with trio.CancelScope() as scope:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(world.actor.refresh)
                    for _ in range(checkpoints):
                        await trio.lowlevel.checkpoint()
                    scope.cancel()
        await world.actor.refresh()
        assert world.memory.sizes()["contents"] == 3 * BITE - 1


async def test_a_disk_that_does_not_take_the_copy_costs_nothing_and_leaves_no_gap(
    world: CatalogProcess, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(world):
        world.database.write(1)
        await world.actor.refresh()
        await world.until_saved()
        saved = world.path.read_bytes()
        world.path.unlink()
        world.path.mkdir()
        world.database.write(2)
        await world.actor.refresh()
        assert world.memory.content(2) == owned(7)
        await until(lambda: caplog.records)  # the copy was tried, and its fault logged
        world.path.rmdir()
        world.path.write_bytes(saved)
        world.database.write(3)
        await world.until_saved()
    world.start()
    world.database.is_away = True
    with pytest.raises(BaseExceptionGroup):
        async with trio.open_nursery() as nursery:
            await nursery.start(world.actor.run)
    assert [world.memory.content(n) for n in (1, 2, 3)] == [owned(7)] * 3


class Steps(trio.abc.Instrument):
    """How many steps the actor took: between two of them other tasks run."""

    def __init__(self) -> None:
        self.taken = 0

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        self.taken += "CatalogActor.run" in task.name


async def test_a_large_catalog_is_taken_in_by_bites(world: CatalogProcess) -> None:
    world.database.rows = {n: (1, owned(n % 1000)) for n in range(1, 150_000)}
    world.database.revision = 1
    change, steps = await world.database.since(-1), Steps()

    async def since(revision: int) -> Change:
        await trio.lowlevel.checkpoint()
        return change if revision < 0 else Change(1, [], [])

    world.actor = CatalogActor(world.memory, world.file, since, world.database.listening, lambda: 0)
    trio.lowlevel.add_instrument(steps)
    async with running(world):
        await world.until_saved()
    world.start()
    async with running(world):
        pass
    trio.lowlevel.remove_instrument(steps)
    assert world.memory.sizes()["contents"] == 149_999
    assert steps.taken >= 149_999 // BITE


async def test_an_older_copy_of_the_database_takes_nothing_away(tmp_path: Path, autojump_clock: object) -> None:
    """Until what it lacks is replayed; then the catalog is loaded as it is."""
    newer, older, behind = Database(), Database(), False
    newer.write(1, 2)
    newer.write(2, owner=9)
    database = newer
    memory = MemoryCatalog()

    async def since(revision: int) -> Change:
        return await database.since(revision)

    actor = CatalogActor(
        memory, CatalogFile(tmp_path / "catalog.sqlite"), since, newer.listening, lambda: 0, lambda: behind
    )
    await actor.refresh()
    older.write(1, 3)
    database, behind = older, True
    await actor.refresh()
    assert memory.content(2) == owned(9) and memory.content(3) is None and memory.revision == 2
    older.revision = 10  # a write since, above all that was received
    older.write(4)
    await actor.refresh()
    assert memory.content(2) == owned(9) and memory.content(4) == owned(7)
    older.revision = older.horizon = 20  # another process has begun its replay
    await actor.refresh()
    assert memory.content(2) == owned(9) and memory.content(3) == owned(7)
    behind = False
    await actor.refresh()
    assert memory.content(2) is None and memory.content(3) == owned(7) and memory.revision == 20
