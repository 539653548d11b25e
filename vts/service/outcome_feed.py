"""What becomes of single events, for those who test an integration: the last ones, and each new one as it is decided.

Nothing is kept while no reader watches: capture then asks one attribute for each report. A reader that is slower than
the events misses the oldest; a number tells how many.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, Sequence
from typing import Any, Final

import msgspec
import trio

from vts.model.day import datetime_of
from vts.model.outcome import COUNTED, Outcome, Reason, Refused
from vts.model.ports import Clock, CountOutcome, CountRefused
from vts.model.site import PlaybackReport, SiteReport
from vts.model.view import Report

KEPT: Final = 500
PAUSE_S: Final = 0.25  # between two looks of a reader: as often as live counts change
HEARTBEAT_S: Final = 5.0
LINGER_S: Final = 120.0  # after the last reader has left: a page that is loaded anew finds what came meanwhile


class DecidedEvent(msgspec.Struct, frozen=True):
    """One event and what became of it: when, from where, and no person.

    `outcome` is `accepted` or a reason. `detail` names the field of an invalid event.
    """

    at_us: int
    source: str
    outcome: str
    event_type: str | None = None
    post_id: int | None = None
    country: str | None = None
    device: str | None = None
    detail: str | None = None

    def line(self) -> dict[str, Any]:
        """Return the JSON object that a reader gets."""
        fields = msgspec.structs.asdict(self)
        return {"at": datetime_of(fields.pop("at_us")), **fields}


class OutcomeFeed:
    """Keeps the last events while readers watch."""

    def __init__(self, clock: Clock) -> None:
        self.is_watched = False
        self._clock = clock
        self._kept: deque[DecidedEvent] = deque(maxlen=KEPT)
        self._noted = 0  # since the start
        self._new = trio.Event()
        self._readers = 0
        self._quiet_since = 0.0

    # What capture calls.

    def note(self, report: Report | SiteReport | PlaybackReport, outcome: Outcome) -> None:
        """Note what became of a report. Call it only while `is_watched`."""
        refused = outcome if isinstance(outcome, Refused) else None
        self._note(
            _source_of(report),
            refused.reason.value if refused is not None else COUNTED,
            event_type=_type_of(report),
            post_id=_post_of(report),
            country=report.country_code,
            device=report.device_type,
            detail=_detail_of(refused),
        )

    def counting(self, count: CountOutcome) -> CountRefused:
        """Return what counts reports that were refused before an admission decided them, and notes each here."""

        def refused(source: str, reason: Reason, detail: str | None) -> None:
            count(source, reason, 1)
            if self.is_watched:
                self._note(source, reason.value, detail=detail)

        return refused

    # What a reader calls.

    async def events(self) -> AsyncGenerator[tuple[int, Sequence[DecidedEvent]], None]:
        """Give what is kept, then what is new, some at a time, until the iterator is closed: (missed, events).

        The first comes at once; after `HEARTBEAT_S` without anything new an empty one tells that the line is alive.
        """
        self._readers += 1
        self.is_watched = True
        seen = self._noted - len(self._kept)
        try:
            while True:
                new = self._noted - seen
                found = list(self._kept)[-new:] if new else []
                seen = self._noted
                yield new - len(found), found
                await self._later_than(seen)
        finally:
            self._readers -= 1
            self._quiet_since = trio.current_time()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Keep nothing any more some time after the last reader has left, until cancelled."""
        task_status.started()
        while True:
            await trio.sleep(LINGER_S / 4)
            if not self._readers and trio.current_time() - self._quiet_since > LINGER_S:
                self.is_watched = False
                self._kept.clear()

    async def _later_than(self, seen: int) -> None:
        """Wait until more than `seen` events were noted, and for what comes with them; for `HEARTBEAT_S` at most."""
        if self._new.is_set() and self._noted == seen:
            self._new = trio.Event()
        with trio.move_on_after(HEARTBEAT_S):
            if self._noted == seen:
                await self._new.wait()
            await trio.sleep(PAUSE_S)

    def _note(self, source: str, outcome: str, **fields: Any) -> None:
        self._kept.append(DecidedEvent(self._clock(), source, outcome, **fields))
        self._noted += 1
        self._new.set()


def _source_of(report: Report | SiteReport | PlaybackReport) -> str:
    if isinstance(report, Report):
        return report.view_source
    return "site" if isinstance(report, SiteReport) else "playback"


def _type_of(report: Report | SiteReport | PlaybackReport) -> str:
    if isinstance(report, Report):
        return report.view_type
    return report.event_type if isinstance(report, SiteReport) else f"{len(report.events)} events"


def _post_of(report: Report | SiteReport | PlaybackReport) -> int | None:
    if isinstance(report, Report):
        return report.post_id
    return None if isinstance(report, SiteReport) else report.stream_id


def _detail_of(refused: Refused | None) -> str | None:
    if refused is None:
        return None
    return refused.bot if refused.bot is not None else refused.detail
