"""PostgreSQL for tests: one server for the session, a fresh migrated database for each test.

A tests folder uses it with one line in its conftest.py:

    from tests.support.postgres import database, empty_database, postgres_server  # noqa: F401
"""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import trio

from tests.support.folders import in_memory
from tests.support.waiting import BOUND_S, until
from vts.store.schema.migrate import migrate
from vts.store.server.layout import unprivileged
from vts.store.server.programs import programs_for
from vts.store.server.spawn import launch_command
from vts.store.session.connection import Database, asyncpg_loop
from vts.store.session.faults import StoreUnavailable

MAJOR = int(os.environ.get("TEST_POSTGRES_MAJOR", "18"))  # of the versions that VTS carries


@dataclass
class Server:
    """A running server on a socket of its own. Settings trade durability for speed."""

    folder: Path
    process: subprocess.Popen[bytes]
    major: int
    counter: Iterator[int] = field(default_factory=itertools.count)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def url(self, name: str) -> str:
        return f"postgresql://vts@/{name}?host={self.folder}"

    def database(self, name: str, **settings: float) -> Database:
        return Database(url=lambda: self.url(name), **settings)

    async def execute(self, statement: str) -> None:
        connection = await self.database("postgres").connect("login")
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    @asynccontextmanager
    async def fresh(self, template: str) -> AsyncIterator[Database]:
        name = f"test_{next(self.counter)}"
        await self.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        try:
            yield self.database(name)
        finally:
            with trio.CancelScope(shield=True):
                await self.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def postgres_server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """The server of the session; a parameter asks for one of that version."""
    with running_server(getattr(request, "param", MAJOR)) as server:
        yield server


@contextmanager
def running_server(major: int = MAJOR) -> Iterator[Server]:
    """Run a server of a version, with a migrated database on it."""
    folder = Path(tempfile.mkdtemp(prefix="vts-test-", dir=in_memory()))
    user = unprivileged() if os.geteuid() == 0 else None
    if user is not None:
        os.chown(folder, user.user_id, user.group_id)
    programs = programs_for(user, major)
    data = folder / "data"
    make = ["-D", data, "-U", "vts", "-A", "trust", "-E", "UTF8", "--locale=C", "-N", "--no-instructions"]
    command = launch_command([programs / "initdb", *make], user, signal.SIGKILL)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    options = {
        "listen_addresses": "",
        "unix_socket_directories": str(folder),
        "fsync": "off",
        "synchronous_commit": "off",
        "full_page_writes": "off",
        "shared_buffers": "32MB",
        "max_wal_size": "128MB",
        "max_connections": "60",
        "autovacuum": "off",
    }
    arguments = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
    with (folder / "log").open("wb") as log:
        command = launch_command([programs / "postgres", "-D", data, *arguments], user, signal.SIGQUIT)
        process = subprocess.Popen(command, stdout=log, stderr=log)
    server = Server(folder, process, major)
    try:
        trio.run(_prepare, server)
        yield server
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(BOUND_S)
        shutil.rmtree(folder)


async def _prepare(server: Server) -> None:
    async with asyncpg_loop():
        await until(lambda: _is_ready(server), pause_s=0.02)
        await server.execute("CREATE DATABASE migrated")
        await migrate(server.database("migrated"))


async def _is_ready(server: Server) -> bool:
    try:
        await server.execute("SELECT 1")
    except StoreUnavailable:
        return False
    return True


@pytest.fixture
async def empty_database(postgres_server: Server) -> AsyncIterator[Database]:
    """An empty database, inside an open driver loop."""
    async with asyncpg_loop(), postgres_server.fresh("template1") as database:
        yield database


@pytest.fixture
async def database(postgres_server: Server) -> AsyncIterator[Database]:
    """A migrated database, inside an open driver loop."""
    async with asyncpg_loop(), postgres_server.fresh("migrated") as database:
        yield database
