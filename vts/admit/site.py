"""Which reports besides views are kept: page views, events of the host application, playback.

They need less than views do: a bot list, an allowance for anonymous senders, and days that are still kept raw. Whether
an event has come before is decided by its key in the database alone.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import Final

import trio

from vts.admit.admission import AGE_EVERY_S, COUNTED, ENTROPY_BYTES, Awaited, Settle, SubmitToJournal, refusal_of
from vts.admit.gate import FUTURE_US
from vts.admit.tables import VIEWERS_MAX, Buckets
from vts.model import identity
from vts.model.day import DAY_US, SECOND_US
from vts.model.faults import JournalFull
from vts.model.outcome import ACCEPTED, BOTS, Outcome, Reason, Refused
from vts.model.ports import Catalog, Clock, CountOutcome
from vts.model.record import Record
from vts.model.site import PlaybackEvent, PlaybackReport, SiteEvent, SiteReport
from vts.model.view import BotClass

SITE: Final = "site"  # under which the metrics count page views and host events
PLAYBACK: Final = "playback"

_TOO_LATE: Final = Refused(Reason.TOO_LATE)
_FUTURE: Final = Refused(Reason.INVALID, detail="event_id: its time lies in the future")
_NO_CATALOG: Final = Refused(Reason.UNAVAILABLE, retry_after_s=2.0, detail="no catalog yet")
_NO_STREAM: Final = Refused(Reason.NOT_FOUND)

SideReport = SiteReport | PlaybackReport


class SiteAdmission:
    """The way of these reports into the journal. One report is one entry: kept as a whole or not at all."""

    def __init__(
        self,
        submit: SubmitToJournal,
        catalog: Catalog,
        clock: Clock,
        count: CountOutcome,
        *,
        raw_days: int,
        per_minute: int,
        burst: int,
        entropy: Callable[[int], bytes] = os.urandom,
        on_bot: Callable[[BotClass], None] = lambda of_class: None,
    ) -> None:
        """`per_minute` and `burst` are the allowance of an anonymous sender, 0 a minute means no limit."""
        self._submit = submit
        self._catalog = catalog
        self._clock = clock
        self._count = count
        self._raw_days = raw_days
        self._entropy = entropy
        self._on_bot = on_bot
        self._senders = Buckets(per_minute, burst, VIEWERS_MAX)

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Age the allowances until cancelled."""
        task_status.started()
        while True:
            await trio.sleep(AGE_EVERY_S)
            self._senders.age(self._clock())

    async def submit(self, report: SideReport) -> Outcome:
        """Return what became of one report."""
        waiter = Awaited()
        self.submit_soon(report, waiter.put)
        return await waiter.wait() if waiter.outcome is None else waiter.outcome

    def submit_soon(self, report: SideReport, settle: Callable[[Outcome], None]) -> None:
        """Decide one report; `settle` hears its outcome once, before this returns or when the journal has it."""
        now_us = self._clock()
        source, size = (SITE, 1) if isinstance(report, SiteReport) else (PLAYBACK, len(report.events))
        sender = None if report.trusted else _sender(report)
        refused = self._refuse(report, sender, now_us)
        if refused is not None:
            self._turn_away(source, size, settle, refused)
            return
        settled = partial(self._settled, source, size, sender, settle)
        try:
            self._submit(self._records(report, now_us), settled)
        except JournalFull as fault:
            settled(fault)

    def _refuse(self, report: SideReport, sender: bytes | None, now_us: int) -> Refused | None:
        if isinstance(report, PlaybackReport):
            refused = self._refuse_playback(report)
        else:
            refused = self._refuse_event(report, now_us)
        if refused is None and sender is not None and (wait_us := self._senders.take(sender, now_us)):
            return Refused(Reason.RATE_LIMITED, retry_after_s=wait_us / SECOND_US)
        return refused

    def _refuse_event(self, report: SiteReport, now_us: int) -> Refused | None:
        if report.bot is not None and not report.trusted:
            return BOTS[report.bot]
        if report.event_id is None:
            return None
        created_at = identity.time_us(report.event_id)
        if created_at > now_us + FUTURE_US:
            return _FUTURE
        return _TOO_LATE if created_at // DAY_US < now_us // DAY_US - self._raw_days + 1 else None

    def _refuse_playback(self, report: PlaybackReport) -> Refused | None:
        if not self._catalog.ready:
            return _NO_CATALOG
        stream = None if report.stream_id is None else self._catalog.content(report.stream_id)
        return _NO_STREAM if stream is None or stream.deleted or stream.kind != "stream" else None

    def _records(self, report: SideReport, now_us: int) -> list[Record]:
        if isinstance(report, SiteReport):
            return [_site_event(report, report.event_id or identity.version_7(now_us, self._entropy(ENTROPY_BYTES)))]
        entropy = self._entropy(ENTROPY_BYTES * len(report.events))
        return [
            _playback_event(report, index, now_us + index, entropy[index * ENTROPY_BYTES : (index + 1) * ENTROPY_BYTES])
            for index in range(len(report.events))
        ]

    def _settled(self, source: str, size: int, sender: bytes | None, settle: Settle, fault: Exception | None) -> None:
        if fault is None:
            self._count(source, COUNTED, size)
            settle(ACCEPTED)
            return
        if sender is not None:
            self._senders.give_back(sender)
        self._turn_away(source, size, settle, refusal_of(fault))

    def _turn_away(self, source: str, size: int, settle: Settle, refused: Refused) -> None:
        self._count(source, refused.reason.value, size)
        if refused.bot is not None:
            self._on_bot(refused.bot)
        settle(refused)


def _sender(report: SideReport) -> bytes | None:
    """Return whose allowance a report uses. A player's is its own: an office behind one address has many."""
    if isinstance(report, PlaybackReport):
        return report.client_key
    return None if report.authenticated else report.viewer_key


def _site_event(report: SiteReport, event_id: bytes) -> SiteEvent:
    created_at = report.arrived_us if report.event_id is None else identity.time_us(event_id)
    return SiteEvent(
        event_id=event_id,
        event_day=created_at // DAY_US,
        event_type=report.event_type,
        viewer_key=report.viewer_key,
        key_version=report.key_version,
        viewer_user_id=report.viewer_user_id,
        authenticated=report.authenticated,
        country_code=report.country_code,
        device_type=report.device_type,
        user_agent_hash=report.user_agent_hash,
        referrer_domain=report.referrer_domain,
        page=report.page,
        error_type=report.error_type,
        event_data=report.event_data,
        created_at=created_at,
    )


def _playback_event(report: PlaybackReport, index: int, created_at: int, entropy: bytes) -> PlaybackEvent:
    played = report.events[index]
    return PlaybackEvent(
        stream_id=report.stream_id or 0,
        event_day=created_at // DAY_US,
        event_id=identity.version_7(created_at, entropy),
        client_key=report.client_key,
        key_version=report.key_version,
        event_type=played.event_type,
        video_time=played.video_time,
        country_code=report.country_code,
        device_type=report.device_type,
        referrer_domain=report.referrer_domain,
        extra=played.extra,
        created_at=created_at,
    )
