"""The door on a real socket: what it answers itself, what it hands over, and which clients it cuts off."""

from __future__ import annotations

import datetime as dt
import errno
import json
import socket
import ssl
from typing import Any

import pytest
import trio
import trio.testing
import trio_websocket
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.capture.http_support import Client, ask, connect, get, open_world, post
from tests.support.waiting import until
from vts.capture.http.door import Door, Handlers, ListenAddress
from vts.capture.http.endings import LiveRequest
from vts.capture.http.limits import Limits
from vts.capture.tls import ListenerTls

VIEW = post("/api/view", b'{"post_id":42}')
HANDSHAKE = get(
    "/live?ticket=t",
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)
QUICK = Limits(header_timeout_s=0.2, body_timeout_s=0.2, keep_alive_s=0.2, write_timeout_s=0.3, linger_s=0.2)
OK = b"HTTP/1.1 202 Accepted"


def preflight(path: str) -> bytes:
    """Return the preflight that a browser sends before a request from another site."""
    return f"OPTIONS {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()


async def test_a_connection_is_kept_and_pipelined_answers_come_in_order() -> None:
    async with open_world() as world:
        client = await connect(world)
        for _ in range(3):
            await client.send(VIEW)
            assert (await client.answer()).status == 202
        await client.send(VIEW + get("/api/pixel.gif?post_id=1") + VIEW)
        assert [(await client.answer()).status for _ in range(3)] == [202, 200, 202]
        assert len(world.admission.kept) == 6


async def test_bytes_may_come_one_by_one() -> None:
    async with open_world() as world:
        client = await connect(world)
        for start in range(len(VIEW)):
            await client.send(VIEW[start : start + 1])
        assert (await client.answer()).status == 202


async def test_chunks_are_put_together() -> None:
    async with open_world() as world:
        head = b"POST /api/view HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        client = await connect(world)
        await client.send(head + b'5\r\n{"pos\r\n9;x=y\r\nt_id":42}\r\n0\r\nTrailer: t\r\n\r\n' + VIEW)
        assert [(await client.answer()).status for _ in range(2)] == [202, 202]
        assert [event.post_id for event in world.admission.kept] == [42, 42]


async def test_a_client_that_ends_its_side_still_gets_its_answer() -> None:
    async with open_world() as world:
        world.admission.held = True
        client = await connect(world)
        await client.send(VIEW)
        await client.stream.send_eof()  # type: ignore[attr-defined]
        await until(lambda: world.admission.waiting)
        await trio.testing.wait_all_tasks_blocked(0.01)
        world.admission.release()
        assert OK in await client.rest()


async def test_answers_wait_for_the_journal_and_reading_waits_for_answers() -> None:
    async with open_world() as world:
        world.admission.held = True
        client = await connect(world)
        await client.send(VIEW)
        answers: list[int] = []

        async def read() -> None:
            for _ in range(1001):
                answers.append((await client.answer()).status)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(client.send, VIEW * 1000)  # more than the kernel takes while the door does not read
            nursery.start_soon(read)
            await until(lambda: world.admission.waiting)
            await trio.testing.wait_all_tasks_blocked(0.01)
            assert answers == []
            world.admission.release()
        assert answers == [202] * 1001


async def test_a_line_end_behind_a_body_is_ignored() -> None:
    async with open_world() as world:
        client = await connect(world)
        received = []
        for _ in range(5):
            await client.send(VIEW + b"\r\n")
            received.append((await client.answer()).status)
        await client.send(VIEW)
        assert [*received, (await client.answer()).status] == [202] * 6


async def test_a_slow_reader_whose_next_answer_waits_for_the_journal_costs_no_turns() -> None:
    """Answers fill the socket, a view waits behind them; once they are read, nothing happens until it is journaled."""
    async with open_world() as world:
        client = await connect(world, receive_buffer_bytes=4096)
        rounds = 0
        while not world.unsent:
            world.admission.release()
            world.admission.held = True
            await client.send(preflight("/api/view") * 400 + VIEW)
            rounds += 1
            await trio.testing.wait_all_tasks_blocked()
        last = rounds * 401
        received = [(await client.answer()).status for _ in range(last - 1)]
        assert received.count(204) == rounds * 400
        with trio.fail_after(60):
            await trio.testing.wait_all_tasks_blocked(0.05)
        world.admission.release()
        assert (await client.answer()).status == 202


