"""A small honest MQTT 5 broker: persistent sessions, QoS 1, retained messages, Receive Maximum.

It passes the same stories as Mosquitto (test_mqtt_stories.py), and it shows what Mosquitto hides: the order of
acknowledgements, and on which connection each came.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import mqtt5
import trio


@dataclass
class Stored:
    """What the broker keeps of one client."""

    filters: dict[str, mqtt5.TopicFilter] = field(default_factory=dict)
    queue: deque[mqtt5.PublishPacket] = field(default_factory=deque)
    in_flight: dict[int, mqtt5.PublishPacket] = field(default_factory=dict)
    next_id: int = 1
    connection: Connection | None = None


@dataclass(eq=False)
class Connection:
    """One accepted client."""

    stream: trio.abc.Stream
    connect: mqtt5.ConnectPacket
    outbox: trio.MemorySendChannel[bytes]
    sent_ids: list[int] = field(default_factory=list)
    acked_ids: list[int] = field(default_factory=list)

    def write(self, packet: mqtt5.Packet) -> None:
        self.outbox.send_nowait(packet.write())


def matches(pattern: str, topic: str) -> bool:
    levels, parts = pattern.split("/"), topic.split("/")
    for i, level in enumerate(levels):
        if level == "#":
            return True
        if i >= len(parts) or level not in ("+", parts[i]):
            return False
    return len(levels) == len(parts)


class FakeBroker:
    """Serves streams that are handed to `serve`, or a TCP port after `listen`."""

    def __init__(self, *, receive_max: int = 65535, in_flight_max: int = 1000) -> None:
        self.receive_max = receive_max
        self.in_flight_max = in_flight_max
        self.sessions: dict[str, Stored] = {}
        self.retained: dict[str, mqtt5.PublishPacket] = {}
        self.connections: list[Connection] = []

    async def listen(self, *, task_status: trio.TaskStatus[int]) -> None:
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        port = listeners[0].socket.getsockname()[1]
        async with trio.open_nursery() as nursery:
            await nursery.start(trio.serve_listeners, self.serve, listeners)
            task_status.started(port)
            await trio.sleep_forever()

    async def serve(self, stream: trio.abc.Stream) -> None:
        outbox, to_write = trio.open_memory_channel[bytes](10**6)
        connections: list[Connection] = []
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._write, stream, to_write)
                await self._read(stream, outbox, connections)
                nursery.cancel_scope.cancel()
        except* (trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        finally:
            for connection in connections:
                self._gone(connection)
            await trio.aclose_forcefully(stream)

    async def _write(self, stream: trio.abc.Stream, to_write: trio.MemoryReceiveChannel[bytes]) -> None:
        async for data in to_write:
            await stream.send_all(data)

    async def _read(
        self, stream: trio.abc.Stream, outbox: trio.MemorySendChannel[bytes], connections: list[Connection]
    ) -> None:
        rest = b""
        while data := await stream.receive_some(65536):
            rest += bytes(data)
            while True:
                try:
                    packet, size = mqtt5.read(memoryview(rest))
                except IndexError:
                    break
                rest = rest[size:]
                if isinstance(packet, mqtt5.ConnectPacket):
                    connections.append(self._connect(Connection(stream, packet, outbox)))
                elif isinstance(packet, mqtt5.DisconnectPacket):
                    return
                else:
                    self._take(connections[0], packet)

    def _gone(self, connection: Connection) -> None:
        stored = self.sessions.get(connection.connect.client_id)
        if stored is not None and stored.connection is connection:
            stored.connection = None
            if connection.connect.session_expiry_interval == 0:
                del self.sessions[connection.connect.client_id]

    async def cut(self) -> None:
        """Drop every connection, as a cut cable does."""
        for stored in self.sessions.values():
            if stored.connection is not None:
                await trio.aclose_forcefully(stored.connection.stream)

    def _connect(self, connection: Connection) -> Connection:
        packet = connection.connect
        present = packet.client_id in self.sessions and not packet.clean_start
        stored = self.sessions[packet.client_id] if present else Stored()
        self.sessions[packet.client_id] = stored
        stored.connection = connection
        self.connections.append(connection)
        connection.write(mqtt5.ConnAckPacket(session_present=present, receive_max=self.receive_max))
        again, stored.in_flight = stored.in_flight, {}
        for packet_id, message in again.items():
            self._send(stored, message, packet_id, duplicate=True)
        self._pump(stored)
        return connection

    def _take(self, connection: Connection, packet: mqtt5.Packet) -> None:
        stored = self.sessions[connection.connect.client_id]
        match packet:
            case mqtt5.SubscribePacket():
                self._subscribe(connection, stored, packet)
            case mqtt5.PublishPacket():
                if packet.packet_id is not None:
                    connection.write(mqtt5.PubAckPacket(packet.packet_id))
                self.publish(packet)
            case mqtt5.PubAckPacket():
                assert packet.packet_id in stored.in_flight, "acknowledged what was not sent on this connection"
                del stored.in_flight[packet.packet_id]
                connection.acked_ids.append(packet.packet_id)
                self._pump(stored)
            case mqtt5.PingReqPacket():
                connection.write(mqtt5.PingRespPacket())

    def _subscribe(self, connection: Connection, stored: Stored, packet: mqtt5.SubscribePacket) -> None:
        fresh = [asked for asked in packet.topic_filters if asked.pattern not in stored.filters]
        for asked in packet.topic_filters:
            stored.filters[asked.pattern] = asked
        codes = [mqtt5.SubAckReasonCode.GRANTED_QOS_AT_LEAST_ONCE] * len(packet.topic_filters)
        connection.write(mqtt5.SubAckPacket(packet.packet_id, codes))
        for asked in fresh:
            for topic, message in self.retained.items():
                if matches(asked.pattern, topic):
                    stored.queue.append(message)
        self._pump(stored)

    def publish(self, packet: mqtt5.PublishPacket) -> None:
        """Route a message to everybody who subscribed."""
        if packet.retain:
            self.retained[packet.topic] = packet
        for stored in list(self.sessions.values()):
            if any(matches(pattern, packet.topic) for pattern in stored.filters):
                stored.queue.append(packet)
                self._pump(stored)

    def _pump(self, stored: Stored) -> None:
        while stored.connection and stored.queue and len(stored.in_flight) < self._window(stored):
            packet_id = stored.next_id
            stored.next_id = packet_id % 65535 + 1
            self._send(stored, stored.queue.popleft(), packet_id, duplicate=False)

    def _window(self, stored: Stored) -> int:
        assert stored.connection is not None
        return min(self.in_flight_max, stored.connection.connect.receive_max)

    def _send(self, stored: Stored, message: mqtt5.PublishPacket, packet_id: int, *, duplicate: bool) -> None:
        assert stored.connection is not None
        stored.in_flight[packet_id] = message
        stored.connection.sent_ids.append(packet_id)
        packet = mqtt5.PublishPacket(
            message.topic,
            message.payload,
            qos=mqtt5.QoS.AT_LEAST_ONCE,
            packet_id=packet_id,
            retain=message.retain,
            duplicate=duplicate,
        )
        stored.connection.write(packet)
