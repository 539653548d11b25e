"""Which reports count: one decision over tables of what was seen lately. Pure: time and chance are arguments.

State is two-phase. `decide` reserves (the identity, the allowance); `confirm` keeps what became durable, `release`
gives back what did not. Every table is bounded, and evicts its oldest entries.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from vts.admit.contents import NO_CATALOG, ContentRules, provisional_payer
from vts.admit.players import PlayerLimits
from vts.admit.seen import FUTURE_US, SeenEvents, once_of, repeat_of
from vts.admit.tables import VIEWERS_MAX, Buckets
from vts.admit.verdict import Admitted, Verdict
from vts.model import identity
from vts.model.day import DAY_US, HOUR_US, SECOND_US
from vts.model.outcome import BOTS, Reason, Refused
from vts.model.ports import Catalog
from vts.model.view import Report, ViewEvent, event_of

ANONYMOUS_BACKDATE_US: Final = 24 * HOUR_US
IMPRESSION: Final = "listing"  # the view type with an allowance of its own


class GateSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The rules that an operator may change. 0 means no limit, of everything per minute and of the interval."""

    strict: bool = False
    raw_days: int = 7
    view_once: bool = False
    web_per_minute: int = 60
    web_burst: int = 120
    impressions_per_minute: int = 600
    impressions_burst: int = 600
    player_interval_us: int = 5 * SECOND_US
    player_per_minute: int = 1000
    provisional_per_minute: int = 60


_FUTURE: Final = Refused(Reason.INVALID, detail="the time of the view lies in the future")
_AUTHENTICATION_FAILED: Final = Refused(Reason.AUTHENTICATION_FAILED)
_TOO_LATE: Final = Refused(Reason.TOO_LATE)
_AUTHOR: Final = Refused(Reason.AUTHOR)


