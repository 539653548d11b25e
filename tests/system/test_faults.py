"""What the process survives: its own death, a frozen database, a start without a database, a stop under load."""

from __future__ import annotations

import json
import signal
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TypeVar

import trio
from trio_websocket import open_websocket_url

from tests.support import load
from tests.support.mosquitto import Mosquitto
from tests.support.process import Vts, running
from tests.support.processes import signal_below
from tests.support.waiting import until, wait_until
from vts.model.faults import StoreUnavailable
from vts.store.session.connection import Connection, Database, asyncpg_loop

T = TypeVar("T")

UNLIMITED = {"VTS_LIMITS__WEB_PER_MINUTE": "0"}  # the generator is one viewer; no limit may hide a loss
COMMAND_S = 1.0
FROZEN_S = 4 * COMMAND_S  # longer than a command may take
EVENTS_HTTP = 6_000
EVENTS_MQTT = 2_000
PLAYERS = 100


async def _connected(database: Database) -> Connection:
    """VTS accepts events before its database has recovered; a question to the database waits for that."""

    async def connect() -> Connection | None:
        try:
            return await database.connect("login")
        except StoreUnavailable:
            return None

    connection = await until(connect, pause_s=0.1)
    assert connection is not None
    return connection


async def ask(vts: Vts, question: Callable[[Connection], Awaitable[T]]) -> T:
    """Ask the process's own database, from outside the process."""
    async with asyncpg_loop():
        connection = await _connected(Database(url=lambda: str(vts.urls["database"])))
        try:
            return await question(connection)
        finally:
            await connection.close()


async def stored_ids(vts: Vts) -> list[str]:
    rows = await ask(vts, lambda connection: connection.fetch("SELECT event_id FROM view_events"))
    return [str(uuid.UUID(bytes=bytes(row[0]))) for row in rows]


async def drained(vts: Vts, expected: int) -> None:
    """Wait until the database holds as many rows as were acknowledged."""

    async def holds() -> bool:
        return await ask(vts, lambda connection: connection.fetchval("SELECT count(*) FROM view_events")) >= expected

    await until(holds, pause_s=0.1)


def answered(ledger: load.Ledger, requests: float) -> bool:
    return len(ledger.latencies_s) >= requests


def compare(ledger: load.Ledger, stored: list[str]) -> None:
    """Assert that every acknowledged event is stored, and none twice."""
    assert len(ledger.acknowledged - set(stored)) == 0, "acknowledged and not stored"
    assert len(stored) == len(set(stored)), "stored twice"


