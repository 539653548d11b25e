"""The names of what a benchmark sends: every event is a number, and its id contains it.

An id is a UUID of version 4 whose last 48 bits are the number, the 16 bits before the version the series of this
benchmark; its first 32 bits scatter consecutive numbers over the index, as random ids would be.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Final

SCATTER: Final = 0x9E3779B1  # 2^32 over the golden ratio (Knuth, The Art of Computer Programming, 6.4)
_MASK: Final = 0xFFFFFFFF


def event_id(series: int, number: int) -> str:
    """Write the id of an event."""
    return f"{number * SCATTER & _MASK:08x}-{series:04x}-4000-8000-{number:012x}"


def number_of(series: int, raw: bytes) -> int | None:
    """Return the number of the event with these 16 bytes, None when it is of another series."""
    if raw[4:6] != series.to_bytes(2, "big"):
        return None
    return int.from_bytes(raw[10:], "big")


def player_key(series: int, number: int) -> str:
    """Write the key of a player."""
    return event_id(series ^ 0xFFFF, number)


def credential(series: int, number: int) -> str:
    """Write the credential of a player: 64 hex digits."""
    return hashlib.sha256(f"{series}:{number}".encode()).hexdigest()


def basic(series: int, number: int) -> str:
    """Write the Authorization header's value of a player."""
    pair = f"{player_key(series, number)}:{credential(series, number)}"
    return "Basic " + base64.b64encode(pair.encode()).decode()


def address(viewer: int) -> str:
    """Write an address for a viewer, out of 10.0.0.0/8: not in use anywhere."""
    return f"10.{viewer >> 16 & 255}.{viewer >> 8 & 255}.{viewer & 255}"
