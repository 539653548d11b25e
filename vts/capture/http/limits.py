"""The bounds of the HTTP door. The tree fills them from the settings; the defaults are the shipped ones."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one client may cost: bytes per part of a request, seconds per wait, connections in all."""

    header_max_bytes: int = 16 * 1024
    body_max_bytes: int = 64 * 1024
    batch_body_max_bytes: int = 1024 * 1024
    unfinished_max_bytes: int = 64 * 1024 * 1024  # of bodies that are still coming in, all connections together
    gunzip_max_bytes: int = 512 * 1024
    header_timeout_s: float = 5.0
    body_timeout_s: float = 5.0
    write_timeout_s: float = 10.0
    keep_alive_s: float = 75.0
    linger_s: float = 1.0
    connections_max: int = 20_000
    batch_max_events: int = 500
    bulk_plain_max_bytes: int = 16 * 1024 * 1024
    bulk_rows_max: int = 20_000
    import_views_max: int = 5_000


class ByteBudget:
    """How many bytes may be held for all clients together."""

    __slots__ = ("_left",)

    def __init__(self, max_bytes: int) -> None:
        self._left = max_bytes

    def take(self, size: int) -> bool:
        """Take `size` bytes; False, and nothing is taken, when fewer are left."""
        if size > self._left:
            return False
        self._left -= size
        return True

    def give(self, size: int) -> None:
        """Return `size` bytes that were taken."""
        self._left += size