async def test_other_requests_are_handed_over_with_their_headers_and_body() -> None:
    async with open_world() as world:
        data = post("/api/content?a=b%20c", b'[{"post_id":1}]', "X-Forwarded-For: 192.0.2.7", "Authorization: Bearer t")
        answer = await ask(world, data)
        assert (answer.status, answer.body) == (200, b'echo:[{"post_id":1}]')
        assert "connection" not in answer.headers
        [seen] = world.seen_by_app
        assert (seen["method"], seen["client"][0]) == ("POST", "127.0.0.1")
        assert seen["headers"][b"x-forwarded-for"] == b"192.0.2.7"
        assert seen["headers"][b"authorization"] == b"Bearer t"


async def test_a_chunked_body_is_handed_over_whole_and_with_one_length() -> None:
    async with open_world() as world:
        head = b"POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n"
        client = await connect(world)
        await client.send(head)
        assert (await client.answer()).status == 100
        await client.send(b"2\r\nab\r\n2\r\ncd\r\n0\r\n\r\n")
        assert (await client.answer()).body == b"echo:abcd"
        [seen] = world.seen_by_app
        assert seen["headers"][b"content-length"] == b"4"
        assert not {b"transfer-encoding", b"expect", b"upgrade"} & set(seen["headers"])


async def test_a_crash_of_the_application_ends_one_connection() -> None:
    async with open_world() as world:
        assert (await ask(world, get("/crash"))).status == 500
        assert [str(bug) for bug in world.bugs] == ["a bug of the application"]
        assert (await ask(world, VIEW)).status == 202


MALFORMED_UPGRADES = {
    "no key": HANDSHAKE.replace(b"Sec-WebSocket-Key", b"X-Key"),
    "no version": HANDSHAKE.replace(b"Sec-WebSocket-Version", b"X-Version"),
    "elsewhere": HANDSHAKE.replace(b"/live", b"/"),
    "elsewhere, without a key": HANDSHAKE.replace(b"/live", b"/").replace(b"Sec-WebSocket-Key", b"X-Key"),
    "bytes in the key": HANDSHAKE.replace(b"dGhl", b"\xff\xfe\xfd\xfc"),
    "HTTP/1.0": HANDSHAKE.replace(b"HTTP/1.1", b"HTTP/1.0"),
    "with a body": HANDSHAKE.replace(b"Host: x", b"Host: x\r\nContent-Length: 5") + b"hello",
}


@pytest.mark.parametrize("data", MALFORMED_UPGRADES.values(), ids=MALFORMED_UPGRADES.keys())
async def test_a_malformed_upgrade_is_refused_at_the_door(data: bytes) -> None:
    async with open_world() as world:
        answer = await ask(world, data)
        assert 400 <= answer.status < 500
        assert json.loads(answer.body)["error"]
        assert answer.headers["connection"] == "close"
        assert not world.seen_by_app
        assert (await ask(world, get("/still"))).status == 200


async def test_a_websocket_is_handed_over_with_its_first_frames() -> None:
    asked: list[LiveRequest] = []

    async def on_websocket(request: LiveRequest, stream: trio.abc.Stream) -> None:
        asked.append(request)
        async with trio.open_nursery() as nursery:
            opened = await (await trio_websocket.wrap_server_stream(nursery, stream)).accept()
            await opened.send_message("received " + str(await opened.get_message()))
            await opened.aclose(1001)

    async with open_world(on_websocket=on_websocket) as world:
        client = await connect(world)
        masked = bytes([0x81, 0x85, 0, 0, 0, 0]) + b"hello"  # in one piece with the handshake
        await client.send(HANDSHAKE + masked)
        assert (await client.answer()).status == 101
        received = b""
        while b"received hello" not in received:
            received += await client.stream.receive_some()
        await client.stream.aclose()
        [request] = asked
        assert (request.path, request.query, request.peer) == ("/live", "ticket=t", "127.0.0.1")
        assert request.header("sec-websocket-version") == "13"
        assert not world.bugs


