"""Capture over HTTP, byte for byte: what each request is answered, and which event it becomes."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import AsyncIterator

import pytest

from tests.capture.http_support import BROWSER, NOW_US, WebDoor, ask, connect, get, open_world, post
from vts.auth.credentials import credential_hash
from vts.capture.http.replies import GIF
from vts.model.content import Player
from vts.model.outcome import Reason, Refused

VIEW = b'{"post_id":42}'
PLAYER = "8f14e45f-ceea-467f-a0e6-0123456789ab"


@pytest.fixture
async def world() -> AsyncIterator[WebDoor]:
    async with open_world() as opened:
        yield opened
        assert opened.bugs == []


async def test_one_view_is_accepted(world: WebDoor) -> None:
    answer = await ask(world, post("/api/view", VIEW, "Content-Type: application/json"))
    assert (answer.status, answer.body) == (202, b'{"accepted":1,"dropped":{}}')
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "date" in answer.headers
    [event] = world.admission.kept
    assert (event.post_id, event.view_source, event.view_type, event.device_type) == (
        42,
        "web",
        "intentional",
        "desktop",
    )


async def test_a_connection_that_was_to_be_closed_is_closed(world: WebDoor) -> None:
    client = await connect(world)
    await client.send(post("/api/view", VIEW, "Connection: close"))
    assert (await client.answer()).headers["connection"] == "close"
    assert await client.rest() == b""


async def test_every_field_arrives(world: WebDoor) -> None:
    body = {
        "post_id": 42,
        "event_id": "0199C0DE-0000-7000-8000-00000000002a",
        "view_type": "search",
        "source": "widget",
        "referrer": "https://www.Example.org/page?q=1",
        "channel": "hashtag",
        "channel_context": "pixel",
        "playlist_id": 7,
        "play_order": 2,
        "local_datetime": "2025-10-09T10:53:20",
        "local_timezone": "Europe/Lisbon",
        "an unknown field": {"is": ["ignored"]},
    }
    assert (await ask(world, post("/api/view", json.dumps(body).encode()))).status == 202
    [event] = world.admission.kept
    assert event.event_id.hex() == "0199c0de00007000800000000000002a"
    assert (event.view_type, event.view_source, event.referrer_domain) == ("search", "widget", "example.org")
    assert (event.channel, event.channel_context, event.playlist_id, event.play_order) == ("hashtag", "pixel", 7, 2)
    assert (event.local_hour, event.local_weekday, event.local_timezone) == (10, 3, "Europe/Lisbon")


ENCODED = {
    "a letter": "/api/%76iew",
    "every letter of a part": "/%61%70%69/view",
    "a slash": "/api%2Fview",
    "a number": "/api/post/%34%32/view",
    "a letter and a number": "/api/p%6Fst/4%32/view",
    "absolute": "http://x/api/%76iew",
}


@pytest.mark.parametrize("target", ENCODED.values(), ids=ENCODED.keys())
async def test_a_percent_encoded_path_is_the_path_that_it_encodes(world: WebDoor, target: str) -> None:
    answer = await ask(world, post(target, VIEW, "X-Spelled: otherwise"))
    assert (answer.status, answer.body) == (202, b'{"accepted":1,"dropped":{}}')
    assert "connection" not in answer.headers
    assert [event.post_id for event in world.admission.kept] == [42]
    assert (await ask(world, get(target))).status == 405
    asked = await ask(world, get(target, "Origin: https://elsewhere.example", method="OPTIONS"))
    assert (asked.status, asked.headers["access-control-allow-origin"]) == (204, "https://elsewhere.example")
    assert not world.seen_by_app


@pytest.mark.parametrize(
    "path", ["/api/%76iews", "/api/%2576iew", "/api/post/4%2F2/view", "/api/view%2F", "/api/view%", "/api/view/"]
)
async def test_any_other_encoded_path_goes_to_the_application_as_it_was_sent(world: WebDoor, path: str) -> None:
    assert (await ask(world, post(path, VIEW))).body == b"echo:" + VIEW
    assert [seen["target"] for seen in world.seen_by_app] == [path.encode()]
    assert not world.admission.reports


@pytest.mark.parametrize("post_id", ["%FF", "%00", "%C3%A9", "%", "4%"])
async def test_an_encoded_post_that_names_no_content_is_an_error(world: WebDoor, post_id: str) -> None:
    answer = await ask(world, post(f"/api/post/{post_id}/view", b""))
    assert answer.status == 400
    assert json.loads(answer.body)["error"].startswith("post_id: must be a positive integer or kind:id")


@pytest.mark.parametrize("content_type", ["text/plain;charset=UTF-8", "application/x-www-form-urlencoded", ""])
async def test_any_content_type_is_accepted(world: WebDoor, content_type: str) -> None:
    lines = [f"Content-Type: {content_type}"] if content_type else []
    assert (await ask(world, post("/api/view", VIEW, *lines))).status == 202


BAD = {
    "nothing": (b"", "body"),
    "no JSON": (b"post_id=42", "body"),
    "a number": (b"42", "body"),
    "no post_id": (b"{}", "post_id: is missing"),
    "text": (b'{"post_id":"forty-two"}', "post_id: must be a positive integer or kind:id"),
    "zero": (b'{"post_id":0}', "post_id"),
    "negative": (b'{"post_id":-1}', "post_id"),
    "2^70": (b'{"post_id":1180591620717411303424}', "post_id"),
    "boolean": (b'{"post_id":true}', "post_id"),
    "fraction": (b'{"post_id":1.5}', "post_id"),
    "event_id": (b'{"post_id":1,"event_id":"x"}', "event_id"),
    "version 1": (b'{"post_id":1,"event_id":"0199c0de-0000-1000-8000-00000000002a"}', "event_id"),
    "version 8": (b'{"post_id":1,"event_id":"0199c0de-0000-8000-8000-00000000002a"}', "event_id"),
    "long text": (b'{"post_id":1,"channel_context":"%b"}' % (b"a" * 256), "channel_context"),
    "referrer": (b'{"post_id":1,"referrer":5}', "referrer"),
    "playlist": (b'{"post_id":1,"playlist_id":-5}', "playlist_id"),
    "NUL": (b'{"post_id":1,"channel_context":"a\\u0000b"}', "channel_context: has a NUL"),
    "lone surrogate": (b'{"post_id":1,"channel_context":"\\ud800"}', "surrogate"),
    "not UTF-8": (b'{"post_id":1,"channel_context":"\xff"}', "UTF-8"),
    "deep": (b'{"post_id":1,"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "deeply"),
    "empty array": (b"[]", "body"),
    "array cut off": (b'[{"post_id":1},', "body"),
}


@pytest.mark.parametrize(("body", "names"), BAD.values(), ids=BAD.keys())
async def test_a_field_that_cannot_be_read_is_named(world: WebDoor, body: bytes, names: str) -> None:
    answer = await ask(world, post("/api/view", body))
    content = json.loads(answer.body)
    assert (answer.status, content["error_code"]) == (400, "invalid")
    assert names in content["error"]
    assert world.counted["web", "invalid"] == 1
    assert not world.admission.reports


async def test_an_unknown_value_of_an_enumeration_is_counted_and_null(world: WebDoor) -> None:
    body = b'{"post_id":1,"view_type":"odd","source":5,"channel":"odd","play_order":9}'
    assert (await ask(world, post("/api/view", body))).status == 202
    [event] = world.admission.kept
    assert (event.view_type, event.view_source, event.channel, event.play_order) == ("intentional", "web", None, None)
    assert world.ignored == {"view_type": 1, "source": 1, "channel": 1, "play_order": 1}


REASONS = {
    Reason.BOT: 202,
    Reason.TOO_LATE: 202,
    Reason.DUPLICATE: 202,
    Reason.NOT_FOUND: 202,
    Reason.DELETED: 202,
    Reason.AUTHOR: 202,
}


@pytest.mark.parametrize(("reason", "status"), REASONS.items())
async def test_a_dropped_view_is_answered_with_its_reason(world: WebDoor, reason: Reason, status: int) -> None:
    world.admission.script[42] = Refused(reason)
    answer = await ask(world, post("/api/view", VIEW))
    assert (answer.status, json.loads(answer.body)) == (status, {"accepted": 0, "dropped": {reason.value: 1}})


async def test_too_many_views_are_answered_with_a_retry_after(world: WebDoor) -> None:
    world.admission.script[42] = Refused(Reason.RATE_LIMITED, 3.2)
    answer = await ask(world, post("/api/view", VIEW))
    content = json.loads(answer.body)
    assert (answer.status, answer.headers["retry-after"], content["retry_after"]) == (429, "4", 3.2)
    assert content["error_code"] == "rate_limited"


async def test_a_full_journal_is_answered_with_a_retry_after(world: WebDoor) -> None:
    world.admission.script[42] = Refused(Reason.UNAVAILABLE, 0.2)
    answer = await ask(world, post("/api/view", VIEW))
    assert (answer.status, answer.headers["retry-after"]) == (503, "1")
    assert json.loads(answer.body)["error_code"] == "unavailable"


async def test_a_refusal_of_the_gate_is_an_error_with_its_text(world: WebDoor) -> None:
    world.admission.script[42] = Refused(Reason.INVALID, detail="event_id: in the future")
    answer = await ask(world, post("/api/view", VIEW))
    assert (answer.status, json.loads(answer.body)["error"]) == (400, "event_id: in the future")


# Batches


async def test_an_array_is_answered_item_by_item(world: WebDoor) -> None:
    world.admission.script |= {2: Refused(Reason.DUPLICATE), 3: Refused(Reason.INVALID, detail="event_id: old")}
    body = b'[{"post_id":1},{"post_id":0},{"post_id":2},7,{"post_id":3},{"post_id":4,"channel_context":"\\u0000"}]'
    answer = await ask(world, post("/api/view", body))
    content = json.loads(answer.body)
    assert (answer.status, content["accepted"], content["dropped"]) == (202, 1, {"duplicate": 1})
    assert [error["index"] for error in content["errors"]] == [1, 3, 4, 5]
    assert content["errors"][3]["error"].startswith("channel_context")
    assert world.admission.batches == [3]  # one entry


async def test_a_lone_surrogate_costs_its_item_and_no_other(world: WebDoor) -> None:
    body = b'[{"post_id":1},{"post_id":2,"channel_context":"\\ud800"},{"post_id":3}]'
    content = json.loads((await ask(world, post("/api/view", body))).body)
    assert (content["accepted"], [error["index"] for error in content["errors"]]) == (2, [1])


@pytest.mark.parametrize("content_type", ["application/x-ndjson", "text/plain"])
async def test_lines_are_a_batch(world: WebDoor, content_type: str) -> None:
    body = b'{"post_id":1}\r\n\r\n{"post_id":2}\n{"post_id":"x"}\n'
    content = json.loads((await ask(world, post("/api/view", body, f"Content-Type: {content_type}"))).body)
    assert (content["accepted"], [error["index"] for error in content["errors"]]) == (2, [2])


async def test_one_line_of_an_ndjson_type_is_a_batch(world: WebDoor) -> None:
    answer = await ask(world, post("/api/view", VIEW, "Content-Type: application/x-ndjson"))
    assert (answer.status, world.admission.batches) == (202, [1])


async def test_a_pretty_printed_event_is_no_batch(world: WebDoor) -> None:
    assert (await ask(world, post("/api/view", b'{\n  "post_id": 42\n}\n'))).status == 202


async def test_five_hundred_events_are_a_batch_and_one_more_is_not(world: WebDoor) -> None:
    most = b"[" + b",".join([VIEW] * 500) + b"]"
    assert json.loads((await ask(world, post("/api/view", most))).body) == {"accepted": 500, "dropped": {}}
    answer = await ask(world, post("/api/view", most[:-1] + b"," + VIEW + b"]"))
    assert (answer.status, json.loads(answer.body)["error_code"]) == (413, "too_large")
    assert world.admission.batches == [500]


async def test_a_batch_of_which_nothing_can_be_read_is_an_error(world: WebDoor) -> None:
    answer = await ask(world, post("/api/view", b'[{"post_id":0},{}]'))
    content = json.loads(answer.body)
    assert (answer.status, content["error_code"], len(content["errors"])) == (400, "invalid", 2)


async def test_a_batch_is_limited_only_when_all_of_it_is(world: WebDoor) -> None:
    world.admission.script[1] = Refused(Reason.RATE_LIMITED, 2.0)
    some = await ask(world, post("/api/view", b'[{"post_id":1},{"post_id":2}]'))
    assert (some.status, json.loads(some.body)["dropped"]) == (202, {"rate_limited": 1})
    every = await ask(world, post("/api/view", b'[{"post_id":1},{"post_id":1}]'))
    assert (every.status, every.headers["retry-after"]) == (429, "2")


async def test_a_batch_is_never_half_acknowledged(world: WebDoor) -> None:
    world.admission.script[2] = Refused(Reason.UNAVAILABLE, 2.0)
    answer = await ask(world, post("/api/view", b'[{"post_id":1},{"post_id":2}]'))
    assert (answer.status, "accepted" in json.loads(answer.body)) == (503, False)


# Content encodings


async def test_gzip_is_unpacked(world: WebDoor) -> None:
    body = gzip.compress(b"[" + b",".join([VIEW] * 300) + b"]")
    content = json.loads((await ask(world, post("/api/view", body, "Content-Encoding: gzip"))).body)
    assert content["accepted"] == 300


async def test_gzip_that_grows_beyond_the_bound_is_refused(world: WebDoor) -> None:
    body = gzip.compress(bytes(60_000_000), 9)
    answer = await ask(world, post("/api/view", body, "Content-Encoding: gzip"))
    assert (answer.status, json.loads(answer.body)["error_code"]) == (413, "too_large")


@pytest.mark.parametrize(
    "body",
    [b"no gzip", gzip.compress(VIEW, mtime=0)[:-4], gzip.compress(VIEW, mtime=0) + b"more"],
    ids=["none", "incomplete", "more"],
)
async def test_broken_gzip_is_named(world: WebDoor, body: bytes) -> None:
    answer = await ask(world, post("/api/view", body, "Content-Encoding: gzip"))
    assert (answer.status, "gzip" in json.loads(answer.body)["error"]) == (400, True)


@pytest.mark.parametrize("header", ["Content-Encoding: br", "Content-Type: text/plain; charset=utf-16"])
async def test_an_unknown_encoding_or_charset_is_415(world: WebDoor, header: str) -> None:
    assert (await ask(world, post("/api/view", VIEW, header))).status == 415


# The other routes


async def test_the_applications_own_clients_name_the_post_in_the_path(world: WebDoor) -> None:
    assert (await ask(world, post("/api/post/42/view", b""))).status == 202
    assert (await ask(world, post("/api/post/42/view", b'{"intent":"impression","channel":"all"}'))).status == 202
    assert [(event.post_id, event.view_type) for event in world.admission.kept] == [
        (42, "intentional"),
        (42, "listing"),
    ]


@pytest.mark.parametrize("reason", [Reason.NOT_FOUND, Reason.DELETED])
async def test_the_applications_own_clients_get_404_for_a_post_that_is_gone(world: WebDoor, reason: Reason) -> None:
    world.admission.script[42] = Refused(reason)
    answer = await ask(world, post("/api/post/42/view", b""))
    assert (answer.status, json.loads(answer.body)["error_code"]) == (404, reason.value)


@pytest.mark.parametrize("post_id", ["0", "x", "-1", "99999999999999999999", "1.0"])
async def test_a_path_without_a_post_is_an_error(world: WebDoor, post_id: str) -> None:
    assert (await ask(world, post(f"/api/post/{post_id}/view", b""))).status == 400


async def test_the_pixel_is_a_picture_and_a_view(world: WebDoor) -> None:
    answer = await ask(
        world, get("/api/pixel.gif?post_id=42&play_order=1&source=api", "Referer: https://blog.example/x")
    )
    assert (answer.status, answer.body, len(GIF)) == (200, GIF, 43)
    assert (answer.headers["content-type"], answer.headers["cache-control"]) == ("image/gif", "no-store")
    [event] = world.admission.kept
    assert (event.view_type, event.view_source, event.play_order) == ("widget", "api", 1)
    assert event.referrer_domain == "blog.example"


@pytest.mark.parametrize(
    "query",
    ["", "?post_id=x", "?post_id=0", "?post_id=1&channel_context=%00", "?" + "a=1&" * 40],
    ids=["none", "no number", "zero", "NUL", "too many"],
)
async def test_the_pixel_is_a_picture_whatever_is_asked(world: WebDoor, query: str) -> None:
    answer = await ask(world, get(f"/api/pixel.gif{query}"))
    assert (answer.status, answer.body, world.counted["web", "invalid"]) == (200, GIF, 1)


async def test_the_pixel_is_503_when_nothing_can_be_kept(world: WebDoor) -> None:
    world.admission.script[42] = Refused(Reason.UNAVAILABLE, 2.0)
    answer = await ask(world, get("/api/pixel.gif?post_id=42"))
    assert (answer.status, answer.body, answer.headers["retry-after"]) == (503, GIF, "2")


async def test_a_head_request_for_the_pixel_is_no_view(world: WebDoor) -> None:
    client = await connect(world)
    await client.send(get("/api/pixel.gif?post_id=42", "Connection: close", method="HEAD"))
    answer = await client.answer(body=False)
    assert (answer.status, answer.headers["content-length"], await client.rest()) == (200, "43", b"")
    assert not world.admission.reports


def basic(name: str, password: str) -> str:
    return "Authorization: Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


async def test_a_player_without_mqtt_is_authenticated_by_its_credential(world: WebDoor) -> None:
    key = bytes.fromhex(PLAYER.replace("-", ""))
    world.catalog.players[key] = Player(7, True, credential_hash=credential_hash("right"))
    assert (await ask(world, post("/player/events/view", VIEW, basic(PLAYER, "right")))).status == 202
    assert world.player_payloads == [(key, VIEW)]


def bearer(credential: str, *key: str) -> list[str]:
    return [f"Authorization: Bearer {credential}", *(f"X-Player-Key: {one}" for one in key)]


async def test_a_player_may_show_its_credential_as_a_bearer_beside_its_key(world: WebDoor) -> None:
    key = bytes.fromhex(PLAYER.replace("-", ""))
    world.catalog.players[key] = Player(7, True, credential_hash=credential_hash("right"))
    assert (await ask(world, post("/player/events/view", VIEW, *bearer("right", PLAYER)))).status == 202
    assert (await ask(world, post("/player/events/view", VIEW, *bearer("right", PLAYER.upper())))).status == 202
    assert world.player_payloads == [(key, VIEW)] * 2


async def test_a_bearer_alone_is_the_player_that_has_this_credential(world: WebDoor) -> None:
    key = bytes.fromhex(PLAYER.replace("-", ""))
    world.catalog.players[key] = Player(7, True, credential_hash=credential_hash("right"))
    world.catalog.players[b"R" * 16] = Player(7, False, credential_hash=credential_hash("unregistered"))
    assert (await ask(world, post("/player/events/view", VIEW, *bearer("right")))).status == 202
    for shown in ("wrong", "unregistered", "r" * 257, token(world, 7, "user")):
        assert (await ask(world, post("/player/events/view", VIEW, *bearer(shown)))).status == 401
    assert world.player_payloads == [(key, VIEW)]


async def test_a_users_token_is_no_players_credential(world: WebDoor) -> None:
    key = bytes.fromhex(PLAYER.replace("-", ""))
    world.catalog.players[key] = Player(7, True, credential_hash=credential_hash("right"))
    for lines in (bearer(token(world, 7, "user"), PLAYER), bearer(token(world, None, "service"), PLAYER)):
        assert (await ask(world, post("/player/events/view", VIEW, *lines))).status == 401
    assert world.player_payloads == []


@pytest.mark.parametrize(
    "lines",
    [bearer("wrong", PLAYER), bearer("", PLAYER), bearer("right", ""), bearer("right", "x"),
     [basic(PLAYER, "right").replace("Basic", "Digest"), f"X-Player-Key: {PLAYER}"],
     [basic("x", "right"), f"X-Player-Key: {PLAYER}"]],
    ids=["wrong", "empty", "an empty key", "a key that is none", "another scheme", "basic has a name"],
)  # fmt: skip
async def test_a_bearer_that_does_not_fit_its_player_is_refused(world: WebDoor, lines: list[str]) -> None:
    key = bytes.fromhex(PLAYER.replace("-", ""))
    world.catalog.players[key] = Player(7, True, credential_hash=credential_hash("right"))
    answer = await ask(world, post("/player/events/view", VIEW, *lines))
    assert (answer.status, json.loads(answer.body)["error_code"]) == (401, "authentication_failed")


@pytest.mark.parametrize(
    "lines",
    [[], [basic(PLAYER, "wrong")], [basic(PLAYER, "")], [basic("x", "right")], ["Authorization: Basic !"]],
    ids=["no credential", "a wrong one", "an empty one", "no player", "no base64"],
)
async def test_a_player_without_its_credential_is_refused(world: WebDoor, lines: list[str]) -> None:
    key = bytes.fromhex(PLAYER.replace("-", ""))
    world.catalog.players[key] = Player(7, True, credential_hash=credential_hash("right"))
    answer = await ask(world, post("/player/events/view", VIEW, *lines))
    assert (answer.status, json.loads(answer.body)["error_code"]) == (401, "authentication_failed")
    assert world.counted["player", "authentication_failed"] == 1


@pytest.mark.parametrize(
    "player",
    [Player(7, False, credential_hash=credential_hash("right")), Player(7, True)],
    ids=["not registered", "no credential"],
)
async def test_a_player_that_is_not_registered_or_has_no_credential_is_refused(world: WebDoor, player: Player) -> None:
    world.catalog.players[bytes.fromhex(PLAYER.replace("-", ""))] = player
    assert (await ask(world, post("/player/events/view", VIEW, basic(PLAYER, "right")))).status == 401


# Senders


def token(world: WebDoor, user_id: int | None, *roles: str, ttl_s: float = 60) -> str:
    issued = world.tokens.issue(user_id=user_id, roles=frozenset(roles), now_s=NOW_US / 1e6, ttl_s=ttl_s, jti="t")
    return f"Authorization: Bearer {issued}"


async def test_a_users_token_makes_the_view_authenticated(world: WebDoor) -> None:
    assert (await ask(world, post("/api/view", VIEW, token(world, 7, "user")))).status == 202
    [event] = world.admission.kept
    assert (event.viewer_user_id, event.authenticated) == (7, True)


@pytest.mark.parametrize("path", ["/api/view", "/api/post/42/view"])
@pytest.mark.parametrize(
    "line",
    ["Authorization: Bearer nonsense", "Authorization: Basic eDp5", "Authorization: Bearer"],
    ids=["no token", "another scheme", "an empty token"],
)
async def test_a_bad_token_is_not_treated_as_anonymous(world: WebDoor, path: str, line: str) -> None:
    answer = await ask(world, post(path, VIEW, line))
    assert (answer.status, json.loads(answer.body)["error_code"]) == (401, "authentication_failed")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert not world.admission.reports


async def test_a_service_reports_on_behalf_of_a_visitor(world: WebDoor) -> None:
    body = json.dumps(
        {"post_id": 42, "client_ip": "8.8.8.8", "user_agent": "Mozilla/5.0 (iPad)", "user_id": 9}
    ).encode()
    assert (await ask(world, post("/api/view", body, token(world, None, "service")))).status == 202
    [report] = world.admission.reports
    assert (report.trusted, report.viewer_user_id, report.device_type, report.country_code) == (True, 9, "tablet", "US")


async def test_a_service_must_name_a_real_address(world: WebDoor) -> None:
    answer = await ask(world, post("/api/view", b'{"post_id":1,"client_ip":"x"}', token(world, None, "service")))
    assert (answer.status, json.loads(answer.body)["error"]) == (400, "client_ip: not an IP address")


async def test_only_a_service_reports_on_behalf_of_a_visitor(world: WebDoor) -> None:
    body = b'{"post_id":42,"client_ip":"8.8.8.8","user_id":"x"}'
    assert (await ask(world, post("/api/view", body, token(world, 7, "user")))).status == 202
    [report] = world.admission.reports
    assert (report.viewer_user_id, report.trusted, report.country_code) == (7, False, None)


async def test_a_bot_is_dropped(world: WebDoor) -> None:
    data = post("/api/view", VIEW).replace(BROWSER.encode(), b"curl/8.5.0")
    assert json.loads((await ask(world, data)).body) == {"accepted": 0, "dropped": {"bot": 1}}


@pytest.mark.parametrize("path", ["/api/view", "/api/post/1/view", "/api/pixel.gif", "/player/events/view"])
async def test_any_origin_gets_a_preflight_answer(world: WebDoor, path: str) -> None:
    client = await connect(world)
    lines = ["Origin: https://elsewhere.example", "Access-Control-Request-Method: POST", "Connection: close"]
    await client.send(get(path, *lines, method="OPTIONS"))
    answer = await client.answer()
    assert (answer.status, answer.headers["access-control-allow-origin"]) == (204, "https://elsewhere.example")
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert "Authorization" in answer.headers["access-control-allow-headers"]
    assert "X-Player-Key" in answer.headers["access-control-allow-headers"]
    assert not world.admission.reports


async def test_an_error_never_repeats_what_was_sent(world: WebDoor) -> None:
    for body in (b'{"post_id":"sesame"}', b'{"sesame":1}', b'{"post_id":1,"event_id":"sesame"}', b"sesame"):
        assert b"sesame" not in (await ask(world, post("/api/view", body))).body
