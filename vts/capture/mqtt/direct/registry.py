"""Which connections a player has at the direct endpoint, and what is kept of closed ones. Pure: times are given (s)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Generic, Protocol, TypeVar

import mqtt5

from vts.capture.mqtt.direct.client_session import ClientSession, Filters


class HasSession(Protocol):
    """A connection, as far as the registry uses it."""

    @property
    def session(self) -> ClientSession: ...  # noqa: D102


C = TypeVar("C", bound=HasSession)
PlayerWill = tuple[bytes, mqtt5.Will]
"""The key of a player, and its last will."""
_ClientName = tuple[bytes, str]
"""The key of a player, and the client id."""


@dataclass(slots=True)
class _ParkedSession:
    """The session of a client that is away."""

    filters: Filters
    expires: float


@dataclass(slots=True)
class _DelayedWill:
    """A last will that is not published when its client is back before `due`."""

    will: mqtt5.Will
    due: float


@dataclass(frozen=True, slots=True)
class Entered(Generic[C]):
    """What a new connection changes: whether its session was found, which connections close, which wills are due."""

    session_present: bool
    replaced: C | None
    evicted: C | None
    wills: tuple[PlayerWill, ...]


class Registry(Generic[C]):
    """A session is known by player and client id: by its connection, or by what is kept while it has none."""

    def __init__(self, connections_per_player: int, sessions_max: int) -> None:
        self._connections_per_player = connections_per_player
        self._sessions_max = sessions_max
        self._connections: dict[bytes, tuple[C, ...]] = {}
        self._parked: dict[_ClientName, _ParkedSession] = {}
        self._delayed: dict[_ClientName, _DelayedWill] = {}

    def all(self) -> Iterator[C]:
        """Return a copy of the list of connections, which later changes do not touch."""
        return chain.from_iterable(tuple(self._connections.values()))

    def of(self, key: bytes) -> Sequence[C]:
        """Return the connections of one player."""
        return self._connections.get(key, ())

    def enter(self, connection: C, clean_start: bool, now: float) -> Entered[C]:
        """Register a connection, in the place of an older one of the same client (MQTT 5, section 3.1.4)."""
        session = connection.session
        name = (session.key, session.client_id)
        others = self.of(session.key)
        old = next((other for other in others if other.session.client_id == session.client_id), None)
        old_session = None if old is None else old.session
        filters = self._resume(name, old_session, now)
        wills = self._wills_of(name, old_session, clean_start)
        if filters is not None and not clean_start:
            session.filters = filters
        staying = tuple(other for other in others if other is not old)
        evicted = staying[0] if len(staying) >= self._connections_per_player else None
        will = None if evicted is None else self._close(evicted.session, evicted.session.will, now)
        if will is not None:
            wills.append(will[1])
        self._connections[session.key] = (*(other for other in staying if other is not evicted), connection)
        present = filters is not None and not clean_start
        return Entered(present, old, evicted, tuple((session.key, will) for will in wills))

    def leave(self, connection: C, keeps_will: bool, now: float) -> PlayerWill | None:
        """Remove a connection; return its last will when that is due at once. One that was replaced has none."""
        session = connection.session
        staying = tuple(other for other in self.of(session.key) if other is not connection)
        if len(staying) == len(self.of(session.key)):
            return None
        if staying:
            self._connections[session.key] = staying
        else:
            del self._connections[session.key]
        return self._close(session, session.will if keeps_will else None, now)

    def due(self, now: float) -> list[PlayerWill]:
        """Take the last wills whose delay has passed."""
        names = [name for name, delayed in self._delayed.items() if delayed.due <= now]
        return [(name[0], self._delayed.pop(name).will) for name in names]

    def _close(self, session: ClientSession, will: mqtt5.Will | None, now: float) -> PlayerWill | None:
        """Keep the session of a closed connection, and its will until its delay has passed; return a will without."""
        name = (session.key, session.client_id)
        if session.expiry_s:
            self._park(name, session, now)
        if will is None:
            return None
        delay_s = _delay_s(session, will)
        if not delay_s or len(self._delayed) >= self._sessions_max:
            return session.key, will
        self._delayed[name] = _DelayedWill(will, now + delay_s)
        return None

    def _resume(self, name: _ClientName, old: ClientSession | None, now: float) -> Filters | None:
        """Return the subscriptions of the session under this name, None when there is none."""
        parked = self._parked.pop(name, None)
        if old is not None:
            return old.filters if old.expiry_s else None
        return parked.filters if parked is not None and parked.expires > now else None

    def _wills_of(self, name: _ClientName, old: ClientSession | None, clean_start: bool) -> list[mqtt5.Will]:
        """Take the wills that are due now that a client is back: a delayed will only if its session ends."""
        delayed = self._delayed.pop(name, None)
        wills = [delayed.will] if delayed is not None and clean_start else []
        if old is not None and old.will is not None and (clean_start or not _delay_s(old, old.will)):
            wills.append(old.will)
        return wills

    def _park(self, name: _ClientName, session: ClientSession, now: float) -> None:
        if len(self._parked) >= self._sessions_max:
            del self._parked[next(iter(self._parked))]
        self._parked[name] = _ParkedSession(session.filters, now + session.expiry_s)


def _delay_s(session: ClientSession, will: mqtt5.Will) -> int:
    """Return after how many seconds a will is published: its delay, or the end of the session if that is sooner."""
    return min(will.will_delay_interval, session.expiry_s)
