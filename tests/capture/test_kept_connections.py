"""Connections stay open for the application, too: framing, order, and what no client can smuggle past the door."""

from __future__ import annotations

import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio
import trio.testing
import trio_websocket

from tests.capture.http_support import BIG_PIECES, Client, WebDoor, ask, connect, get, open_world, post
from tests.support.certificates import write_certificate
from tests.support.waiting import until
from vts.capture.http.endings import LiveRequest
from vts.capture.http.limits import Limits
from vts.capture.tls import ListenerTls

VIEW = post("/api/view", b'{"post_id":42}')
HELLO = post("/hello", b"hello")
CHUNKED = (
    b"POST /chunked HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n2\r\ncd\r\n0\r\nT: t\r\n\r\n"
)
HANDSHAKE = get(
    "/live",
    *("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"),
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)
QUICK = Limits(header_timeout_s=0.2, body_timeout_s=0.2, keep_alive_s=0.2, write_timeout_s=0.3, linger_s=0.2)


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> tuple[ListenerTls, ssl.SSLContext]:
    folder = tmp_path_factory.mktemp("kept")
    certificate, key = folder / "cert.pem", folder / "key.pem"
    write_certificate(certificate, key)
    return ListenerTls(str(certificate), str(key)), ssl.create_default_context(cafile=str(certificate))


@pytest.fixture(params=["clear", "TLS"])
def secure(request: pytest.FixtureRequest) -> bool:
    return bool(request.param == "TLS")


@asynccontextmanager
async def opened(
    tls: tuple[ListenerTls, ssl.SSLContext], *, secure: bool, limits: Limits | None = None, on_websocket: Any = None
) -> AsyncIterator[tuple[WebDoor, Client]]:
    """Open a door, and a connection to it over TLS or without."""
    async with open_world(tls=tls[0] if secure else None, limits=limits, on_websocket=on_websocket) as world:
        client = await connect(world)
        if secure:
            client.stream = trio.SSLStream(
                client.stream,
                tls[1],
                server_hostname="localhost",
                https_compatible=True,  # type: ignore[arg-type]
            )
        yield world, client


async def test_a_hundred_requests_on_one_connection_mix_in_order(
    tls: tuple[ListenerTls, ssl.SSLContext], secure: bool
) -> None:
    """One after the other, then all at once: pages, bodies, chunks, streams and views."""
    one_of_each = [
        (get("/page"), (200, b"echo:")),
        (HELLO, (200, b"echo:hello")),
        (VIEW, (202, b'{"accepted":1,"dropped":{}}')),
        (CHUNKED, (200, b"echo:abcd")),
        (get("/stream"), (200, b"one,two")),
    ]
    requests = one_of_each * 20
    async with opened(tls, secure=secure) as (world, client):
        for data, expected in requests:
            await client.send(data)
            answer = await client.answer()
            assert (answer.status, answer.body) == expected
        received = []

        async def read() -> None:
            for _ in requests:
                answer = await client.answer()
                received.append((answer.status, answer.body))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(client.send, b"".join(data for data, _ in requests))
            nursery.start_soon(read)
        assert received == [expected for _, expected in requests]
        assert (world.open_connections, world.bugs) == (1, [])


async def test_a_line_end_behind_a_body_belongs_to_no_request() -> None:
    async with open_world() as world:
        client = await connect(world)
        for _ in range(3):
            await client.send(HELLO + b"\r\n")
            assert (await client.answer()).body == b"echo:hello"
        assert [seen["target"] for seen in world.seen_by_app] == [b"/hello"] * 3


