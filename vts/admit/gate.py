"""Which reports count: one decision over tables of what was seen lately. Pure: time and chance are arguments.

State is two-phase. `decide` reserves (the identity, the allowance); `confirm` keeps what became durable, `release`
gives back what did not. Every table is bounded; what is evicted is the oldest, and the last word on duplicates is the
key in the database.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable
from typing import Final, TypeVar

import msgspec

from vts.model import identity
from vts.model.content import Content, Player
from vts.model.day import DAY_US, HOUR_US, MINUTE_US, SECOND_US
from vts.model.outcome import Reason, Refused
from vts.model.ports import Catalog
from vts.model.view import Report, ViewEvent

K = TypeVar("K")
V = TypeVar("V")

FUTURE_US: Final = 5 * MINUTE_US  # clocks of clients are off; more than that is no clock
ANONYMOUS_BACKDATE_US: Final = 24 * HOUR_US
CLOCKLESS_REPEAT_US: Final = 60 * SECOND_US  # a player without a clock cannot name its event
TIMES_PER_PLAYER: Final = 32  # how far out of order a queue may arrive and still be spaced rightly
IDENTITIES_MAX: Final = 200_000  # about 30 MB: half an hour of retries of a busy site
VIEWERS_MAX: Final = 200_000  # viewers with a drained bucket at one time
PLAYERS_MAX: Final = 200_000
REGISTRARS_MAX: Final = 100_000
AGE_BITE: Final = 2_000  # entries looked at in one step of ageing: under a millisecond


class GateSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The rules that an operator may change; 0 in `web_per_minute` or `provisional_per_minute` means no limit."""

    strict: bool = False
    raw_days: int = 7
    web_per_minute: int = 60
    web_burst: int = 120
    player_interval_us: int = 5 * SECOND_US
    player_per_minute: int = 1000
    provisional_per_minute: int = 60


class Flight:
    """An event on its way to the disk, and who waits to hear whether it got there."""

    __slots__ = ("_listeners",)

    def __init__(self) -> None:
        self._listeners: list[Callable[[bool], None]] = []

    def when_over(self, listener: Callable[[bool], None]) -> None:
        """Have a listener called once with whether the event became durable. It must not raise."""
        self._listeners.append(listener)

    def land(self, durable: bool) -> None:
        """Tell everyone."""
        listeners, self._listeners = self._listeners, []
        for listener in listeners:
            listener(durable)


class Waiting(msgspec.Struct, frozen=True):
    """The same event is on its way: its outcome decides."""

    flight: Flight


class Admitted:
    """An event that counts once it is durable, and what to undo when it is not."""

    __slots__ = ("event", "flight", "identity", "player", "player_time_us", "repeat", "viewer")

    def __init__(self, event: ViewEvent) -> None:
        self.event = event
        self.identity: bytes | None = None
        self.flight: Flight | None = None
        self.viewer: bytes | None = None
        self.player: _PlayerState | None = None
        self.player_time_us = 0
        self.repeat: tuple[bytes, int] | None = None


class _PlayerState:
    """One player's recent view times in order, and its reports of this minute."""

    __slots__ = ("minute_us", "reports", "times")

    def __init__(self) -> None:
        self.times: list[int] = []
        self.minute_us = 0
        self.reports = 0


Verdict = Admitted | Waiting | Refused

_INVALID: Final = Refused(Reason.INVALID, detail="the time of the view lies in the future")
_AUTHENTICATION_FAILED: Final = Refused(Reason.AUTHENTICATION_FAILED)
_BOT: Final = Refused(Reason.BOT)
_TOO_LATE: Final = Refused(Reason.TOO_LATE)
_DUPLICATE: Final = Refused(Reason.DUPLICATE)
_NOT_FOUND: Final = Refused(Reason.NOT_FOUND)
_DELETED: Final = Refused(Reason.DELETED)
_AUTHOR: Final = Refused(Reason.AUTHOR)
NO_CATALOG: Final = Refused(Reason.UNAVAILABLE, retry_after_s=2.0, detail="no catalog yet")


