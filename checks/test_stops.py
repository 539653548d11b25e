"""What one process that stops, or one client that hangs up, costs all others on the database."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
import trio

from tests.rollup.world import RolledSite
from tests.support.postgres import Server, postgres_server  # noqa: F401
from tests.support.process import Vts, running
from tests.support.waiting import until, wait_until
from vts.model.day import day_of
from vts.store.session import locks
from vts.store.session.connection import Connection, Database, asyncpg_loop

BOUND_S = 40  # less than the minute that a forgotten transaction may be idle; the cores are busy
HANG_UPS = 150
STARTS = 4
HELD = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid = $1::bigint AND objid = 1"
WAITING = "SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted"
OPEN = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'"
TODAYS_COUNT = "SELECT FROM post_stats_daily WHERE post_id = 0 FOR UPDATE"


@pytest.fixture
def shared(postgres_server: Server) -> Iterator[Database]:  # noqa: F811
    name = f"stops_{uuid.uuid4().hex[:8]}"

    async def run(statement: str) -> None:
        async with asyncpg_loop():
            await postgres_server.execute(statement)

    trio.run(run, f"CREATE DATABASE {name} TEMPLATE migrated")
    yield postgres_server.database(name)
    trio.run(run, f"DROP DATABASE {name} WITH (FORCE)")


def settings(database: Database) -> dict[str, str]:
    return {
        "VTS_DATABASE__URL": database.url(),
        "VTS_PRIVACY__VIEWER_SECRET": "viewers of both processes are the same ones",
        "VTS_AUTH__SECRET": "tokens of one process are good for the other one",
        "VTS_LIMITS__WEB_PER_MINUTE": "0",
    }


@asynccontextmanager
async def session(database: Database) -> AsyncIterator[Connection]:
    async with asyncpg_loop():
        connection = await database.connect("login", idle_in_transaction_s=600)
        yield connection
        await connection.close()


async def becomes(connection: Connection, count: int, statement: str, *arguments: object) -> None:
    async def has_become() -> bool:
        return await connection.fetchval(statement, *arguments) == count

    await until(has_become, BOUND_S)


async def soon(condition: Callable[[], object]) -> float:
    """Wait until a condition holds; return for how long."""
    began_s = time.monotonic()
    await trio.to_thread.run_sync(partial(wait_until, condition, BOUND_S))
    return time.monotonic() - began_s


def view(vts: Vts, post_id: int) -> None:
    with vts.client() as client:
        assert client.post("/api/view", json={"post_id": post_id, "event_id": str(uuid.uuid4())}).status_code == 202


def health(vts: Vts) -> dict[str, object]:
    with vts.client() as client:
        return dict(client.get("/health/ready").json())


def waiting(vts: Vts) -> int:
    with vts.client() as client:
        return int(client.get("/api/status").json()["Waiting in the journal"])


def test_a_process_that_stops_with_the_lock_of_the_day_holds_up_another_drain_for_seconds(
    shared: Database, folder: Path
) -> None:
    with running(folder / "a", **settings(shared)) as a, running(folder / "b", **settings(shared)) as b:
        view(a, 1)
        wait_until(lambda: waiting(a) == 0)
        trio.run(stops_while_it_drains, shared, a, b)
        view(b, 1)
        wait_until(lambda: waiting(a) == waiting(b) == 0, BOUND_S)
        with b.client() as client:
            wait_until(lambda: client.get("/api/post/1/count").json()["views"] == 4, BOUND_S)


async def stops_while_it_drains(database: Database, a: Vts, b: Vts) -> None:
    """Its session has the lock of the day and waits for a counter; then it is stopped, and then it gets the counter."""
    assert a.process is not None
    async with session(database) as look:
        async with look.transaction():
            await look.execute(TODAYS_COUNT)
            await trio.to_thread.run_sync(view, a, 1)
            await becomes(look, 1, WAITING)
            a.process.send_signal(signal.SIGSTOP)
        try:
            await trio.to_thread.run_sync(view, b, 1)
            degraded_s = await soon(lambda: "drain" in health(b)["degraded"])  # type: ignore[operator]
            drained_s = degraded_s + await soon(lambda: waiting(b) == 0)
            await soon(lambda: health(b)["status"] == "ok")
        finally:
            a.process.send_signal(signal.SIGCONT)
    print(f"degraded after {degraded_s:.1f} s, drained after {drained_s:.1f} s")


def test_a_roll_up_that_stops_leaves_its_turn_to_the_next(shared: Database, folder: Path) -> None:
    environment = Vts(folder, **settings(shared)).environment
    yesterday = day_of(time.time_ns() // 1000) - 1

    def rollup() -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "vts", "rollup", "--wait", str(BOUND_S)]
        return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    async def story() -> None:
        async with session(shared) as look:
            world = RolledSite(shared, random.Random(1))
            await world.drained([world.view(day=yesterday) for _ in range(3)])
            async with look.transaction():
                await look.execute(f"SELECT pg_advisory_xact_lock({locks.DAY}, $1)", yesterday)
                stopped = rollup()
                await becomes(look, 1, HELD, locks.ROLLUP)
                await becomes(look, 1, WAITING)
                stopped.send_signal(signal.SIGSTOP)
            try:
                began_s = time.monotonic()
                await becomes(look, 0, HELD, locks.ROLLUP)
                print(f"the turn is free after {time.monotonic() - began_s:.1f} s")
                said, _ = await trio.to_thread.run_sync(rollup().communicate)
                assert "3 views" in said
            finally:
                stopped.send_signal(signal.SIGCONT)
            said, _ = await trio.to_thread.run_sync(stopped.communicate)
            assert stopped.returncode == 2
            assert "Error: " in said and "Traceback" not in said
            assert await look.fetchval("SELECT total_views FROM post_stats_daily WHERE post_id = 0") == 3

    trio.run(story)


def test_clients_that_hang_up_while_they_write_leave_no_transaction_open(shared: Database, folder: Path) -> None:
    """An abandoned write would hold the catalog's revision for a minute, and the drain needs that for a new content."""
    with running(folder, **settings(shared)) as vts:
        token = vts.service_token()
        trio.run(hang_up_often, shared, vts, token)
        view(vts, 10_000)
        wait_until(lambda: waiting(vts) == 0, BOUND_S)