SMUGGLED = get("/smuggled")
MALFORMED = {
    "nonsense": b"nonsense\r\n\r\n",
    "no Host": b"GET /smuggled HTTP/1.1\r\n\r\n",
    "two Hosts": b"GET /smuggled HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
    "TE and CL": b"POST /smuggled HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two lengths": b"POST /smuggled HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nContent-Length: 9\r\n\r\n",
    "a signed length": b"POST /smuggled HTTP/1.1\r\nHost: x\r\nContent-Length: +0\r\n\r\n",
    "another coding": b"POST /smuggled HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n",
    "TE in 1.0": b"POST /smuggled HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "bare LF": b"GET /smuggled HTTP/1.1\nHost: x\n\n",
    "space before colon": b"POST /smuggled HTTP/1.1\r\nHost: x\r\nContent-Length : 0\r\n\r\n",
    "folded": b"POST /smuggled HTTP/1.1\r\nHost: x\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    "bad chunk size": b"POST /smuggled HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0x2\r\nab\r\n0\r\n\r\n",
    "LF behind a chunk": b"POST /smuggled HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\nab\n0\n\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "an upgrade elsewhere": get("/smuggled", "Connection: Upgrade", "Upgrade: websocket"),
    "an absolute target of no web": b"GET ftp://x/smuggled HTTP/1.1\r\nHost: x\r\n\r\n",
}


@pytest.mark.parametrize("malformed", MALFORMED.values(), ids=MALFORMED.keys())
@pytest.mark.parametrize("apart", [False, True], ids=["pipelined", "later"])
async def test_a_malformed_request_behind_a_good_one_ends_the_connection(malformed: bytes, apart: bool) -> None:
    """The good one is answered, the malformed one is refused by the door, and what follows it is never read."""
    async with open_world() as world:
        client = await connect(world)
        if apart:
            await client.send(HELLO)
            good = await client.answer()
            await client.send(malformed + SMUGGLED)
        else:
            await client.send(HELLO + malformed + SMUGGLED)
            good = await client.answer()
        refused = await client.answer()
        assert (good.body, refused.headers["connection"]) == (b"echo:hello", "close")
        assert refused.status in (400, 404, 426, 501, 505)
        assert await client.rest() == b""
        assert [seen["target"] for seen in world.seen_by_app] == [b"/hello"]
        assert not world.bugs


async def test_a_body_that_looks_like_a_request_is_a_body() -> None:
    async with open_world() as world:
        client = await connect(world)
        await client.send(post("/first", SMUGGLED) + get("/second", f"Content-Length: {len(SMUGGLED)}") + SMUGGLED)
        assert [(await client.answer()).body for _ in range(2)] == [b"echo:" + SMUGGLED] * 2
        assert [seen["target"] for seen in world.seen_by_app] == [b"/first", b"/second"]


async def test_http_1_0_closes_unless_it_asks_to_be_kept() -> None:
    old = get("/page").replace(b"HTTP/1.1", b"HTTP/1.0")
    kept = old.replace(b"Host: x", b"Host: x\r\nConnection: keep-alive")
    async with open_world() as world:
        client = await connect(world)
        for _ in range(2):
            await client.send(kept)
            answer = await client.answer()
            assert (answer.body, answer.headers["connection"]) == (b"echo:", "keep-alive")
        await client.send(old)
        assert (await client.answer()).headers["connection"] == "close"
        assert await client.rest() == b""


async def test_a_stream_to_http_1_0_ends_with_its_connection() -> None:
    async with open_world() as world:
        client = await connect(world)
        request = get("/stream", "Connection: keep-alive").replace(b"HTTP/1.1", b"HTTP/1.0")
        await client.send(request)
        head, _, body = (await client.rest()).partition(b"\r\n\r\n")
        assert (b"transfer-encoding" in head.lower(), b"Connection: close" in head) == (False, True)
        assert body == b"one,two"


async def test_a_client_that_asks_to_close_gets_its_answer_and_the_end() -> None:
    async with open_world() as world:
        for request in (get("/page", "Connection: close"), get("/hangs-up")):
            client = await connect(world)
            await client.send(request + SMUGGLED)
            assert (await client.answer()).headers["connection"] == "close"
            assert await client.rest() == b""
        assert {seen["target"] for seen in world.seen_by_app} == {b"/page", b"/hangs-up"}


