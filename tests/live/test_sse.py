"""Live counts as server-sent events."""

from __future__ import annotations

import json

import pytest
import trio
from trio.testing import MockClock

from tests.live.scripted import MODERATOR, OWNER, CommittedViews, running, viewer
from vts.live.sse import events
from vts.model.faults import TooManyClients
from vts.model.principal import Principal


async def test_hello_snapshot_change_keep_alive_end(autojump_clock: MockClock) -> None:
    world = CommittedViews()
    async with running(world) as hub:
        stream = events(hub, OWNER, "post:1, nonsense", address="a")
        assert await anext(stream) == b"retry: 2000\n\n"
        fault = data(await anext(stream))
        assert fault["error_code"] == "invalid_topic"
        assert data(await anext(stream))["seq"] == 1
        hub.on_committed(world.commit((1, viewer(1))))
        assert data(await anext(stream))["views"] == 1
        start_s = trio.current_time()
        assert await anext(stream) == b": keep-alive\n\n"
        assert trio.current_time() - start_s == pytest.approx(15)
        assert hub.clients == 1
        hub.stop()
        with pytest.raises(StopAsyncIteration):
            await anext(stream)
        assert hub.clients == 0


async def test_the_events_end_with_the_token(autojump_clock: MockClock) -> None:
    ended: set[Principal] = set()
    async with running(CommittedViews(), holds=lambda principal: principal not in ended) as hub:
        stream, other = events(hub, OWNER, "site", address="a"), events(hub, MODERATOR, "site", address="a")
        for one in (stream, other):
            assert await anext(one) == b"retry: 2000\n\n"
            assert data(await anext(one))["seq"] == 1
        ended.add(OWNER)
        with pytest.raises(StopAsyncIteration):
            await anext(stream)
        assert await anext(other) == b": keep-alive\n\n"
        assert hub.clients == 1


async def test_closing_the_iterator_gives_the_place_back(autojump_clock: MockClock) -> None:
    async with running(CommittedViews(), clients_per_address=1) as hub:
        stream = events(hub, OWNER, "site", address="a")
        await anext(stream)
        with pytest.raises(TooManyClients):
            await anext(events(hub, OWNER, "site", address="a"))
        await stream.aclose()
        assert hub.clients == 0


async def test_too_many_topics_are_named(autojump_clock: MockClock) -> None:
    async with running(CommittedViews()) as hub:
        stream = events(hub, OWNER, ",".join(f"post:{n}" for n in range(1, 150)), address="a")
        await anext(stream)
        assert data(await anext(stream))["error_code"] == "too_many_topics"
        assert len({data(await anext(stream))["topic"] for _ in range(100)}) == 100
        await stream.aclose()


def data(piece: bytes) -> dict[str, object]:
    assert piece.startswith(b"data: ")
    assert piece.endswith(b"\n\n")
    message: dict[str, object] = json.loads(piece[6:])
    return message