async def test_a_crash_of_a_websocket_ends_one_connection() -> None:
    async def on_websocket(request: LiveRequest, stream: trio.abc.Stream) -> None:
        raise ExceptionGroup("in its nursery", [KeyError("a bug")])

    async with open_world(on_websocket=on_websocket) as world:
        client = await connect(world)
        await client.send(HANDSHAKE)
        assert await client.rest() == b""
        assert len(world.bugs) == 1
        assert (await ask(world, VIEW)).status == 202


SLOW = {
    "headers": (VIEW[:20], b"HTTP/1.1 408"),
    "body": (VIEW[:-1], b"HTTP/1.1 408"),
    "body elsewhere": (post("/api/content", b"[]")[:-1], b"HTTP/1.1 408"),
    "nothing": (b"", b""),
    "a second request": (VIEW + VIEW[:9], b"HTTP/1.1 202"),
    "nothing more": (VIEW, b"HTTP/1.1 202"),
}


@pytest.mark.parametrize(("sent", "received"), SLOW.values(), ids=SLOW.keys())
async def test_a_slow_client_is_cut_off(sent: bytes, received: bytes) -> None:
    async with open_world(limits=QUICK) as world:
        client = await connect(world)
        if sent:
            await client.send(sent)
        with trio.fail_after(60):
            assert (await client.rest()).startswith(received)
        await until(lambda: world.open_connections == 0)


async def test_a_client_that_does_not_read_is_cut_off() -> None:
    async with open_world(limits=QUICK) as world:
        assert world.door is not None
        small = socket.socket()
        small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client = trio.SocketStream(trio.socket.from_stdlib_socket(small))
        await client.socket.connect(("127.0.0.1", world.door.port))
        with pytest.raises(trio.BrokenResourceError):
            while True:
                await client.send_all(get("/api/pixel.gif?post_id=1") * 500)
        await until(lambda: world.open_connections == 0)
        assert not world.bugs


async def test_a_client_that_does_not_read_a_handed_over_answer_is_cut_off() -> None:
    async with open_world(limits=QUICK) as world:
        assert world.door is not None
        client = await connect(world)
        await client.send(get("/big"))
        await until(lambda: world.seen_by_app and not world.open_connections)


async def test_one_connection_too_many_is_turned_away() -> None:
    async with open_world(limits=Limits(connections_max=2)) as world:
        kept = [await connect(world) for _ in range(2)]
        for client in kept:
            await client.send(VIEW)
            assert (await client.answer()).status == 202
        answer = await (await connect(world)).answer()
        assert (answer.status, "retry-after" in answer.headers) == (503, True)
        await kept[0].stream.aclose()
        await until(lambda: world.open_connections == 1)
        assert (await ask(world, VIEW)).status == 202


async def test_running_out_of_descriptors_does_not_stop_the_door(monkeypatch: pytest.MonkeyPatch) -> None:
    real, failures = trio.SocketListener.accept, [errno.EMFILE, errno.ENFILE]

    async def accept(self: trio.SocketListener) -> trio.SocketStream:
        if failures:
            raise OSError(failures.pop(), "no descriptors")
        return await real(self)

    monkeypatch.setattr(trio.SocketListener, "accept", accept)
    async with open_world() as world:
        assert (await ask(world, VIEW)).status == 202
        assert not failures


async def test_an_address_in_use_is_an_error_at_once() -> None:
    async with open_world() as world:
        assert world.door is not None
        second = Door(
            handlers=Handlers(decide=world.decision.decide, hand_over=_unexpected, on_websocket=_unexpected),
            clock=lambda: 0,
            address=ListenAddress(port=world.door.port),
        )
        with pytest.raises(OSError, match="in use"):
            await second.run()


