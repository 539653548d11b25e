"""Which reports besides views are kept: page views, events of the host application, playback. Pure.

They need less than views do: a bot list, an allowance for anonymous senders, and days that are still kept raw. Whether
a page view or host event has come before is decided by its key in the database alone; playback that is sent again is
recognised by `resent`, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from vts.admit.resent import NewPlayback, SentPlayback
from vts.admit.seen import FUTURE_US
from vts.admit.submission import ENTROPY_BYTES
from vts.admit.tables import VIEWERS_MAX, Buckets
from vts.model import identity
from vts.model.day import DAY_US, SECOND_US
from vts.model.outcome import BOTS, Reason, Refused
from vts.model.ports import Catalog
from vts.model.record import Record
from vts.model.site import PLAYED_KINDS, PlaybackEvent, PlaybackReport, SiteEvent, SiteReport, site_event_of

SITE: Final = "site"  # under which the metrics count page views and host events
PLAYBACK: Final = "playback"

_TOO_LATE: Final = Refused(Reason.TOO_LATE)
_FUTURE: Final = Refused(Reason.INVALID, detail="event_id: its time lies in the future")
_NO_CATALOG: Final = Refused(Reason.UNAVAILABLE, retry_after_s=2.0, detail="no catalog yet")
_NO_STREAM: Final = Refused(Reason.NOT_FOUND)

AnySiteReport = SiteReport | PlaybackReport


class AdmittedSiteReport(NamedTuple):
    """A report that is kept once it is durable; `sender` is the key whose allowance was used, if any.

    `new` says what of a playback report is kept; there may be nothing.
    """

    source: str
    events: int
    sender: bytes | None
    new: NewPlayback | None = None


class SiteRules:
    """The allowances and the decision. `per_minute` and `burst` are an anonymous sender's; 0 a minute: no limit."""

    __slots__ = ("_catalog", "_raw_days", "_senders", "_sent")

    def __init__(self, catalog: Catalog, *, raw_days: int, per_minute: int, burst: int) -> None:
        self._catalog = catalog
        self._raw_days = raw_days
        self._senders = Buckets(per_minute, burst, VIEWERS_MAX)
        self._sent = SentPlayback(raw_days)

    def decide(self, report: AnySiteReport, now_us: int) -> AdmittedSiteReport | Refused:
        """Judge one report. What is admitted has used its sender's allowance."""
        new: NewPlayback | None = None
        if isinstance(report, PlaybackReport):
            judged = self._refuse_playback(report) or self._sent.judge(report, now_us)
            if isinstance(judged, Refused):
                return judged
            if not judged.events:
                return AdmittedSiteReport(PLAYBACK, 0, None, judged)
            new = judged
        elif (refused := self._refuse_event(report, now_us)) is not None:
            return refused
        sender = None if report.trusted else _sender(report)
        if sender is not None and (wait_us := self._senders.take(sender, now_us)):
            return Refused(Reason.RATE_LIMITED, retry_after_s=wait_us / SECOND_US)
        return AdmittedSiteReport(source_of(report), 1 if new is None else new.events, sender, new)

    def reserve(self, admitted: AdmittedSiteReport, records: Sequence[Record]) -> None:
        """The report is on its way into the journal, as these records."""
        if admitted.new is not None:
            self._sent.reserve(admitted.new, records)

    def confirm(self, admitted: AdmittedSiteReport) -> None:
        """The report is durable."""
        if admitted.new is not None:
            self._sent.confirm(admitted.new)

    def release(self, admitted: AdmittedSiteReport) -> None:
        """The report is not durable: give its allowance back."""
        if admitted.sender is not None:
            self._senders.give_back(admitted.sender)
        if admitted.new is not None:
            self._sent.release(admitted.new)

    def age(self, now_us: int) -> None:
        """Forget allowances that are whole again, and reports that cannot be sent again."""
        self._senders.age(now_us)
        self._sent.age(now_us)

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
        return _NO_STREAM if stream is None or stream.deleted or stream.kind not in PLAYED_KINDS else None


def source_of(report: AnySiteReport) -> str:
    """Return the word under which the metrics count a report."""
    return SITE if isinstance(report, SiteReport) else PLAYBACK


def events_of(report: AnySiteReport) -> int:
    """Return how many events a report has."""
    return 1 if isinstance(report, SiteReport) else len(report.events)


def records_of(report: AnySiteReport, new: NewPlayback | None, now_us: int, entropy: bytes) -> list[Record]:
    """Return a report as it is journaled; `entropy` has 10 random bytes for each of its events.

    `new` says what of a playback report is, None: all of it.
    """
    if isinstance(report, SiteReport):
        return [_site_event(report, report.event_id or identity.version_7(now_us, entropy))]
    places = range(len(report.events)) if new is None else new.places
    written: list[Record] = [] if new is None else list(new.again)
    for order, place in enumerate(places):
        written.append(
            _playback_event(report, place, now_us, entropy[order * ENTROPY_BYTES : (order + 1) * ENTROPY_BYTES])
        )
    return written


def _sender(report: AnySiteReport) -> bytes | None:
    """Return whose allowance a report uses. A video player's is its own: an office behind one address has many."""
    if isinstance(report, PlaybackReport):
        return report.client_key
    return None if report.authenticated else report.viewer_key


def _site_event(report: SiteReport, event_id: bytes) -> SiteEvent:
    created_at = report.arrived_us if report.event_id is None else identity.time_us(event_id)
    return site_event_of(report, event_id, created_at)


def _playback_event(report: PlaybackReport, place: int, now_us: int, entropy: bytes) -> PlaybackEvent:
    played = report.events[place]
    event_id, time_us = played.event_id, now_us
    if event_id is not None and identity.version(event_id) == 7:
        time_us = identity.time_us(event_id)
    created_at = time_us + place
    return PlaybackEvent(
        stream_id=report.stream_id or 0,
        event_day=time_us // DAY_US if event_id is not None else created_at // DAY_US,
        event_id=identity.version_7(created_at, entropy) if event_id is None else event_id,
        client_key=report.client_key,
        key_version=report.key_version,
        event_type=played.event_type,
        video_time=played.video_time or 0.0,
        country_code=report.country_code,
        device_type=report.device_type,
        referrer_domain=report.referrer_domain,
        extra=played.extra,
        created_at=created_at,
    )
