"""Page views, host events and playback over HTTP: what each request is answered, and which event it becomes."""

from __future__ import annotations

import gzip
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.capture.http_support import BROWSER, NOW_US, WebDoor, ask, open_world, post
from vts.model.content import Content
from vts.model.day import DAY_US, day_of
from vts.model.identity import text_of, version_7
from vts.model.site import PlaybackEvent, SiteEvent

PAGE = "/api/track/page-view"
EVENT = "/api/track/event"
PLAYBACK = "/analytics/events"
STREAM = Content(7, "stream", False, False, False)


@pytest.fixture
async def world() -> AsyncIterator[WebDoor]:
    async with open_world() as opened:
        opened.catalog.contents = {5: STREAM, 6: STREAM._replace(kind="artwork"), 8: STREAM._replace(deleted=True)}
        yield opened
        assert opened.bugs == []


def token_of(world: WebDoor, user_id: int | None, *roles: str) -> str:
    token = world.tokens.issue(user_id=user_id, roles=frozenset(roles), now_s=NOW_US / 1e6, ttl_s=60)
    return f"Authorization: Bearer {token}"


async def send(world: WebDoor, path: str, body: Any, *lines: str) -> tuple[int, Any]:
    answer = await ask(world, post(path, json.dumps(body).encode(), *lines))
    return answer.status, json.loads(answer.body)


# ---- page views


async def test_a_page_view_is_kept_under_its_page(world: WebDoor) -> None:
    content = {"path": "/api/post/42?from=a@b.c", "referrer": "https://www.Example.org/x"}
    assert await send(world, PAGE, content) == (202, {"accepted": 1, "dropped": {}})
    [event] = world.site.records
    assert isinstance(event, SiteEvent)
    assert (event.event_type, event.page, event.referrer_domain) == ("page_view", "/p/[post]", "example.org")
    assert (event.device_type, event.authenticated, event.viewer_user_id) == ("desktop", False, None)
    assert (event.event_day, event.created_at) == (day_of(NOW_US), NOW_US)
    assert len(event.viewer_key) == 16
    assert world.counted["site", "accepted"] == 1


async def test_a_signed_in_reader_is_authenticated(world: WebDoor) -> None:
    assert (await send(world, PAGE, {"path": "/"}, token_of(world, 7, "user")))[0] == 202
    [event] = world.site.records
    assert (event.viewer_user_id, event.authenticated) == (7, True)


async def test_a_page_view_may_be_sent_as_text_and_gzip(world: WebDoor) -> None:
    body = gzip.compress(b'{"path":"/search"}')
    answer = await ask(world, post(PAGE, body, "Content-Type: text/plain", "Content-Encoding: gzip"))
    assert (answer.status, world.site.records[0].page) == (202, "/search")


async def test_a_crawler_is_dropped(world: WebDoor) -> None:
    body = b'{"path":"/"}'
    request = post(PAGE, body).replace(BROWSER.encode(), b"Googlebot/2.1 (+http://www.google.com/bot.html)")
    answer = await ask(world, request)
    assert (answer.status, json.loads(answer.body)) == (202, {"accepted": 0, "dropped": {"bot": 1}})
    assert world.site.records == []


