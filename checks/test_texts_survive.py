"""Views of contents and users named by text, through every door, while VTS is killed: no text and no view is lost."""

from __future__ import annotations

import base64
import json
import subprocess
import time
import uuid
from pathlib import Path

from tests.support.folders import open_folder
from tests.support.mosquitto import Mosquitto
from tests.support.ports import free_port
from tests.support.process import BROWSER, Vts, running
from tests.support.waiting import wait_until

KEY, CREDENTIAL = str(uuid.uuid4()), "c" * 43
LOGIN = base64.b64encode(f"{KEY}:{CREDENTIAL}".encode()).decode()
ROUNDS = 4


def publish(port: int, post_id: str, *options: str) -> None:
    """Publish a view as the command line does; returns when it was acknowledged."""
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - int(post_id.rpartition("-")[2])))
    payload = json.dumps({"post_id": post_id, "intent": "artwork", "timestamp": stamp, "playlist_id": "playlist:p"})
    command = ["mosquitto_pub", "-h", "127.0.0.1", "-p", str(port), "-V", "5", "-q", "1", *options]
    subprocess.run([*command, "-t", f"makapix/player/{KEY}/view", "-m", payload], check=True, timeout=60)


def send_all(vts: Vts, direct: int, broker: int, number: int) -> set[str]:
    """Send a view by every door; return the contents that were named."""
    named = {
        door: f"blog:{door}-{(number + 1) * 100 + place}"
        for place, door in enumerate(("view", "path", "pixel", "basic"))
    }
    with vts.client(vts.service_token()) as client:
        body = {"post_id": named["view"], "user_id": f"user-{number}", "playlist_id": "playlist:p"}
        answers = [client.post("/api/view", json=body)]
    with vts.client() as client:
        answers.append(client.post(f"/api/post/{named['path'].replace(':', '%3A')}/view"))
        answers.append(client.get("/api/pixel.gif", params={"post_id": named["pixel"]}))
        login = {"Authorization": f"Basic {LOGIN}"}
        stamp = {"timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 1_000 * (number + 1)))}
        answers.append(client.post("/player/events/view", json={"post_id": named["basic"]} | stamp, headers=login))
    assert {answer.status_code for answer in answers} <= {200, 202}, [answer.text for answer in answers]
    assert all(answer.json() == {"accepted": 1, "dropped": {}} for answer in answers if answer.status_code == 202)
    named["direct"] = f"blog:direct-{(number + 1) * 2_000}"
    publish(direct, named["direct"], "-u", KEY, "-P", CREDENTIAL, "-i", f"device-{number}")
    named["broker"] = f"blog:broker-{(number + 1) * 3_010}"
    publish(broker, named["broker"])
    return set(named.values())


def views_of(vts: Vts, name: str) -> int:
    with vts.client(vts.service_token()) as client:
        answer = client.get(f"/api/post/{name}/stats")
    return int(answer.json()["total_views"]) if answer.status_code == 200 else 0


def test_every_name_is_there_after_kills(folder: Path) -> None:
    direct = free_port()
    names: set[str] = set()
    with open_folder() as at, Mosquitto(at / "broker") as broker:
        settings = {
            "VTS_MQTT__URL": broker.url,
            "VTS_MQTT__LISTEN": f"127.0.0.1:{direct}",
            "VTS_LIMITS__PLAYER_INTERVAL_S": "0",
        }
        with running(folder, **settings) as vts:
            with vts.client(vts.service_token()) as client:
                made = client.post(
                    "/api/players", json={"player_key": KEY, "owner_id": "owner", "credential": CREDENTIAL}
                )
                assert made.status_code == 200, made.text
                client.post("/api/content", json={"post_id": "playlist:p", "kind": "playlist"})
            for number in range(ROUNDS):
                with vts.client() as client:
                    wait_until(lambda: client.get("/health/ready").json()["parts"]["mqtt"] == "ok")
                names |= send_all(vts, direct, broker.port, number)
                vts.kill()
                vts.start()
            wait_until(lambda: all(views_of(vts, name) == 1 for name in names))
            with vts.client(vts.service_token(), agent=BROWSER) as client:
                rows = client.get("/api/export/view_events").json()
    assert len(rows) == len(names) == 6 * ROUNDS
    assert {row["post_ref"] for row in rows} == names
    assert {row["viewer_user_ref"] for row in rows if row["player_key"] is None} >= {f"user-{n}" for n in range(ROUNDS)}
