"""Which subscriptions a client of a player has, and what of it is kept while it is away. Pure."""

from __future__ import annotations

from typing import Final

import mqtt5

from vts.capture.players.topics import Topics, parse_key

FILTERS_MAX: Final = 16  # a player needs three
_PLAIN_TAILS: Final = ("view/ack", "command")

SubAckCode = mqtt5.SubAckReasonCode
Filters = dict[str, mqtt5.QoS]


class ClientSession:
    """What one client of a player asked for in its CONNECT, and its subscriptions."""

    __slots__ = ("client_id", "expiry_s", "filters", "key", "will")

    def __init__(self, key: bytes, connect: mqtt5.ConnectPacket) -> None:
        self.key = key
        self.client_id = connect.client_id
        self.expiry_s = connect.session_expiry_interval
        self.will = connect.will
        self.filters: Filters = {}

    def granted_qos(self, topic: str) -> mqtt5.QoS | None:
        """Return with which QoS the client has subscribed to a topic, None when it has not."""
        for pattern, qos in self.filters.items():
            if pattern == topic or (pattern[-1] in "#+" and topic.startswith(pattern[:-1])):
                return qos
        return None

    def subscribe(self, asked: mqtt5.TopicFilter, topics: Topics) -> mqtt5.SubAckReasonCode:
        """Add a subscription, or return why there is none."""
        if asked.pattern.startswith("$share/"):
            return SubAckCode.SHARED_SUBSCRIPTIONS_NOT_SUPPORTED
        if not is_filter(asked.pattern):
            return SubAckCode.TOPIC_FILTER_INVALID
        if not self._is_own(asked.pattern, topics):
            return SubAckCode.NOT_AUTHORIZED
        if len(self.filters) >= FILTERS_MAX and asked.pattern not in self.filters:
            return SubAckCode.QUOTA_EXCEEDED
        if asked.max_qos == mqtt5.QoS.AT_MOST_ONCE:
            self.filters[asked.pattern] = mqtt5.QoS.AT_MOST_ONCE
            return SubAckCode.GRANTED_QOS_AT_MOST_ONCE
        self.filters[asked.pattern] = mqtt5.QoS.AT_LEAST_ONCE
        return SubAckCode.GRANTED_QOS_AT_LEAST_ONCE

    def unsubscribe(self, pattern: str) -> mqtt5.UnsubAckReasonCode:
        """Remove a subscription."""
        if self.filters.pop(pattern, None) is None:
            return mqtt5.UnsubAckReasonCode.NO_SUBSCRIPTION_EXISTED
        return mqtt5.UnsubAckReasonCode.SUCCESS

    def _is_own(self, pattern: str, topics: Topics) -> bool:
        """Whether a filter stays within the answers and commands of this player."""
        own = topics.split(pattern)
        if own is None or parse_key(own[0]) != self.key:
            return False
        tail = own[1]
        return tail in _PLAIN_TAILS or (tail.startswith("response/") and tail.count("/") == 1)


def is_filter(pattern: str) -> bool:
    """Whether a text is a topic filter at all (MQTT 5, section 4.7.1)."""
    levels = pattern.split("/")
    if not pattern or "\0" in pattern or "#" in levels[:-1]:
        return False
    return all(level in ("+", "#") or not ("+" in level or "#" in level) for level in levels)
