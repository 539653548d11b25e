"""One intentional view for a viewer, content and day: through a restart, and with two processes on one database."""

from __future__ import annotations

import uuid
from pathlib import Path

import trio

from tests.support.postgres import Server, postgres_server  # noqa: F401
from tests.support.process import Vts, running
from tests.support.waiting import wait_until
from vts.store.session.connection import asyncpg_loop

RULES = {
    "VTS_CAPTURE__VIEW_ONCE": "on",
    "VTS_CAPTURE__POST_VIEW_STATUS": "201_204",
    "VTS_PRIVACY__VIEWER_SECRET": "viewers of both processes are the same ones",
}


def look_at(vts: Vts, content: int, **fields: str) -> int:
    with vts.client() as client:
        return client.post(f"/api/post/{content}/view", json=fields).status_code


def count(vts: Vts, content: int) -> int | None:
    with vts.client() as client:
        return client.get(f"/api/post/{content}/count").json().get("views")


def duplicates(vts: Vts) -> float:
    with vts.client() as client:
        lines = client.get("/metrics").text.splitlines()
    return sum(
        float(line.split()[-1]) for line in lines if line.startswith("vts_notes_total") and "stored_before" in line
    )


def test_a_restart_knows_who_has_looked_today(folder: Path) -> None:
    with running(folder, **RULES) as vts:
        assert [look_at(vts, 1), look_at(vts, 1), look_at(vts, 2)] == [201, 204, 201]
        vts.kill()
        vts.start()
        assert [look_at(vts, 1), look_at(vts, 2, event_id=str(uuid.uuid4())), look_at(vts, 3)] == [204, 204, 201]
        assert [look_at(vts, 1, intent="impression") for _ in range(2)] == [201, 201]
        wait_until(lambda: [count(vts, content) for content in (1, 2, 3)] == [3, 1, 1])


def test_two_processes_count_one_view_also_where_each_said_that_it_counts(
    folder: Path,
    postgres_server: Server,  # noqa: F811
) -> None:
    async def make() -> None:
        async with asyncpg_loop():
            await postgres_server.execute("CREATE DATABASE once")

    trio.run(make)
    shared = RULES | {"VTS_DATABASE__URL": postgres_server.url("once")}
    with running(folder / "a", **shared) as a, running(folder / "b", **shared) as b:
        for content in range(1, 21):
            assert look_at(a, content) == look_at(b, content, event_id=str(uuid.uuid4())) == 201
        wait_until(lambda: duplicates(a) + duplicates(b) == 20)
        for vts in (a, b):
            assert [count(vts, content) for content in range(1, 21)] == [1] * 20
