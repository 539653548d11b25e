"""The one path of players' reports with the real gate behind it: both MQTT patterns and HTTP, decided alike."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

import pytest

from tests.capture.mqtt_support import KEY, OTHER, REVOKED, PlayerDoors
from vts.admit.admission import Admission
from vts.admit.gate import Gate, GateSettings
from vts.admit.texts import JournaledTexts
from vts.capture.players.reports import PlayerMessage, PlayerReports, Settled
from vts.model.day import MINUTE_US, SECOND_US
from vts.model.faults import JournalFull
from vts.model.outcome import ACCEPTED, Reason, Refused
from vts.model.view import ViewEvent

NOON_US = 1_766_404_800 * SECOND_US  # 2025-12-22T12:00:00Z
UNKNOWN = "11111111-2222-4333-8444-555555555555"


class Desk:
    """PlayerReports with the real gate, a journal that is a list, and a clock that stands still."""

    def __init__(self, *, strict: bool = False) -> None:
        self.now_us = NOON_US
        self.journal: list[ViewEvent] = []
        self.full = False
        self.world = PlayerDoors()
        gate = Gate(GateSettings(strict=strict), self.world.catalog, bytes(32))
        admission = Admission(
            gate, self._append, JournaledTexts(self.world.catalog), self._clock, lambda source, outcome, n: None
        )
        self.reports: PlayerReports = dataclasses.replace(self.world.reports, admission=admission, clock=self._clock)

    def _clock(self) -> int:
        return self.now_us

    def _append(self, records: Sequence[ViewEvent], on_settled: Callable[[Exception | None], None]) -> None:
        if self.full:
            raise JournalFull("at its cap")
        self.journal += records
        on_settled(None)

    async def settle(self, *messages: tuple[str, bytes]) -> list[Settled]:
        parse = self.reports.topics.parse
        return await self.reports.settle([PlayerMessage(parse(topic), payload) for topic, payload in messages])

    async def submit(self, key: str = KEY, **fields: Any) -> dict[str, Any]:
        """Ask by `request`, return the answer."""
        said = {"request_type": "submit_view", "post_id": 192} | fields
        (settled,) = await self.settle((f"makapix/player/{key}/request/r1", json.dumps(said).encode()))
        assert settled.answer is not None
        answer: dict[str, Any] = json.loads(settled.answer[1])
        return answer

    async def tell(self, key: str = KEY, **fields: Any) -> Settled:
        """Report by `view`."""
        (settled,) = await self.settle((f"makapix/player/{key}/view", json.dumps({"post_id": 192} | fields).encode()))
        return settled


def at(seconds: float) -> str:
    when = dt.datetime.fromtimestamp(NOON_US / 1e6 + seconds, dt.UTC)
    return when.isoformat().replace("+00:00", "Z")


async def test_another_view_within_five_seconds_is_too_soon_and_an_equal_one_is_a_success() -> None:
    desk = Desk()
    assert (await desk.submit())["success"] is True
    again = await desk.submit(post_id=193)
    assert (again["error_code"], again["retry_after"]) == ("rate_limited", 5.0)
    assert (await desk.submit())["success"] is True
    desk.now_us += 5 * SECOND_US
    assert (await desk.submit(post_id=193))["success"] is True
    assert [event.post_id for event in desk.journal] == [192, 193]


async def test_an_hour_offline_counts_by_the_players_clock() -> None:
    desk = Desk()
    queue = [(f"makapix/player/{KEY}/view", json.dumps({"post_id": 192, "timestamp": at(-5 * i)}).encode())
             for i in range(720)]  # fmt: skip
    assert all(settled.keep for settled in await desk.settle(*queue))
    assert len(desk.journal) == 720
    assert all(settled.refusal is Reason.DUPLICATE for settled in await desk.settle(*queue))
    assert len(desk.journal) == 720


async def test_a_clock_that_is_not_set_means_the_arrival() -> None:
    desk = Desk()
    for i, timestamp in enumerate(("1970-01-01T00:00:00Z", "", None)):
        desk.now_us = NOON_US + i * 2 * MINUTE_US
        await desk.tell(timestamp=timestamp, timezone="America/Sao_Paulo")
    assert [event.created_at for event in desk.journal] == [NOON_US, NOON_US + 2 * MINUTE_US, NOON_US + 4 * MINUTE_US]
    assert all(event.local_datetime is None and event.local_hour is None for event in desk.journal)


async def test_the_players_own_time() -> None:
    desk = Desk()
    await desk.tell(timestamp="2025-12-22T11:24:15Z", timezone="America/Sao_Paulo")
    await desk.submit(local_datetime="2025-12-22T08:30:00", local_timezone="America/Sao_Paulo")
    for event, minute in zip(desk.journal, (24, 30), strict=True):
        assert event.local_datetime is not None
        assert (event.local_hour, event.local_datetime.minute, event.local_weekday) == (8, minute, 0)
        assert event.created_at // MINUTE_US % 60 == minute
        assert event.event_id[6] >> 4 == 8


@pytest.mark.parametrize(
    ("key", "fields", "country"),
    [
        (KEY, {"country": "fr", "timezone": "Asia/Tokyo"}, "FR"), (KEY, {"timezone": "Asia/Tokyo"}, "BR"),
        (OTHER, {"timezone": "Asia/Tokyo"}, "JP"), (OTHER, {"country": "??"}, None), (OTHER, {}, None),
    ],
)  # fmt: skip
async def test_the_country_is_the_events_else_the_players_else_its_time_zones(
    key: str, fields: dict[str, Any], country: str | None
) -> None:
    desk = Desk()
    await desk.tell(key, timestamp=at(-60), **fields)
    assert [event.country_code for event in desk.journal] == [country]
    assert desk.journal[0].authenticated is (key == KEY)


@pytest.mark.parametrize("how", ["view", "request", "http"])
@pytest.mark.parametrize(
    ("key", "fields", "reason", "code"),
    [
        (KEY, {"post_id": 0}, Reason.INVALID, "invalid_request"),
        (KEY, {"player_key": OTHER}, Reason.IDENTITY_MISMATCH, "authentication_failed"),
        (KEY, {"player_key": "me"}, Reason.IDENTITY_MISMATCH, "authentication_failed"),
        (UNKNOWN, {}, Reason.AUTHENTICATION_FAILED, "authentication_failed"),
        (REVOKED, {}, Reason.AUTHENTICATION_FAILED, "authentication_failed"),
        (KEY, {"post_id": 4}, Reason.NOT_FOUND, "not_found"),
        (KEY, {"post_id": 13}, Reason.DELETED, "deleted"),
        (KEY, {"post_id": 7}, Reason.AUTHOR, None),
        (KEY, {"event_id": "5c1d6b47-6a34-8f1a-9a40-3f8a1b0f7c11"}, Reason.INVALID, "invalid_request"),
    ],
)  # fmt: skip
async def test_every_way_in_decides_alike(
    how: str, key: str, fields: dict[str, Any], reason: Reason, code: str | None
) -> None:
    desk = Desk(strict=True)
    owned = desk.world.catalog.contents[192]._replace(owner_id=7)
    desk.world.catalog.contents[7] = owned
    match how:
        case "view":
            settled = await desk.tell(key, request_ack=True, **fields)
            assert settled.refusal is reason
            assert settled.answer is not None
            answer = json.loads(settled.answer[1])
            assert (answer["success"], answer.get("error_code")) == (code is None, code)
        case "request":
            answer = await desk.submit(key, **fields)
            assert (answer["success"], answer["error_code"]) == (code is None, code)
        case _:
            outcome = await desk.reports.receive(UUID(key).bytes, json.dumps({"post_id": 192} | fields).encode())
            assert isinstance(outcome, Refused)
            assert outcome.reason is reason
    assert desk.journal == []


async def test_what_players_show_is_kept_of_registered_ones_only() -> None:
    desk, key = Desk(strict=True), UUID(KEY).bytes
    presence = desk.world.presence
    online = json.dumps({"status": "online", "current_post_id": 192, "firmware_version": "2.1"}).encode()
    parse = desk.reports.topics.parse
    await desk.settle((f"makapix/player/{UNKNOWN}/status", online), (f"makapix/player/{REVOKED}/status", online))
    await desk.settle((f"makapix/player/{KEY}/status", json.dumps({"player_key": OTHER}).encode()))
    await desk.reports.settle([PlayerMessage(parse(f"makapix/player/{KEY}/status"), online, retained=True)])
    assert len(presence) == 0
    assert desk.world.counts["retained"] == 1
    await desk.settle((f"makapix/player/{KEY}/status", online))
    desk.now_us += SECOND_US
    await desk.tell()
    desk.now_us += SECOND_US
    await desk.tell(post_id=4)  # there is no such content: no view, and no sign
    await desk.settle((f"makapix/player/{KEY}/status", json.dumps({"current_post_id": "blog:7"}).encode()))
    changes = presence.take()
    assert list(changes) == [key]
    assert (changes[key].first_us, changes[key].view_us) == (NOON_US, NOON_US + SECOND_US)
    assert changes[key].status_us == NOON_US + 2 * SECOND_US
    assert (changes[key].firmware, changes[key].post_id) == ("2.1", None)  # the text of no known content
    assert desk.world.counts["status"] == 2


async def test_a_view_over_http_shows_its_player_too() -> None:
    desk = Desk()
    assert await desk.reports.receive(UUID(KEY).bytes, b'{"post_id":192}') is ACCEPTED
    assert desk.world.presence.take()[UUID(KEY).bytes].view_us == NOON_US


async def test_http_counts_a_view_too() -> None:
    desk = Desk()
    outcome = await desk.reports.receive(UUID(KEY).bytes, b'{"post_id":192}')
    assert outcome is ACCEPTED
    assert [event.view_source for event in desk.journal] == ["player"]


@pytest.mark.parametrize(("seconds", "code"), [(-8 * 86_400, "invalid_request"), (600, "invalid_request"), (240, None)])
async def test_clocks_that_are_far_off(seconds: int, code: str | None) -> None:
    desk = Desk()
    settled = await desk.tell(timestamp=at(seconds), request_ack=True)
    assert settled.answer is not None
    assert json.loads(settled.answer[1]).get("error_code") == code


async def test_what_the_journal_refuses_is_not_kept_and_counts_later() -> None:
    desk = Desk()
    desk.full = True
    settled = await desk.tell(timestamp=at(-60), request_ack=True)
    assert settled.keep is False
    assert settled.answer is not None
    assert json.loads(settled.answer[1])["error_code"] == "unavailable"
    desk.full = False
    assert (await desk.tell(timestamp=at(-60))).keep
    assert len(desk.journal) == 1


async def test_a_batch_is_one_entry_and_keeps_its_order() -> None:
    desk = Desk()
    view = f"makapix/player/{KEY}/view"
    settled = await desk.settle(
        (view, json.dumps({"post_id": 1, "timestamp": at(-60)}).encode()),
        ("elsewhere", b""),
        (view, b"{"),
        (view, json.dumps({"post_id": 2, "timestamp": at(-50)}).encode()),
        (view, json.dumps({"post_id": 2, "timestamp": at(-50)}).encode()),
    )
    assert [one.refusal for one in settled] == [None, Reason.INVALID, Reason.INVALID, None, Reason.DUPLICATE]
    assert [event.post_id for event in desk.journal] == [1, 2]


@pytest.mark.parametrize(
    ("intent", "counted"),
    [("glance", "listing"), (7, "listing"), ("artwork", "intentional"), ("", "intentional"), (None, "intentional")],
)
async def test_an_unknown_intent_of_a_player_is_what_the_host_says(intent: object, counted: str) -> None:
    desk = Desk()
    views = dataclasses.replace(desk.reports.views, unknown_intent="listing")
    desk.reports = dataclasses.replace(desk.reports, views=views)
    assert (await desk.submit(view_intent=intent))["success"]
    await desk.tell(OTHER, intent=intent, post_id=5)
    assert [event.view_type for event in desk.journal] == [counted, counted]
