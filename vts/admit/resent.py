"""Which events of a video player's report were sent before. Pure.

An event with an id is known by it. Events without one are known by their place: a report that begins with all that
the report before it had, from the same client about the same stream and shortly after it, was sent again. Their
positions in the video (`videoTime`) tell such a report from the next one, so events without a position are always new.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from vts.admit.seen import FUTURE_US
from vts.admit.tables import Recent
from vts.model import identity
from vts.model.day import DAY_US, SECOND_US
from vts.model.outcome import Reason, Refused
from vts.model.record import Record
from vts.model.site import PlaybackReport, Played

RESENT_US: Final = (
    10 * SECOND_US
)  # shorter than the 15 s of a heartbeat, which has the same position in a stalled video
BATCHES_MAX: Final = 100_000  # clients and streams in ten seconds: 30 MB
IDS_MAX: Final = 200_000  # durable ones, 25 MB; the key in the database catches later ones

_DIGEST_BYTES: Final = 16
_encode: Final = msgspec.msgpack.encode


class SentBatch:
    """The last report of a client about a stream. `records` are there while the journal writes them."""

    __slots__ = ("arrived_us", "digest", "length", "records")

    def __init__(self, arrived_us: int, digest: bytes, length: int) -> None:
        self.arrived_us = arrived_us
        self.digest = digest
        self.length = length
        self.records: Sequence[Record] = ()


_NONE: Final = SentBatch(0, b"", 0)


class NewPlayback(NamedTuple):
    """What is new in a report: `places` of events that are written, and how many others were dropped, by reason.

    `again` are records of the report before that begins this one and is still being written: they are written once
    more, under the same ids, so that this report is durable also when the other is not. `batch` takes the place of
    `before` as the client's last report; None when the report cannot be recognised. `names` are those of ids.
    """

    places: list[int]
    dropped: dict[Reason, int]
    again: Sequence[Record] = ()
    names: Sequence[bytes] = ()
    key: bytes = b""
    batch: SentBatch | None = None
    before: SentBatch = _NONE

    @property
    def events(self) -> int:
        """How many events become durable."""
        return len(self.places) + len(self.again)


class SentPlayback:
    """The events that are durable, by id, and the last reports of clients. `raw_days` are kept raw."""

    __slots__ = ("_batches", "_durable", "_raw_days")

    def __init__(self, raw_days: int) -> None:
        self._raw_days = raw_days
        self._durable: Recent[bytes, bool] = Recent(IDS_MAX)
        self._batches: Recent[bytes, SentBatch] = Recent(BATCHES_MAX)

    def judge(self, report: PlaybackReport, now_us: int) -> NewPlayback | Refused:
        """Return what is new in a report, Refused when an id in it is of the future. Changes nothing."""
        events, stream = report.events, (report.stream_id or 0).to_bytes(8, "big")
        key = report.client_key + stream
        before = self._batches.get(key) or _NONE
        batch = _batch_of(events, now_us)
        known = before.length if batch is not None and _begins_with(events, batch, before) else 0
        dropped = {Reason.DUPLICATE: known} if known and not before.records else {}
        places: list[int] = []
        names: dict[bytes, None] = {}
        for place in range(known, len(events)):
            played, reason = events[place], None
            if played.event_id is not None:
                name = played.event_id + stream
                reason = Reason.DUPLICATE if name in names else self._reason(name, played.event_id, now_us)
                if reason is Reason.INVALID:
                    return Refused(reason, detail=f"events[{place}].event_id: its time lies in the future")
                if reason is None:
                    names[name] = None
            elif place and played.video_time is not None and played == events[place - 1]:
                reason = Reason.DUPLICATE
            if reason is None:
                places.append(place)
            else:
                dropped[reason] = dropped.get(reason, 0) + 1
        return NewPlayback(places, dropped, before.records if known else (), list(names), key, batch, before)

    def reserve(self, new: NewPlayback, records: Sequence[Record]) -> None:
        """Note that the journal is writing these records of a report."""
        if new.batch is not None:
            new.batch.records = records
            self._batches.put(new.key, new.batch)
        elif new.before is not _NONE:
            self._batches.put(new.key, _NONE)

    def confirm(self, new: NewPlayback) -> None:
        """The records are durable."""
        if new.batch is not None:
            new.batch.records = ()
        for name in new.names:
            self._durable.put(name, True)

    def release(self, new: NewPlayback) -> None:
        """The records are not durable: the report before is the last one again."""
        if self._batches.get(new.key) is (new.batch or _NONE):
            self._batches.put(new.key, new.before)

    def age(self, now_us: int) -> None:
        """Forget reports that cannot be sent again."""
        self._batches.forget_after(RESENT_US, now_us)

    def _reason(self, name: bytes, event_id: bytes, now_us: int) -> Reason | None:
        """Return why an event with an id does not count, None when it does."""
        if self._durable.get(name):
            return Reason.DUPLICATE
        if identity.version(event_id) != 7:
            return None
        created_at = identity.time_us(event_id)
        if created_at > now_us + FUTURE_US:
            return Reason.INVALID
        return Reason.TOO_LATE if created_at // DAY_US < now_us // DAY_US - self._raw_days + 1 else None


def _batch_of(events: Sequence[Played], now_us: int) -> SentBatch | None:
    """Return what a report will be recognised by; None when an event has an id or no position."""
    for played in events:
        if played.event_id is not None or played.video_time is None:
            return None
    return SentBatch(now_us, _digest(events), len(events))


def _begins_with(events: Sequence[Played], batch: SentBatch, before: SentBatch) -> bool:
    """Whether a report begins with the events of the last one, which came shortly before."""
    if not 0 < before.length <= batch.length or not 0 <= batch.arrived_us - before.arrived_us <= RESENT_US:
        return False
    digest = batch.digest if before.length == batch.length else _digest(events[: before.length])
    return digest == before.digest


def _digest(events: Sequence[Played]) -> bytes:
    return hashlib.blake2b(_encode(events), digest_size=_DIGEST_BYTES).digest()
