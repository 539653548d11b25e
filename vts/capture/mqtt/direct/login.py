"""Which players may connect to the direct endpoint: the first packet of a connection, checked. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import mqtt5

from vts.auth.credentials import is_credential
from vts.capture.mqtt.frames import BadPacket, frame_length
from vts.capture.players.topics import Topics, parse_key
from vts.model.outcome import Reason
from vts.model.ports import Catalog

CONNECT_BYTE: Final = 0x10
_LEVEL_5: Final = 5
_OLDER: Final = {b"MQTT": 4, b"MQIsdp": 3}  # the last protocol level before ours, by name
_BRIDGE_BIT: Final = 0x80  # some bridges mark the level with it
_RESERVED_FLAG: Final = 0x01  # the codec lets it pass
_OLDER_CONNACK: Final = b"\x20\x02\x00\x01"  # MQTT 3.1.1, section 3.2: unacceptable protocol version
_NEWER_CONNACK: Final = b"\x20\x03\x00\x84\x00"  # MQTT 5, section 3.1.2.2: unsupported protocol version

ConnAckCode = mqtt5.ConnAckReasonCode


class ConnectRefused(Exception):
    """The connection is refused. `answer` is the CONNACK with the reason, empty where the protocol has none."""

    def __init__(self, why: str, answer: bytes = b"", reason: Reason = Reason.INVALID) -> None:
        super().__init__(why)
        self.answer = answer
        self.reason = reason


def refused(code: mqtt5.ConnAckReasonCode, reason: Reason = Reason.INVALID) -> ConnectRefused:
    """Return a refusal with a CONNACK of MQTT 5."""
    return ConnectRefused(code.name, mqtt5.ConnAckPacket(reason_code=code).write(), reason)


def connect_length(data: bytes, packet_max_bytes: int) -> int | None:
    """Return the size of the CONNECT that `data` starts with, None while too little of it has arrived.

    Raises ConnectRefused for anything but a CONNECT of MQTT 5, at the first byte that differs.
    """
    if data and data[0] != CONNECT_BYTE:
        raise ConnectRefused("not a CONNECT")
    try:
        length = frame_length(data)
    except BadPacket:
        raise ConnectRefused("not a CONNECT") from None
    if length is None:
        return None
    if length > packet_max_bytes:
        raise refused(ConnAckCode.PACKET_TOO_LARGE)
    flags_at = _check_version(data)
    if flags_at is not None and flags_at < len(data) and data[flags_at] & _RESERVED_FLAG:
        raise refused(ConnAckCode.MALFORMED_PACKET)
    return length if len(data) >= length else None


def _check_version(data: bytes) -> int | None:
    """Return where the flags stand, None while the protocol level has not arrived."""
    start = 2
    while data[start - 1] & 0x80:
        start += 1
    if len(data) < start + 2:
        return None
    name_end = start + 2 + (data[start] << 8 | data[start + 1])
    name = data[start + 2 : name_end]
    if not any(known.startswith(name) for known in _OLDER):
        raise ConnectRefused("not MQTT")
    if len(data) <= name_end:
        return None
    level = data[name_end]
    if name == b"MQTT" and level == _LEVEL_5:
        return name_end + 1
    older = level & ~_BRIDGE_BIT <= _OLDER.get(name, 0)
    raise ConnectRefused("another version of MQTT", _OLDER_CONNACK if older else _NEWER_CONNACK)


@dataclass(frozen=True, slots=True)
class Authenticator:
    """Checks a CONNECT against the players of the catalog."""

    topics: Topics
    catalog: Catalog

    def authenticate(self, connect: mqtt5.ConnectPacket, common_name: str | None) -> bytes:
        """Return the key of the player that connects. `common_name` is its certificate's. Raises ConnectRefused."""
        if connect.authentication_method is not None:
            raise refused(ConnAckCode.BAD_AUTHENTICATION_METHOD)
        if not self.catalog.ready:
            raise refused(ConnAckCode.SERVER_UNAVAILABLE, Reason.UNAVAILABLE)
        key = self._key_of(connect, common_name)
        if not self.is_registered(key):
            raise refused(ConnAckCode.NOT_AUTHORIZED, Reason.AUTHENTICATION_FAILED)
        self._check_will(key, connect.will)
        return key

    def is_registered(self, key: bytes) -> bool:
        """Whether a player is known and registered, now."""
        player = self.catalog.player(key)
        return player is not None and player.registered

    def _key_of(self, connect: mqtt5.ConnectPacket, common_name: str | None) -> bytes:
        certified = parse_key(common_name) if common_name else None
        named = parse_key(connect.username) if connect.username else None
        if certified is not None and (connect.username is None or named == certified):
            return certified
        player = self.catalog.player(named) if named is not None else None
        password = (connect.password or b"").decode("utf-8", "replace")
        if not is_credential(password, player.credential_hash if player is not None else None) or named is None:
            raise refused(ConnAckCode.BAD_USER_NAME_OR_PASSWORD, Reason.AUTHENTICATION_FAILED)
        return named

    def _check_will(self, key: bytes, will: mqtt5.Will | None) -> None:
        """Apply the rules of the player's messages to its last will, which we publish."""
        if will is None:
            return
        if will.retain:
            raise refused(ConnAckCode.RETAIN_NOT_SUPPORTED)
        if will.qos == mqtt5.QoS.EXACTLY_ONCE:
            raise refused(ConnAckCode.QUALITY_NOT_SUPPORTED)
        address = self.topics.parse(will.topic)
        if address is None or address.key != key:
            raise refused(ConnAckCode.NOT_AUTHORIZED, Reason.IDENTITY_MISMATCH)
