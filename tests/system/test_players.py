"""Players through a real broker: both protocol versions, views with and without an answer, unknown players."""

from __future__ import annotations

import json
import subprocess
import time
import uuid
from collections.abc import Iterator

import pytest

from tests.support.folders import open_folder
from tests.support.mosquitto import Mosquitto
from tests.support.process import Vts, running
from tests.support.waiting import wait_until

FRESH_WITHIN_S = 30.0  # how fresh counts are is for the benchmarks to say
KEY, UNKNOWN = str(uuid.uuid4()), str(uuid.uuid4())


@pytest.fixture(scope="module")
def wall() -> Iterator[tuple[Vts, Mosquitto]]:
    """A VTS with a broker, one registered player and two contents, one of them the player's owner's."""
    with (
        open_folder() as folder,
        Mosquitto(folder / "broker") as broker,
        running(folder, VTS_MQTT__URL=broker.url) as vts,
    ):
        with vts.client(vts.service_token()) as client:
            client.post("/api/players", json={"player_key": KEY, "owner_id": 7})
            client.post("/api/content", json=[{"post_id": 1, "owner_id": 8}, {"post_id": 2, "owner_id": 7}])
            wait_until(lambda: client.get("/health/ready").json()["parts"]["mqtt"] == "ok")
        yield vts, broker


def publish(broker: Mosquitto, topic: str, payload: dict[str, object], version: str = "5") -> None:
    """What a player with the command-line client does; returns when the broker has acknowledged."""
    command = ["mosquitto_pub", "-h", "127.0.0.1", "-p", str(broker.port), "-V", version, "-q", "1"]
    subprocess.run([*command, "-t", topic, "-m", json.dumps(payload)], check=True)


def count(vts: Vts, post_id: int) -> int:
    with vts.client() as client:
        return int(client.get(f"/api/post/{post_id}/count").json()["views"])


def counted(vts: Vts, reason: str) -> float:
    with vts.client() as client:
        lines = client.get("/metrics").text.splitlines()
    wanted = f'vts_events_total{{outcome="{reason}",source="player"}}'
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(wanted))


@pytest.mark.parametrize("version", ["mqttv311", "5"])
def test_a_published_view_is_counted_within_a_second(wall: tuple[Vts, Mosquitto], version: str) -> None:
    vts, broker = wall
    before = count(vts, 1)
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - (60 if version == "5" else 120)))
    publish(broker, f"makapix/player/{KEY}/view", {"post_id": 1, "intent": "artwork", "timestamp": stamp}, version)
    wait_until(lambda: count(vts, 1) == before + 1, FRESH_WITHIN_S)


def ask(broker: Mosquitto, payload: dict[str, object]) -> dict[str, object]:
    """Publish a request and return the response that the player hears."""
    request_id = uuid.uuid4().hex
    topic = f"makapix/player/{KEY}"
    command = [
        "stdbuf",
        "-oL",
        "mosquitto_sub",
        "-h",
        "127.0.0.1",
        "-p",
        str(broker.port),
        "-q",
        "1",
        "-C",
        "1",
        "-W",
        "10",
        "-d",
    ]
    with subprocess.Popen([*command, "-t", f"{topic}/response/{request_id}"], stdout=subprocess.PIPE, text=True) as ear:
        assert ear.stdout is not None
        for line in ear.stdout:
            if "Subscribed" in line:
                break
        publish(broker, f"{topic}/request/{request_id}", payload | {"request_id": request_id})
        answer = next(line for line in ear.stdout if line.startswith("{"))
    return dict(json.loads(answer))


def test_a_request_is_answered_and_an_equal_one_succeeds_without_counting_twice(wall: tuple[Vts, Mosquitto]) -> None:
    vts, broker = wall
    before = count(vts, 1)
    view = {"request_type": "submit_view", "player_key": KEY, "post_id": 1, "view_intent": "artwork"}
    assert ask(broker, view)["success"] is True
    assert ask(broker, view)["success"] is True
    with vts.client(vts.service_token()) as client:
        client.post("/api/content", json=[{"post_id": post_id, "owner_id": 8} for post_id in (3, 4)])
    wait_until(lambda: count(vts, 1) == before + 1, FRESH_WITHIN_S)
    accepted = 0
    for _ in range(20):  # on a busy machine five seconds may pass between two of them
        limited = ask(broker, view | {"post_id": 3 + accepted % 2})
        if not limited["success"]:
            break
        accepted += 1
    assert limited["error_code"] == "rate_limited"
    assert 0 < float(str(limited["retry_after"])) <= 5
    wait_until(lambda: count(vts, 3) + count(vts, 4) == accepted, FRESH_WITHIN_S)