async def hang_up_often(database: Database, vts: Vts, token: str) -> None:
    body = json.dumps([{"post_id": number, "owner_id": 7} for number in range(1, 61)]).encode()
    head = (
        f"POST /api/content HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    chance = random.Random(1)
    async with session(database) as look:
        for _ in range(HANG_UPS):
            async with await trio.open_tcp_stream("127.0.0.1", vts.port) as stream:
                await stream.send_all(head.encode() + body)
                await trio.sleep(chance.uniform(0.002, 0.03))
            await becomes(look, 0, OPEN)


def test_what_others_hold_is_not_taken_for_other_viewer_keys(shared: Database, folder: Path) -> None:
    """The locks of an analysis, a count of the catalog and an import are taken in every start of a lone process."""
    vts = Vts(folder, **settings(shared))

    async def hold() -> None:
        async with session(shared) as other, other.transaction():
            for lock in (locks.ANALYTICS, locks.CATALOG_COUNTS, locks.IMPORT):
                await other.execute("SELECT pg_advisory_xact_lock($1, 12345)", lock)
            for _ in range(STARTS):
                await trio.to_thread.run_sync(vts.start)
                doctor = [sys.executable, "-m", "vts", "doctor"]
                ask = partial(subprocess.run, doctor, env=vts.environment, capture_output=True, text=True, timeout=60)
                said = (await trio.to_thread.run_sync(ask)).stdout
                assert next(line for line in said.splitlines() if "viewer keys" in line).startswith("ok")
                assert await trio.to_thread.run_sync(vts.terminate) == 0

    try:
        trio.run(hold)
    finally:
        vts.kill()
    assert "other processes on this database" not in vts.log.read_text()