@pytest.mark.parametrize(
    ("request_", "status", "length"),
    [
        (get("/page", method="HEAD"), 200, "5"),
        (get("/stream", method="HEAD"), 200, None),
        (get("/big", method="HEAD"), 200, None),
        (get("/none"), 204, None),
        (get("/same"), 304, None),
    ],
    ids=["HEAD", "HEAD of a stream", "HEAD of a big one", "204", "304"],
)
async def test_an_answer_without_a_body_is_followed_by_the_next(
    request_: bytes, status: int, length: str | None
) -> None:
    async with open_world() as world:
        client = await connect(world)
        await client.send(request_ + HELLO)
        answer = await client.answer(body=status not in (200, 304))
        assert (answer.status, answer.headers.get("content-length")) == (status, length)
        assert "transfer-encoding" not in answer.headers
        assert (await client.answer()).body == b"echo:hello"


async def test_expect_is_answered_behind_an_answer_of_the_application() -> None:
    async with open_world() as world:
        client = await connect(world)
        await client.send(get("/page") + HELLO[:-5].replace(b"Host: x", b"Host: x\r\nExpect: 100-continue"))
        assert [(await client.answer()).status for _ in range(2)] == [200, 100]
        await client.send(b"hello")
        assert (await client.answer()).body == b"echo:hello"


BROKEN = ["/breaks", "/short", "/stops"]


@pytest.mark.parametrize("path", BROKEN)
async def test_an_answer_that_breaks_off_is_never_a_whole_one(path: str) -> None:
    """Chunks without their end, or fewer bytes than the length says; and the connection ends."""
    async with open_world() as world:
        client = await connect(world)
        await client.send(get(path) + SMUGGLED)
        with pytest.raises((EOFError, trio.BrokenResourceError)):
            await client.answer()
        assert [seen["target"] for seen in world.seen_by_app] == [path.encode()]
        assert len(world.bugs) == 1
        assert (await ask(world, VIEW)).status == 202


@pytest.mark.parametrize("path", ["/breaks", "/stops"])
async def test_an_answer_to_http_1_0_that_breaks_off_is_reset(
    path: str, tls: tuple[ListenerTls, ssl.SSLContext], secure: bool
) -> None:
    """Such a client takes the end of the connection for the end of the file, so it must not see an end."""
    async with opened(tls, secure=secure) as (world, client):
        await client.send(get(path).replace(b"HTTP/1.1", b"HTTP/1.0"))
        with pytest.raises(trio.BrokenResourceError):
            await client.rest()
        assert len(world.bugs) == 1


async def test_a_stream_to_http_1_0_that_is_cut_by_the_end_of_the_process_is_reset(
    tls: tuple[ListenerTls, ssl.SSLContext], secure: bool
) -> None:
    async with opened(tls, secure=secure) as (_, client):
        await client.send(get("/events").replace(b"HTTP/1.1", b"HTTP/1.0"))
        await until_received(client, b"data: 1")
    with pytest.raises(trio.BrokenResourceError):
        await client.rest()


@pytest.mark.parametrize("path", ["/crash", "/long", "/split"])
async def test_a_bug_before_the_answer_begins_is_a_500_and_the_end(path: str) -> None:
    async with open_world() as world:
        client = await connect(world)
        await client.send(get(path) + SMUGGLED)
        answer = await client.answer()
        assert (answer.status, answer.headers["connection"]) == (500, "close")
        assert json.loads(answer.body)["error_code"] == "internal_error"
        assert await client.rest() == b""
        assert (len(world.bugs), len(world.seen_by_app)) == (1, 1)


async def test_a_slow_reader_holds_one_piece_and_gets_all(
    tls: tuple[ListenerTls, ssl.SSLContext], secure: bool
) -> None:
    async with opened(tls, secure=secure) as (world, client):
        await client.send(get("/big") + HELLO)
        await until(lambda: world.seen_by_app)
        await trio.testing.wait_all_tasks_blocked(0.01)
        assert world.door is not None
        [line] = world.door._lines
        assert len(getattr(line, "unsent", b"")) <= 65536 + 1024
        assert len((await client.answer()).body) == BIG_PIECES * 65536
        assert (await client.answer()).body == b"echo:hello"


