"""Two processes on one database: counts, contents and duplicates across them, and one broker session between them."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import pytest
import trio
from trio_websocket import open_websocket_url

from tests.support import load
from tests.support.folders import open_folder
from tests.support.mosquitto import Mosquitto
from tests.support.postgres import Server, postgres_server  # noqa: F401
from tests.support.process import Vts, running
from tests.support.waiting import until, wait_until
from vts.store.session.connection import Database, asyncpg_loop

IN_FORCE_S = 30.0
TAKEOVER_S = 30.0
PLAYERS = 100  # for each story of players its own: a device's clock does not go back
MESSAGES = 3_000
VIEWS = 300
CONTENTS = [{"post_id": number, "owner_id": 7} for number in range(1, 61)]


@dataclass
class Pair:
    """Two processes with their own data folders, and what they share."""

    a: Vts
    b: Vts
    broker: Mosquitto
    database: Database
    token: str
    keys: list[str]

    async def stored_ids(self) -> list[str]:
        async with asyncpg_loop():
            connection = await self.database.connect("login")
            rows = await connection.fetch("SELECT event_id FROM view_events")
            await connection.close()
        return [str(uuid.UUID(bytes=bytes(row[0]))) for row in rows]

    async def holds_exactly(self, expected: set[str]) -> None:
        """Wait until the database has these events; assert that it has no other one, and none twice."""
        stored: list[str] = []

        async def holds() -> bool:
            stored[:] = await self.stored_ids()
            return set(stored) >= expected

        await until(holds, pause_s=0.1)
        assert set(stored) == expected
        assert len(stored) == len(set(stored)), "stored twice"

    async def publish(self, keys: list[str]) -> set[str]:
        """Have each player send one view; return the events that the broker took."""
        ledger = load.Ledger()
        await load.publish(self.broker.port, player_messages(keys, len(keys)), ledger, client_id="wall")
        return ledger.acknowledged

    def leader_and_follower(self) -> tuple[Vts, Vts]:
        return (self.a, self.b) if parts(self.a)["mqtt"] == "ok" else (self.b, self.a)


@pytest.fixture(scope="module")
def pair(postgres_server: Server) -> Iterator[Pair]:  # noqa: F811
    async def make() -> None:
        async with asyncpg_loop():
            await postgres_server.execute("CREATE DATABASE shared")

    trio.run(make)
    with open_folder() as folder, Mosquitto(folder / "broker") as broker:
        shared = {
            "VTS_DATABASE__URL": postgres_server.url("shared"),
            "VTS_MQTT__URL": broker.url,
            "VTS_PRIVACY__VIEWER_SECRET": "viewers of both processes are the same ones",
            "VTS_AUTH__SECRET": "tokens of one process are good for the other one",
            "VTS_CATALOG__MODE": "strict",
            "VTS_LIMITS__WEB_PER_MINUTE": "0",  # the generator is one viewer; no limit may hide a loss
        }
        with running(folder / "a", **shared) as a, running(folder / "b", **shared) as b:
            keys = [str(uuid.uuid4()) for _ in range(3 * PLAYERS)]
            token = a.service_token()
            with a.client(token) as client:
                assert client.post("/api/content", json=CONTENTS).json() == {"upserted": len(CONTENTS)}
                client.post("/api/players", json=[{"player_key": key, "owner_id": 8} for key in keys])
            wait_until(lambda: {parts(a)["mqtt"], parts(b)["mqtt"]} == {"ok", "standby"})
            yield Pair(a, b, broker, postgres_server.database("shared"), token, keys)


def doctor(environment: Mapping[str, str], finding: str) -> str:
    """Return what `vts doctor` says of one thing."""
    command = [sys.executable, "-m", "vts", "doctor"]
    said = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60).stdout
    return next(line for line in said.splitlines() if finding in line)


def health(vts: Vts) -> dict[str, object]:
    with vts.client() as client:
        return dict(client.get("/health/ready").json())


def parts(vts: Vts) -> dict[str, str]:
    with vts.client() as client:
        return dict(client.get("/health/ready").json()["parts"])


def view(vts: Vts, post_id: int, event_id: str | None = None) -> dict[str, object]:
    """Send a view; return the answer without what is zero."""
    event = {"post_id": post_id, "event_id": event_id or str(uuid.uuid4())}
    with vts.client() as client:
        answer = dict(client.post("/api/view", json=event).json())
    return {name: value for name, value in answer.items() if value}


def count(vts: Vts, post_id: int) -> int:
    with vts.client() as client:
        return int(client.get(f"/api/post/{post_id}/count").json()["views"])


def test_standing_by_is_no_failure(pair: Pair) -> None:
    for vts in (pair.a, pair.b):
        assert health(vts)["status"] == "ok"
    leader, follower = pair.leader_and_follower()
    with leader.client() as one, follower.client() as other:
        assert one.get("/api/status").json()["MQTT broker"] == "connected"
        assert other.get("/api/status").json()["MQTT broker"].startswith("standby")
    assert leader.process is not None
    line = doctor(follower.environment, "broker session")
    assert line.startswith("ok") and line.endswith(f" {leader.process.pid}")


def test_processes_that_know_viewers_by_other_keys_are_told(pair: Pair) -> None:
    assert doctor(pair.b.environment, "viewer keys").startswith("ok")
    other = dict(pair.b.environment) | {"VTS_PRIVACY__VIEWER_SECRET": "a secret of its own, which is a mistake"}
    line = doctor(other, "viewer keys")
    assert line.startswith("FAULT") and "2 running processes know viewers by other keys" in line


async def test_views_of_one_are_live_on_the_other_with_the_same_totals(pair: Pair) -> None:
    address = pair.b.http.replace("http", "ws", 1) + "/live"
    async with open_websocket_url(address, extra_headers=[("Authorization", f"Bearer {pair.token}")]) as socket:
        await socket.send_message(json.dumps({"op": "subscribe", "topics": ["post:51"]}))
        await socket.get_message()
        for vts in (pair.a, pair.a, pair.b, pair.a):
            await trio.to_thread.run_sync(view, vts, 51)
        with trio.fail_after(IN_FORCE_S):
            while (change := json.loads(await socket.get_message()))["views"] < 4:
                pass
        assert (change["views"], change["views_today"], change["unique_viewers_today"]) == (4, 4, 1)
        assert change["viewers_now"] == 1
    assert await trio.to_thread.run_sync(count, pair.a, 51) == await trio.to_thread.run_sync(count, pair.b, 51) == 4


def test_what_is_written_through_one_is_in_force_on_the_other(pair: Pair) -> None:
    assert view(pair.b, 777) == {"dropped": {"not_found": 1}}
    with pair.a.client(pair.token) as client:
        client.post("/api/content", json={"post_id": 777, "owner_id": 7})
    wait_until(lambda: view(pair.b, 777) == {"accepted": 1}, IN_FORCE_S)
    with pair.b.client(pair.token) as client:
        client.delete("/api/content/777")
    wait_until(lambda: view(pair.a, 777) == {"dropped": {"deleted": 1}}, IN_FORCE_S)


def test_one_event_sent_to_both_counts_once(pair: Pair) -> None:
    names = [str(uuid.uuid4()) for _ in range(20)]
    with ThreadPoolExecutor(2) as both:
        for vts in (pair.a, pair.b):
            both.submit(lambda vts=vts: [view(vts, 52, name) for name in names])
    wait_until(lambda: count(pair.a, 52) >= len(names))
    wait_until(lambda: waiting(pair.a) == waiting(pair.b) == 0)
    assert count(pair.a, 52) == count(pair.b, 52) == len(names)


def waiting(vts: Vts) -> int:
    """How many events this process has acknowledged that the database does not have."""
    with vts.client() as client:
        return int(client.get("/api/status").json()["Waiting in the journal"])


def player_messages(keys: list[str], messages: int) -> Iterator[tuple[str, bytes, str]]:
    """Views of players with device clocks, each player's 6 s apart."""
    start = time.time() - 6 * messages / len(keys) - 60
    for number in range(messages):
        name, moment = str(uuid.uuid4()), time.gmtime(start + 6 * (number // len(keys)))
        body = {
            "post_id": number % 50 + 1,
            "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", moment),
            "intent": "artwork",
            "event_id": name,
        }
        yield f"makapix/player/{keys[number % len(keys)]}/view", json.dumps(body).encode(), name


async def test_when_the_leader_is_killed_the_other_goes_on_with_the_session(pair: Pair) -> None:
    """The same views go to both doors meanwhile: whichever journal they were in, they are stored, and once."""
    leader, follower = pair.leader_and_follower()
    before = set(await pair.stored_ids())
    events, web, players = list(load.views(VIEWS)), load.Ledger(), load.Ledger()
    mortal = trio.CancelScope()

    async def send_to_leader() -> None:
        with mortal:
            await load.send_views(lambda: leader.port, iter(events), web, connections=2, pause_s=0.005)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(send_to_leader)
        nursery.start_soon(partial(load.send_views, lambda: follower.port, iter(events), web, connections=2))
        messages = player_messages(pair.keys[:PLAYERS], MESSAGES)
        nursery.start_soon(partial(load.publish, pair.broker.port, messages, players, client_id="wall"))
        await until(lambda: len(players.acknowledged) >= MESSAGES / 3)
        leader.kill()
        mortal.cancel()
        await trio.to_thread.run_sync(partial(wait_until, lambda: parts(follower)["mqtt"] == "ok", TAKEOVER_S))
    assert len(players.acknowledged) == MESSAGES
    assert len(web.acknowledged) == VIEWS
    await trio.to_thread.run_sync(leader.start)  # what only its journal has comes now
    await pair.holds_exactly(before | web.acknowledged | players.acknowledged)
    assert parts(leader)["mqtt"] == "standby"
    assert parts(follower)["mqtt"] == "ok"


async def test_the_last_leader_starts_without_a_database_until_another_can_prove_that_it_leads(pair: Pair) -> None:
    last, other = pair.leader_and_follower()
    before = set(await pair.stored_ids())
    for vts in (other, last):
        assert await trio.to_thread.run_sync(vts.terminate) == 0
    url = last.settings.pop("VTS_DATABASE__URL")
    last.settings = last.settings | {"VTS_DATABASE__URL": "postgresql://nobody@127.0.0.1:1/void"}
    await trio.to_thread.run_sync(last.start)
    await becomes(last, "ok")
    alone = await pair.publish(pair.keys[PLAYERS : 2 * PLAYERS])
    await trio.to_thread.run_sync(partial(wait_until, lambda: waiting(last) == PLAYERS))
    await trio.to_thread.run_sync(other.start)
    await becomes(other, "ok")
    await becomes(last, "waiting for the database")
    proven = await pair.publish(pair.keys[2 * PLAYERS :])
    await pair.holds_exactly(before | proven)
    assert (parts(other)["mqtt"], parts(last)["mqtt"]) == ("ok", "waiting for the database")
    assert await trio.to_thread.run_sync(last.terminate) == 0
    last.settings = last.settings | {"VTS_DATABASE__URL": url}
    await trio.to_thread.run_sync(last.start)
    await becomes(last, "standby")
    await pair.holds_exactly(before | proven | alone)


async def becomes(vts: Vts, state: str) -> None:
    await trio.to_thread.run_sync(partial(wait_until, lambda: parts(vts)["mqtt"] == state))
