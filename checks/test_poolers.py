"""VTS behind PgBouncer: in session mode as on the server itself, in the other modes refused by name."""

from __future__ import annotations

import subprocess
import sys

import pytest
import trio

from tests.support.pgbouncer import pooled
from tests.support.postgres import database, empty_database, postgres_server  # noqa: F401
from tests.support.process import Vts, running
from tests.support.waiting import wait_until
from vts.store.session.connection import Database
from vts.store.session.faults import SharedSession


async def name_of(database: Database) -> str:  # noqa: F811
    connection = await database.connect("login")
    try:
        return await connection.fetchval("SELECT current_database()::text")
    finally:
        await connection.close()


async def test_sessions_keep_their_settings_in_session_mode(folder, postgres_server, database):  # noqa: F811
    name = await name_of(database)
    with pooled(folder / "pooler", postgres_server.folder, "session") as address:
        behind = Database(url=lambda: address.format(name), connect_timeout_s=30)
        first = await behind.connect("writer", command_timeout_s=3.0)
        second = await behind.connect("reader", name="the second")
        assert await first.fetchval("SHOW synchronous_commit") == "on"
        assert await first.fetchval("SHOW statement_timeout") == "3s"
        assert await first.fetchval("SHOW application_name") == "vts writer"
        assert await first.fetchval("SELECT current_user::text") == "vts_writer"
        assert await second.fetchval("SHOW application_name") == "the second"
        assert await second.fetchval("SELECT current_user::text") == "vts_reader"
        await first.close()
        await second.close()


@pytest.mark.parametrize("mode", ["transaction", "statement"])
async def test_other_modes_are_refused_by_name(folder, postgres_server, database, mode):  # noqa: F811
    name = await name_of(database)
    with pooled(folder / "pooler", postgres_server.folder, mode) as address:
        behind = Database(url=lambda: address.format(name), connect_timeout_s=30)
        for role in ("login", "owner", "writer", "reader"):
            with pytest.raises(SharedSession, match="pool_mode = session"):
                await behind.connect(role)


async def test_a_busy_pool_in_transaction_mode_is_refused_too(folder, postgres_server, database):  # noqa: F811
    """Many who connect at once meet servers in changing order."""
    name = await name_of(database)
    refused = []
    with pooled(folder / "pooler", postgres_server.folder, "transaction") as address:
        behind = Database(url=lambda: address.format(name), connect_timeout_s=60)

        async def connect() -> None:
            with pytest.raises(SharedSession):
                await behind.connect("writer")
            refused.append(1)

        async with trio.open_nursery() as nursery:
            for _ in range(12):
                nursery.start_soon(connect)
    assert len(refused) == 12


async def test_a_process_counts_behind_a_pooler(folder, postgres_server, empty_database):  # noqa: F811
    name = await name_of(empty_database)
    with pooled(folder / "pooler", postgres_server.folder, "session") as address:
        await trio.to_thread.run_sync(_view_and_count, folder, address.format(name))


def _view_and_count(folder, url: str) -> None:
    with running(folder, VTS_DATABASE__URL=url) as vts, vts.client() as client:
        assert client.post("/api/view", json={"post_id": 42}).status_code == 202
        wait_until(lambda: client.get("/api/post/42/count").json()["views"] == 1, within_s=60)
        assert "pending" not in vts.cli("db", "status")


async def test_doctor_names_the_mode_and_the_remedy(folder, postgres_server, empty_database):  # noqa: F811
    name = await name_of(empty_database)
    with pooled(folder / "pooler", postgres_server.folder, "transaction") as address:
        done = await trio.to_thread.run_sync(_doctor, Vts(folder, VTS_DATABASE__URL=address.format(name)))
    assert done.returncode == 2
    assert "FAULT    database: a pooler in transaction or statement mode" in done.stdout
    assert "Traceback" not in done.stderr


def _doctor(vts: Vts) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "vts", "doctor"]
    return subprocess.run(command, env=vts.environment, capture_output=True, text=True, timeout=120)
