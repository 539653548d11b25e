"""Which reports besides views are kept: the decision alone, without a journal."""

from __future__ import annotations

from typing import Any

import pytest

from tests.admit.world import ARTWORK, DELETED, NOW, S, catalog, id_7
from vts.admit.site_rules import PLAYBACK, SITE, AdmittedSiteReport, AnySiteReport, SiteRules, records_of
from vts.catalog.memory import MemoryCatalog
from vts.model import identity
from vts.model.content import Content
from vts.model.day import DAY_US
from vts.model.outcome import Refused
from vts.model.record import Record
from vts.model.site import PlaybackEvent, PlaybackReport, Played, SiteEvent, SiteReport

STREAM, GONE_STREAM = 50, 51
MINUTE = 60 * S
FIRST_DAY = (NOW // DAY_US - 6) * DAY_US  # of seven raw days


def known() -> MemoryCatalog:
    contents = catalog()
    contents.put_content(STREAM, Content(7, "stream", False, False, False))
    contents.put_content(GONE_STREAM, Content(7, "stream", False, True, False))
    return contents


def rules(contents: MemoryCatalog | None = None, **settings: int) -> SiteRules:
    return SiteRules(contents or known(), **({"raw_days": 7, "per_minute": 60, "burst": 2} | settings))


def page(**fields: Any) -> SiteReport:
    return SiteReport(event_type="page_view", arrived_us=NOW, viewer_key=b"V" * 16, key_version=1, **fields)


def playback(stream_id: int | None = STREAM, events: int = 3, client: bytes = b"C" * 16) -> PlaybackReport:
    played = [Played("play", float(n)) for n in range(events)]
    return PlaybackReport(stream_id=stream_id, arrived_us=NOW, client_key=client, key_version=1, events=played)


def decided(judge: SiteRules, report: AnySiteReport, now: int = NOW) -> str:
    verdict = judge.decide(report, now)
    return verdict.reason.value if isinstance(verdict, Refused) else "admitted"


CASES = [
    ("a page view", page(), "admitted"),
    ("a bot", page(bot="search"), "bot"),
    ("a bot that a service reports", page(bot="search", trusted=True), "admitted"),
    ("5 min ahead", page(event_id=id_7(NOW + 5 * MINUTE)), "admitted"),
    ("more than 5 min ahead", page(event_id=id_7(NOW + 5 * MINUTE + 1000)), "invalid"),
    ("the first raw day", page(event_id=id_7(FIRST_DAY)), "admitted"),
    ("a day too old", page(event_id=id_7(FIRST_DAY - 1000)), "too_late"),
    ("playback", playback(), "admitted"),
    ("playback of no stream", playback(None), "not_found"),
    ("playback of an unknown stream", playback(999), "not_found"),
    ("playback of an artwork", playback(ARTWORK), "not_found"),
    ("playback of a deleted stream", playback(GONE_STREAM), "not_found"),
    ("playback of a deleted artwork", playback(DELETED), "not_found"),
]


@pytest.mark.parametrize(("report", "verdict"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_verdicts(report: AnySiteReport, verdict: str) -> None:
    assert decided(rules(), report) == verdict


def test_without_a_catalog_no_stream_is_known_and_pages_count() -> None:
    judge = rules(MemoryCatalog())
    assert (decided(judge, playback()), decided(judge, page())) == ("unavailable", "admitted")


def test_anonymous_senders_have_a_burst_and_then_one_a_second() -> None:
    judge = rules()
    assert [decided(judge, page()) for _ in range(3)] == ["admitted", "admitted", "rate_limited"]
    refused = judge.decide(page(), NOW)
    assert isinstance(refused, Refused) and refused.retry_after_s == pytest.approx(1.0)
    assert decided(judge, page(), NOW + S) == "admitted"


@pytest.mark.parametrize("fields", [{"trusted": True}, {"authenticated": True, "viewer_user_id": 1}])
def test_services_and_users_have_no_such_limit(fields: dict[str, Any]) -> None:
    judge = rules()
    assert {decided(judge, page(**fields)) for _ in range(9)} == {"admitted"}


def test_video_players_behind_one_address_have_an_allowance_each() -> None:
    judge = rules()
    assert [decided(judge, playback()) for _ in range(3)][-1] == "rate_limited"
    assert decided(judge, playback(client=b"D" * 16)) == "admitted"


def test_what_was_not_durable_or_refused_uses_no_allowance() -> None:
    judge = rules()
    for _ in range(5):
        admitted = judge.decide(page(), NOW)
        assert isinstance(admitted, AdmittedSiteReport)
        judge.release(admitted)
        assert decided(judge, page(bot="ai")) == "bot"
    assert [decided(judge, page()) for _ in range(3)] == ["admitted", "admitted", "rate_limited"]


def test_the_metrics_count_every_event_of_a_report() -> None:
    counted = [rules().decide(report, NOW) for report in (page(), playback(events=5))]
    assert [one[:2] for one in counted if isinstance(one, AdmittedSiteReport)] == [(SITE, 1), (PLAYBACK, 5)]


def times_and_ids(records: list[Record]) -> list[tuple[int, int]]:
    return [
        (record.created_at, identity.version(record.event_id))
        for record in records
        if isinstance(record, SiteEvent | PlaybackEvent)
    ]


def test_events_of_one_request_keep_their_order_and_have_an_id_each() -> None:
    records = records_of(playback(), None, NOW, bytes(range(30)))
    assert times_and_ids(records) == [(NOW, 7), (NOW + 1, 7), (NOW + 2, 7)]
    assert len({record.event_id for record in records if isinstance(record, PlaybackEvent)}) == 3


def test_a_host_event_has_the_time_of_its_id_or_of_its_arrival() -> None:
    yesterday = NOW - DAY_US
    assert times_and_ids(records_of(page(event_id=id_7(yesterday)), None, NOW, bytes(10))) == [(yesterday, 7)]
    assert times_and_ids(records_of(page(), None, NOW + 5, bytes(10))) == [(NOW, 7)]
