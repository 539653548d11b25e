"""Physical players and the host's own server on a broker that VTS shares: what they publish, and what they are told."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import mqtt5
import trio

from tests.capture.mqtt_support import Device
from tests.support.waiting import until

HOST_TYPES = ("query_posts", "get_post", "get_comments", "get_playset", "echo")
OWN_TYPES = ("submit_view", "submit_reaction", "revoke_reaction")
CLOCK_NOT_SET = "1970-01-01T00:00:00Z"
PAUSE_S = 10  # between the views of a player, by its own clock
FIRMWARE = "2.1.0"


def stamp(when: dt.datetime) -> str:
    """A device's time: seconds and a Z."""
    return when.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Player:
    """A player with the messages of its firmware. It keeps what it was answered, also over connections.

    `began` is when it showed its first artwork; every view is `PAUSE_S` later than the one before.
    """

    def __init__(self, port: int, began: dt.datetime, credential: str = "") -> None:
        self.port = port
        self.credential = credential
        self.key = str(uuid.uuid4())
        self.base = f"makapix/player/{self.key}"
        self.acks: list[dict[str, Any]] = []
        self.answers: dict[str, list[dict[str, Any]]] = {}
        self._began = began
        self._shown = 0

    def view(self, post_id: int, **fields: Any) -> dict[str, Any]:
        """The payload of the next view."""
        when = self._began + dt.timedelta(seconds=PAUSE_S * self._shown)
        self._shown += 1
        return {
            "post_id": post_id,
            "timestamp": stamp(when),
            "timezone": "",
            "intent": "channel",
            "play_order": 0,
            "channel": "all",
            "player_key": self.key,
            "request_ack": False,
        } | fields

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[Device]:
        """Connect under the key with the credential, subscribe, and say that it is online, as firmware does."""
        login = {"keep_alive": 60, "username": self.key, "password": self.credential.encode()}
        topics = (f"{self.base}/command", f"{self.base}/response/+", f"{self.base}/view/ack")
        async with Device.at(self.port, self.key, *topics, **login) as device:
            await self.publish(
                device, "status", {"status": "online", "current_post_id": 1, "firmware_version": FIRMWARE}
            )
            try:
                yield device
            finally:
                self._collect(device)

    async def publish(self, device: Device, tail: str, *payloads: dict[str, Any]) -> None:
        """Publish to the player's own topics; returns when the broker has acknowledged."""
        said = [json.dumps({"player_key": self.key} | payload).encode() for payload in payloads]
        await device.publish(f"{self.base}/{tail}", *said)

    async def ask(self, device: Device, request_type: str, request_id: str | None = None, **fields: Any) -> str:
        """Publish a request; returns its id."""
        request_id = request_id or str(uuid.uuid4())
        request = {"request_id": request_id, "request_type": request_type, **fields}
        await self.publish(device, f"request/{request_id}", request)
        return request_id

    async def answered(self, device: Device, *request_ids: str, times: int = 1) -> None:
        """Wait until each request has an answer, or so many."""

        def all_there() -> bool:
            self._collect(device)
            return all(len(self.answers.get(request_id, ())) >= times for request_id in request_ids)

        await until(all_there)

    async def acked(self, device: Device, how_many: int) -> None:
        """Wait until so many views have been answered in all."""

        def all_there() -> bool:
            self._collect(device)
            return len(self.acks) >= how_many

        await until(all_there)

    def _collect(self, device: Device) -> None:
        while device.heard:
            packet = device.heard.popleft()
            content = json.loads(packet.payload)
            if packet.topic == f"{self.base}/view/ack":
                self.acks.append(content)
            else:
                self.answers.setdefault(packet.topic.rpartition("/")[2], []).append(content)


class HostServer:
    """The host's own server: it answers its request types from the same topic, and leaves those of VTS alone."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()

    @asynccontextmanager
    async def serving(self, port: int) -> AsyncIterator[HostServer]:
        """Answer requests until the block ends."""
        async with (
            Device.at(port, "host-server", "makapix/player/+/request/+") as device,
            trio.open_nursery() as nursery,
        ):
            nursery.start_soon(self._answer_all, device)
            yield self
            nursery.cancel_scope.cancel()

    async def _answer_all(self, device: Device) -> None:
        while True:
            await until(lambda: device.heard, within_s=float("inf"))
            await self._answer(device, device.heard.popleft())

    async def _answer(self, device: Device, packet: mqtt5.PublishPacket) -> None:
        *_, key, _, request_id = packet.topic.split("/")
        answer: dict[str, Any]
        try:
            request = json.loads(packet.payload)
        except ValueError:
            self.asked["unreadable"] += 1
            answer = {"success": False, "error": "Invalid JSON", "error_code": "invalid_json"}
        else:
            request_type = request.get("request_type")
            if request_type in OWN_TYPES:
                return
            self.asked[request_type] += 1
            if request_type in HOST_TYPES:
                answer = {"success": True, "posts": [], "next_cursor": None, "has_more": False}
            else:
                answer = {"success": False, "error": "Unknown", "error_code": "unknown_request_type"}
        answer |= {"request_id": request_id, "by": "host"}
        await device.publish(f"makapix/player/{key}/response/{request_id}", json.dumps(answer).encode())


def by_host(answers: list[dict[str, Any]]) -> bool:
    """Whether a request was answered once, by the host's server."""
    return [answer.get("by") for answer in answers] == ["host"]


def by_vts(answers: list[dict[str, Any]], error_code: str | None = None) -> bool:
    """Whether a request was answered once, by VTS: with success, or with this error."""
    return [(answer.get("by"), answer["success"], answer["error_code"]) for answer in answers] == [
        (None, error_code is None, error_code)
    ]
