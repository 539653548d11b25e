"""Which packets one side of a connection may write now, in order, within the Receive Maximum of the other."""

from __future__ import annotations

from collections import deque
from typing import Final

import mqtt5

_PACKET_IDS: Final = 65_535
ANY_SIZE: Final = 2**28  # the protocol's own bound of a packet
QUEUE_MAX: Final = 10_000  # entries; more wait only for a peer that takes its messages and never acknowledges them


class Outgoing:
    """Packets in the order in which they were put; a publication beyond the peer's quota holds back all behind it.

    So an answer always reaches the peer before the acknowledgement of the message that it answers.
    """

    __slots__ = ("_in_flight", "_last_id", "_packet_max_bytes", "_queue", "_quota", "left_out")

    def __init__(self) -> None:
        self._queue: deque[bytes | mqtt5.PublishPacket] = deque()
        self._in_flight: set[int] = set()
        self._last_id = 1
        self._quota = 0
        self._packet_max_bytes = ANY_SIZE
        self.left_out = 0

    def allow(self, receive_max: int, packet_max_bytes: int | None) -> None:
        """Take the peer's bounds; until then publications wait."""
        self._quota = receive_max
        self._packet_max_bytes = packet_max_bytes or ANY_SIZE

    @property
    def overgrown(self) -> bool:
        """Whether the peer has let more pile up than it may."""
        return len(self._queue) > QUEUE_MAX

    def put(self, data: bytes) -> None:
        """Add an encoded packet that is no publication."""
        self._queue.append(data)

    def publish(self, topic: str, payload: bytes, qos: mqtt5.QoS = mqtt5.QoS.AT_LEAST_ONCE) -> None:
        """Add a publication; one larger than the peer takes, or for which there is no room, is left out and counted."""
        if self.overgrown:
            self.left_out += 1
        elif qos == mqtt5.QoS.AT_MOST_ONCE:
            self._queue.append(mqtt5.PublishPacket(topic, payload).write())
        else:
            self._queue.append(mqtt5.PublishPacket(topic, payload, qos=qos, packet_id=1))

    def ready(self) -> bytes:
        """Take what may be written now."""
        ready = []
        while self._queue:
            head = self._queue[0]
            if isinstance(head, mqtt5.PublishPacket):
                if self._quota == 0:
                    break
                head = self._numbered(head)
            ready.append(head)
            self._queue.popleft()
        return b"".join(ready)

    def acknowledged(self, packet_id: int) -> bool:
        """Note a PUBACK of the peer. False when nothing went out under this id."""
        if packet_id not in self._in_flight:
            return False
        self._in_flight.remove(packet_id)
        self._quota += 1
        return True

    def _numbered(self, packet: mqtt5.PublishPacket) -> bytes:
        packet_id = self._last_id
        while True:
            packet_id = packet_id % _PACKET_IDS + 1
            if packet_id not in self._in_flight:
                break
        data = mqtt5.PublishPacket(packet.topic, packet.payload, qos=packet.qos, packet_id=packet_id).write()
        if len(data) > self._packet_max_bytes:
            self.left_out += 1
            return b""
        self._last_id = packet_id
        self._in_flight.add(packet_id)
        self._quota -= 1
        return data
