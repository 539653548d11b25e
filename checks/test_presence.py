"""Players' last status over an end and a kill of the process, and over two processes on one database."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import trio

from tests.support.mosquitto import Mosquitto
from tests.support.postgres import Server, postgres_server  # noqa: F401
from tests.support.process import Vts, running
from tests.support.waiting import wait_until
from tests.system.test_players import publish
from vts.store.session.connection import asyncpg_loop

KEY = str(uuid.uuid4())
CREDENTIAL = "ab" * 32
KEPT = ("firmware_version", "current_post_id", "last_view_at")


def player(vts: Vts, **expected: Any) -> dict[str, Any]:
    """The only player, once it is as expected."""

    def found() -> dict[str, Any] | None:
        with vts.client(vts.service_token()) as service:
            (row,) = service.get("/api/players").json()["players"]
        return row if row | expected == row else None

    return dict(wait_until(found))


def test_the_last_status_survives_an_end_and_a_kill(folder: Path) -> None:
    with Mosquitto(folder / "broker") as broker, running(folder, VTS_MQTT__URL=broker.url) as vts:
        with vts.client(vts.service_token()) as service:
            service.post("/api/players", json={"player_key": KEY, "owner_id": 7}).raise_for_status()
            wait_until(lambda: service.get("/health/ready").json()["parts"]["mqtt"] == "ok")
        publish(broker, f"makapix/player/{KEY}/status", {"status": "online", "firmware_version": "1"})
        before = player(vts, firmware_version="1")
        publish(broker, f"makapix/player/{KEY}/status", {"current_post_id": 42, "firmware_version": "2"})
        with vts.client() as client:
            wait_until(lambda: 'outcome="status",source="player"} 2.0' in client.get("/metrics").text)
        assert vts.terminate() == 0  # writes what it has
        vts.start()
        after = player(vts, firmware_version="2", current_post_id=42, status="online")
        assert after["online_since"] == before["online_since"]
        vts.kill()
        vts.start()
        assert player(vts, status="online") == after


async def test_two_processes_write_one_row(folder: Path, postgres_server: Server) -> None:  # noqa: F811
    async with asyncpg_loop(), postgres_server.fresh("migrated") as database:
        url = {"VTS_DATABASE__URL": database.url()}
        await trio.to_thread.run_sync(_two_processes, folder, url)


def _two_processes(folder: Path, url: dict[str, str]) -> None:
    with running(folder / "a", **url) as a, running(folder / "b", **url) as b:
        row = {"player_key": KEY, "owner_id": 7, "credential": CREDENTIAL}
        with a.client(a.service_token()) as service:
            service.post("/api/players", json=row).raise_for_status()
        seen: list[str | None] = [None]
        for number, vts in enumerate((a, b, a), start=1):
            _view(vts, number)
            wait_until(lambda: player(a)["last_view_at"] not in seen)
            seen.append(player(a)["last_view_at"])
            assert player(b) == player(a)


def _view(vts: Vts, post_id: int) -> None:
    """Have the player look: the other process gets the player within a second, and a view too soon is 429."""
    with vts.client() as client:
        sent = {"json": {"post_id": post_id}, "auth": (KEY, CREDENTIAL)}
        wait_until(lambda: client.post("/player/events/view", **sent).status_code == 202)
