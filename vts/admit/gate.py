"""Which reports count: one decision over tables of what was seen lately. Pure: time and chance are arguments.

State is two-phase. `decide` reserves (the identity, the allowance); `confirm` keeps what became durable, `release`
gives back what did not. Every table is bounded; what is evicted is the oldest, and the last word on duplicates is the
key in the database.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

import msgspec

from vts.admit.players import PlayerLimits
from vts.admit.tables import PROVISIONAL_PAYERS_MAX, VIEWERS_MAX, Buckets, Recent, Windows
from vts.model import identity
from vts.model.content import Content
from vts.model.day import DAY_US, HOUR_US, MINUTE_US, SECOND_US
from vts.model.outcome import BOTS, Reason, Refused
from vts.model.ports import Catalog
from vts.model.view import Report, ViewEvent

FUTURE_US: Final = 5 * MINUTE_US  # clocks of clients are off; more than that is no clock
ANONYMOUS_BACKDATE_US: Final = 24 * HOUR_US
CLOCKLESS_REPEAT_US: Final = 60 * SECOND_US  # a player without a clock cannot say that two views are two
IDENTITIES_MAX: Final = 200_000  # durable ones: 25 MB, hours of retries; the key in the database catches later ones
REPEATS_MAX: Final = 200_000  # of players without a clock, in two minutes
NO_ROOM_RETRY_S: Final = 60.0  # provisional contents go one by one, after a day


class GateSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The rules that an operator may change. 0 means no limit, of everything per minute and of the interval."""

    strict: bool = False
    raw_days: int = 7
    web_per_minute: int = 60
    web_burst: int = 120
    player_interval_us: int = 5 * SECOND_US
    player_per_minute: int = 1000
    provisional_per_minute: int = 60


class PendingOutcome:
    """An event on its way to the disk, and who waits to hear whether it got there."""

    __slots__ = ("_listeners",)

    def __init__(self) -> None:
        self._listeners: list[Callable[[bool], None]] = []

    def on_settled(self, listener: Callable[[bool], None]) -> None:
        """Have a listener called once with whether the event became durable. It must not raise."""
        self._listeners.append(listener)

    def settle(self, durable: bool) -> None:
        """Tell everyone."""
        listeners, self._listeners = self._listeners, []
        for listener in listeners:
            listener(durable)


class Waiting(msgspec.Struct, frozen=True):
    """The same event is on its way: its outcome decides."""

    pending: PendingOutcome


class Admitted(msgspec.Struct, eq=False):
    """An event that counts once it is durable, and what to undo when it is not.

    `names` are those under which an equal one would be found: its identity, and the repeat of a player without a clock.
    """

    event: ViewEvent
    viewer: bytes | None = None
    provisional_payer: bytes | None = None
    identity: bytes | None = None
    repeat: bytes | None = None
    pending: PendingOutcome | None = None
    arrived_us: int = 0
    window_us: int = 0


Verdict = Admitted | Waiting | Refused

_FUTURE: Final = Refused(Reason.INVALID, detail="the time of the view lies in the future")
_AUTHENTICATION_FAILED: Final = Refused(Reason.AUTHENTICATION_FAILED)
_TOO_LATE: Final = Refused(Reason.TOO_LATE)
_DUPLICATE: Final = Refused(Reason.DUPLICATE)
_NOT_FOUND: Final = Refused(Reason.NOT_FOUND)
_DELETED: Final = Refused(Reason.DELETED)
_AUTHOR: Final = Refused(Reason.AUTHOR)
_NO_ROOM: Final = Refused(
    Reason.RATE_LIMITED, retry_after_s=NO_ROOM_RETRY_S, detail="too many contents that nobody has registered"
)
NO_CATALOG: Final = Refused(Reason.UNAVAILABLE, retry_after_s=2.0, detail="no catalog yet")


