"""The WebSocket door of the live counts: scripted streams on a jumping clock, and one real connection."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest
import trio
import trio_websocket
from trio.testing import MockClock
from trio_websocket import ConnectionClosed, ConnectionRejected, WebSocketConnection

from tests.live.scripted import OWNER, CommittedViews, running, viewer
from tests.support.waiting import until
from vts.live.hub import Hub
from vts.live.topics import Topic
from vts.live.websocket import MESSAGE_MAX_CHARS, serve
from vts.model.principal import Principal


async def answer(
    stream: trio.abc.Stream,
    hub: Hub,
    principal: Principal | None = OWNER,
    address: str = "a",
    is_public: bool = False,
) -> None:
    """What the door does with an upgrade that was allowed."""
    async with trio.open_nursery() as nursery:
        request = await trio_websocket.wrap_server_stream(nursery, stream, max_message_size=MESSAGE_MAX_CHARS)
        await serve(request, hub, principal, address=address, is_public=is_public)
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def connected(
    hub: Hub,
    pair: tuple[trio.abc.Stream, trio.abc.Stream] | None = None,
    address: str = "a",
    principal: Principal | None = OWNER,
    is_public: bool = False,
) -> AsyncIterator[WebSocketConnection]:
    ours, theirs = pair or trio.testing.memory_stream_pair()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(partial(answer, ours, hub, principal, address, is_public=is_public))
        yield await trio_websocket.wrap_client_stream(nursery, theirs, "vts.test", "/live")
        nursery.cancel_scope.cancel()


async def say(socket: WebSocketConnection, op: str, *topics: str) -> None:
    await socket.send_message(json.dumps({"op": op, "topics": topics}))


async def hear(socket: WebSocketConnection, within_s: float = 5.0) -> dict[str, Any]:
    with trio.fail_after(within_s):
        message: dict[str, Any] = json.loads(await socket.get_message())
    return message


async def test_subscribe_snapshot_change_unsubscribe(autojump_clock: MockClock) -> None:
    world = CommittedViews()
    async with running(world) as hub, connected(hub) as socket:
        await say(socket, "subscribe", "post:42", "site")
        assert {(await hear(socket))["topic"] for _ in range(2)} == {"post:42", "site"}
        await say(socket, "unsubscribe", "site", "post:77", "nonsense")
        refused = await hear(socket)  # as by subscribe; a topic that is not followed is no fault
        assert (refused["error_code"], refused["topic"]) == ("invalid_topic", None)
        await trio.sleep(1)
        hub.on_committed(world.commit((42, viewer(1))))
        message = await hear(socket)
        at = message.pop("at")
        assert at.endswith("Z")
        assert message == {
            "topic": "post:42",
            "epoch": message["epoch"],
            "seq": 2,
            "views": 1,
            "views_today": 1,
            "unique_viewers_today": 1,
            "viewers_now": 1,
        }
        with pytest.raises(trio.TooSlowError):
            await hear(socket)


@pytest.mark.parametrize("frame", ["{", '{"op":"dance","topics":["site"]}', b"\x00\x01", "x" * 5000, "[" * 4000])
async def test_a_bad_frame_is_answered_and_the_connection_lives_on(
    autojump_clock: MockClock, frame: str | bytes
) -> None:
    world = CommittedViews()
    async with running(world) as hub, connected(hub) as socket:
        await socket.send_message(frame)
        fault = await hear(socket)
        assert (set(fault), fault["error_code"], fault["topic"]) == (
            {"error", "error_code", "topic"},
            "invalid_request",
            None,
        )
        await say(socket, "subscribe", "post:1")
        assert (await hear(socket))["topic"] == "post:1"


async def test_a_topic_that_may_not_be_seen_is_answered_and_the_others_are_followed(autojump_clock: MockClock) -> None:
    world = CommittedViews()
    async with running(world, may_see=lambda _, topic: topic.name == "post:1") as hub, connected(hub) as socket:
        await say(socket, "subscribe", "post:2", "post:1", "poster")
        heard = [await hear(socket) for _ in range(3)]
        assert {(message.get("error_code"), message["topic"]) for message in heard} == {
            ("forbidden", "post:2"),
            ("invalid_topic", None),
            (None, "post:1"),
        }


async def test_a_frame_beyond_reason_ends_the_connection(autojump_clock: MockClock) -> None:
    async with running(CommittedViews()) as hub, connected(hub) as socket:
        await socket.send_message("x" * (MESSAGE_MAX_CHARS + 1))
        with pytest.raises(ConnectionClosed) as closed:
            await hear(socket)
        assert closed.value.reason.code == 1009


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (b"\x81\x02hi", 1002),  # not masked
        (b"\xc1\x82\x00\x00\x00\x00hi", 1002),  # a reserved bit
        (b"\x83\x80\x00\x00\x00\x00", 1002),  # an unknown opcode
        (b"\x80\x80\x00\x00\x00\x00", 1002),  # a continuation of nothing
        (b"\x09\x80\x00\x00\x00\x00", 1002),  # a ping in pieces
        (b"\x81\x82\x00\x00\x00\x00\xff\xfe", 1007),  # not UTF-8
    ],
)
async def test_a_client_that_breaks_the_protocol_gets_a_close_frame(
    autojump_clock: MockClock, sent: bytes, code: int
) -> None:
    async with running(CommittedViews()) as hub, connected(hub) as socket:
        await say(socket, "subscribe", "site")
        await hear(socket)
        await socket._stream.send_all(sent)
        with pytest.raises(ConnectionClosed) as closed:
            await hear(socket)
        assert closed.value.reason.code == code


async def test_closing_says_going_away(autojump_clock: MockClock) -> None:
    async with running(CommittedViews()) as hub, connected(hub) as socket:
        await say(socket, "subscribe", "site")
        await hear(socket)
        hub.stop()
        with pytest.raises(ConnectionClosed) as closed:
            await hear(socket)
        assert closed.value.reason.code == 1001


async def test_a_connection_ends_with_its_token(autojump_clock: MockClock) -> None:
    good = [True]
    async with running(CommittedViews(), holds=lambda principal: good[0]) as hub, connected(hub) as socket:
        await say(socket, "subscribe", "site")
        await hear(socket)
        good[0] = False
        with pytest.raises(ConnectionClosed) as closed:
            await hear(socket)
        assert (closed.value.reason.code, closed.value.reason.reason) == (1008, "the token has ended")


async def test_closing_does_not_wait_for_a_client_that_does_not_read(autojump_clock: MockClock) -> None:
    ours, theirs = trio.testing.lockstep_stream_pair()
    async with running(CommittedViews()) as hub:
        start_s = trio.current_time()
        with trio.fail_after(30):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(answer, ours, hub)
                socket = await trio_websocket.wrap_client_stream(nursery, theirs, "vts.test", "/live")
                socket._reader_running = False  # it never reads again
                await say(socket, "subscribe", "site")
                hub.stop()
        assert trio.current_time() - start_s < 3
        assert hub.clients == 0


async def test_a_reader_that_stops_is_cut_off_at_the_write_deadline(autojump_clock: MockClock) -> None:
    ours, theirs = trio.testing.memory_stream_pair()
    world = CommittedViews()
    async with running(world) as hub, trio.open_nursery() as nursery:
        nursery.start_soon(answer, ours, hub)
        socket = await trio_websocket.wrap_client_stream(nursery, theirs, "vts.test", "/live")
        await say(socket, "subscribe", "post:1")
        await hear(socket)
        room = trio.Event()
        ours.send_stream.send_all_hook = room.wait  # the peer's window is closed
        hub.on_committed(world.commit((1, viewer(1))))
        start_s = trio.current_time()
        await until(lambda: hub.clients == 0, pause_s=0.5)
        assert 10 <= trio.current_time() - start_s <= 15
        nursery.cancel_scope.cancel()


async def test_a_slow_reader_gets_the_reason_when_it_reads_again(autojump_clock: MockClock) -> None:
    ours, theirs = trio.testing.memory_stream_pair()
    world = CommittedViews()
    async with running(world) as hub, connected(hub, (ours, theirs)) as socket:
        await say(socket, "subscribe", "post:1")
        await hear(socket)
        blocked = 0

        async def full() -> None:
            nonlocal blocked
            blocked += 1
            if blocked == 1:
                await trio.sleep_forever()
            await deliver()

        deliver = ours.send_stream.send_all_hook
        ours.send_stream.send_all_hook = full
        hub.on_committed(world.commit((1, viewer(1))))
        assert (await hear(socket, within_s=20))["views"] == 1
        with pytest.raises(ConnectionClosed) as closed:
            await hear(socket, within_s=20)
        assert closed.value.reason.code == 1013


async def test_a_quiet_line_has_a_heartbeat_every_five_seconds(autojump_clock: MockClock) -> None:
    world = CommittedViews()
    async with running(world) as hub, connected(hub) as socket:
        await say(socket, "subscribe", "post:1")
        await hear(socket)
        start_s = trio.current_time()
        for _ in range(3):
            assert await hear(socket, within_s=11) == {"op": "heartbeat"}
        assert 10 < trio.current_time() - start_s <= 20
        hub.on_committed(world.commit((1, viewer(1))))
        assert (await hear(socket))["views"] == 1


async def test_a_peer_that_is_gone_is_noticed_by_its_silence(autojump_clock: MockClock) -> None:
    ours, theirs = trio.testing.memory_stream_pair()
    async with running(CommittedViews()) as hub, trio.open_nursery() as nursery:
        nursery.start_soon(answer, ours, hub)
        await trio_websocket.wrap_client_stream(nursery, theirs, "vts.test", "/live")
        await trio.sleep(100)
        assert hub.clients == 1  # it answers every ping
        theirs.send_stream.send_all_hook = trio.sleep_forever  # and now never again
        start_s = trio.current_time()
        await until(lambda: hub.clients == 0, pause_s=0.5)
        assert trio.current_time() - start_s <= 45
        nursery.cancel_scope.cancel()


async def test_a_client_that_leaves_leaves_nothing_behind(autojump_clock: MockClock) -> None:
    world = CommittedViews()
    async with running(world) as hub:
        for how in ("close", "vanish"):
            ours, theirs = trio.testing.memory_stream_pair()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(answer, ours, hub)
                socket = await trio_websocket.wrap_client_stream(nursery, theirs, "vts.test", "/live")
                await say(socket, "subscribe", "post:1")
                await hear(socket)
                assert hub.clients == 1
                with trio.fail_after(60):
                    await (socket.aclose() if how == "close" else theirs.aclose())
        assert hub.clients == 0
        assert not hub._followed.get(Topic("post", 1, "post:1")).board.readers  # type: ignore[union-attr]


async def test_crowds_are_refused_before_the_upgrade(autojump_clock: MockClock) -> None:
    async with running(CommittedViews(), clients_per_address=1) as hub, connected(hub):
        ours, theirs = trio.testing.memory_stream_pair()
        refusals: list[ConnectionRejected] = []
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(answer, ours, hub)
                await trio_websocket.wrap_client_stream(nursery, theirs, "vts.test", "/live")
        except* ConnectionRejected as group:
            refusals += [refusal for refusal in group.exceptions if isinstance(refusal, ConnectionRejected)]
        assert [refusal.status_code for refusal in refusals] == [429]
        assert dict(refusals[0].headers)[b"retry-after"] == b"5"
        async with connected(hub, address="b") as other:
            await say(other, "subscribe", "site")
            await hear(other)


async def test_over_a_real_loopback_connection() -> None:
    world = CommittedViews()
    async with running(world) as hub, trio.open_nursery() as nursery:
        listeners = await nursery.start(partial(trio.serve_tcp, host="127.0.0.1"), partial(answer, hub=hub), 0)
        port = listeners[0].socket.getsockname()[1]
        async with trio_websocket.open_websocket("127.0.0.1", port, "/live", use_ssl=False) as socket:
            await say(socket, "subscribe", "post:1")
            assert (await hear(socket))["views"] == 0
            for number in range(1, 4):
                hub.on_committed(world.commit((1, viewer(number))))
                assert (await hear(socket, within_s=1))["seq"] == number + 1
        nursery.cancel_scope.cancel()
