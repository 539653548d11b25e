"""What pages of other origins may read and send: CORS of the capture routes, byte for byte."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.capture.http_support import NOW_US, WebDoor, ask, connect, get, open_world, post
from vts.capture.http.head import Head
from vts.capture.http.origins import HEADERS, ORIGIN_MAX_CHARS, origin_of, preflight_headers
from vts.model.outcome import Reason, Refused

VIEW = b'{"post_id":42}'
PAGE = "https://art.example:8443"
ORIGIN = f"Origin: {PAGE}"


@pytest.fixture
async def world() -> AsyncIterator[WebDoor]:
    async with open_world() as opened:
        yield opened
        assert opened.bugs == []


def may_read(headers: dict[str, str]) -> tuple[str | None, str | None, str | None]:
    names = ("access-control-allow-origin", "access-control-allow-credentials", "vary")
    return tuple(map(headers.get, names))  # type: ignore[return-value]


CREDENTIALED = (PAGE, "true", "Origin")


async def test_the_page_that_sends_a_view_may_read_the_answer_with_credentials(world: WebDoor) -> None:
    client = await connect(world)
    for _ in range(3):  # the second and third come with a head that is known
        await client.send(post("/api/view", VIEW, ORIGIN, "Cookie: vts_session=stale; other=1"))
        answer = await client.answer()
        assert (answer.status, answer.body, may_read(answer.headers)) == (
            202,
            b'{"accepted":1,"dropped":{}}',
            CREDENTIALED,
        )
    other = "http://localhost"
    await client.send(post("/api/view", VIEW, f"Origin: {other}"))
    assert may_read((await client.answer()).headers) == (other, "true", "Origin")
    await client.send(post("/api/view", VIEW))
    assert may_read((await client.answer()).headers) == ("*", None, None)
    assert len(world.admission.kept) == 5


async def test_the_page_may_read_every_refusal(world: WebDoor) -> None:
    world.admission.script[7] = Refused(Reason.RATE_LIMITED, 3.0)
    world.admission.script[8] = Refused(Reason.NOT_FOUND)
    expired = world.tokens.issue(user_id=3, roles=frozenset(["user"]), now_s=NOW_US / 1e6 - 9, ttl_s=5)
    for request, status in (
        (post("/api/view", b'{"post_id":7}', ORIGIN), 429),
        (post("/api/post/8/view", b"", ORIGIN), 404),
        (post("/api/view", b"{", ORIGIN), 400),
        (post("/api/view", VIEW, ORIGIN, f"Authorization: Bearer {expired}"), 401),
        (get("/api/view", ORIGIN), 405),
        (post("/api/post/8/view", b"x" * 70_000, ORIGIN), 413),
        (post("/api/view", VIEW, ORIGIN, "Content-Encoding: br"), 415),
    ):
        answer = await ask(world, request)
        assert (answer.status, may_read(answer.headers)) == (status, CREDENTIALED)


async def test_a_preflight_allows_what_the_page_is_about_to_send_and_is_kept_for_a_day(world: WebDoor) -> None:
    asked = "authorization, content-type, x-requested-with"
    for path in ("/api/view", "/api/post/42/view", "/api/track/page-view", "/analytics/events", "/api/pixel.gif"):
        answer = await ask(
            world,
            get(
                path,
                ORIGIN,
                "Access-Control-Request-Method: POST",
                f"Access-Control-Request-Headers: {asked}",
                method="OPTIONS",
            ),
        )
        assert (answer.status, may_read(answer.headers)) == (204, CREDENTIALED)
        assert answer.headers["access-control-allow-headers"] == asked
        assert "POST" in answer.headers["access-control-allow-methods"]
        assert answer.headers["access-control-max-age"] == "86400"


ORIGINS = [
    "https://art.example",
    "http://127.0.0.1:8080",
    "http://[::1]:3000",
    "null",
    "file://",
    "capacitor://localhost",
    "chrome-extension://abcdefghijklmnop",
]
NO_ORIGINS = [
    "",
    "*",
    "art.example",
    "https://",
    "https://art.example/",
    "https://art.example, https://other.example",
    "https://art.example:123456",
    "https://user@art.example",
    "https://art.example\x80",
    "https://art.example\tX: y",
    "https://" + "a" * ORIGIN_MAX_CHARS,
]


@pytest.mark.parametrize("origin", ORIGINS)
async def test_every_kind_of_origin_is_repeated(world: WebDoor, origin: str) -> None:
    answer = await ask(world, post("/api/view", VIEW, f"Origin: {origin}"))
    assert (answer.status, may_read(answer.headers)) == (202, (origin, "true", "Origin"))


@pytest.mark.parametrize("origin", NO_ORIGINS)
def test_what_is_no_origin_is_not_repeated(origin: str) -> None:
    assert origin_of(Head(b"POST", b"/api/view", "1.1", ((b"origin", origin.encode("latin-1")),), False)) is None


def test_two_origins_are_none() -> None:
    assert origin_of(Head(b"POST", b"/", "1.1", ((b"origin", b"https://a"), (b"origin", b"https://b")), False)) is None


async def test_a_view_with_an_unusable_origin_counts_like_one_without(world: WebDoor) -> None:
    answer = await ask(world, post("/api/view", VIEW, "Origin: https://a.example/path"))
    assert (answer.status, may_read(answer.headers)) == (202, ("*", None, None))


@pytest.mark.parametrize("names", [b"", b"x y", b"x,", b"x\r\ny", "ä".encode(), b"x" * 1025])
def test_names_that_are_no_headers_are_not_repeated(names: bytes) -> None:
    assert ("Access-Control-Allow-Headers", HEADERS) in preflight_headers("POST", [names])