class Gate:
    """The tables and the decision. Everything here is synchronous: between two awaits of a caller nothing changes."""

    def __init__(self, settings: GateSettings, catalog: Catalog, id_secret: bytes) -> None:
        self._rules = settings
        self._catalog = catalog
        self._id_secret = id_secret
        self._pending: dict[bytes, PendingOutcome] = {}  # as many as the journal lets be on their way
        self._durable: Recent[bytes, bool] = Recent(IDENTITIES_MAX)
        self._repeats: Recent[bytes, int] = Recent(REPEATS_MAX)
        self._viewers = Buckets(settings.web_per_minute, settings.web_burst, VIEWERS_MAX)
        self._players = PlayerLimits(settings.player_interval_us, settings.player_per_minute)
        self._provisional_payers = Windows(settings.provisional_per_minute, PROVISIONAL_PAYERS_MAX)

    def decide(self, report: Report, now_us: int, entropy: bytes) -> Verdict:
        """Judge one report, in the order of the reasons; `entropy` is 10 random bytes. What is admitted is reserved."""
        if report.player_key is not None:
            return self._decide_play(report, report.player_key, now_us, entropy)
        if report.event_id is not None or report.device_time_us is not None:
            return self._decide_dated(report, now_us, entropy)
        if report.bot is not None and not report.trusted:
            return BOTS[report.bot]
        return self._decide_visit(report, identity.version_7(now_us, entropy), now_us, None, now_us)

    def confirm(self, *admitted: Admitted) -> None:
        """The events are durable: what they reserved is used. Whoever waited for them hears it last."""
        for one in admitted:
            if one.identity is not None:
                self._pending.pop(one.identity, None)
                self._durable.put(one.identity, True)
            if one.repeat is not None:
                self._pending.pop(one.repeat, None)
                self._repeats.put(one.repeat, one.arrived_us)
        _settle_pending(admitted, durable=True)

    def release(self, *admitted: Admitted) -> None:
        """The events are not durable: they never happened. Whoever waited for them hears it last, and may try again."""
        for one in admitted:
            self._give_back(one)
        _settle_pending(admitted, durable=False)

    def warm(self, events: Iterable[ViewEvent]) -> None:
        """Take in what is durable from before the start, oldest first."""
        for event in events:
            key = event.player_key
            own_id = identity.version(event.event_id) == 7 and identity.time_us(event.event_id) != event.created_at
            if not own_id:  # ours are given to one event once; clients' are exact to the millisecond
                self._durable.put(_name(event.event_id, event.post_id), True)
            elif key is not None:
                self._repeats.put(_repeat(key, event.post_id), event.created_at)
            if key is not None:
                self._players.use(key, event.created_at, event.created_at)

    def age(self, now_us: int) -> None:
        """Forget what can no longer matter. Called every second or so; a call takes some milliseconds at most."""
        self._viewers.age(now_us)
        self._provisional_payers.age(now_us)
        self._players.age(now_us)
        self._repeats.forget_after(CLOCKLESS_REPEAT_US, now_us)

    def sizes(self) -> dict[str, int]:
        """Return how many entries each table has."""
        return {
            "identities": len(self._durable) + len(self._pending),
            "viewers": len(self._viewers),
            "players": len(self._players),
        }

    # ---- visitors

    def _decide_dated(self, report: Report, now_us: int, entropy: bytes) -> Verdict:
        """A visit that says when it was, or which one it is."""
        event_id, created_at, name = self._identify(report, now_us, entropy)
        if created_at > now_us + FUTURE_US:
            return _FUTURE
        if report.bot is not None and not report.trusted:
            return BOTS[report.bot]
        anonymous = not report.authenticated and not report.trusted
        if self._is_past(created_at, now_us) or (anonymous and created_at < now_us - ANONYMOUS_BACKDATE_US):
            return _TOO_LATE
        if name is not None and (known := self._known(name)) is not None:
            return known
        return self._decide_visit(report, event_id, created_at, name, now_us)

    def _decide_visit(
        self, report: Report, event_id: bytes, created_at: int, name: bytes | None, now_us: int
    ) -> Verdict:
        viewer = None
        if not report.authenticated and not report.trusted:
            viewer = report.viewer_key
            wait_us = self._viewers.take(viewer, now_us)
            if wait_us:
                return _limited(wait_us)
        content = self._catalog.content(report.post_id)
        refused = None
        if content is None or content.deleted or content.provisional or not self._catalog.ready:
            refused = self._check_content(report, content, now_us)
        if refused is not None:
            if viewer is not None:
                self._viewers.give_back(viewer)
            return refused
        if content is not None and content.owner_id is not None and report.viewer_user_id == content.owner_id:
            return _AUTHOR  # the allowance stays used
        admitted = Admitted(_event(report, event_id, created_at), viewer)
        if content is None:
            admitted.provisional_payer = _provisional_payer(report)
        if name is not None:
            admitted.identity = name
            admitted.pending = self._pending[name] = PendingOutcome()
        return admitted

    # ---- players

    def _decide_play(self, report: Report, key: bytes, now_us: int, entropy: bytes) -> Verdict:
        event_id, created_at, name = self._identify(report, now_us, entropy)
        if created_at > now_us + FUTURE_US:
            return _FUTURE
        if not self._catalog.ready:
            return NO_CATALOG
        player = self._catalog.player(key)
        if player is None or not player.registered:
            return _AUTHENTICATION_FAILED
        if self._is_past(created_at, now_us):
            return _TOO_LATE
        repeat = None if _has_clock(report) else _repeat(key, report.post_id)
        if (known := self._known_play(name, repeat, now_us)) is not None:
            return known
        wait_us = self._players.wait_us(key, created_at, now_us)
        if wait_us:
            return _limited(wait_us)
        content = self._catalog.content(report.post_id)
        refused = self._check_content(report, content, now_us)
        if refused is not None:
            return refused
        window_us = self._players.use(key, created_at, now_us)
        if content is not None and content.owner_id is not None and player.owner_id == content.owner_id:
            return _AUTHOR  # the allowance stays used
        pending = PendingOutcome() if name is not None or repeat is not None else None
        admitted = Admitted(_event(report, event_id, created_at), None, None, name, repeat, pending, now_us, window_us)
        if content is None:
            admitted.provisional_payer = _provisional_payer(report)
        for found in (name, repeat):
            if found is not None and pending is not None:
                self._pending[found] = pending
        return admitted

    def _known_play(self, name: bytes | None, repeat: bytes | None, now_us: int) -> Verdict | None:
        if name is not None and (known := self._known(name)) is not None:
            return known
        if repeat is None:
            return None
        pending = self._pending.get(repeat)
        if pending is not None:
            return Waiting(pending)
        before_us = self._repeats.get(repeat)
        return _DUPLICATE if before_us is not None and 0 <= now_us - before_us < CLOCKLESS_REPEAT_US else None

    # ---- identity and time

    def _identify(self, report: Report, now_us: int, entropy: bytes) -> tuple[bytes, int, bytes | None]:
        """Return the event's id, its time, and the name that a second report of it would have too, if it has one."""
        event_id, device_us = report.event_id, report.device_time_us
        created_at = now_us if device_us is None else device_us
        if event_id is not None:
            if identity.version(event_id) == 7:
                created_at = identity.time_us(event_id)
        elif report.player_key is not None and device_us is not None:
            event_id = identity.version_8(self._id_secret, report.player_key, report.post_id, device_us)
        else:
            in_range_us = min(max(created_at, 0), now_us + FUTURE_US)  # any other time is refused next
            return identity.version_7(in_range_us, entropy), created_at, None
        return event_id, created_at, _name(event_id, report.post_id)

    def _is_past(self, created_at: int, now_us: int) -> bool:
        """Whether it was before the days that are kept raw."""
        return created_at // DAY_US < now_us // DAY_US - self._rules.raw_days + 1

    def _known(self, name: bytes) -> Verdict | None:
        pending = self._pending.get(name)
        if pending is not None:
            return Waiting(pending)
        return _DUPLICATE if self._durable.get(name) else None

    # ---- content

    def _check_content(self, report: Report, content: Content | None, now_us: int) -> Refused | None:
        if not self._catalog.ready:
            return NO_CATALOG
        if content is None:
            return self._register(report, now_us)
        if content.deleted:
            return _DELETED
        if content.provisional:
            self._catalog.note_view(report.post_id)
        return _NOT_FOUND if content.provisional and self._rules.strict else None

    def _register(self, report: Report, now_us: int) -> Refused | None:
        """Note an unknown content at its first sight, unless only known ones count.

        Where there is no room for more the answer is `rate_limited`: `unavailable` would have brokers hold back
        everything else that a player has to say.
        """
        if self._rules.strict:
            return _NOT_FOUND
        who = _provisional_payer(report)
        if who is not None and (wait_us := self._provisional_payers.wait_us(who, now_us)):
            return _limited(wait_us)
        if not self._catalog.register_provisional(report.post_id, now_us):
            return _NO_ROOM
        if who is not None:
            self._provisional_payers.use(who, now_us)
        return None

    def _give_back(self, one: Admitted) -> None:
        """The content stays registered: a second report of it may be on its way already."""
        if one.viewer is not None:
            self._viewers.give_back(one.viewer)
        if one.provisional_payer is not None:
            self._provisional_payers.give_back(one.provisional_payer)
        if one.event.player_key is not None:
            self._players.give_back(one.event.player_key, one.event.created_at, one.window_us)
        for name in (one.identity, one.repeat):
            if name is not None:
                self._pending.pop(name, None)


def _settle_pending(admitted: Iterable[Admitted], *, durable: bool) -> None:
    for one in admitted:
        if one.pending is not None:
            one.pending.settle(durable)


def _limited(wait_us: int) -> Refused:
    return Refused(Reason.RATE_LIMITED, retry_after_s=wait_us / SECOND_US)


def _provisional_payer(report: Report) -> bytes | None:
    """Return the key charged for registering an unknown content; None for services."""
    return None if report.trusted else report.address_key or report.player_key


def _has_clock(report: Report) -> bool:
    """Whether the time of a player's view is its own: said as such, or in an id of version 7."""
    return report.device_time_us is not None or (report.event_id is not None and identity.version(report.event_id) == 7)


def _name(event_id: bytes, post_id: int) -> bytes:
    return event_id + post_id.to_bytes(8, "big")


def _repeat(player_key: bytes, post_id: int) -> bytes:
    """Of another length than a name: a client's event id must never pass for a player's key."""
    return b"r" + player_key + post_id.to_bytes(8, "big")


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
        report.view_source,
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