class Gate:
    """The tables and the decision. Everything here is synchronous: between two awaits of a caller nothing changes."""

    def __init__(self, settings: GateSettings, catalog: Catalog, id_secret: bytes) -> None:
        self._rules = settings
        self._catalog = catalog
        self._id_secret = id_secret
        self._identities: dict[bytes, Flight | None] = {}
        self._repeats: dict[tuple[bytes, int], int] = {}
        self._viewers: dict[bytes, int] = {}
        self._players: dict[bytes, _PlayerState] = {}
        self._registrars: dict[bytes, int] = {}
        self._spacing_us = MINUTE_US // settings.web_per_minute if settings.web_per_minute else 0
        self._tolerance_us = self._spacing_us * settings.web_burst
        self._register_us = MINUTE_US // settings.provisional_per_minute if settings.provisional_per_minute else 0

    def decide(self, report: Report, now_us: int, entropy: bytes) -> Verdict:
        """Judge one report, in the order of the reasons; `entropy` is 10 random bytes. What is admitted is reserved."""
        event_id, created_at, given = self._identify(report, now_us, entropy)
        if created_at > now_us + FUTURE_US:
            return _INVALID
        player: Player | None = None
        if report.player_key is not None:
            if not self._catalog.ready:
                return NO_CATALOG
            player = self._catalog.player(report.player_key)
            if player is None or not player.registered:
                return _AUTHENTICATION_FAILED
        elif report.agent_is_bot and not report.trusted:
            return _BOT
        if created_at < now_us and self._is_too_late(report, created_at, now_us):
            return _TOO_LATE
        name = event_id + report.post_id.to_bytes(8, "big") if given else None
        if name is not None and name in self._identities:
            flight = self._identities[name]
            return _DUPLICATE if flight is None else Waiting(flight)
        return self._allow(report, player, event_id, created_at, name, now_us)

    def confirm(self, admitted: Admitted) -> None:
        """The event is durable: what it reserved is used."""
        if admitted.identity is not None and admitted.flight is not None:
            self._identities[admitted.identity] = None
            admitted.flight.land(True)

    def release(self, admitted: Admitted) -> None:
        """The event is not durable: it never happened."""
        if admitted.repeat is not None:
            self._repeats.pop(admitted.repeat, None)
        if admitted.viewer is not None and admitted.viewer in self._viewers:
            self._viewers[admitted.viewer] -= self._spacing_us
        if admitted.player is not None:
            self._give_back(admitted.player, admitted.player_time_us)
        if admitted.identity is not None and admitted.flight is not None:
            self._identities.pop(admitted.identity, None)
            admitted.flight.land(False)

    def warm(self, events: Iterable[ViewEvent]) -> None:
        """Take in what is durable from before the start, oldest first."""
        for event in events:
            if identity.version(event.event_id) != 7 or event.player_key is not None:
                self._note_identity(event.event_id + event.post_id.to_bytes(8, "big"), None)
            if event.player_key is not None:
                _insert(self._player_state(event.player_key).times, event.created_at)

    def age(self, now_us: int) -> None:
        """Forget a bite of what can no longer matter. Called again and again, so every table stays near its use."""
        _expire(self._viewers, now_us)
        _expire(self._registrars, now_us)
        _expire(self._repeats, now_us - CLOCKLESS_REPEAT_US)

    def sizes(self) -> dict[str, int]:
        """Return how many entries each table has."""
        return {
            "identities": len(self._identities),
            "viewers": len(self._viewers),
            "players": len(self._players),
        }

    # ---- identity and time

    def _identify(self, report: Report, now_us: int, entropy: bytes) -> tuple[bytes, int, bool]:
        """Return the event's id, its time, and whether a retry would have the same id."""
        event_id, device_us = report.event_id, report.device_time_us
        if event_id is None:
            if report.player_key is not None and device_us is not None:
                derived = identity.version_8(self._id_secret, report.player_key, report.post_id, device_us)
                return derived, device_us, True
            return identity.version_7(now_us, entropy), now_us, False
        if event_id[6] >> 4 == 7:
            return event_id, identity.time_us(event_id), True
        return event_id, now_us if device_us is None else device_us, True

    def _is_too_late(self, report: Report, created_at: int, now_us: int) -> bool:
        first_day = now_us // DAY_US - self._rules.raw_days + 1
        if created_at < first_day * DAY_US:
            return True
        anonymous = report.player_key is None and not report.authenticated and not report.trusted
        return anonymous and created_at < now_us - ANONYMOUS_BACKDATE_US

    # ---- allowance, content, author

    def _allow(
        self, report: Report, player: Player | None, event_id: bytes, created_at: int, name: bytes | None, now_us: int
    ) -> Verdict:
        if report.player_key is not None:
            refused = self._check_player(report.player_key, report, created_at, name, now_us)
        else:
            refused = self._check_viewer(report, now_us)
        if refused is not None:
            return refused
        if not self._catalog.ready:
            return NO_CATALOG
        content = self._catalog.content(report.post_id)
        if content is None:
            refused = self._register(report, now_us)
        elif content.deleted:
            refused = _DELETED
        if refused is not None:
            return refused
        return self._reserve(report, player, content, _event(report, event_id, created_at), name, now_us)

    def _reserve(
        self,
        report: Report,
        player: Player | None,
        content: Content | None,
        event: ViewEvent,
        name: bytes | None,
        now_us: int,
    ) -> Verdict:
        admitted = Admitted(event)
        if report.player_key is not None:
            admitted.player = self._use_player(report.player_key, event.created_at, now_us)
            admitted.player_time_us = event.created_at
            if name is None:
                admitted.repeat = (report.player_key, report.post_id)
                _bounded(self._repeats, admitted.repeat, now_us, IDENTITIES_MAX)
        elif self._spacing_us and not report.authenticated and not report.trusted:
            admitted.viewer = report.viewer_key
            _bounded(self._viewers, report.viewer_key, self._next_turn(report.viewer_key, now_us), VIEWERS_MAX)
        if content is not None and content.owner_id is not None and _is_author(report, player, content.owner_id):
            return _AUTHOR  # the allowance stays used
        if name is not None:
            admitted.identity, admitted.flight = name, Flight()
            self._note_identity(name, admitted.flight)
        return admitted

    def _check_viewer(self, report: Report, now_us: int) -> Refused | None:
        if not self._spacing_us or report.authenticated or report.trusted:
            return None
        due_us = self._viewers.get(report.viewer_key)
        if due_us is None or due_us - now_us <= self._tolerance_us - self._spacing_us:
            return None
        wait_us = due_us - now_us - self._tolerance_us + self._spacing_us
        return Refused(Reason.RATE_LIMITED, retry_after_s=wait_us / SECOND_US)

    def _next_turn(self, viewer_key: bytes, now_us: int) -> int:
        """GCRA: the theoretical arrival time after this view (ITU-T I.371, the virtual scheduling algorithm)."""
        due_us = self._viewers.pop(viewer_key, now_us)
        return (due_us if due_us > now_us else now_us) + self._spacing_us

    def _check_player(
        self, player_key: bytes, report: Report, created_at: int, name: bytes | None, now_us: int
    ) -> Refused | None:
        if name is None:
            repeated_us = self._repeats.get((player_key, report.post_id))
            if repeated_us is not None and now_us - repeated_us < CLOCKLESS_REPEAT_US:
                return _DUPLICATE
        state = self._players.get(player_key)
        if state is None:
            return None
        if now_us - state.minute_us < MINUTE_US and state.reports >= self._rules.player_per_minute:
            return Refused(Reason.RATE_LIMITED, retry_after_s=(state.minute_us + MINUTE_US - now_us) / SECOND_US)
        gap_us = self._rules.player_interval_us - _nearest(state.times, created_at)
        return Refused(Reason.RATE_LIMITED, retry_after_s=gap_us / SECOND_US) if gap_us > 0 else None

    def _use_player(self, player_key: bytes, created_at: int, now_us: int) -> _PlayerState:
        state = self._player_state(player_key)
        if now_us - state.minute_us >= MINUTE_US:
            state.minute_us, state.reports = now_us, 0
        state.reports += 1
        _insert(state.times, created_at)
        return state

    def _player_state(self, player_key: bytes) -> _PlayerState:
        state = self._players.get(player_key)
        if state is None:
            state = _PlayerState()
            _bounded(self._players, player_key, state, PLAYERS_MAX)
        return state

    def _give_back(self, state: _PlayerState, time_us: int) -> None:
        state.reports = max(0, state.reports - 1)
        index = bisect_left(state.times, time_us)
        if index < len(state.times) and state.times[index] == time_us:
            del state.times[index]

    def _register(self, report: Report, now_us: int) -> Refused | None:
        """Note an unknown content at its first sight, unless only known ones count."""
        if self._rules.strict:
            return _NOT_FOUND
        who = report.address_key or report.player_key
        if self._register_us and who is not None and not report.trusted:
            due_us = max(self._registrars.pop(who, now_us), now_us)
            if due_us - now_us > MINUTE_US - self._register_us:
                self._registrars[who] = due_us
                return Refused(
                    Reason.RATE_LIMITED, retry_after_s=(due_us - now_us - MINUTE_US + self._register_us) / SECOND_US
                )
            _bounded(self._registrars, who, due_us + self._register_us, REGISTRARS_MAX)
        return None if self._catalog.register_provisional(report.post_id, now_us) else _NOT_FOUND

    def _note_identity(self, name: bytes, flight: Flight | None) -> None:
        identities = self._identities
        if len(identities) >= IDENTITIES_MAX:
            oldest = next(iter(identities))
            landed = identities.pop(oldest)
            if landed is not None:  # still on its way: it stays, as the youngest
                identities[oldest] = landed
        identities[name] = flight


