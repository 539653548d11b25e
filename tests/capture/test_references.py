"""Contents and users are named by numbers or by texts at every capture door; a text gets its number there."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.capture import http_support
from tests.capture.fake_catalog import REFERENCES
from tests.capture.http_support import SECRET, WebDoor, ask, get, open_world, post
from tests.capture.mqtt_support import KEY, PlayerDoors
from vts.auth.tokens import Tokens
from vts.capture.players.reports import PlayerMessage
from vts.model.content import Content
from vts.model.outcome import Reason
from vts.model.reference import HASHED_MAX, HASHED_MIN, ReferenceText
from vts.model.site import PLAYED_KINDS

UUID = "2F6C1C1E-5a52-4c57-9D0E-0f3c8a1b2c3d"
ARTWORK = ReferenceText(REFERENCES.content("artwork:42"), "artwork:42")
BLOG = ReferenceText(REFERENCES.content("blog:1030"), "blog:1030")
STREAM = REFERENCES.content(f"stream:{UUID.lower()}")
SERVICE = "Authorization: Bearer " + Tokens(secret=SECRET).issue(
    user_id=None, roles=frozenset({"service"}), now_s=http_support.NOW_US / 1e6, ttl_s=60
)
CONTENTS = {  # as JSON → the number, and the text that is kept
    "42": (42, ()),
    '"42"': (42, ()),
    str(HASHED_MIN - 1): (HASHED_MIN - 1, ()),
    f'"{HASHED_MAX + 1}"': (HASHED_MAX + 1, ()),
    '"blog:1030"': (BLOG.number, (BLOG,)),
    '"artwork:42"': (
        REFERENCES.content("artwork:42"),
        (ReferenceText(REFERENCES.content("artwork:42"), "artwork:42"),),
    ),
    f'"stream:{UUID}"': (STREAM, (ReferenceText(STREAM, f"stream:{UUID.lower()}"),)),
}
NO_CONTENTS = [
    *(str(HASHED_MIN), str(HASHED_MAX), f'"{HASHED_MIN}"', f'"{HASHED_MAX}"', "-1", '"0"', "1.5", "true", '""'),
    *('"blog"', '"song:1"', '"Blog:1"', '"blog:a b"', '"blog:\\u0000"', f'"blog:{"x" * 124}"', '"blog:ä"', '"user:7"'),
]
USERS = {
    "7": (7, ()),
    '"7"': (7, ()),
    '"xK4q"': (REFERENCES.user("xK4q"), (ReferenceText(REFERENCES.user("xK4q"), "xK4q"),)),
    '"Ann Õ"': (REFERENCES.user("Ann Õ"), (ReferenceText(REFERENCES.user("Ann Õ"), "Ann Õ"),)),
    f'"{UUID}"': (REFERENCES.user(UUID.lower()), (ReferenceText(REFERENCES.user(UUID.lower()), UUID.lower()),)),
}
NO_USERS = [str(HASHED_MIN), f'"{HASHED_MAX}"', "0", '"-7"', '""', f'"{"x" * 129}"', '"a\\u0000b"', '"line\\n"', "[]"]


@pytest.fixture
async def world() -> AsyncIterator[WebDoor]:
    async with open_world() as opened:
        yield opened


def in_path(name: str, *, encoded: bool) -> bytes:
    text = json.loads(name)
    text = str(text).replace(":", "%3A").replace("4", "%34") if encoded else str(text)
    return post(f"/api/post/{text}/view", b"")


def by_pixel(name: str) -> bytes:
    return get(f"/api/pixel.gif?post_id={json.loads(name)}")


VIEW_DOORS = {
    "single": lambda name: post("/api/view", b'{"post_id":%b}' % name.encode()),
    "array": lambda name: post("/api/view", b'[{"post_id":%b}]' % name.encode()),
    "lines": lambda name: post("/api/view", b'{"post_id":%b}\n' % name.encode(), "Content-Type: application/x-ndjson"),
    "path": lambda name: in_path(name, encoded=False),
    "encoded path": lambda name: in_path(name, encoded=True),
    "pixel": by_pixel,
}


@pytest.mark.parametrize("door", VIEW_DOORS)
async def test_a_content_is_named_by_either_form(world: WebDoor, door: str) -> None:
    for name, expected in CONTENTS.items():
        world.admission.reports.clear()
        assert (await ask(world, VIEW_DOORS[door](name))).status in (200, 202)
        (report,) = world.admission.reports
        assert (report.post_id, report.texts) == expected, name


@pytest.mark.parametrize("field", ["post_id", "playlist_id"])
@pytest.mark.parametrize("batch", [False, True], ids=["single", "array"])
async def test_a_name_that_is_none_is_invalid_and_its_field_is_named(world: WebDoor, field: str, batch: bool) -> None:
    for name in NO_CONTENTS:
        event = f'{{"post_id":1,"{field}":{name}}}'  # of two fields of one name the last counts
        answer = await ask(world, post("/api/view", (f"[{event}]" if batch else event).encode()))
        content = json.loads(answer.body)
        error = content["errors"][0]["error"] if batch else content["error"]
        assert answer.status == 400 and error.startswith(field), (name, content)
    assert not world.admission.reports


async def test_a_playlist_is_a_content(world: WebDoor) -> None:
    for name, expected in CONTENTS.items():
        await ask(world, post("/api/view", b'{"post_id":"blog:1030","playlist_id":%b}' % name.encode()))
        report = world.admission.reports[-1]
        assert (report.post_id, report.playlist_id) == (BLOG.number, expected[0])
        assert report.texts == (BLOG, *expected[1])
    await ask(world, post("/api/view", b'{"post_id":1,"playlist_id":0}'))
    assert world.admission.reports[-1].playlist_id is None


SITE_DOORS = {
    "view": ("/api/view", '"post_id":1'),
    "page view": ("/api/track/page-view", '"path":"/"'),
    "host event": ("/api/track/event", '"event_type":"signup"'),
}


def users_in(world: WebDoor) -> list[tuple[int | None, tuple[Any, ...]]]:
    """The user and the texts of each report that was kept, and forget them."""
    found: list[tuple[int | None, tuple[Any, ...]]] = [
        (report.viewer_user_id, report.texts) for report in world.admission.reports
    ]
    for entry in world.site.entries:
        found.append((entry[-1].viewer_user_id, tuple(entry[:-1])))  # type: ignore[union-attr]
    world.admission.reports.clear()
    world.site.entries.clear()
    return found


@pytest.mark.parametrize("door", SITE_DOORS)
async def test_a_service_names_a_user_by_either_form(world: WebDoor, door: str) -> None:
    path, fields = SITE_DOORS[door]
    for name, expected in USERS.items():
        answer = await ask(world, post(path, f'{{{fields},"user_id":{name}}}'.encode(), SERVICE))
        assert answer.status == 202, (name, answer.body)
        assert users_in(world) == [expected]
    for name in NO_USERS:
        answer = await ask(world, post(path, f'{{{fields},"user_id":{name}}}'.encode(), SERVICE))
        assert answer.status == 400 and json.loads(answer.body)["error"].startswith("user_id"), (name, answer.body)
    assert users_in(world) == []


def signed_by(name: str, *roles: str) -> str:
    issued = Tokens(secret=SECRET).issue(
        user_id=name, roles=frozenset(roles), now_s=http_support.NOW_US / 1e6, ttl_s=60
    )
    return f"Authorization: Bearer {issued}"


@pytest.mark.parametrize("door", ["view", "page view"])
async def test_a_user_of_a_token_is_kept_with_the_text_and_a_service_is_not(world: WebDoor, door: str) -> None:
    path, fields = SITE_DOORS[door]
    ann = REFERENCES.user("ann")
    for token, expected in (
        (signed_by("ann", "user"), (ann, (ReferenceText(ann, "ann"),))),
        (signed_by("7", "user"), (7, ())),
        (signed_by("ann", "service"), (None, ())),
    ):
        assert (await ask(world, post(path, f"{{{fields}}}".encode(), token))).status == 202
        assert users_in(world) == [expected]
    world.catalog.references = None
    answer = await ask(world, post(path, f"{{{fields}}}".encode(), signed_by("ann", "user")))
    assert answer.status == 503


async def test_the_playback_of_a_text_counts_for_what_is_played(world: WebDoor) -> None:
    def played(name: str) -> bytes:
        return post("/analytics/events", f'{{"streamId":{name},"clientId":"c","events":[{{"type":"play"}}]}}'.encode())

    for name in (f'"{UUID}"', f'"stream:{UUID}"'):
        assert (await ask(world, played(name))).status == 404
    world.catalog.contents[STREAM] = Content(1, "stream", False, False, False)
    for kind in ("artwork", "blog", *sorted(PLAYED_KINDS)):
        world.catalog.contents[REFERENCES.content(f"{kind}:9")] = Content(1, kind, False, False, False)
        status = (await ask(world, played(f'"{kind}:9"'))).status
        assert status == (202 if kind in PLAYED_KINDS else 404), kind
    for name in (f'"{UUID}"', f'"stream:{UUID.lower()}"'):
        assert (await ask(world, played(name))).status == 202
    assert {record.stream_id for record in world.site.records[-2:]} == {STREAM}
    for name in (str(HASHED_MIN), f'"{HASHED_MAX}"'):
        answer = await ask(world, played(name))
        assert answer.status == 400 and json.loads(answer.body)["error"].startswith("streamId")
    assert (await ask(world, played('"no such name"'))).status == 404


async def test_without_the_key_a_text_is_unavailable_and_numbers_are_taken(world: WebDoor) -> None:
    world.catalog.references = None
    doors = [request_of('"blog:1"') for request_of in VIEW_DOORS.values()]
    doors += [
        post("/api/track/event", b'{"event_type":"signup","user_id":"ann"}', SERVICE),
        post("/analytics/events", b'{"streamId":"a","clientId":"c","events":[{"type":"play"}]}'),
    ]
    for request in doors:
        answer = await ask(world, request)
        assert (answer.status, "retry-after" in answer.headers) == (503, True), (request, answer)
    assert world.counted["web", "unavailable"] == len(doors)
    for request_of in VIEW_DOORS.values():
        assert (await ask(world, request_of("42"))).status in (200, 202)


def payload(**fields: Any) -> bytes:
    return json.dumps({"timestamp": "", "request_ack": True} | fields).encode()


def request(kind: str, **fields: Any) -> bytes:
    return json.dumps({"request_id": "r1", "request_type": kind} | fields).encode()


async def settle(players: PlayerDoors, tail: str, body: bytes) -> Any:
    address = players.topics.parse(f"makapix/player/{KEY}/{tail}")
    (settled,) = await players.reports.settle([PlayerMessage(address, body)])
    return settled


def answer_in(settled: Any) -> Any:
    return json.loads(settled.answer[1])


@pytest.mark.parametrize("tail", ["view", "request/r1", "http"])
async def test_players_name_contents_and_playlists_by_either_form(tail: str) -> None:
    for name in CONTENTS:
        players, text = PlayerDoors(), json.loads(name)
        fields: dict[str, Any] = {"post_id": text, "playlist_id": text}
        if tail == "http":
            await players.reports.receive(bytes.fromhex(KEY.replace("-", "")), payload(**fields))
        else:
            body = payload(**fields) if tail == "view" else request("submit_view", **fields)
            assert answer_in(await settle(players, tail, body))["success"], name
        report = players.admission.journal[0]
        expected = players.catalog.references.content(spelling(text)) if ":" in str(text) else int(text)
        assert report.post_id == report.playlist_id == expected
        assert [one.text for one in report.texts] == ([spelling(text)] * 2 if ":" in str(text) else [])


def spelling(text: str) -> str:
    return text.replace(UUID, UUID.lower())


async def test_a_players_name_that_is_none_is_invalid() -> None:
    players = PlayerDoors()
    for name in NO_CONTENTS:
        settled = await settle(players, "view", payload(post_id=json.loads(name)))
        assert answer_in(settled)["error_code"] == "invalid_request", name
        assert answer_in(settled)["error"].startswith("post_id"), name
        status = await settle(players, "status", json.dumps({"current_post_id": json.loads(name)}).encode())
        assert status.refusal is Reason.INVALID, name
    settled = await settle(players, "view", payload(post_id=1, playlist_id=HASHED_MIN))
    assert answer_in(settled)["error"].startswith("playlist_id")
    for name in (42, "blog:1"):
        status = await settle(players, "status", json.dumps({"current_post_id": name}).encode())
        assert status.refusal is None


async def test_an_empty_playlist_of_a_player_is_none() -> None:
    players = PlayerDoors()
    await settle(players, "view", payload(post_id=1, playlist_id=""))
    assert players.admission.journal[0].playlist_id is None


async def test_reactions_of_players_name_contents_by_either_form() -> None:
    players = PlayerDoors()
    number = players.catalog.references.content("blog:1030")
    players.catalog.contents[number] = Content(9, "blog", False, False, False)
    settled = await settle(players, "request/r1", request("submit_reaction", post_id="blog:1030", emoji="❤"))
    assert settled.reaction.reaction.post_id == number
    for name, code in (("blog:2", "not_found"), (HASHED_MIN, "invalid_request"), ("song:1", "invalid_request")):
        settled = await settle(players, "request/r1", request("revoke_reaction", post_id=name, emoji="❤"))
        assert answer_in(settled)["error_code"] == code


async def test_without_the_key_a_players_text_is_not_acknowledged() -> None:
    players = PlayerDoors()
    players.catalog.references = None
    settled = await settle(players, "view", payload(post_id="blog:1"))
    assert not settled.keep and answer_in(settled)["error_code"] == "unavailable"
    settled = await settle(players, "request/r1", request("submit_reaction", post_id="blog:1", emoji="❤"))
    assert answer_in(settled)["error_code"] == "unavailable"
    key = bytes.fromhex(KEY.replace("-", ""))
    assert (await players.reports.receive(key, payload(post_id="blog:1"))).reason is Reason.UNAVAILABLE  # type: ignore[union-attr]
    assert (await settle(players, "view", payload(post_id=42))).keep