async def _unexpected(*_: Any) -> None:
    raise AssertionError


async def test_a_stopped_door_finishes_what_is_under_way() -> None:
    async with open_world() as world:
        world.admission.held = True
        busy, idle = await connect(world), await connect(world)
        await idle.send(get("/api/pixel.gif?post_id="))
        await idle.answer()
        await busy.send(VIEW)
        await trio.testing.wait_all_tasks_blocked(0.05)
        assert world.door is not None
        world.door.stop()
        assert await idle.rest() == b""
        with pytest.raises(OSError, match=r"refused|failed"):
            await connect(world)
        world.admission.release()
        answer = await busy.answer()
        assert (answer.status, answer.headers["connection"]) == (202, "close")
        assert await busy.rest() == b""


async def test_a_cancelled_door_closes_every_socket_also_of_shielded_tasks() -> None:
    async def on_websocket(request: LiveRequest, stream: trio.abc.Stream) -> None:
        with trio.CancelScope(shield=True):
            await stream.send_all(bytes(50_000_000))

    async with open_world(on_websocket=on_websocket, limits=Limits(write_timeout_s=60)) as world:
        clients = [await connect(world) for _ in range(3)]
        await clients[0].send(HANDSHAKE)
        await clients[1].send(get("/big"))
        await clients[2].send(VIEW[:9])
        await trio.testing.wait_all_tasks_blocked(0.05)
        start = trio.current_time()
    assert trio.current_time() - start < 2
    for client in clients[1:]:
        with pytest.raises((trio.BrokenResourceError, EOFError)):
            while True:
                await client.answer()


async def test_a_door_opens_again_at_the_same_address() -> None:
    async with open_world() as world:
        door = world.door
        assert door is not None
        port = door.port
    async with trio.open_nursery() as nursery:
        await nursery.start(lambda task_status: door.run(task_status=task_status))
        assert door.port == port
        assert (await ask(world, VIEW)).status == 202
        nursery.cancel_scope.cancel()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """A self-signed certificate for localhost: its file, and its key's."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("tls")
    (folder / "cert.pem").write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return str(folder / "cert.pem"), str(folder / "key.pem")


async def connect_secure(world: Any, certificate: tuple[str, str]) -> Client:
    context = ssl.create_default_context(cafile=certificate[0])
    plain = await trio.open_tcp_stream("127.0.0.1", world.door.port)
    return Client(trio.SSLStream(plain, context, server_hostname="localhost", https_compatible=True))


async def test_tls_serves_capture_and_handed_over_requests(certificate: tuple[str, str]) -> None:
    async with open_world(tls=ListenerTls(*certificate)) as world:
        client = await connect_secure(world, certificate)
        await client.send(VIEW + VIEW)
        assert [(await client.answer()).status for _ in range(2)] == [202, 202]
        await client.send(post("/api/view", b'[{"post_id":1},{"post_id":2}]'))
        assert json.loads((await client.answer()).body)["accepted"] == 2
        await client.send(get("/elsewhere"))
        assert (await client.answer()).body == b"echo:"
        assert not world.bugs


async def test_tls_answers_later_and_refuses_alike(certificate: tuple[str, str]) -> None:
    async with open_world(tls=ListenerTls(*certificate), limits=QUICK) as world:
        world.admission.held = True
        client = await connect_secure(world, certificate)
        await client.send(VIEW)
        await trio.testing.wait_all_tasks_blocked(0.05)
        world.admission.release()
        assert (await client.answer()).status == 202
        await client.send(VIEW[:20])
        assert (await client.answer()).status == 408


async def test_a_client_without_tls_is_cut_off_at_a_tls_port(certificate: tuple[str, str]) -> None:
    async with open_world(tls=ListenerTls(*certificate), limits=QUICK) as world:
        client = await connect(world)
        await client.send(VIEW)
        assert OK not in await client.rest()
        secure = await connect_secure(world, certificate)
        await secure.send(VIEW)
        assert (await secure.answer()).status == 202
        assert not world.bugs
