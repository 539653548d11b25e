"""Identity of an event: UUIDs of version 4, 7 and 8 as 16 raw bytes (RFC 9562)."""

from __future__ import annotations

import hmac
from typing import Final

_DASHES: Final = slice(8, 24, 5)  # places 8, 13, 18 and 23
_FIXED_BITS_7: Final = 0x7 << 76 | 0b10 << 62  # version and variant
_RANDOM_BITS_7: Final = (1 << 76) - 1 & ~(0b11 << 62)


def version(event_id: bytes) -> int:
    """Return the UUID version nibble."""
    return event_id[6] >> 4


def parse(text: str) -> bytes:
    """Read the canonical 36-character form. Raises ValueError for anything else, a foreign variant included."""
    if len(text) != 36 or text[_DASHES] != "----":
        raise ValueError("not a UUID")
    raw = bytes.fromhex(text.replace("-", ""))
    if len(raw) != 16 or raw[8] >> 6 != 0b10:
        raise ValueError("not a UUID")
    return raw


def text_of(raw: bytes) -> str:
    """Write the canonical 36-character form."""
    digits = raw.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def time_us(event_id: bytes) -> int:
    """Return the time of a version-7 id, in microseconds, exact to the millisecond (RFC 9562, section 5.7)."""
    return int.from_bytes(event_id[:6], "big") * 1000


def version_7(now_us: int, entropy: bytes) -> bytes:
    """Make a version-7 id from a time and 10 random bytes."""
    random = int.from_bytes(entropy, "big") & _RANDOM_BITS_7
    return (now_us // 1000 << 80 | _FIXED_BITS_7 | random).to_bytes(16, "big")


def version_8(secret: bytes, player_key: bytes, post_id: int, device_time_us: int) -> bytes:
    """Derive the id of a player's view from what identifies it, so that a resent view has the same id."""
    message = b"event:" + player_key + post_id.to_bytes(8, "big") + device_time_us.to_bytes(8, "big", signed=True)
    raw = bytearray(hmac.digest(secret, message, "sha256")[:16])
    raw[6] = 0x80 | raw[6] & 0x0F
    raw[8] = 0x80 | raw[8] & 0x3F
    return bytes(raw)
