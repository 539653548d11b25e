"""Which bytes of a stream are one MQTT 5 packet, and which must not reach the codec, because it would panic.

The codec reads one packet of any size and panics on text that is not UTF-8. So the bound of a packet and its text are
checked here first.
"""

from __future__ import annotations

from typing import Final

import mqtt5

PUBLISH: Final = 3
_LENGTH_BYTES_MAX: Final = 4  # MQTT 5, section 1.5.5
_NO_TEXT_MAX: Final = 3  # a body this short holds an id and a reason at most

# What follows a property's identifier (MQTT 5, section 2.2.2.2).
_BYTES_OF: Final = {
    **dict.fromkeys((0x01, 0x17, 0x19, 0x24, 0x25, 0x28, 0x29, 0x2A), 1),
    **dict.fromkeys((0x13, 0x21, 0x22, 0x23), 2),
    **dict.fromkeys((0x02, 0x11, 0x18, 0x27), 4),
}
_VARIABLE_INTEGER: Final = 0x0B
_BINARY: Final = frozenset((0x09, 0x16))
_TEXTS: Final = {**dict.fromkeys((0x03, 0x08, 0x12, 0x15, 0x1A, 0x1C, 0x1F), 1), 0x26: 2}


class BadPacket(Exception):
    """The peer breaks the protocol. `reason` is for a DISCONNECT.

    `before` holds the packets that the same bytes brought in good order before it.
    """

    def __init__(self, what: str, reason: mqtt5.DisconnectReasonCode = mqtt5.DisconnectReasonCode.MALFORMED_PACKET):
        super().__init__(what)
        self.reason = reason
        self.before: list[mqtt5.Packet] = []


class Frames:
    """One direction of one connection. Not usable after it has raised."""

    __slots__ = ("_packet_max_bytes", "_rest")

    def __init__(self, packet_max_bytes: int) -> None:
        self._packet_max_bytes = packet_max_bytes
        self._rest = b""

    def feed(self, data: bytes) -> list[mqtt5.Packet]:
        """Return the packets that are whole now, in order. Raises BadPacket."""
        if self._rest:
            data = self._rest + data
        view = memoryview(data)
        packets: list[mqtt5.Packet] = []
        at = 0
        try:
            while (end := self._end_of(data, at)) is not None:
                packets.append(_read(data, view, at, end))
                at = end
        except BadPacket as fault:
            fault.before = packets
            raise
        self._rest = data[at:] if at else data
        return packets

    def _end_of(self, data: bytes, at: int) -> int | None:
        """Return where the packet that starts at `at` ends, None while that is still to come."""
        length = frame_length(data, at)
        if length is None:
            return None
        if length > self._packet_max_bytes:
            raise BadPacket("a packet above the announced maximum", mqtt5.DisconnectReasonCode.PACKET_TOO_LARGE)
        return at + length if at + length <= len(data) else None


def frame_length(data: bytes, at: int = 0) -> int | None:
    """Return the size of the packet that starts at `at`, None while its header is incomplete. Raises BadPacket."""
    remaining = 0
    for i in range(_LENGTH_BYTES_MAX):
        if at + 1 + i >= len(data):
            return None
        byte = data[at + 1 + i]
        remaining |= (byte & 0x7F) << 7 * i
        if byte < 0x80:
            return 2 + i + remaining
    raise BadPacket("a packet length of more than four bytes")


def _read(data: bytes, view: memoryview, at: int, end: int) -> mqtt5.Packet:
    if not _is_plain(data, at, end):
        _check_texts(data[at:end])
    try:
        packet, _ = mqtt5.read(view[at:end])
    except (ValueError, IndexError) as fault:
        raise BadPacket(str(fault)) from None
    return packet


def _is_plain(data: bytes, at: int, end: int) -> bool:
    """Whether a packet certainly holds no text but ASCII: the short ones, and a PUBLISH without properties."""
    if end - at - 2 <= _NO_TEXT_MAX:
        return True
    if data[at] >> 4 != PUBLISH:
        return False
    topic = at + 2
    while data[topic - 1] & 0x80:
        topic += 1
    topic_end = topic + 2 + (data[topic] << 8 | data[topic + 1])
    properties = topic_end + (2 if data[at] & 0x06 else 0)
    return properties < end and data[properties] == 0 and data[topic + 2 : topic_end].isascii()


def _check_texts(frame: bytes) -> None:
    try:
        _Walk(frame).check()
    except IndexError:
        raise BadPacket("a field that ends beyond its packet") from None
    except UnicodeDecodeError:
        raise BadPacket("text that is not UTF-8") from None


class _Walk:
    """Steps over every field of one packet, to check its texts alone; the codec checks the rest."""

    __slots__ = ("_at", "_frame")

    def __init__(self, frame: bytes) -> None:
        self._frame = frame
        self._at = 2
        while frame[self._at - 1] & 0x80:
            self._at += 1

    def check(self) -> None:
        match self._frame[0] >> 4:
            case 1:
                self._connect()
            case 2:
                self._skip(2)
                self._properties()
            case 3:
                self._text()
                self._skip(2 if self._frame[0] & 0x06 else 0)
                self._properties()
            case 4 | 5 | 6 | 7:
                self._skip(2)
                self._reason()
            case 8:
                self._filters(options=1)
            case 9 | 11:
                self._skip(2)
                self._properties()
            case 10:
                self._filters(options=0)
            case 14 | 15:
                self._reason()
            case _:
                pass

    def _connect(self) -> None:
        self._text()
        flags = self._frame[self._at + 1]
        self._skip(4)
        self._properties()
        self._text()
        if flags & 0x04:
            self._properties()
            self._text()
            self._binary()
        if flags & 0x80:
            self._text()

    def _filters(self, options: int) -> None:
        self._skip(2)
        self._properties()
        while self._left:
            self._text()
            self._skip(options)

    def _reason(self) -> None:
        if self._left:
            self._skip(1)
        if self._left:
            self._properties()

    def _properties(self) -> None:
        length = self._integer()
        end = self._at + length
        if end > len(self._frame):
            raise IndexError
        while self._at < end:
            self._property(self._integer())

    def _property(self, identifier: int) -> None:
        if identifier in _BYTES_OF:
            self._skip(_BYTES_OF[identifier])
        elif identifier in _TEXTS:
            for _ in range(_TEXTS[identifier]):
                self._text()
        elif identifier in _BINARY:
            self._binary()
        elif identifier == _VARIABLE_INTEGER:
            self._integer()
        else:
            raise BadPacket("an unknown property")

    @property
    def _left(self) -> int:
        return len(self._frame) - self._at

    def _skip(self, count: int) -> None:
        if self._left < count:
            raise IndexError
        self._at += count

    def _integer(self) -> int:
        value = 0
        for i in range(_LENGTH_BYTES_MAX):
            byte = self._frame[self._at]
            self._at += 1
            value |= (byte & 0x7F) << 7 * i
            if byte < 0x80:
                return value
        raise BadPacket("an integer of more than four bytes")

    def _binary(self) -> bytes:
        length = self._frame[self._at] << 8 | self._frame[self._at + 1]
        start = self._at + 2
        self._skip(2 + length)
        return self._frame[start : self._at]

    def _text(self) -> None:
        self._binary().decode()
