"""Three processes on one database: the one that reads the broker loses it, and another reads on."""

from __future__ import annotations

import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
import trio

from tests.support import load
from tests.support.mosquitto import Mosquitto
from tests.support.postgres import Server, postgres_server  # noqa: F401
from tests.support.process import Vts, running
from tests.support.waiting import wait_until
from tests.system.test_two_processes import Pair, parts, player_messages
from vts.store.session.connection import asyncpg_loop

PLAYERS = 50
REPLACED_S = 30  # ten seconds of patience, a try at the broker, a look at the lock; the rest is for busy machines


@contextmanager
def relayed(port: int) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Run a relay to a port of loopback; give its process and its own port."""
    command = [sys.executable, str(Path(__file__).with_name("relay.py")), str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as relay:
        assert relay.stdout is not None
        try:
            yield relay, int(relay.stdout.readline())
        finally:
            relay.kill()


def states(*processes: Vts) -> list[str]:
    return [parts(vts)["mqtt"] for vts in processes]


@pytest.fixture
def url(postgres_server: Server) -> str:  # noqa: F811
    async def make() -> None:
        async with asyncpg_loop():
            await postgres_server.execute("CREATE DATABASE three")

    trio.run(make)
    return postgres_server.url("three")


def test_a_leader_that_loses_only_the_broker_is_replaced(url: str, postgres_server: Server, folder: Path) -> None:  # noqa: F811
    with Mosquitto(folder / "broker") as broker, relayed(broker.port) as (relay, port):
        shared = {
            "VTS_DATABASE__URL": url,
            "VTS_PRIVACY__VIEWER_SECRET": "viewers of all processes are the same ones",
            "VTS_AUTH__SECRET": "tokens of one process are good for the others",
        }
        reaching = shared | {"VTS_MQTT__URL": broker.url}
        with running(folder / "a", **shared | {"VTS_MQTT__URL": f"mqtt://127.0.0.1:{port}"}) as a:
            wait_until(lambda: states(a) == ["ok"])
            with running(folder / "b", **reaching) as b, running(folder / "c", **reaching) as c:
                wait_until(lambda: states(b, c) == ["standby", "standby"])
                keys = [str(uuid.uuid4()) for _ in range(PLAYERS)]
                token = a.service_token()
                with a.client(token) as client:
                    made = client.post("/api/players", json=[{"player_key": key, "owner_id": 8} for key in keys])
                    assert made.status_code == 200
                relay.kill()
                wait_until(lambda: states(a) != ["ok"])
                ledger = load.Ledger()
                messages = player_messages(keys, PLAYERS)
                trio.run(partial(load.publish, broker.port, messages, ledger, client_id="wall"))
                wait_until(lambda: sorted(states(b, c)) == ["ok", "standby"], within_s=REPLACED_S)
                wait_until(lambda: states(a) == ["standby"])
                pair = Pair(a, b, broker, postgres_server.database("three"), token, keys)
                trio.run(pair.holds_exactly, ledger.acknowledged)
