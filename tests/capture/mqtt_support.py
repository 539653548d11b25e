"""What the MQTT tests share: a player, a gate and journal that keep their interface's promises, a real Mosquitto."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import mqtt5
import trio

from tests.capture.fake_catalog import FakeCatalog
from tests.support.waiting import until
from vts.auth.credentials import credential_hash
from vts.capture.mqtt.broker.address import broker_of
from vts.capture.mqtt.broker.session import SessionOptions
from vts.capture.mqtt.broker.subscriber import MqttSubscriber
from vts.capture.players.reactions import PlayerReactions
from vts.capture.players.reports import PlayerReports
from vts.capture.players.topics import Topics
from vts.capture.players.views import PlayerViews
from vts.enrich.country import Countries
from vts.enrich.enrich import Enricher
from vts.enrich.timezones import TimeZones
from vts.enrich.viewer import ViewerKeys
from vts.model.content import Content, Player
from vts.model.outcome import ACCEPTED, Outcome, Reason, Refused
from vts.model.presence import Presence, Status
from vts.model.reaction import Reaction
from vts.model.view import Report

KEY = "6fa459ea-ee8a-3ca4-894e-db77e160355e"
OTHER = "16fd2706-8baf-433b-82eb-8c7fada847da"
REVOKED = "7d444840-9dc0-11d1-b245-5ffdce74fad2"
CREDENTIAL = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"  # 256 bits
_ZONES = TimeZones()


def view(post_id: int = 192, at: int = 0, **fields: Any) -> bytes:
    """A view payload; views with different `at` are 10 s apart."""
    when = dt.datetime.now(dt.UTC).replace(microsecond=0) - dt.timedelta(hours=1) + dt.timedelta(seconds=10 * at)
    said = {"post_id": post_id, "timestamp": when.isoformat().replace("+00:00", "Z"), "timezone": "", **fields}
    return json.dumps(said).encode()


class FakeAdmission:
    """Accepts what its script does not refuse; a report of known player, post and device time is a duplicate."""

    def __init__(self) -> None:
        self.journal: list[Report] = []
        self.batches: list[int] = []
        self.waiting = 0  # submissions that the gate holds
        self.judge: Callable[[Report], Refused | None] = lambda report: None
        self.gate: Callable[[], Any] | None = None
        self._known: set[object] = set()

    def __len__(self) -> int:
        return len(self.journal)

    async def submit(self, reports: Sequence[Report]) -> list[Outcome]:
        if self.gate is not None:
            self.waiting += 1
            await self.gate()
            self.waiting -= 1
        await trio.lowlevel.checkpoint()
        self.batches.append(len(reports))
        return [self._decide(report) for report in reports]

    def _decide(self, report: Report) -> Outcome:
        if (refused := self.judge(report)) is not None:
            return refused
        identity = report.event_id or (report.player_key, report.post_id, report.device_time_us)
        if identity in self._known:
            return Refused(Reason.DUPLICATE)
        self._known.add(identity)
        self.journal.append(report)
        return ACCEPTED


def catalog_of_players() -> FakeCatalog:
    """KEY of owner 7 in Brazil, OTHER without an owner and a credential, REVOKED; content 192 of owner 9."""
    return FakeCatalog(
        players={
            UUID(KEY).bytes: Player(7, True, "BR", credential_hash(CREDENTIAL)),
            UUID(OTHER).bytes: Player(None, True),
            UUID(REVOKED).bytes: Player(7, False, None, credential_hash(CREDENTIAL)),
        },
        contents={192: Content(9, "artwork", False, False, False), 13: Content(9, "artwork", False, True, False)},
    )


class HeardPresence(Presence):
    """Keeps every status message, too."""

    def __init__(self) -> None:
        super().__init__()
        self.statuses: list[tuple[bytes, Status]] = []

    def said(self, player_key: bytes, status: Status, now_us: int) -> None:
        self.statuses.append((player_key, status))
        super().said(player_key, status, now_us)


class PlayerDoors:
    """Everything behind the doors, and what it has seen."""

    def __init__(self, prefix: str = "makapix") -> None:
        self.topics = Topics(prefix)
        self.admission = FakeAdmission()
        self.catalog = catalog_of_players()
        self.counts: Counter[str] = Counter()
        self.reactions: list[Reaction] = []
        self.presence = HeardPresence()
        self.react: Callable[[Reaction], Any] = lambda reaction: None
        enricher = Enricher(keys=ViewerKeys(bytes(32)), countries=Countries(None), zones=_ZONES)
        self.reports = PlayerReports(
            topics=self.topics,
            views=PlayerViews(
                enricher=enricher,
                catalog=self.catalog,
                count=self._count,
                on_refused=lambda source, reason, detail: self._count(source, reason, 1),
            ),
            reactions=PlayerReactions(catalog=self.catalog, react=self._react, count=self._count),
            catalog=self.catalog,
            admission=self.admission,
            presence=self.presence,
            count=self._count,
            clock=lambda: time.time_ns() // 1000,
        )

    def _count(self, source: str, outcome: str, how_many: int) -> None:
        self.counts.update({outcome: how_many})

    async def _react(self, reaction: Reaction) -> None:
        await trio.lowlevel.checkpoint()
        if (waiting := self.react(reaction)) is not None:
            await waiting
        self.reactions.append(reaction)

    def options(self, url: str = "mqtt://127.0.0.1", **changes: Any) -> SessionOptions:
        broker = broker_of(url)
        said: dict[str, Any] = {
            "client_id": "vts-test",
            "username": broker.username,
            "password": broker.password,
            "filters": self.topics.filters,
            "keep_alive_s": 20,
            "session_expiry_s": 86_400,
            "receive_maximum": 1_000,
            "packet_max_bytes": 65_536,
        }
        return SessionOptions(**(said | changes))

    def subscriber(self, url: str, ca_file: str = "", **changes: Any) -> MqttSubscriber:
        return MqttSubscriber(broker_of(url, ca_file).dial, self.options(url, **changes), self.reports)

    @asynccontextmanager
    async def serving(self, url: str, ca_file: str = "", **changes: Any) -> AsyncIterator[MqttSubscriber]:
        """Run a subscriber until the block ends, then stop it in order."""
        subscriber = self.subscriber(url, ca_file, **changes)
        async with trio.open_nursery() as nursery:
            await nursery.start(subscriber.run)
            await until(lambda: subscriber.connected)
            yield subscriber
            subscriber.stop()


class Device:
    """A player that speaks MQTT 5: publishes with QoS 1, and keeps what it hears."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self.stream = stream
        self.heard: deque[mqtt5.PublishPacket] = deque()
        self.packets: list[mqtt5.Packet] = []
        self.acked: dict[int, mqtt5.PubAckReasonCode] = {}
        self._next_id = 1
        self._rest = b""
        self._writing = trio.Lock()

    @classmethod
    @asynccontextmanager
    async def at(cls, port: int, client_id: str = "device", *topics: str, **connect: Any) -> AsyncIterator[Device]:
        """Connect, subscribe to `topics`, and listen until the block ends."""
        stream = await trio.open_tcp_stream("127.0.0.1", port)
        device = cls(stream)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(device.listen)
            await device.send(mqtt5.ConnectPacket(client_id, **({"clean_start": True} | connect)))
            await device.have(mqtt5.ConnAckPacket)
            if topics:
                filters = [mqtt5.TopicFilter(topic, max_qos=mqtt5.QoS.AT_LEAST_ONCE) for topic in topics]
                await device.send(mqtt5.SubscribePacket(1, filters))
                await device.have(mqtt5.SubAckPacket)
            yield device
            nursery.cancel_scope.cancel()
        await trio.aclose_forcefully(stream)

    async def send(self, packet: mqtt5.Packet) -> None:
        async with self._writing:
            await self.stream.send_all(packet.write())

    def count(self, kind: type) -> int:
        return sum(isinstance(packet, kind) for packet in self.packets)

    async def have(self, kind: type) -> Any:
        await until(lambda: self.count(kind))
        return next(packet for packet in self.packets if isinstance(packet, kind))

    async def publish(self, topic: str, *payloads: bytes, retain: bool = False) -> list[int]:
        """Publish in one go, wait for every PUBACK."""
        ids = []
        data = b""
        for payload in payloads:
            ids.append(self._next_id)
            packet = mqtt5.PublishPacket(
                topic, payload, qos=mqtt5.QoS.AT_LEAST_ONCE, packet_id=self._next_id, retain=retain
            )
            data += packet.write()
            self._next_id = self._next_id % 65535 + 1
        async with self._writing:
            await self.stream.send_all(data)
        await until(lambda: all(packet_id in self.acked for packet_id in ids))
        return ids

    async def hear(self) -> tuple[str, Any]:
        await until(lambda: self.heard)
        packet = self.heard.popleft()
        return packet.topic, json.loads(packet.payload)

    async def listen(self) -> None:
        try:
            while data := await self.stream.receive_some(65536):
                self._rest += bytes(data)
                while self._rest:
                    try:
                        packet, size = mqtt5.read(memoryview(self._rest))
                    except IndexError:
                        break
                    self._rest = self._rest[size:]
                    await self._take(packet)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass

    async def _take(self, packet: mqtt5.Packet) -> None:
        self.packets.append(packet)
        if isinstance(packet, mqtt5.PublishPacket):
            self.heard.append(packet)
            if packet.packet_id is not None:
                await self.send(mqtt5.PubAckPacket(packet.packet_id))
        elif isinstance(packet, mqtt5.PubAckPacket):
            self.acked[packet.packet_id] = packet.reason_code


async def mosquitto_pub(port: int, topic: str, payload: bytes, *options: str) -> subprocess.CompletedProcess[bytes]:
    """Publish one message with QoS 1 as the command line does; returns when the broker has acknowledged."""
    command = ["mosquitto_pub", "-h", "127.0.0.1", "-p", str(port), "-q", "1", "-t", topic, "-s", *options]
    return await trio.run_process(command, stdin=payload, capture_stdout=True, capture_stderr=True, check=False)
