"""The store's, the roll-up's and the answers' stories against the oldest PostgreSQL that the package carries.

`make test` tells them to the newest one. As a server of an operator's own, each also serves a whole process.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import trio

from tests.support.postgres import empty_database, postgres_server  # noqa: F401
from tests.support.process import running
from tests.support.waiting import wait_until
from vts.store.server.programs import INSTALLS, NEWEST
from vts.store.session.connection import Database

ROOT = Path(__file__).resolve().parent.parent
OLDEST = min(INSTALLS)
STORIES = (
    "tests/store/test_drain.py",
    "tests/store/test_drain_site.py",
    "tests/store/test_catalog_sql.py",
    "tests/store/test_history_import.py",
    "tests/store/test_migrate.py",
    "tests/store/test_partitions.py",
    "tests/store/test_reactions.py",
    "tests/rollup",
    "tests/query",
)


def test_stories_on_the_oldest_server():
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--timeout", "300", *STORIES]
    environment = os.environ | {"TEST_POSTGRES_MAJOR": str(OLDEST)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-6000:]


@pytest.mark.parametrize("postgres_server", [OLDEST, NEWEST], indirect=True, ids="PostgreSQL {}".format)
async def test_a_process_counts_on_a_server_of_ones_own(folder, postgres_server, empty_database):  # noqa: F811
    connection = await empty_database.connect("login")
    assert connection.server_version[0] == postgres_server.major
    await connection.close()
    await trio.to_thread.run_sync(_view_and_count, folder, empty_database)


def _view_and_count(folder: Path, database: Database) -> None:
    with running(folder, VTS_DATABASE__URL=database.url()) as vts, vts.client() as client:
        assert client.post("/api/view", json={"post_id": 42}).status_code == 202
        wait_until(lambda: client.get("/api/post/42/count").json()["views"] == 1, within_s=60)
        assert "pending" not in vts.cli("db", "status")
