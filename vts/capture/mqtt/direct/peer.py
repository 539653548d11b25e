"""The server's side of one player's connection as a pure state: bytes in, publications out, answers and acks in.

The counterpart of `broker/session.py`: there VTS is the client of a broker, here a player is the client of VTS.
"""

from __future__ import annotations

from typing import NamedTuple

import mqtt5

from vts.capture.mqtt.direct.client_session import ClientSession
from vts.capture.mqtt.frames import BadPacket, Frames
from vts.capture.mqtt.outgoing import Outgoing
from vts.capture.players.reports import PlayerMessage
from vts.capture.players.topics import Topics
from vts.model.outcome import Reason

DisconnectCode = mqtt5.DisconnectReasonCode
PubAckCode = mqtt5.PubAckReasonCode


class ConnectionEnds(Exception):
    """The connection ends. `reason` is for our DISCONNECT, None when it was the player who left.

    `keeps_will` is False only after an orderly DISCONNECT of the player.
    """

    def __init__(self, reason: mqtt5.DisconnectReasonCode | None, keeps_will: bool = True) -> None:
        super().__init__(reason.name if reason is not None else "the player left")
        self.reason = reason
        self.keeps_will = keeps_will


class Published(NamedTuple):
    """A PUBLISH in the order of arrival: its message, or why its topic is not this player's to write."""

    packet: mqtt5.PublishPacket
    message: PlayerMessage | None
    refusal: Reason | None = None


class Peer:
    """The protocol of one player after its CONNECT was accepted. Every method is synchronous.

    `ended` is set when the connection has to end: what was published before is decided and acknowledged first.
    """

    __slots__ = ("_frames", "_receive_maximum", "_topics", "_unacknowledged", "ended", "outgoing", "session")

    def __init__(
        self,
        session: ClientSession,
        connect: mqtt5.ConnectPacket,
        topics: Topics,
        receive_maximum: int,
        packet_max_bytes: int,
    ) -> None:
        self.session = session
        self.ended: ConnectionEnds | None = None
        self.outgoing = Outgoing()
        self.outgoing.allow(connect.receive_max, connect.max_packet_size)
        self._topics = topics
        self._frames = Frames(packet_max_bytes)
        self._receive_maximum = receive_maximum
        self._unacknowledged = 0

    def receive(self, data: bytes) -> list[Published]:
        """Take bytes of the player; return what it published, in order, until the connection has to end."""
        published: list[Published] = []
        try:
            for packet in self._packets(data):
                if isinstance(packet, mqtt5.PublishPacket):
                    published.append(self._published(packet))
                else:
                    self._control(packet)
            if self.outgoing.overgrown:
                raise ConnectionEnds(DisconnectCode.QUOTA_EXCEEDED)
        except ConnectionEnds as ended:
            self.ended = ended
        return published

    def _packets(self, data: bytes) -> list[mqtt5.Packet]:
        try:
            return self._frames.feed(data)
        except BadPacket as fault:
            self.ended = ConnectionEnds(fault.reason)  # unless one of the packets before it ends the connection
            return fault.before

    def acknowledge(self, packet: mqtt5.PublishPacket, code: mqtt5.PubAckReasonCode) -> None:
        """Add the PUBACK of a publication. Call it in the order of arrival."""
        if packet.packet_id is not None:
            self._unacknowledged -= 1
            self.outgoing.put(mqtt5.PubAckPacket(packet.packet_id, reason_code=code).write())

    def _published(self, packet: mqtt5.PublishPacket) -> Published:
        if packet.qos == mqtt5.QoS.EXACTLY_ONCE:
            raise ConnectionEnds(DisconnectCode.QOS_NOT_SUPPORTED)
        if packet.topic_alias is not None:
            raise ConnectionEnds(DisconnectCode.TOPIC_ALIAS_INVALID)
        if packet.packet_id is not None:
            self._unacknowledged += 1
            if packet.packet_id == 0:
                raise ConnectionEnds(DisconnectCode.PROTOCOL_ERROR)
            if self._unacknowledged > self._receive_maximum:
                raise ConnectionEnds(DisconnectCode.RECEIVE_MAX_EXCEEDED)
        if packet.retain:
            raise ConnectionEnds(DisconnectCode.RETAIN_NOT_SUPPORTED)
        address = self._topics.parse(packet.topic)
        if address is None:
            return Published(packet, None, Reason.INVALID)
        if address.key != self.session.key:
            return Published(packet, None, Reason.IDENTITY_MISMATCH)
        return Published(packet, PlayerMessage(address, packet.payload))

    def _control(self, packet: mqtt5.Packet) -> None:
        match packet:
            case mqtt5.PingReqPacket():
                self.outgoing.put(mqtt5.PingRespPacket().write())
            case mqtt5.PubAckPacket():
                if not self.outgoing.acknowledged(packet.packet_id):
                    raise ConnectionEnds(DisconnectCode.PROTOCOL_ERROR)
            case mqtt5.SubscribePacket():
                self._subscribe(packet)
            case mqtt5.UnsubscribePacket():
                self._unsubscribe(packet)
            case mqtt5.DisconnectPacket():
                self._disconnected(packet)
            case _:
                raise ConnectionEnds(DisconnectCode.PROTOCOL_ERROR)

    def _disconnected(self, packet: mqtt5.DisconnectPacket) -> None:
        if packet.session_expiry_interval is not None:
            if self.session.expiry_s == 0 and packet.session_expiry_interval:
                raise ConnectionEnds(DisconnectCode.PROTOCOL_ERROR)  # MQTT 5, section 3.14.2.2.2
            self.session.expiry_s = packet.session_expiry_interval
        raise ConnectionEnds(None, keeps_will=packet.reason_code != DisconnectCode.NORMAL_DISCONNECTION)

    def _subscribe(self, packet: mqtt5.SubscribePacket) -> None:
        if packet.subscription_id is not None:
            raise ConnectionEnds(DisconnectCode.SUBSCRIPTION_IDS_NOT_SUPPORTED)
        if packet.packet_id == 0 or not packet.topic_filters:
            raise ConnectionEnds(DisconnectCode.PROTOCOL_ERROR)
        codes = [self.session.subscribe(asked, self._topics) for asked in packet.topic_filters]
        self.outgoing.put(mqtt5.SubAckPacket(packet.packet_id, codes).write())

    def _unsubscribe(self, packet: mqtt5.UnsubscribePacket) -> None:
        if packet.packet_id == 0 or not packet.patterns:
            raise ConnectionEnds(DisconnectCode.PROTOCOL_ERROR)
        codes = [self.session.unsubscribe(pattern) for pattern in packet.patterns]
        self.outgoing.put(mqtt5.UnsubAckPacket(packet.packet_id, codes).write())
