"""Who is connected by the direct door, and what is kept of who is not. Pure: time is an argument (seconds)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Generic, TypeVar

import mqtt5

from vts.capture.mqtt.direct.peer import Filters, Peer

P = TypeVar("P", bound=Peer)
Key = bytes
Will = tuple[Key, mqtt5.Will]
"""A last will, and whose it is."""


@dataclass(slots=True)
class _Parked:
    """The session of a player that is away."""

    filters: Filters
    expires: float


@dataclass(slots=True)
class _Pending:
    """A last will that a quick return takes back."""

    will: mqtt5.Will
    due: float


@dataclass(frozen=True, slots=True)
class Entrance(Generic[P]):
    """What an arrival changes: whether its session was found, who has to go, and whose last will is to be said."""

    session_present: bool
    replaced: P | None
    evicted: P | None
    wills: tuple[Will, ...]


class Registry(Generic[P]):
    """A session is known by player and client id: its peer while it is connected, its remains while it is not."""

    def __init__(self, connections_per_player: int, sessions_max: int) -> None:
        self._connections_per_player = connections_per_player
        self._sessions_max = sessions_max
        self._peers: dict[Key, tuple[P, ...]] = {}
        self._parked: dict[tuple[Key, str], _Parked] = {}
        self._pending: dict[tuple[Key, str], _Pending] = {}

    def everybody(self) -> Iterator[P]:
        """Return who is connected now, whatever changes meanwhile."""
        return chain.from_iterable(tuple(self._peers.values()))

    def of(self, key: Key) -> Sequence[P]:
        """Return the connections of one player."""
        return self._peers.get(key, ())

    def enter(self, peer: P, clean_start: bool, now: float) -> Entrance[P]:
        """Take a connection in, in the place of an older one of the same client (MQTT 5, section 3.1.4)."""
        name = (peer.key, peer.client_id)
        others = self.of(peer.key)
        old = next((other for other in others if other.client_id == peer.client_id), None)
        filters = self._resume(name, old, now)
        wills = self._wills_of(name, old, clean_start)
        if filters is not None and not clean_start:
            peer.filters = filters
        staying = tuple(other for other in others if other is not old)
        evicted = staying[0] if len(staying) >= self._connections_per_player else None
        will = None if evicted is None else self._part(evicted, evicted.will, now)
        if will is not None:
            wills.append(will[1])
        self._peers[peer.key] = (*(other for other in staying if other is not evicted), peer)
        present = filters is not None and not clean_start
        return Entrance(present, old, evicted, tuple((peer.key, will) for will in wills))

    def leave(self, peer: P, keeps_will: bool, now: float) -> Will | None:
        """Let a connection go; return its last will when that is to be said at once. One that was replaced has none."""
        staying = tuple(other for other in self.of(peer.key) if other is not peer)
        if len(staying) == len(self.of(peer.key)):
            return None
        if staying:
            self._peers[peer.key] = staying
        else:
            del self._peers[peer.key]
        return self._part(peer, peer.will if keeps_will else None, now)

    def due(self, now: float) -> list[Will]:
        """Take the last wills whose delay has passed."""
        names = [name for name, pending in self._pending.items() if pending.due <= now]
        return [(name[0], self._pending.pop(name).will) for name in names]

    def _part(self, peer: P, will: mqtt5.Will | None, now: float) -> Will | None:
        """Keep the session of a peer that is gone, and its will until its delay has passed; return a will without."""
        name = (peer.key, peer.client_id)
        if peer.session_expiry_s:
            self._park(name, peer, now)
        if will is None:
            return None
        if not _delay(peer, will) or len(self._pending) >= self._sessions_max:
            return peer.key, will
        self._pending[name] = _Pending(will, now + _delay(peer, will))
        return None

    def _resume(self, name: tuple[Key, str], old: Peer | None, now: float) -> Filters | None:
        """Return the subscriptions of the session under this name, None when there is none."""
        parked = self._parked.pop(name, None)
        if old is not None:
            return old.filters if old.session_expiry_s else None
        return parked.filters if parked is not None and parked.expires > now else None

    def _wills_of(self, name: tuple[Key, str], old: Peer | None, clean_start: bool) -> list[mqtt5.Will]:
        """Take what is to be said now that a client is back: a delayed will only if its session ends."""
        pending = self._pending.pop(name, None)
        wills = [pending.will] if pending is not None and clean_start else []
        if old is not None and old.will is not None and (clean_start or not _delay(old, old.will)):
            wills.append(old.will)
        return wills

    def _park(self, name: tuple[Key, str], peer: Peer, now: float) -> None:
        if len(self._parked) >= self._sessions_max:
            del self._parked[next(iter(self._parked))]
        self._parked[name] = _Parked(peer.filters, now + peer.session_expiry_s)


def _delay(peer: Peer, will: mqtt5.Will) -> int:
    """Return after how many seconds a will is said: its delay, or the end of the session if that is sooner."""
    return min(will.will_delay_interval, peer.session_expiry_s)
