"""One-use tickets: a browser cannot put a token into a WebSocket's upgrade, so it fetches a ticket first.

A ticket is good once, for 30 seconds, in the process that gave it. Only its hash is kept.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from typing import Final, NamedTuple

from vts.model.principal import Principal

TICKET_BYTES: Final = 24  # 192 bits: not to be guessed within 30 s, nor ever
TICKET_MAX_CHARS: Final = 64
TTL_S: Final = 30.0
TICKETS_MAX: Final = 10_000  # more dashboards than open at once


class _Ticket(NamedTuple):
    principal: Principal
    expires_s: float


class Tickets:
    """Issues and redeems tickets. When `capacity` are valid, the oldest one is dropped."""

    def __init__(self, capacity: int = TICKETS_MAX, entropy: Callable[[int], bytes] = os.urandom) -> None:
        self._capacity = capacity
        self._entropy = entropy
        self._tickets: dict[bytes, _Ticket] = {}

    def __len__(self) -> int:
        return len(self._tickets)

    def issue(self, principal: Principal, now_s: float, ttl_s: float = TTL_S) -> str:
        """Return a ticket for the principal, to be used once, before `now_s + ttl_s`."""
        self._make_room(now_s)
        text = self._entropy(TICKET_BYTES).hex()
        self._tickets[_name(text)] = _Ticket(principal, now_s + ttl_s)
        return text

    def redeem(self, text: str, now_s: float) -> Principal | None:
        """Redeem a ticket and return its principal; None for one that is unknown, used or expired."""
        if not text or len(text) > TICKET_MAX_CHARS:
            return None
        ticket = self._tickets.pop(_name(text), None)
        return ticket.principal if ticket is not None and now_s < ticket.expires_s else None

    def _make_room(self, now_s: float) -> None:
        if len(self._tickets) < self._capacity:
            return
        self._tickets = {name: ticket for name, ticket in self._tickets.items() if now_s < ticket.expires_s}
        while len(self._tickets) >= self._capacity:
            del self._tickets[next(iter(self._tickets))]


def _name(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "replace")).digest()