async def test_an_id_makes_a_page_view_safe_to_repeat(world: WebDoor) -> None:
    event_id = version_7(NOW_US - 1_000_000, bytes(10))
    assert (await send(world, PAGE, {"path": "/", "event_id": text_of(event_id)}))[0] == 202
    [event] = world.site.records
    assert (event.event_id, event.created_at) == (event_id, (NOW_US - 1_000_000) // 1000 * 1000)


@pytest.mark.parametrize(("age_us", "expected"), [(8 * DAY_US, 202), (-DAY_US, 400)])
async def test_an_id_of_another_time_is_refused(world: WebDoor, age_us: int, expected: int) -> None:
    content = {"path": "/", "event_id": text_of(version_7(NOW_US - age_us, bytes(10)))}
    status, answer = await send(world, PAGE, content)
    assert status == expected
    assert answer.get("dropped", {"invalid": 1}) in ({"too_late": 1}, {"invalid": 1})
    assert world.site.records == []


BAD_PAGES = {
    "nothing": (b"", "body"),
    "no path": (b"{}", "path: is missing"),
    "no slash": (b'{"path":"search"}', "path: a path"),
    "a number": (b'{"path":5}', "path"),
    "NUL": (b'{"path":"/a\\u0000"}', "path"),
    "long": (b'{"path":"/%b"}' % (b"a" * 3000), "path"),
    "referrer": (b'{"path":"/","referrer":5}', "referrer"),
    "version 4": (b'{"path":"/","event_id":"0199c0de-0000-4000-8000-00000000002a"}', "event_id"),
    "an empty array": (b"[]", "body: no events"),
    "an array that does not end": (b'[{"path":"/"}', "body"),
}


@pytest.mark.parametrize(("body", "names"), BAD_PAGES.values(), ids=BAD_PAGES.keys())
async def test_a_bad_field_of_a_page_view_is_named(world: WebDoor, body: bytes, names: str) -> None:
    answer = await ask(world, post(PAGE, body))
    content = json.loads(answer.body)
    assert (answer.status, content["error_code"]) == (400, "invalid")
    assert names in content["error"]
    assert world.site.records == []


async def test_an_anonymous_flood_is_limited_and_a_full_journal_is_503(world: WebDoor) -> None:
    world.site.full = True
    status, content = await send(world, PAGE, {"path": "/"})
    assert (status, content["error_code"]) == (503, "unavailable")
    world.site.full = False
    for _ in range(120):  # what was refused has given its allowance back
        assert (await send(world, PAGE, {"path": "/"}))[0] == 202
    status, content = await send(world, PAGE, {"path": "/"})
    assert (status, content["error_code"], content["retry_after"]) == (429, "rate_limited", 1.0)


# ---- events of the host application


async def test_only_a_service_reports_host_events(world: WebDoor) -> None:
    content = {"event_type": "signup"}
    assert (await send(world, EVENT, content))[0] == 401
    assert (await send(world, EVENT, content, token_of(world, 7, "user", "owner")))[0] == 403
    assert (await send(world, EVENT, content, token_of(world, None, "service")))[0] == 202
    assert len(world.site.records) == 1


async def test_a_host_event_with_everything(world: WebDoor) -> None:
    content = {
        "event_type": "error",
        "page_path": "/user/9",
        "user_id": 9,
        "event_data": {"error_type": "TimeoutError", "n": 2},
        "client_ip": "203.0.113.9",
        "user_agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X)",
    }
    assert (await send(world, EVENT, content, token_of(world, None, "service")))[0] == 202
    [event] = world.site.records
    assert (event.event_type, event.page, event.viewer_user_id, event.error_type) == (
        "error",
        "/u/[user]",
        9,
        "TimeoutError",
    )
    assert (event.authenticated, event.device_type) == (True, "mobile")
    assert json.loads(event.event_data) == {"error_type": "TimeoutError", "n": 2}


@pytest.mark.parametrize(
    ("content", "names"),
    [
        ({}, "event_type: is missing"),
        ({"event_type": "purchase"}, "event_type: one of"),
        ({"event_type": 5}, "event_type"),
        ({"event_type": "page_view"}, "page_path: is missing"),
        ({"event_type": "signup", "user_id": 0}, "user_id"),
        ({"event_type": "signup", "event_data": [1]}, "event_data"),
        ({"event_type": "signup", "event_data": {"a": "x" * 5000}}, "event_data: more than"),
        ({"event_type": "signup", "event_data": {"a": "\0"}}, "event_data: has a NUL"),
        ({"event_type": "signup", "client_ip": "nowhere"}, "client_ip"),
    ],
)
async def test_a_bad_field_of_a_host_event_is_named(world: WebDoor, content: Any, names: str) -> None:
    status, answer = await send(world, EVENT, content, token_of(world, None, "service"))
    assert (status, answer["error_code"]) == (400, "invalid")
    assert names in answer["error"]
    assert "purchase" not in answer["error"]
    assert world.site.records == []


# ---- batches of page views and of host events


async def test_host_events_come_in_arrays_and_are_one_entry(world: WebDoor) -> None:
    events = [
        {"event_type": "signup", "user_id": 9},
        {"event_type": "purchase"},
        {"event_type": "page_view", "page_path": "/user/9", "client_ip": "203.0.113.9"},
        7,
        {"event_type": "error", "event_data": {"code": 502}},
    ]
    status, answer = await send(world, EVENT, events, token_of(world, None, "service"))
    assert (status, answer["accepted"], answer["dropped"]) == (202, 3, {})
    assert [(error["index"], error["error_code"]) for error in answer["errors"]] == [(1, "invalid"), (3, "invalid")]
    assert answer["errors"][0]["error"].startswith("event_type: one of")
    [entry] = world.site.entries
    assert [event.event_type for event in entry] == ["signup", "page_view", "error"]
    assert [event.viewer_user_id for event in entry] == [9, None, None]
    assert (entry[1].page, entry[2].error_type) == ("/u/[user]", "502")
    assert len({event.event_id for event in entry}) == 3
    assert (world.counted["site", "accepted"], world.counted["site", "invalid"]) == (3, 2)


async def test_host_events_come_as_ndjson_too(world: WebDoor) -> None:
    lines = b'{"event_type":"signup"}\n\n{"event_type":"upload"}\r\n{"event_type":\n'
    token = token_of(world, None, "service")
    for body, content_type in ((lines, "Content-Type: application/x-ndjson"), (gzip.compress(lines), "")):
        world.site.entries.clear()
        more = [content_type] if content_type else ["Content-Encoding: gzip"]
        answer = await ask(world, post(EVENT, body, token, *more))
        content = json.loads(answer.body)
        assert (answer.status, content["accepted"], [e["index"] for e in content["errors"]]) == (202, 2, [2])
        assert [event.event_type for event in world.site.records] == ["signup", "upload"]
    one = await ask(world, post(EVENT, b'{"event_type":\n"signup"\n}\n', token))
    assert (one.status, one.body) == (202, b'{"accepted":1,"dropped":{}}')


async def test_an_event_that_is_twice_in_a_batch_counts_once(world: WebDoor) -> None:
    again = {"event_type": "signup", "event_id": text_of(version_7(NOW_US - 1_000_000, bytes(10)))}
    late = {"event_type": "signup", "event_id": text_of(version_7(NOW_US - 9 * DAY_US, bytes(10)))}
    status, answer = await send(world, EVENT, [again, late, again], token_of(world, None, "service"))
    assert (status, answer) == (202, {"accepted": 1, "dropped": {"too_late": 1, "duplicate": 1}})
    assert len(world.site.records) == 1


async def test_a_batch_has_bounds_and_one_answer(world: WebDoor) -> None:
    token = token_of(world, None, "service")
    event = {"event_type": "api_call", "page_path": "/api/" + "a" * 150}  # more than 64 KiB together
    assert await send(world, EVENT, [event] * 500, token) == (202, {"accepted": 500, "dropped": {}})
    status, answer = await send(world, EVENT, [event] * 501, token)
    assert (status, answer["error_code"]) == (413, "too_large")
    status, answer = await send(world, EVENT, [{}, []], token)
    assert (status, answer["error_code"], len(answer["errors"])) == (400, "invalid", 2)
    for sender, expected in ((), 401), ((token_of(world, 7, "user"),), 403):
        assert (await send(world, EVENT, [event], *sender))[0] == expected
    world.site.full = True
    status, answer = await send(world, EVENT, [event, event], token)
    assert (status, answer["error_code"]) == (503, "unavailable")
    assert len(world.site.entries) == 1


async def test_page_views_come_in_batches_within_their_allowance(world: WebDoor) -> None:
    pages = [{"path": f"/p/{n}"} for n in range(100)]
    assert await send(world, PAGE, pages) == (202, {"accepted": 100, "dropped": {}})
    assert (await send(world, PAGE, pages))[1] == {"accepted": 20, "dropped": {"rate_limited": 80}}
    status, answer = await send(world, PAGE, pages)
    assert (status, answer["error_code"], answer["dropped"]) == (429, "rate_limited", {"rate_limited": 100})
    assert [len(entry) for entry in world.site.entries] == [100, 20]


# ---- playback


PLAY = {"type": "play", "videoTime": 1}


def playback(*events: dict[str, Any], stream: Any = "5", client: Any = "a browser") -> dict[str, Any]:
    return {"streamId": stream, "clientId": client, "events": list(events)}


async def test_a_report_is_one_entry_in_its_order(world: WebDoor) -> None:
    content = playback(
        {"type": "play", "videoTime": 0},
        {"type": "heartbeat", "videoTime": 15.5, "extra": {"bitrate": 800}},
        {"type": "pause", "videoTime": 20},
    )
    assert await send(world, PLAYBACK, content, "User-Agent: hls.js") == (202, {"ingested": 3})
    [entry] = world.site.entries
    assert all(isinstance(event, PlaybackEvent) for event in entry)
    assert [event.event_type for event in world.site.records] == ["play", "heartbeat", "pause"]
    assert [event.created_at - NOW_US for event in world.site.records] == [0, 1, 2]
    assert [event.video_time for event in world.site.records] == [0.0, 15.5, 20.0]
    assert [event.extra for event in world.site.records] == [None, '{"bitrate":800}', None]
    assert {event.stream_id for event in world.site.records} == {5}
    assert len({event.client_key for event in world.site.records}) == 1
    assert len({event.event_id for event in world.site.records}) == 3
    assert world.counted["playback", "accepted"] == 3


async def test_a_report_that_is_sent_again_is_answered_with_what_became_of_it(world: WebDoor) -> None:
    content = playback(PLAY, {"type": "heartbeat", "videoTime": 15})
    assert await send(world, PLAYBACK, content) == (202, {"ingested": 2})
    assert await send(world, PLAYBACK, content) == (202, {"ingested": 0, "dropped": {"duplicate": 2}})
    more = playback(*content["events"], {"type": "pause", "videoTime": 20})
    assert await send(world, PLAYBACK, more) == (202, {"ingested": 1, "dropped": {"duplicate": 2}})
    assert [event.event_type for event in world.site.records] == ["play", "heartbeat", "pause"]
    assert (world.counted["playback", "accepted"], world.counted["playback", "duplicate"]) == (3, 4)


async def test_events_without_a_position_are_never_taken_for_one_that_was_sent_before(world: WebDoor) -> None:
    for beat in ({"type": "heartbeat"}, {"type": "heartbeat", "videoTime": None}):
        assert await send(world, PLAYBACK, playback(beat, beat)) == (202, {"ingested": 2})
        assert await send(world, PLAYBACK, playback(beat, beat)) == (202, {"ingested": 2})
    assert {event.video_time for event in world.site.records} == {0.0}


@pytest.mark.parametrize(
    "event_id", ["5c1d6b47-6a34-4f1a-9a40-3f8a1b0f7c11", text_of(version_7(NOW_US - 60_000_000, bytes(10)))]
)
async def test_an_id_makes_an_event_of_a_video_player_safe_to_repeat(world: WebDoor, event_id: str) -> None:
    first = {"type": "play", "event_id": event_id}
    assert await send(world, PLAYBACK, playback(first)) == (202, {"ingested": 1})
    content = playback(PLAY, first, {"type": "pause"})
    assert await send(world, PLAYBACK, content) == (202, {"ingested": 2, "dropped": {"duplicate": 1}})
    assert text_of(world.site.records[0].event_id) == event_id


@pytest.mark.parametrize("stream", ["6", "8", "9", 9, "intro", "99999999999999999999"])
async def test_an_unknown_stream_is_not_found(world: WebDoor, stream: Any) -> None:
    status, answer = await send(world, PLAYBACK, playback({"type": "play", "videoTime": 0}, stream=stream))
    assert (status, answer["error_code"]) == (404, "not_found")
    assert world.site.records == []


@pytest.mark.parametrize(
    ("content", "names"),
    [
        ({"clientId": "c", "events": [PLAY]}, "streamId: is missing"),
        ({"streamId": "5", "events": [PLAY]}, "clientId: is missing"),
        ({"streamId": "5", "clientId": "c"}, "events: is missing"),
        (playback(), "events"),
        (playback(*[PLAY] * 101), "events"),
        (playback(PLAY, {"videoTime": 1}), "type: is missing"),
        (playback(PLAY, {"type": "rewind", "videoTime": 1}), "events[1].type: one of"),
        (playback({"type": "play", "videoTime": -0.1}), "events[0].videoTime"),
        (playback({"type": "play", "videoTime": "1"}), "videoTime"),
        (playback({"type": "play", "extra": "x" * 2000}), "events[0].extra"),
        (playback(PLAY, {"type": "play", "event_id": "x"}), "events[1].event_id: not a UUID"),
        (playback({"type": "play", "event_id": 5}), "events[0].event_id"),
        (playback({"type": "play", "event_id": "5c1d6b47-6a34-8f1a-9a40-3f8a1b0f7c11"}), "events[0].event_id: a UUID"),
        (
            playback(PLAY, {"type": "play", "event_id": text_of(version_7(NOW_US + DAY_US, bytes(10)))}),
            "events[1].event_id: its time lies in the future",
        ),
        (playback(PLAY, client="c" * 256), "clientId"),
        (playback(PLAY, client=""), "clientId"),
        (playback(PLAY, client="a\0"), "clientId: has a NUL"),
        (playback(PLAY, stream=""), "streamId"),
        (playback(PLAY, stream=-1), "streamId"),
    ],
)
async def test_a_bad_field_of_a_playback_report_is_named(world: WebDoor, content: Any, names: str) -> None:
    status, answer = await send(world, PLAYBACK, content)
    assert (status, answer["error_code"]) == (400, "invalid")
    assert names in answer["error"], answer
    assert "rewind" not in answer["error"]
    assert world.site.records == []


async def test_a_report_is_kept_as_a_whole_or_refused(world: WebDoor) -> None:
    world.site.full = True
    status, content = await send(world, PLAYBACK, playback(PLAY, PLAY))
    assert (status, content["error_code"]) == (503, "unavailable")
    world.catalog.ready = False
    assert (await send(world, PLAYBACK, playback(PLAY)))[0] == 503


@pytest.mark.parametrize("path", [PAGE, EVENT, PLAYBACK])
async def test_only_post_and_preflight(world: WebDoor, path: str) -> None:
    answer = await ask(world, f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    assert answer.status == 405
    answer = await ask(world, f"OPTIONS {path} HTTP/1.1\r\nHost: a\r\nOrigin: https://x.example\r\n\r\n".encode())
    assert answer.status in (200, 204)
    assert answer.headers["access-control-allow-origin"] == "https://x.example"
