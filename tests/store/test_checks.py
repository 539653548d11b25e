"""The doctor's questions about the database: each trouble is found, named, and has a remedy."""

from __future__ import annotations

import shutil
import time
from collections import namedtuple

import pytest

from vts.store.schema.checks import clock_skew, disk, examine
from vts.store.schema.migrate import migrate
from vts.store.session.connection import Database

GIB = 1 << 30


def now_us() -> int:
    return time.time_ns() // 1000


async def test_a_healthy_database(database):
    findings = {finding.name: finding for finding in await examine(database, now_us)}
    assert findings.pop("durability").level == "fault"  # the server of the tests trades it for speed
    assert {name: finding.level for name, finding in findings.items()} == {
        "server version": "ok",
        "writable": "ok",
        "roles": "ok",
        "clock": "ok",
        "synchronous_commit": "ok",
        "connections": "ok",
        "schema": "ok",
    }


async def test_roles_that_may_not_be_made_and_a_schema_that_is_missing(postgres_server, empty_database):
    name = f"plain_{next(postgres_server.counter)}"
    await postgres_server.execute(f"CREATE ROLE {name} LOGIN")
    plain = Database(url=lambda: empty_database.url().replace("vts@", f"{name}@"))
    findings = {finding.name: finding for finding in await examine(plain, now_us)}
    assert findings["roles"].level == "warning"
    assert f"GRANT vts_owner TO {name}" in findings["roles"].advice
    assert findings["schema"].level == "fault"  # since version 15 only the owner of a database may make tables there
    assert f"{name} may not make tables in schema public" in findings["schema"].message
    assert f"GRANT USAGE, CREATE ON SCHEMA public TO {name}; then `vts db migrate`" in findings["schema"].advice
    await (connection := await empty_database.connect("login")).execute(f"GRANT CREATE ON SCHEMA public TO {name}")
    await connection.close()
    findings = {finding.name: finding for finding in await examine(plain, now_us)}
    assert findings["schema"].level == "warning"
    assert "vts db migrate" in findings["schema"].advice


async def test_tables_of_the_wrong_owner(empty_database):
    await migrate(empty_database, [])
    connection = await empty_database.connect("login")
    await connection.execute("ALTER TABLE schema_migrations OWNER TO vts")
    await connection.close()
    findings = {finding.name: finding for finding in await examine(empty_database, now_us)}
    assert findings["roles"].level == "warning"
    assert "belong to vts" in findings["roles"].message


@pytest.mark.parametrize(("ahead_s", "level"), [(0.0, "ok"), (10.0, "warning"), (-10.0, "warning"), (600.0, "fault")])
async def test_clocks_that_differ(empty_database, ahead_s, level):
    connection = await empty_database.connect("login")
    finding = await clock_skew(connection, lambda: now_us() - int(ahead_s * 1e6))
    assert finding.level == level
    await connection.close()


async def test_no_server(empty_database, tmp_path):
    (finding,) = await examine(Database(url=lambda: f"postgresql://vts@/vts?host={tmp_path}"), now_us)
    assert (finding.name, finding.level) == ("database", "fault")
    (finding,) = await examine(Database(url=lambda: empty_database.url().replace("vts@", "other_user@")), now_us)
    assert "user, password" in finding.advice


@pytest.mark.parametrize(("free", "level"), [(100 * GIB, "ok"), (GIB, "warning"), (GIB // 8, "fault")])
def test_room_on_the_disk(monkeypatch, tmp_path, free, level):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(200 * GIB, 200 * GIB - free, free))
    assert disk(tmp_path).level == level


def test_a_folder_that_is_not_there(tmp_path):
    assert disk(tmp_path / "nowhere").level == "fault"