def test_what_must_not_count_has_its_own_reason(wall: tuple[Vts, Mosquitto]) -> None:
    vts, broker = wall
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 600))
    publish(broker, f"makapix/player/{UNKNOWN}/view", {"post_id": 1, "timestamp": stamp})
    publish(broker, f"makapix/player/{KEY}/view", {"post_id": 1, "timestamp": stamp, "player_key": UNKNOWN})
    publish(broker, f"makapix/player/{KEY}/view", {"post_id": 2, "timestamp": stamp})
    for reason in ("authentication_failed", "identity_mismatch", "author"):
        wait_until(lambda reason=reason: counted(vts, reason) >= 1, 5)
    assert count(vts, 2) == 0


def test_a_reaction_of_a_player_is_its_owners(wall: tuple[Vts, Mosquitto]) -> None:
    vts, broker = wall
    reaction = {"request_type": "submit_reaction", "player_key": KEY, "post_id": 1, "emoji": "\N{FIRE}"}
    assert ask(broker, reaction)["success"] is True
    assert ask(broker, reaction)["success"] is True
    with vts.client(vts.service_token()) as client:
        stats = client.get("/api/post/1/stats").json()
    assert stats["reactions_by_emoji"] == {"\N{FIRE}": 1}
    assert ask(broker, reaction | {"request_type": "revoke_reaction"})["success"] is True


def test_what_a_player_last_said_is_in_the_list_of_players(wall: tuple[Vts, Mosquitto]) -> None:
    vts, broker = wall
    status = {"player_key": KEY, "status": "online", "current_post_id": 1, "firmware_version": "2.1"}
    publish(broker, f"makapix/player/{KEY}/status", status)
    publish(broker, f"makapix/player/{UNKNOWN}/status", status | {"player_key": UNKNOWN})
    with (
        vts.client(vts.service_token()) as service,
        vts.client(vts.token(7)) as owner,
        vts.client(vts.token(8)) as other,
    ):

        def listed(word: str) -> dict[str, object] | None:
            rows = service.get(f"/api/players?status={word}").json()["players"]
            return next((row for row in rows if row["firmware_version"] == "2.1"), None)  # views have made it online

        row = wait_until(lambda: listed("online"), FRESH_WITHIN_S)
        assert row | {"last_view_at": None} == {
            "player_key": KEY,
            "name": None,
            "owner_id": 7,
            "registered": True,
            "country": None,
            "status": "online",
            "firmware_version": "2.1",
            "current_post_id": 1,
            "online_since": row["online_since"],
            "last_seen_at": row["last_seen_at"],
            "last_view_at": None,
        }
        assert row["online_since"] and row["online_since"] <= row["last_seen_at"]
        assert [one["player_key"] for one in owner.get("/api/players").json()["players"]] == [KEY]
        assert other.get("/api/players").json() == {"players": [], "next_after": None}
        assert other.get("/api/players?owner=7").status_code == 403
        assert vts.client().get("/api/players").status_code == 401
        for field, text in (("after", "x"), ("limit", "0"), ("limit", "1001"), ("status", "away"), ("owner", "")):
            refused = service.get("/api/players", params={field: text})
            assert (refused.status_code, refused.json()["error"].partition(":")[0]) == (400, field)
        header, line = service.get("/api/players?format=csv").text.splitlines()
        assert header.split(",")[:8] == [
            *("player_key", "name", "owner_id", "owner_ref", "registered", "country", "status", "firmware_version")
        ]
        assert line.startswith(f"{KEY},,7,,true,,online,2.1,1,,")
        left = ["mosquitto_sub", "-h", "127.0.0.1", "-p", str(broker.port), "-t", "x", "--will-topic"]
        will = ["--will-payload", '{"status":"offline"}', "--will-qos", "1", "-d"]
        with subprocess.Popen(
            ["stdbuf", "-oL", *left, f"makapix/player/{KEY}/status", *will], stdout=subprocess.PIPE, text=True
        ) as player:
            assert player.stdout is not None
            assert any("SUBACK" in said for said in player.stdout)
            player.kill()
        gone = wait_until(lambda: listed("offline"), FRESH_WITHIN_S)
        assert (gone["current_post_id"], gone["online_since"], gone["last_seen_at"]) == (1, None, row["last_seen_at"])