async def test_a_client_that_reads_nothing_of_a_stream_is_cut_off(
    tls: tuple[ListenerTls, ssl.SSLContext], secure: bool
) -> None:
    async with opened(tls, secure=secure, limits=QUICK) as (world, client):
        await client.send(get("/big"))
        await until(lambda: world.seen_by_app and not world.open_connections)
        assert not world.bugs


async def test_a_client_that_leaves_ends_an_endless_answer(
    tls: tuple[ListenerTls, ssl.SSLContext], secure: bool
) -> None:
    async with opened(tls, secure=secure) as (world, client):
        await client.send(get("/events"))
        await until_received(client, b"data: 1")
        await client.stream.aclose()
        await until(lambda: world.left == 1 and not world.open_connections)
        assert not world.bugs


async def test_what_is_pipelined_behind_an_endless_answer_is_served_when_it_ends(
    tls: tuple[ListenerTls, ssl.SSLContext], secure: bool
) -> None:
    async with opened(tls, secure=secure) as (world, client):
        await client.send(get("/events"))
        await trio.testing.wait_all_tasks_blocked(0.01)
        await client.send(HELLO)
        await trio.testing.wait_all_tasks_blocked(0.01)
        world.stream_ends.set()
        assert (await client.answer()).body == b"data: 1\n\ndata: 2\n\n"
        assert (await client.answer()).body == b"echo:hello"
        await client.send(HELLO)
        assert (await client.answer()).body == b"echo:hello"
        assert (world.left, world.bugs) == (0, [])


async def test_a_websocket_opens_on_a_connection_that_has_asked_before(
    tls: tuple[ListenerTls, ssl.SSLContext], secure: bool
) -> None:
    async def on_websocket(request: LiveRequest, stream: trio.abc.Stream) -> None:
        async with trio.open_nursery() as nursery:
            opened = await (await trio_websocket.wrap_server_stream(nursery, stream)).accept()
            await opened.send_message(f"hello {request.peer}, secure: {request.secure}")
            await opened.aclose(1001)

    async with opened(tls, secure=secure, on_websocket=on_websocket) as (world, client):
        await client.send(get("/page") + VIEW + HANDSHAKE)
        assert [(await client.answer()).status for _ in range(3)] == [200, 202, 101]
        await until_received(client, f"hello 127.0.0.1, secure: {secure}".encode())
        assert not world.bugs


async def test_a_client_that_only_ends_its_side_gets_a_finite_answer() -> None:
    async with open_world() as world:
        client = await connect(world)
        await client.send(get("/stream") + HELLO)
        await client.stream.send_eof()  # type: ignore[attr-defined]
        assert [(await client.answer()).body for _ in range(2)] == [b"one,two", b"echo:hello"]
        assert await client.rest() == b""


async def test_a_kept_connection_that_stays_silent_is_closed() -> None:
    async with open_world(limits=QUICK) as world:
        client = await connect(world)
        await client.send(HELLO)
        assert (await client.answer()).status == 200
        assert await client.rest() == b""


async def test_a_stopped_door_finishes_answers_and_ends_idle_connections() -> None:
    async with open_world() as world:
        idle, busy = await connect(world), await connect(world)
        await idle.send(HELLO)
        assert (await idle.answer()).status == 200
        await busy.send(get("/events") + SMUGGLED)
        await until_received(busy, b"data: 1")
        assert world.door is not None
        world.door.stop()
        assert await idle.rest() == b""
        world.stream_ends.set()
        assert (await busy.answer()).body.endswith(b"data: 2\n\n")
        assert await busy.rest() == b""
        assert SMUGGLED.split()[1] not in [seen["target"] for seen in world.seen_by_app]


async def until_received(client: Client, part: bytes) -> None:
    """Wait for a part of an answer, which stays to be read."""
    while part not in client._buffer:
        await client._more()
