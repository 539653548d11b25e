"""Playback that is sent again: what counts once, what counts twice, and what a failure of the journal leaves behind."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from tests.admit.world import NOW, S, catalog, id_7
from vts.admit.site import SiteAdmission
from vts.admit.site_rules import SiteRules
from vts.admit.texts import JournaledTexts
from vts.model.content import Content
from vts.model.day import DAY_US
from vts.model.faults import JournalFull
from vts.model.outcome import ACCEPTED, AcceptedPart, Outcome, Reason, Refused
from vts.model.record import Record
from vts.model.site import PlaybackEvent, PlaybackReport, Played

STREAM, OTHER_STREAM = 50, 52
ID_4 = bytes.fromhex("5c1d6b476a344f1a9a403f8a1b0f7c11")
PLAY, BEAT, LATER = Played("play", 0.0), Played("heartbeat", 15.0), Played("heartbeat", 30.0)
DUPLICATE = Reason.DUPLICATE


class Site:
    """The admission of playback over a journal that writes at once, or, while `slow`, when it is told to."""

    def __init__(self, per_minute: int = 0) -> None:
        self.now_us = NOW
        self.entries: list[list[PlaybackEvent]] = []
        self.writing: list[Callable[[Exception | None], None]] = []
        self.slow = False
        self.full = False
        self.counted: Counter[str] = Counter()
        contents = catalog()
        for stream in (STREAM, OTHER_STREAM):
            contents.put_content(stream, Content(7, "stream", False, False, False))
        rules = SiteRules(contents, raw_days=7, per_minute=per_minute, burst=1)
        self.admission = SiteAdmission(
            rules, self._submit, JournaledTexts(contents), lambda: self.now_us, self._count, random.Random(1).randbytes
        )

    def _count(self, source: str, outcome: str, how_many: int) -> None:
        self.counted[outcome] += how_many

    def _submit(self, records: Sequence[Record], on_settled: Callable[[Exception | None], None]) -> object:
        if self.full:
            raise JournalFull("at its cap")
        self.entries.append([record for record in records if isinstance(record, PlaybackEvent)])
        if self.slow:
            self.writing.append(on_settled)
        else:
            on_settled(None)
        return None

    def send(self, *events: Played, stream: int = STREAM, client: bytes = b"C" * 16) -> list[Outcome]:
        """Send a report; the list has its outcome as soon as there is one."""
        outcomes: list[Outcome] = []
        report = PlaybackReport(
            stream_id=stream, arrived_us=self.now_us, client_key=client, key_version=1, events=list(events)
        )
        self.admission.submit_soon(report, outcomes.append)
        return outcomes

    @property
    def stored(self) -> list[tuple[str, float]]:
        """What the database keeps of the entries: an event under each key."""
        rows = {(row.stream_id, row.event_day, row.event_id): row for entry in self.entries for row in entry}
        return [(row.event_type, row.video_time) for row in rows.values()]


def part(events: int, **dropped: int) -> list[AcceptedPart]:
    return [AcceptedPart(events, {Reason(reason): how_many for reason, how_many in dropped.items()})]


def timed(event_id: bytes, video_time: float | None = 0.0) -> Played:
    return Played("heartbeat", video_time, None, event_id)


def test_a_report_that_is_sent_again_counts_once() -> None:
    site = Site()
    assert site.send(PLAY, BEAT) == [ACCEPTED]
    site.now_us += 3 * S
    assert site.send(PLAY, BEAT) == part(0, duplicate=2)
    assert site.stored == [("play", 0.0), ("heartbeat", 15.0)]
    assert site.counted == {"accepted": 2, "duplicate": 2}


def test_a_report_that_is_sent_again_with_more_behind_it_counts_what_is_new() -> None:
    site = Site()
    site.send(PLAY, BEAT)
    assert site.send(PLAY, BEAT, LATER) == part(1, duplicate=2)
    assert site.send(PLAY, BEAT, LATER) == part(0, duplicate=3)
    assert site.stored == [("play", 0.0), ("heartbeat", 15.0), ("heartbeat", 30.0)]


PAUSE, MUTE = Played("pause", 0.0), Played("play", 0.0, '{"muted":true}')
NEW = [
    ("another position", [BEAT], [LATER], {}),
    ("another type", [PLAY], [PAUSE], {}),
    ("another extra", [PLAY], [MUTE], {}),
    ("no position", [Played("play", None)], [Played("play", None)], {}),
    ("one without a position", [PLAY, Played("error", None)], [PLAY, Played("error", None)], {}),
    ("another client", [PLAY], [PLAY], {"client": b"D" * 16}),
    ("another stream", [PLAY], [PLAY], {"stream": OTHER_STREAM}),
    ("a part of it", [PLAY, BEAT], [BEAT], {}),
    ("another beginning", [BEAT], [PLAY, BEAT], {}),
]


@pytest.mark.parametrize(("first", "second", "fields"), [case[1:] for case in NEW], ids=[case[0] for case in NEW])
def test_what_differs_is_new(first: list[Played], second: list[Played], fields: dict[str, Any]) -> None:
    site = Site()
    assert site.send(*first) == site.send(*second, **fields) == [ACCEPTED]
    assert len(site.stored) == len(first) + len(second)


def test_a_report_is_recognised_for_ten_seconds_only_as_the_last_one() -> None:
    site = Site()
    site.send(BEAT)
    site.now_us += 10 * S
    assert site.send(BEAT) == part(0, duplicate=1)
    site.now_us += 10 * S + 1  # a video that stands still has a heartbeat every 15 s
    assert site.send(BEAT) == [ACCEPTED]
    for between in (PAUSE, timed(ID_4)):
        site.send(PLAY)
        assert site.send(between) == [ACCEPTED]
        assert site.send(PLAY) == [ACCEPTED]


def test_an_event_that_repeats_the_one_before_it_counts_once_and_a_later_one_again() -> None:
    site = Site()
    assert site.send(BEAT, BEAT, PAUSE, BEAT) == part(3, duplicate=1)
    no_position = Played("heartbeat", None)
    assert site.send(no_position, no_position) == [ACCEPTED]


@pytest.mark.parametrize("event_id", [ID_4, id_7(NOW - 60 * S)], ids=["version 4", "version 7"])
def test_an_event_with_an_id_counts_once_at_any_time_and_place(event_id: bytes) -> None:
    site = Site()
    assert site.send(timed(event_id), BEAT) == [ACCEPTED]
    site.now_us += 3600 * S
    assert site.send(LATER, timed(event_id), timed(event_id, 99.0), client=b"D" * 16) == part(1, duplicate=2)
    assert site.send(timed(event_id), stream=OTHER_STREAM) == [ACCEPTED]
    assert len(site.stored) == 4


def test_an_event_is_of_the_day_of_its_id_and_else_of_its_arrival() -> None:
    site = Site()
    yesterday = NOW - DAY_US
    site.send(timed(id_7(yesterday)), timed(ID_4))
    assert [(row.event_day, row.created_at) for row in site.entries[0]] == [
        (yesterday // DAY_US, yesterday // 1000 * 1000), (NOW // DAY_US, NOW + 1)
    ]  # fmt: skip


def test_an_id_of_long_ago_drops_its_event_and_one_of_the_future_is_named() -> None:
    site = Site()
    assert site.send(timed(id_7(NOW - 8 * DAY_US)), BEAT) == part(1, too_late=1)
    [refused] = site.send(BEAT, timed(id_7(NOW + DAY_US)))
    assert refused == Refused(Reason.INVALID, detail="events[1].event_id: its time lies in the future")
    assert site.stored == [("heartbeat", 15.0)]


@pytest.mark.parametrize("events", [[PLAY, BEAT], [timed(ID_4)]], ids=["positions", "an id"])
def test_what_is_not_durable_was_never_sent(events: list[Played]) -> None:
    site = Site()
    site.full = True
    for _ in range(2):
        [refused] = site.send(*events)
        assert isinstance(refused, Refused) and refused.reason is Reason.UNAVAILABLE
    site.full = False
    assert site.send(*events) == [ACCEPTED]
    site.full = True
    site.send(*events, LATER)
    site.full = False
    assert site.send(*events, LATER) == part(1, duplicate=len(events))
    assert len(site.stored) == len(events) + 1


@pytest.mark.parametrize("first_fault", [None, OSError("no room")], ids=["both are kept", "the first is lost"])
@pytest.mark.parametrize("events", [[PLAY, BEAT], [timed(ID_4)]], ids=["positions", "an id"])
def test_a_report_that_comes_again_while_it_is_written_is_durable_by_itself(
    events: list[Played], first_fault: Exception | None
) -> None:
    site = Site()
    site.slow = True
    first, second = site.send(*events), site.send(*events, LATER)
    assert first == second == []
    site.writing[0](first_fault)
    assert second == []
    site.writing[1](None)
    assert second == [ACCEPTED]
    if first_fault is not None:
        del site.entries[0]
    assert len(site.stored) == len(events) + 1
    site.slow = False
    assert len(site.stored) == len(events) + 1
    [again] = site.send(*events, LATER)
    assert isinstance(again, AcceptedPart) and again.dropped[DUPLICATE] >= len(events)


def test_what_was_sent_again_uses_no_allowance() -> None:
    site = Site(per_minute=1)
    assert site.send(PLAY) == [ACCEPTED]
    assert site.send(PLAY) == part(0, duplicate=1)
    [limited] = site.send(BEAT)
    assert isinstance(limited, Refused) and limited.reason is Reason.RATE_LIMITED
    assert site.send(PLAY) == part(0, duplicate=1)
