"""The server's side of one player's connection as a pure state: bytes in, publications out, answers and acks in.

The counterpart of `mqtt_session`: there VTS is the client of a broker, here a player is the client of VTS.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import mqtt5

from vts.capture.mqtt.frames import BadPacket, Frames
from vts.capture.mqtt.outgoing import Outgoing
from vts.capture.players.reports import PlayerMessage
from vts.capture.players.topics import Topics, parse_key
from vts.model.outcome import Reason

FILTERS_MAX: Final = 16  # a player needs three
_PLAIN_TAILS: Final = ("view/ack", "command")

Gone = mqtt5.DisconnectReasonCode
PubAck = mqtt5.PubAckReasonCode
SubAck = mqtt5.SubAckReasonCode
Filters = dict[str, mqtt5.QoS]


class Goodbye(Exception):
    """The connection ends. `reason` is what we tell the player, None when it was the player who left.

    `keeps_will` is False only after a player's orderly goodbye.
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
    """One player after its CONNECT was accepted. Every method is synchronous.

    `goodbye` is set when the connection has to end: what was published before that is decided and acknowledged first.
    """

    __slots__ = (
        "_frames", "_receive_maximum", "_topics", "_unacknowledged", "client_id", "filters", "goodbye", "key",
        "outgoing", "session_expiry_s", "will",
    )  # fmt: skip

    def __init__(
        self, key: bytes, connect: mqtt5.ConnectPacket, topics: Topics, receive_maximum: int, packet_max_bytes: int
    ) -> None:
        self.key = key
        self.client_id = connect.client_id
        self.will = connect.will
        self.session_expiry_s = connect.session_expiry_interval
        self.filters: Filters = {}
        self.goodbye: Goodbye | None = None
        self.outgoing = Outgoing()
        self.outgoing.allow(connect.receive_max, connect.max_packet_size)
        self._topics = topics
        self._frames = Frames(packet_max_bytes)
        self._receive_maximum = receive_maximum
        self._unacknowledged = 0

    def receive(self, data: bytes) -> list[Published]:
        """Take bytes of the player; return what it published, in order, up to its `goodbye` if that is among them."""
        published: list[Published] = []
        try:
            self._take(self._packets(data), published)
        except Goodbye as goodbye:
            self.goodbye = goodbye
        return published

    def _packets(self, data: bytes) -> list[mqtt5.Packet]:
        try:
            return self._frames.feed(data)
        except BadPacket as fault:
            self.goodbye = Goodbye(fault.reason)  # unless one of the packets before it ends the connection
            return fault.before

    def _take(self, packets: list[mqtt5.Packet], published: list[Published]) -> None:
        for packet in packets:
            if isinstance(packet, mqtt5.PublishPacket):
                published.append(self._published(packet))
            else:
                self._control(packet)
        if self.outgoing.overgrown:
            raise Goodbye(Gone.QUOTA_EXCEEDED)

    def acknowledge(self, packet: mqtt5.PublishPacket, code: mqtt5.PubAckReasonCode) -> None:
        """Tell the player what became of a publication. Call it in the order of arrival."""
        if packet.packet_id is not None:
            self._unacknowledged -= 1
            self.outgoing.put(mqtt5.PubAckPacket(packet.packet_id, reason_code=code).write())

    def hears(self, topic: str) -> mqtt5.QoS | None:
        """Return with which QoS this player wants a topic, None when it does not."""
        for pattern, qos in self.filters.items():
            if pattern == topic or (pattern[-1] in "#+" and topic.startswith(pattern[:-1])):
                return qos
        return None

    def _published(self, packet: mqtt5.PublishPacket) -> Published:
        if packet.qos == mqtt5.QoS.EXACTLY_ONCE:
            raise Goodbye(Gone.QOS_NOT_SUPPORTED)
        if packet.topic_alias is not None:
            raise Goodbye(Gone.TOPIC_ALIAS_INVALID)
        if packet.packet_id is not None:
            self._unacknowledged += 1
            if packet.packet_id == 0:
                raise Goodbye(Gone.PROTOCOL_ERROR)
            if self._unacknowledged > self._receive_maximum:
                raise Goodbye(Gone.RECEIVE_MAX_EXCEEDED)
        if packet.retain:
            raise Goodbye(Gone.RETAIN_NOT_SUPPORTED)
        address = self._topics.parse(packet.topic)
        if address is None:
            return Published(packet, None, Reason.INVALID)
        if address.key != self.key:
            return Published(packet, None, Reason.IDENTITY_MISMATCH)
        return Published(packet, PlayerMessage(address, packet.payload))

    def _control(self, packet: mqtt5.Packet) -> None:
        match packet:
            case mqtt5.PingReqPacket():
                self.outgoing.put(mqtt5.PingRespPacket().write())
            case mqtt5.PubAckPacket():
                if not self.outgoing.acknowledged(packet.packet_id):
                    raise Goodbye(Gone.PROTOCOL_ERROR)
            case mqtt5.SubscribePacket():
                self._subscribe(packet)
            case mqtt5.UnsubscribePacket():
                self._unsubscribe(packet)
            case mqtt5.DisconnectPacket():
                self._leave(packet)
            case _:
                raise Goodbye(Gone.PROTOCOL_ERROR)

    def _leave(self, packet: mqtt5.DisconnectPacket) -> None:
        if packet.session_expiry_interval is not None:
            if self.session_expiry_s == 0 and packet.session_expiry_interval:
                raise Goodbye(Gone.PROTOCOL_ERROR)  # MQTT 5, section 3.14.2.2.2
            self.session_expiry_s = packet.session_expiry_interval
        raise Goodbye(None, keeps_will=packet.reason_code != Gone.NORMAL_DISCONNECTION)

    def _subscribe(self, packet: mqtt5.SubscribePacket) -> None:
        if packet.subscription_id is not None:
            raise Goodbye(Gone.SUBSCRIPTION_IDS_NOT_SUPPORTED)
        if packet.packet_id == 0 or not packet.topic_filters:
            raise Goodbye(Gone.PROTOCOL_ERROR)
        codes = [self._grant(asked) for asked in packet.topic_filters]
        self.outgoing.put(mqtt5.SubAckPacket(packet.packet_id, codes).write())

    def _grant(self, asked: mqtt5.TopicFilter) -> mqtt5.SubAckReasonCode:
        if asked.pattern.startswith("$share/"):
            return SubAck.SHARED_SUBSCRIPTIONS_NOT_SUPPORTED
        if not is_filter(asked.pattern):
            return SubAck.TOPIC_FILTER_INVALID
        if not self._is_own(asked.pattern):
            return SubAck.NOT_AUTHORIZED
        if len(self.filters) >= FILTERS_MAX and asked.pattern not in self.filters:
            return SubAck.QUOTA_EXCEEDED
        if asked.max_qos == mqtt5.QoS.AT_MOST_ONCE:
            self.filters[asked.pattern] = mqtt5.QoS.AT_MOST_ONCE
            return SubAck.GRANTED_QOS_AT_MOST_ONCE
        self.filters[asked.pattern] = mqtt5.QoS.AT_LEAST_ONCE
        return SubAck.GRANTED_QOS_AT_LEAST_ONCE

    def _is_own(self, pattern: str) -> bool:
        """Whether a filter stays within the answers and commands of this player."""
        own = self._topics.split(pattern)
        if own is None or parse_key(own[0]) != self.key:
            return False
        tail = own[1]
        return tail in _PLAIN_TAILS or (tail.startswith("response/") and tail.count("/") == 1)

    def _unsubscribe(self, packet: mqtt5.UnsubscribePacket) -> None:
        if packet.packet_id == 0 or not packet.patterns:
            raise Goodbye(Gone.PROTOCOL_ERROR)
        codes = [
            mqtt5.UnsubAckReasonCode.SUCCESS
            if self.filters.pop(pattern, None) is not None
            else mqtt5.UnsubAckReasonCode.NO_SUBSCRIPTION_EXISTED
            for pattern in packet.patterns
        ]
        self.outgoing.put(mqtt5.UnsubAckPacket(packet.packet_id, codes).write())


def is_filter(pattern: str) -> bool:
    """Whether a text is a topic filter at all (MQTT 5, section 4.7.1)."""
    levels = pattern.split("/")
    if not pattern or "\0" in pattern or "#" in levels[:-1]:
        return False
    return all(level in ("+", "#") or not ("+" in level or "#" in level) for level in levels)
