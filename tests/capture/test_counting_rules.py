"""The rules of the host: what the status of a view says, what an unknown intent means, how playback may be spelled."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest

from tests.capture.http_support import WebDoor, ask, open_world, post
from vts.model.content import Content
from vts.model.outcome import Reason, Refused

ACCEPTED = b'{"accepted":1,"dropped":{}}'


@pytest.fixture
async def world() -> AsyncIterator[WebDoor]:
    async with open_world(says_counted=True, unknown_intent="listing") as opened:
        yield opened
        assert opened.bugs == []


async def test_the_status_says_whether_a_view_counted(world: WebDoor) -> None:
    counted = await ask(world, post("/api/post/42/view", b""))
    assert (counted.status, counted.body) == (201, ACCEPTED)
    for post_id, reason in enumerate((Reason.BOT, Reason.DUPLICATE, Reason.AUTHOR, Reason.TOO_LATE), 1):
        world.admission.script[post_id] = Refused(reason)
        dropped = await ask(world, post(f"/api/post/{post_id}/view", b""))
        assert (dropped.status, dropped.body, "content-length" in dropped.headers) == (204, b"", False)


async def test_errors_and_other_routes_keep_their_status(world: WebDoor) -> None:
    for post_id, refused, status in (
        (1, Refused(Reason.RATE_LIMITED, 3.0), 429),
        (2, Refused(Reason.NOT_FOUND), 404),
        (3, Refused(Reason.UNAVAILABLE, 3.0), 503),
    ):
        world.admission.script[post_id] = refused
        assert (await ask(world, post(f"/api/post/{post_id}/view", b""))).status == status
    assert (await ask(world, post("/api/post/0/view", b""))).status == 400
    assert (await ask(world, post("/api/view", b'{"post_id":42}'))).status == 202


@pytest.mark.parametrize(
    ("body", "view_type"),
    [
        (b"", "intentional"),
        (b'{"intent":"view"}', "intentional"),
        (b'{"intent":null,"channel":"all"}', "intentional"),
        (b'{"intent":"impression"}', "listing"),
        (b'{"intent":"glance"}', "listing"),
        (b'{"intent":7}', "listing"),
        (b'{"intent":"glance","view_type":"search"}', "search"),
    ],
)
async def test_an_unknown_intent_is_what_the_host_says(world: WebDoor, body: bytes, view_type: str) -> None:
    await ask(world, post("/api/post/42/view", body))
    assert [event.view_type for event in world.admission.kept] == [view_type]


async def test_without_the_setting_an_unknown_intent_is_intentional() -> None:
    async with open_world() as world:
        assert (await ask(world, post("/api/post/42/view", b'{"intent":"glance"}'))).status == 202
        assert [event.view_type for event in world.admission.kept] == ["intentional"]


STREAM = {"streamId": 5, "clientId": "c"}


@pytest.mark.parametrize("spelled", ["PLAY", "Play", "play"])
@pytest.mark.parametrize("time", [{"videoTime": None}, {}, {"videoTime": 0}])
async def test_playback_is_understood_in_capitals_and_before_the_media_has_loaded(
    world: WebDoor, spelled: str, time: dict[str, object]
) -> None:
    world.catalog.contents[5] = Content(1, "stream", private=False, deleted=False, provisional=False)
    body = STREAM | {"events": [{"type": spelled} | time, {"type": "BUFFER_START", "videoTime": 2}]}
    answer = await ask(world, post("/analytics/events", json.dumps(body).encode()))
    assert (answer.status, answer.body) == (202, b'{"ingested":2}')
    assert [(one.event_type, one.video_time) for one in world.site.records] == [("play", 0.0), ("buffer_start", 2.0)]
