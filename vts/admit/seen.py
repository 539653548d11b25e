"""Which events were seen before: those that the journal is writing, and those that are durable. Pure.

An event is known by its id and its content. A player without a clock gives neither id nor time, so its views of one
content are repeats of each other for a minute. The last word on duplicates is the key in the database.
"""

from __future__ import annotations

from typing import Final

from vts.admit.tables import Recent
from vts.admit.verdict import Admitted, PendingOutcome, Waiting
from vts.model import identity
from vts.model.day import DAY_US, MINUTE_US, SECOND_US
from vts.model.outcome import Reason, Refused
from vts.model.view import Report, ViewEvent

FUTURE_US: Final = 5 * MINUTE_US  # clocks of clients are off; more than that is no clock
CLOCKLESS_REPEAT_US: Final = 60 * SECOND_US  # two views of a player without a clock cannot be told apart
IDENTITIES_MAX: Final = 200_000  # durable ones: 25 MB, hours of retries; the key in the database catches later ones
REPEATS_MAX: Final = 200_000  # of players without a clock, in two minutes
ONCE_MAX: Final = 400_000  # names of viewer, content and day: 46 MB; the index in the database catches the others

_DUPLICATE: Final = Refused(Reason.DUPLICATE)


class SeenEvents:
    """The tables of events. `id_secret` is the key of ids that are derived from a player's view."""

    __slots__ = ("_durable", "_id_secret", "_once", "_pending", "_repeats")

    def __init__(self, id_secret: bytes) -> None:
        self._id_secret = id_secret
        self._pending: dict[bytes, PendingOutcome] = {}  # as many as the journal takes at a time
        self._durable: Recent[bytes, bool] = Recent(IDENTITIES_MAX)
        self._repeats: Recent[bytes, int] = Recent(REPEATS_MAX)
        self._once: Recent[bytes, bool] = Recent(ONCE_MAX)

    def identify(self, report: Report, now_us: int, entropy: bytes) -> tuple[bytes, int, bytes | None]:
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

    def check(self, name: bytes) -> Waiting | Refused | None:
        """Return what an event of this name waits for or is refused as, None when it is new."""
        pending = self._pending.get(name)
        if pending is not None:
            return Waiting(pending)
        return _DUPLICATE if self._durable.get(name) else None

    def check_repeat(self, repeat: bytes, now_us: int) -> Waiting | Refused | None:
        """Return the same for a view of a player without a clock."""
        pending = self._pending.get(repeat)
        if pending is not None:
            return Waiting(pending)
        before_us = self._repeats.get(repeat)
        return _DUPLICATE if before_us is not None and 0 <= now_us - before_us < CLOCKLESS_REPEAT_US else None

    def check_once(self, once: bytes) -> Waiting | Refused | None:
        """Return the same for a view of which a viewer, content and day have one only."""
        pending = self._pending.get(once)
        if pending is not None:
            return Waiting(pending)
        return _DUPLICATE if self._once.get(once) else None

    def reserve(self, name: bytes, *others: bytes) -> PendingOutcome:
        """Note that the journal is writing an event of these names."""
        pending = self._pending[name] = PendingOutcome()
        for other in others:
            self._pending[other] = pending
        return pending

    def confirm(self, one: Admitted) -> None:
        """Keep the names of an event that is durable."""
        if one.identity is not None:
            self._pending.pop(one.identity, None)
            self._durable.put(one.identity, True)
        if one.repeat is not None:
            self._pending.pop(one.repeat, None)
            self._repeats.put(one.repeat, one.arrived_us)
        if one.once is not None:
            self._pending.pop(one.once, None)
            self._once.put(one.once, True)

    def release(self, one: Admitted) -> None:
        """Forget the names of an event that is not durable."""
        for name in (one.identity, one.repeat, one.once):
            if name is not None:
                self._pending.pop(name, None)

    def warm(self, event: ViewEvent) -> None:
        """Take in an event that is durable from before the start."""
        own_id = identity.version(event.event_id) == 7 and identity.time_us(event.event_id) != event.created_at
        if not own_id:  # ours are given to one event once; clients' are exact to the millisecond
            self._durable.put(_name(event.event_id, event.post_id), True)
        elif event.player_key is not None:
            self._repeats.put(_repeat(event.player_key, event.post_id), event.created_at)
        if event.once:
            self._once.put(_once(event.viewer_key, event.post_id, event.event_day), True)

    def age(self, now_us: int) -> None:
        """Forget repeats that may come again, and days that are over."""
        self._repeats.forget_after(CLOCKLESS_REPEAT_US, now_us)
        self._once.forget_after(DAY_US, now_us)

    def __len__(self) -> int:
        return len(self._durable) + len(self._pending) + len(self._once)


def repeat_of(report: Report, player_key: bytes) -> bytes | None:
    """Return the name that a player's next views of the content have too; None when it has a clock.

    A clock shows in the time of the view or in an id of version 7.
    """
    if report.device_time_us is not None:
        return None
    if report.event_id is not None and identity.version(report.event_id) == 7:
        return None
    return _repeat(player_key, report.post_id)


def once_of(report: Report, created_at: int) -> bytes | None:
    """Return the name that a viewer's intentional views of a content share for a day; None for all other views.

    What a service imports was counted by the rules of the system that it comes from.
    """
    if report.view_type != "intentional" or (report.trusted and report.device_time_us is not None):
        return None
    return _once(report.viewer_key, report.post_id, created_at // DAY_US)


def _name(event_id: bytes, post_id: int) -> bytes:
    return event_id + post_id.to_bytes(8, "big")


def _repeat(player_key: bytes, post_id: int) -> bytes:
    """Of another length than a name, so that no client's event id can equal a player's repeat."""
    return b"r" + player_key + post_id.to_bytes(8, "big")


def _once(viewer_key: bytes, post_id: int, day: int) -> bytes:
    """Of a third length."""
    return b"1" + viewer_key + post_id.to_bytes(8, "big") + day.to_bytes(4, "big", signed=True)