def _event(report: Report, event_id: bytes, created_at: int) -> ViewEvent:
    return ViewEvent(
        report.post_id,
        created_at // DAY_US,
        event_id,
        report.viewer_key,
        report.key_version,
        report.viewer_user_id,
        report.authenticated,
        report.country_code,
        report.device_type,
        report.source,
        report.view_type,
        report.user_agent_hash,
        report.referrer_domain,
        report.player_key,
        report.local_datetime,
        report.local_timezone,
        report.local_hour,
        report.local_weekday,
        report.play_order,
        report.channel,
        report.channel_context,
        report.playlist_id,
        created_at,
    )


def _is_author(report: Report, player: Player | None, owner_id: int) -> bool:
    if player is not None:
        return player.owner_id == owner_id
    return report.authenticated and report.viewer_user_id == owner_id


def _nearest(times: list[int], time_us: int) -> int:
    """Return the distance to the nearest time, on either side; larger than any interval when there is none."""
    index = bisect_left(times, time_us)
    before = time_us - times[index - 1] if index else DAY_US
    after = times[index] - time_us if index < len(times) else DAY_US
    return min(before, after)


def _insert(times: list[int], time_us: int) -> None:
    if times and time_us < times[-1]:
        times.insert(bisect_left(times, time_us), time_us)
    else:
        times.append(time_us)
    if len(times) > TIMES_PER_PLAYER:
        del times[0]


def _bounded(table: dict[K, V], key: K, value: V, most: int) -> None:
    """Put an entry in as the youngest; the oldest makes room."""
    if len(table) >= most:
        del table[next(iter(table))]
    table[key] = value


def _expire(table: dict[K, int], before_us: int) -> None:
    """Drop entries from the oldest on while their time has passed, a bite of them."""
    for _ in range(min(AGE_BITE, len(table))):
        key = next(iter(table))
        if table[key] > before_us:
            return
        del table[key]