def player_messages(keys: list[str], count: int) -> Iterator[tuple[str, bytes, str]]:
    """Views of players with device clocks, each player's 6 s apart."""
    start = time.time() - 6 * count / len(keys) - 60
    for number in range(count):
        key, name = keys[number % len(keys)], str(uuid.uuid4())
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(start + 6 * (number // len(keys))))
        view = {"post_id": number % 50 + 1, "timestamp": stamp, "intent": "artwork", "event_id": name}
        yield f"makapix/player/{key}/view", json.dumps(view).encode(), name


async def register_players(vts: Vts, keys: list[str]) -> None:
    """Make players known, and wait until the broker keeps what they send."""
    await trio.to_thread.run_sync(partial(wait_until, lambda: _parts(vts).get("mqtt") == "ok"))
    rows = [{"player_key": key, "owner_id": 7} for key in keys]
    token = await trio.to_thread.run_sync(vts.service_token)
    with vts.client(token) as client:
        answer = await trio.to_thread.run_sync(partial(client.post, "/api/players", json=rows))
    assert answer.json() == {"upserted": len(keys)}


def _parts(vts: Vts) -> dict[str, str]:
    with vts.client() as client:
        return dict(client.get("/health/ready").json()["parts"])


async def test_killed_while_events_are_acknowledged_nothing_is_lost_or_doubled(folder: Path) -> None:
    keys = [str(uuid.uuid4()) for _ in range(PLAYERS)]
    ledger, from_players = load.Ledger(), load.Ledger()
    with Mosquitto(folder / "broker") as broker, running(folder, VTS_MQTT__URL=broker.url, **UNLIMITED) as vts:
        await register_players(vts, keys)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(partial(load.send_views, lambda: vts.port, load.views(EVENTS_HTTP), ledger))
            messages = player_messages(keys, EVENTS_MQTT)
            nursery.start_soon(partial(load.publish, broker.port, messages, from_players, client_id="wall"))
            for share in (0.25, 0.6):
                await until(partial(answered, ledger, EVENTS_HTTP * share))
                vts.kill()
                await trio.to_thread.run_sync(vts.start)
        ledger.acknowledged |= from_players.acknowledged
        assert len(from_players.acknowledged) == EVENTS_MQTT
        assert len(ledger.acknowledged) > EVENTS_MQTT + 0.25 * EVENTS_HTTP  # a slow start refuses the rest
        await drained(vts, len(ledger.acknowledged))
        compare(ledger, await stored_ids(vts))


async def test_a_frozen_database_costs_no_acknowledgement_and_no_row(folder: Path) -> None:
    ledger = load.Ledger()
    with running(folder, VTS_DATABASE__COMMAND_TIMEOUT_S=str(COMMAND_S), **UNLIMITED) as vts:
        assert vts.process is not None
        token = await trio.to_thread.run_sync(vts.service_token)
        with vts.client(token) as client:
            await trio.to_thread.run_sync(partial(client.post, "/api/content", json={"post_id": 1, "owner_id": 7}))
            assert signal_below(vts.process.pid, signal.SIGSTOP) > 0
            try:
                with trio.move_on_after(FROZEN_S):
                    async with trio.open_nursery() as nursery:
                        events = load.views(1_000_000)
                        nursery.start_soon(
                            partial(load.send_views, lambda: vts.port, events, ledger, connections=8, pause_s=0.02)
                        )
                        while True:
                            for path in ("/api/post/1/stats", "/api/post/1/count"):
                                answer = await trio.to_thread.run_sync(partial(client.get, path))
                                assert answer.status_code == 503  # the client gives up later than it has to come
            finally:
                signal_below(vts.process.pid, signal.SIGCONT)
        assert not ledger.refused
        assert len(ledger.acknowledged) > 100  # how fast is for the benchmarks to say
        await drained(vts, len(ledger.acknowledged))
        compare(ledger, await stored_ids(vts))


async def test_a_start_without_a_database_takes_views_of_known_contents_and_players(folder: Path) -> None:
    key, credential = str(uuid.uuid4()), "ab" * 32
    with running(folder, VTS_CATALOG__MODE="strict") as vts:
        rows = [{"player_key": key, "owner_id": 7, "credential": credential}]
        with vts.client(vts.service_token()) as client:
            client.post("/api/content", json={"post_id": 42, "owner_id": 8})
            client.post("/api/players", json=rows)
        assert vts.terminate() == 0
        vts.settings["VTS_DATABASE__URL"] = "postgresql://nobody@127.0.0.1:1/void"
        vts.start()
        with vts.client() as client:
            assert client.post("/api/view", json={"post_id": 42}).json()["accepted"] == 1
            assert client.post("/api/view", json={"post_id": 43}).json()["dropped"] == {"not_found": 1}
            view = client.post("/player/events/view", json={"post_id": 42}, auth=(key, credential))
            assert view.json()["accepted"] == 1
            assert "database" in client.get("/health/ready").json()["degraded"]
        assert vts.terminate() == 0
        del vts.settings["VTS_DATABASE__URL"]
        vts.start()
        await drained(vts, 2)
        assert len(await stored_ids(vts)) == 2


async def test_a_stop_under_load_ends_in_time_and_loses_nothing(folder: Path) -> None:
    ledger = load.Ledger()
    with running(folder, **UNLIMITED) as vts:
        token = await trio.to_thread.run_sync(vts.service_token)
        address = vts.http.replace("http", "ws", 1) + "/live"
        async with trio.open_nursery() as nursery:
            for _ in range(20):  # subscribed, and never reading again
                raw = await trio.open_tcp_stream("127.0.0.1", vts.port)
                nursery.start_soon(_subscribe_and_sleep, raw, address, token)
            nursery.start_soon(partial(load.send_views, lambda: vts.port, load.views(1_000_000), ledger))
            await until(lambda: len(ledger.acknowledged) >= 3000)
            started = time.monotonic()
            assert await trio.to_thread.run_sync(vts.terminate) == 0
            assert time.monotonic() - started <= 10
            nursery.cancel_scope.cancel()
        vts.start()
        await drained(vts, len(ledger.acknowledged))
        compare(ledger, await stored_ids(vts))


async def _subscribe_and_sleep(raw: trio.SocketStream, address: str, token: str) -> None:
    upgrade = (
        f"GET /live HTTP/1.1\r\nHost: {address.split('/')[2]}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        f"Authorization: Bearer {token}\r\n\r\n"
    )
    async with raw:
        await raw.send_all(upgrade.encode() + masked_text('{"op":"subscribe","topics":["top","site","post:1"]}'))
        await trio.sleep_forever()


def masked_text(text: str) -> bytes:
    """One client text frame of less than 126 bytes, masked with zeros (RFC 6455, section 5.3)."""
    return bytes((0x81, 0x80 | len(text))) + bytes(4) + text.encode()


async def test_a_player_that_was_away_for_an_hour_delivers_its_queue_at_once(folder: Path) -> None:
    key = str(uuid.uuid4())
    ledger = load.Ledger()
    with Mosquitto(folder / "broker") as broker, running(folder, VTS_MQTT__URL=broker.url) as vts:
        await register_players(vts, [key])
        await load.publish(broker.port, player_messages([key], 600), ledger, client_id="wall")
        await drained(vts, 600)
        compare(ledger, await stored_ids(vts))
        moments = await ask(vts, lambda c: c.fetch("SELECT created_at FROM view_events ORDER BY created_at"))
        assert (moments[-1][0] - moments[0][0]).total_seconds() == 6 * 599


async def test_no_raw_address_is_kept_anywhere(folder: Path) -> None:
    address = "203.0.113.77"
    with running(folder, VTS_HTTP__TRUSTED_PROXIES="127.0.0.0/8") as vts:
        with vts.client() as client:
            for path in ("/api/view", "/api/post/5/view"):
                answer = client.post(path, json={"post_id": 5}, headers={"X-Forwarded-For": address})
                assert answer.status_code == 202
            client.post("/api/view", content=b"{broken", headers={"X-Forwarded-For": address})
            client.get("/api/pixel.gif?post_id=5", headers={"X-Forwarded-For": address})
        wait_until(lambda: vts.client().get("/api/post/5/count").json()["views"] == 3)
        assert vts.terminate() == 0
    kept = [file for file in folder.rglob("*") if file.is_file()]
    assert any(file.name == "journal.sqlite" for file in kept)
    assert not [file for file in kept if address.encode() in file.read_bytes()]


async def test_the_live_socket_closes_with_1001_at_a_stop(vts: Vts) -> None:
    token = await trio.to_thread.run_sync(vts.service_token)
    address = vts.http.replace("http", "ws", 1) + "/live"
    async with open_websocket_url(address, extra_headers=[("Authorization", f"Bearer {token}")]) as socket:
        await socket.send_message(json.dumps({"op": "subscribe", "topics": ["site"]}))
        await socket.get_message()
        assert await trio.to_thread.run_sync(vts.terminate) == 0
        assert socket.closed is not None and socket.closed.code == 1001