class Gate:
    """The tables and the decision. Everything here is synchronous: between two awaits of a caller nothing changes."""

    def __init__(self, settings: GateSettings, catalog: Catalog, id_secret: bytes) -> None:
        self._raw_days = settings.raw_days
        self._view_once = settings.view_once
        self._catalog = catalog
        self._seen = SeenEvents(id_secret)
        self._viewers = Buckets(settings.web_per_minute, settings.web_burst, VIEWERS_MAX)
        self._impressions = Buckets(settings.impressions_per_minute, settings.impressions_burst, VIEWERS_MAX)
        self._players = PlayerLimits(settings.player_interval_us, settings.player_per_minute)
        self._contents = ContentRules(
            catalog, strict=settings.strict, provisional_per_minute=settings.provisional_per_minute
        )

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
        """The events are durable: keep what they reserved. Second reports that wait for them are called last."""
        for one in admitted:
            self._seen.confirm(one)
        _settle_pending(admitted, durable=True)

    def release(self, *admitted: Admitted) -> None:
        """The events are not durable: give back what they reserved. Second reports, called last, may try again."""
        for one in admitted:
            self._give_back(one)
        _settle_pending(admitted, durable=False)

    def warm(self, events: Iterable[ViewEvent]) -> None:
        """Take in what is durable from before the start, oldest first."""
        for event in events:
            self._seen.warm(event)
            if event.player_key is not None:
                self._players.use(event.player_key, event.created_at, event.created_at)

    def age(self, now_us: int) -> None:
        """Forget what can no longer matter. Called every second or so; a call takes some milliseconds at most."""
        self._viewers.age(now_us)
        self._impressions.age(now_us)
        self._contents.age(now_us)
        self._players.age(now_us)
        self._seen.age(now_us)

    def sizes(self) -> dict[str, int]:
        """Return how many entries each table has."""
        return {
            "identities": len(self._seen),
            "viewers": len(self._viewers) + len(self._impressions),
            "players": len(self._players),
        }

    # ---- visitors

    def _decide_dated(self, report: Report, now_us: int, entropy: bytes) -> Verdict:
        """Judge a visit with a time or an id of its own."""
        event_id, created_at, name = self._seen.identify(report, now_us, entropy)
        if created_at > now_us + FUTURE_US:
            return _FUTURE
        if report.bot is not None and not report.trusted:
            return BOTS[report.bot]
        anonymous = not report.authenticated and not report.trusted
        if self._is_past(created_at, now_us) or (anonymous and created_at < now_us - ANONYMOUS_BACKDATE_US):
            return _TOO_LATE
        if name is not None and (known := self._seen.check(name)) is not None:
            return known
        return self._decide_visit(report, event_id, created_at, name, now_us)

    def _decide_visit(
        self, report: Report, event_id: bytes, created_at: int, name: bytes | None, now_us: int
    ) -> Verdict:
        viewer = once = None
        if self._view_once:
            once = once_of(report, created_at)
            if once is not None and (known := self._seen.check_once(once)) is not None:
                return known
        allowances = self._impressions if report.view_type == IMPRESSION else self._viewers
        if not report.authenticated and not report.trusted:
            viewer = report.viewer_key
            wait_us = allowances.take(viewer, now_us)
            if wait_us:
                return _limited(wait_us)
        content = self._catalog.content(report.post_id)
        refused = None
        if content is None or content.deleted or content.provisional or not self._catalog.ready:
            refused = self._contents.check(report, content, now_us)
        if refused is not None:
            if viewer is not None:
                allowances.give_back(viewer)
            return refused
        if content is not None and content.owner_id is not None and report.viewer_user_id == content.owner_id:
            return _AUTHOR  # the allowance stays used
        admitted = Admitted(event_of(report, event_id, created_at, once is not None), viewer)
        if content is None:
            admitted.provisional_payer = provisional_payer(report)
        admitted.identity, admitted.once = name, once
        if once is not None:
            admitted.pending = self._seen.reserve(once) if name is None else self._seen.reserve(once, name)
        elif name is not None:
            admitted.pending = self._seen.reserve(name)
        return admitted

    # ---- players

    def _decide_play(self, report: Report, key: bytes, now_us: int, entropy: bytes) -> Verdict:
        event_id, created_at, name = self._seen.identify(report, now_us, entropy)
        if created_at > now_us + FUTURE_US:
            return _FUTURE
        if not self._catalog.ready:
            return NO_CATALOG
        player = self._catalog.player(key)
        if player is None or not player.registered:
            return _AUTHENTICATION_FAILED
        if self._is_past(created_at, now_us):
            return _TOO_LATE
        repeat = repeat_of(report, key)
        if name is not None and (known := self._seen.check(name)) is not None:
            return known
        if repeat is not None and (known := self._seen.check_repeat(repeat, now_us)) is not None:
            return known
        once = once_of(report, created_at) if self._view_once else None
        if once is not None and (known := self._seen.check_once(once)) is not None:
            return known
        wait_us = self._players.wait_us(key, created_at, now_us)
        if wait_us:
            return _limited(wait_us)
        content = self._catalog.content(report.post_id)
        refused = self._contents.check(report, content, now_us)
        if refused is not None:
            return refused
        window_us = self._players.use(key, created_at, now_us)
        if content is not None and content.owner_id is not None and player.owner_id == content.owner_id:
            return _AUTHOR  # the allowance stays used
        payer = provisional_payer(report) if content is None else None
        names = [one for one in (name, repeat, once) if one is not None]
        pending = self._seen.reserve(*names) if names else None
        event = event_of(report, event_id, created_at, once is not None)
        return Admitted(event, None, payer, name, repeat, pending, now_us, window_us, once)

    def _is_past(self, created_at: int, now_us: int) -> bool:
        """Whether it was before the days that are kept raw."""
        return created_at // DAY_US < now_us // DAY_US - self._raw_days + 1

    def _give_back(self, one: Admitted) -> None:
        if one.viewer is not None:
            allowances = self._impressions if one.event.view_type == IMPRESSION else self._viewers
            allowances.give_back(one.viewer)
        if one.provisional_payer is not None:
            self._contents.give_back(one.provisional_payer)
        if one.event.player_key is not None:
            self._players.give_back(one.event.player_key, one.event.created_at, one.window_us)
        self._seen.release(one)


def _settle_pending(admitted: Iterable[Admitted], *, durable: bool) -> None:
    for one in admitted:
        if one.pending is not None:
            one.pending.settle(durable)


def _limited(wait_us: int) -> Refused:
    return Refused(Reason.RATE_LIMITED, retry_after_s=wait_us / SECOND_US)
