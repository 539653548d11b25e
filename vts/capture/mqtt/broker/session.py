"""One connection to a broker as a pure protocol state: bytes in, arrivals out; answers and acks in, bytes out.

Everything here dies with its connection, so an acknowledgement cannot reach another one. What is written keeps the
order in which `answer` and `acknowledge` were called: an answer is always with the broker before the message that
asked for it is acknowledged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import mqtt5

from vts.capture.mqtt.frames import BadPacket, Frames
from vts.capture.mqtt.outgoing import Outgoing
from vts.model.faults import Outage

_SUBSCRIBE_ID: Final = 1
# Mosquitto 2.0 sends several messages for each acknowledgement of a queue that waited, and all that is in flight again
# when the session resumes. Closing the connection, which the standard would allow, meets the same overrun at every new
# connection and never gets a message. More messages than there are packet ids is a fault of any broker.
IN_FLIGHT_MAX: Final = 65_535
_V3_CONNACK: Final = b"\x20\x02\x00"  # how a broker of MQTT 3 refuses our version
_ERRORS_FROM: Final = 0x80


class ConnectionLost(Outage):
    """The broker went away, refused us, or did not keep to the protocol: connect anew."""


class TakenOver(ConnectionLost):
    """Another connection has the session now: the same client id connected elsewhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionOptions:
    """The fields of CONNECT and SUBSCRIBE."""

    client_id: str
    username: str | None
    password: bytes | None
    filters: Sequence[str]
    keep_alive_s: int
    session_expiry_s: int
    receive_maximum: int
    packet_max_bytes: int


class Session:
    """Client side of one MQTT 5 connection. Every method is synchronous; faults are `ConnectionLost`."""

    def __init__(self, options: SessionOptions) -> None:
        self._options = options
        self._frames = Frames(options.packet_max_bytes)
        self._outgoing = Outgoing()
        self._unacknowledged = 0
        self.connected = False
        self.subscribed = False
        self.session_present = False
        self.keep_alive_s = options.keep_alive_s
        self._refused = 0

    def connect(self) -> None:
        """Open: a session that the broker keeps while we are away."""
        options = self._options
        packet = mqtt5.ConnectPacket(
            options.client_id,
            username=options.username,
            password=options.password,
            clean_start=False,
            keep_alive=options.keep_alive_s,
            session_expiry_interval=options.session_expiry_s,
            receive_max=options.receive_maximum,
            topic_alias_max=0,
            max_packet_size=options.packet_max_bytes,
        )
        self._outgoing.put(packet.write())

    def ping(self) -> None:
        """Send a PINGREQ."""
        self._outgoing.put(mqtt5.PingReqPacket().write())

    def leave(self) -> None:
        """Send a DISCONNECT; the broker keeps the session for its expiry."""
        self._outgoing.put(mqtt5.DisconnectPacket().write())

    def answer(self, topic: str, payload: bytes) -> None:
        """Publish with QoS 1, as soon as the broker's Receive Maximum lets it."""
        self._outgoing.publish(topic, payload)

    def acknowledge(self, packet: mqtt5.PublishPacket) -> None:
        """Add the PUBACK of a message that is durable. Call it in the order of arrival."""
        if packet.packet_id is not None:
            self._unacknowledged -= 1
            self._outgoing.put(mqtt5.PubAckPacket(packet.packet_id).write())

    @property
    def answers_refused(self) -> int:
        """How many answers the broker would not take."""
        return self._refused + self._outgoing.left_out

    def receive(self, data: bytes) -> list[mqtt5.PublishPacket]:
        """Take bytes of the broker; return the messages that arrived whole, in order. Raises ConnectionLost."""
        if not self.connected and data.startswith(_V3_CONNACK):
            raise ConnectionLost("the broker does not speak MQTT 5")
        try:
            packets = self._frames.feed(data)
        except BadPacket as fault:
            raise ConnectionLost(f"the broker sent {fault}") from None
        messages = []
        for packet in packets:
            if isinstance(packet, mqtt5.PublishPacket):
                self._check(packet)
                messages.append(packet)
            else:
                self._control(packet)
        return messages

    def outgoing(self) -> bytes:
        """Return what may be written now; an answer beyond the broker's quota holds back all that follows it."""
        return self._outgoing.ready()

    def _control(self, packet: mqtt5.Packet) -> None:
        match packet:
            case mqtt5.PubAckPacket():
                self._answered(packet)
            case mqtt5.PingRespPacket():
                pass
            case mqtt5.ConnAckPacket():
                self._connected(packet)
            case mqtt5.SubAckPacket():
                self._subscribed(packet)
            case mqtt5.DisconnectPacket(reason_code=mqtt5.DisconnectReasonCode.SESSION_TAKEN_OVER):
                raise TakenOver(f"the broker disconnected us: {packet.reason_code.name}")
            case mqtt5.DisconnectPacket():
                raise ConnectionLost(f"the broker disconnected us: {packet.reason_code.name}")
            case _:
                raise ConnectionLost(f"the broker sent {type(packet).__name__}, which nothing asked for")

    def _check(self, packet: mqtt5.PublishPacket) -> None:
        if not self.connected:
            raise ConnectionLost("the broker sent a message before CONNACK")
        if packet.topic_alias is not None:
            raise ConnectionLost("the broker used a topic alias, though none is allowed")
        if packet.qos == mqtt5.QoS.EXACTLY_ONCE:
            raise ConnectionLost("the broker sent QoS 2, though QoS 1 was subscribed")
        if packet.packet_id is not None:
            self._unacknowledged += 1
            if self._unacknowledged > IN_FLIGHT_MAX:
                raise ConnectionLost("the broker exceeded any Receive Maximum")

    def _connected(self, packet: mqtt5.ConnAckPacket) -> None:
        if self.connected:
            raise ConnectionLost("the broker sent CONNACK twice")
        if packet.reason_code.value >= _ERRORS_FROM:
            raise ConnectionLost(f"the broker refused the connection: {packet.reason_code.name}")
        self.connected = True
        self.session_present = packet.session_present
        self.keep_alive_s = packet.server_keep_alive or self.keep_alive_s
        self._outgoing.allow(packet.receive_max, packet.max_packet_size)
        self._subscribe()

    def _subscribe(self) -> None:
        """Subscribe on every connection, so that changed filters take hold; the stored retained messages come once."""
        filters = [
            mqtt5.TopicFilter(
                pattern,
                max_qos=mqtt5.QoS.AT_LEAST_ONCE,
                retain_as_published=True,
                retain_handling=mqtt5.RetainHandling.SEND_IF_SUBSCRIPTION_NOT_EXISTS,
            )
            for pattern in self._options.filters
        ]
        self._outgoing.put(mqtt5.SubscribePacket(_SUBSCRIBE_ID, filters).write())

    def _subscribed(self, packet: mqtt5.SubAckPacket) -> None:
        refused = [
            f"{pattern}: {code.name}"
            for pattern, code in zip(self._options.filters, packet.reason_codes, strict=False)
            if code.value >= _ERRORS_FROM
        ]
        if refused:
            raise ConnectionLost(f"the broker refused a subscription: {', '.join(refused)}")
        self.subscribed = True

    def _answered(self, packet: mqtt5.PubAckPacket) -> None:
        if not self._outgoing.acknowledged(packet.packet_id):
            raise ConnectionLost("the broker acknowledged what was never sent")
        if packet.reason_code.value >= _ERRORS_FROM:
            self._refused += 1
