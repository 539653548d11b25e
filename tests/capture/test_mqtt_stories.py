"""What players and VTS tell each other through a broker: the same stories with the fake one and with Mosquitto."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio

from tests.capture.fake_broker import FakeBroker
from tests.capture.mqtt_support import KEY, OTHER, Device, PlayerDoors, view
from tests.support.mosquitto import Mosquitto
from tests.support.waiting import until
from vts.model.faults import Outage, StoreUnavailable
from vts.model.outcome import Reason, Refused
from vts.model.reaction import ReactionLimitExceeded

VIEW = f"makapix/player/{KEY}/view"


@pytest.fixture(params=["fake", "mosquitto"])
async def port(request: pytest.FixtureRequest, tmp_path: Path, nursery: trio.Nursery) -> AsyncIterator[int]:
    if request.param == "fake":
        started: int = await nursery.start(FakeBroker().listen)
        yield started
        return
    broker = Mosquitto(tmp_path)
    broker.start()
    try:
        yield broker.port
    finally:
        broker.stop()


def url(port: int) -> str:
    return f"mqtt://127.0.0.1:{port}"


@asynccontextmanager
async def player(port: int) -> AsyncIterator[Device]:
    topics = (f"makapix/player/{KEY}/view/ack", f"makapix/player/{KEY}/response/+")
    async with Device.at(port, "player", *topics) as device:
        yield device


def request(**fields: Any) -> bytes:
    return json.dumps({"request_id": "r1", "player_key": KEY, "post_id": 192} | fields).encode()


async def test_the_fields_of_a_view_are_read(port: int) -> None:
    world = PlayerDoors()
    said = view(
        192, timezone="America/Sao_Paulo", intent="channel", play_order=2, channel="hashtag", channel_hashtag="#cats",
        playlist_id=5, player_key=KEY, event_id="5c1d6b47-6a34-4f1a-9a40-3f8a1b0f7c11", something_new={"a": [1]},
    )  # fmt: skip
    async with world.serving(url(port)), player(port) as device:
        await device.publish(VIEW, said)
        await until(lambda: world.admission.journal)
    report = world.admission.journal[0]
    assert (report.post_id, report.view_source, report.device_type, report.view_type) == (
        192,
        "player",
        "player",
        "listing",
    )
    assert (report.channel, report.channel_context, report.playlist_id, report.play_order) == ("hashtag", "cats", 5, 2)
    assert (report.country_code, report.authenticated, report.viewer_user_id) == ("BR", True, 7)
    assert report.local_timezone == "America/Sao_Paulo"
    assert report.device_time_us is not None
    assert report.event_id is not None


async def test_a_view_is_answered_only_when_asked(port: int) -> None:
    world = PlayerDoors()
    async with world.serving(url(port)), player(port) as device:
        await device.publish(VIEW, view(at=1), view(at=2, request_ack=True))
        assert await device.hear() == (VIEW + "/ack", {"success": True})
        world.admission.judge = lambda report: Refused(Reason.RATE_LIMITED, retry_after_s=3.2)
        await device.publish(VIEW, view(at=3), view(at=4, request_ack=True))
        _, said = await device.hear()
        assert (said["success"], said["error_code"], said["retry_after"]) == (False, "rate_limited", 3.2)
        assert not device.heard


async def test_a_request_is_answered_under_its_id(port: int) -> None:
    world = PlayerDoors()
    topic = f"makapix/player/{KEY}/request/r1"
    async with world.serving(url(port)), player(port) as device:
        said = request(request_type="submit_view", view_intent="artwork", local_datetime="", channel="by_user",
                       channel_user_sqid="Ux9", request_id="r1")  # fmt: skip
        await device.publish(topic, said)
        answer = {"request_id": "r1", "success": True, "error": None, "error_code": None, "retry_after": None}
        assert await device.hear() == (f"makapix/player/{KEY}/response/r1", answer)
        await device.publish(topic, said)
        assert await device.hear() == (f"makapix/player/{KEY}/response/r1", answer)
    report = world.admission.journal[0]
    assert (report.view_type, report.channel_context, report.device_time_us) == ("intentional", "Ux9", None)


@pytest.mark.parametrize(
    ("reason", "code"),
    [(Reason.DUPLICATE, None), (Reason.AUTHOR, None), (Reason.NOT_FOUND, "not_found"), (Reason.DELETED, "deleted"),
     (Reason.TOO_LATE, "invalid_request"), (Reason.AUTHENTICATION_FAILED, "authentication_failed"),
     (Reason.RATE_LIMITED, "rate_limited")],
)  # fmt: skip
async def test_every_reason_has_its_answer(reason: Reason, code: str | None, nursery: trio.Nursery) -> None:
    port = await nursery.start(FakeBroker().listen)
    world = PlayerDoors()
    world.admission.judge = lambda report: Refused(reason)
    async with world.serving(url(port)), player(port) as device:
        await device.publish(f"makapix/player/{KEY}/request/r1", request(request_type="submit_view"))
        _, said = await device.hear()
        assert (said["success"], said["error_code"]) == (code is None, code)


async def test_reactions_go_to_the_store_and_never_hold_up_views(port: int) -> None:
    world = PlayerDoors()
    topic = f"makapix/player/{KEY}/request/r1"
    frozen = trio.Event()
    world.react = lambda reaction: frozen.wait()
    async with world.serving(url(port)), player(port) as device:
        await device.publish(topic, request(request_type="submit_reaction", emoji="❤️"))
        await device.publish(VIEW, view())
        await until(lambda: world.admission.journal)
        assert not device.heard
        frozen.set()
        assert (await device.hear())[1]["success"] is True
        await device.publish(topic, request(request_type="revoke_reaction", emoji="❤️"))
        assert (await device.hear())[1]["success"] is True
        assert [(said.user_id, said.post_id, said.op) for said in world.reactions] == [
            (7, 192, "add"),
            (7, 192, "remove"),
        ]


async def test_reactions_that_cannot_be(port: int) -> None:
    world = PlayerDoors()
    topic = f"makapix/player/{KEY}/request/r1"

    async def raising(fault: Exception) -> None:
        raise fault

    async with world.serving(url(port)), player(port) as device:

        async def code(**fields: Any) -> str:
            await device.publish(topic, request(request_type="submit_reaction", **fields))
            return str((await device.hear())[1]["error_code"])

        assert await code(emoji="cat") == "invalid_emoji"
        assert await code() == "invalid_emoji"
        assert await code(emoji="❤️", post_id=4) == "not_found"
        assert await code(emoji="❤️", post_id=13) == "deleted"
        world.react = lambda reaction: raising(ReactionLimitExceeded("5 reactions"))
        assert await code(emoji="❤️") == "reaction_limit_exceeded"
        world.react = lambda reaction: raising(StoreUnavailable("away"))
        assert await code(emoji="❤️") == "unavailable"
        await device.publish(topic, request(request_type="dance"))
        assert (await device.hear())[1]["error_code"] == "unknown_request_type"
    assert world.reactions == []


async def test_requests_of_other_types_are_left_to_the_hosts_server_and_do_not_come_back(port: int) -> None:
    world = PlayerDoors()
    world.reports = dataclasses.replace(world.reports, refuses_foreign=False)
    topic = f"makapix/player/{KEY}/request/r1"
    foreign = [
        request(request_type=name) for name in ("query_posts", "get_post", "get_comments", "get_playset", "echo")
    ]
    foreign += [request(), request(request_type="dance", player_key=OTHER, request_id="r2"), b"{", b"\xff", b"[]"]
    async with world.serving(url(port)), player(port) as device:
        await device.publish(topic, *foreign, request(request_type="submit_view"))
        assert (await device.hear())[1]["success"] is True
        assert not device.heard
    async with world.serving(url(port)), player(port) as device:
        await device.publish(VIEW, view())  # what is left over for the session would arrive before this
        await until(lambda: len(world.admission.journal) == 2)
    assert world.counts == {"foreign_request": len(foreign)}


async def test_bad_messages_are_counted_and_not_redelivered(port: int) -> None:
    world = PlayerDoors()
    async with world.serving(url(port)), player(port) as device:
        await device.publish(VIEW, view(player_key=OTHER, request_ack=True))
        assert (await device.hear())[1]["error_code"] == "authentication_failed"
        await device.publish(f"makapix/player/{KEY}/request/r1", request(request_type="submit_view", player_key=OTHER))
        assert (await device.hear())[1]["error_code"] == "authentication_failed"
        await device.publish(VIEW, b"{", b'{"post_id":0,"request_ack":true}', b"\xff\xfe", view(timestamp="soon"))
        assert (await device.hear())[1]["error_code"] == "invalid_request"
        await device.publish("makapix/player/nobody/view", view())
        await device.publish(VIEW, view(), retain=True)
        await device.publish(VIEW, view(at=9, channel="radio", play_order=7))
        await until(lambda: world.admission.journal)
    assert world.counts == {
        "identity_mismatch": 2, "invalid": 5, "retained": 1, "unknown_channel": 1, "unknown_play_order": 1
    }  # fmt: skip
    async with world.serving(url(port)) as subscriber, player(port) as device:
        await device.publish(VIEW, view(at=8))  # what is left over for the session would arrive before this
        await until(lambda: len(world.admission.journal) == 2)
        assert subscriber.connected
    assert world.counts["retained"] == 1


async def test_retained_views_of_yesterday_do_not_count(port: int) -> None:
    world = PlayerDoors()
    async with player(port) as device:
        await device.publish(VIEW, view(), retain=True)
    async with world.serving(url(port)):
        await until(lambda: world.counts["retained"] == 1)
    assert world.admission.journal == []


async def test_status_is_passed_on(port: int) -> None:
    world = PlayerDoors()
    topic = f"makapix/player/{KEY}/status"
    async with world.serving(url(port)), player(port) as device:
        said = {"player_key": KEY, "status": "online", "current_post_id": 192, "firmware_version": "1.4"}
        await device.publish(topic, json.dumps(said).encode(), json.dumps(said | {"player_key": OTHER}).encode())
        await until(lambda: world.presence.statuses and world.counts["identity_mismatch"])
    assert [(key.hex(), status.firmware) for key, status in world.presence.statuses] == [(KEY.replace("-", ""), "1.4")]


async def test_views_wait_for_us_while_we_are_away(port: int) -> None:
    world = PlayerDoors()
    async with world.serving(url(port)):
        pass
    async with player(port) as device:
        await device.publish(VIEW, *(view(at=i) for i in range(50)))
    assert world.admission.journal == []
    async with world.serving(url(port)):
        await until(lambda: len(world.admission.journal) == 50)
    times = [report.device_time_us for report in world.admission.journal]
    assert times == sorted(times, key=lambda time: time or 0)


async def test_what_cannot_be_kept_comes_again(port: int) -> None:
    world = PlayerDoors()
    full = True
    world.admission.judge = lambda report: Refused(Reason.UNAVAILABLE, retry_after_s=5) if full else None
    async with player(port) as device:
        subscriber = world.subscriber(url(port))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_expect_outage, subscriber)
            await until(lambda: subscriber.connected)
            await device.publish(VIEW, view(at=1), view(at=2), view(at=3))
            await device.publish(f"makapix/player/{KEY}/request/r1", request(request_type="submit_view"))
        full = False
        async with world.serving(url(port)):
            await until(lambda: len(world.admission.journal) == 4)
        assert len({report.device_time_us for report in world.admission.journal}) == 4


async def _expect_outage(subscriber: Any) -> None:
    with pytest.raises((Outage, ExceptionGroup)):
        await subscriber.run()
    assert not subscriber.connected


async def test_a_crash_before_the_journal_loses_nothing(port: int) -> None:
    world = PlayerDoors()
    stuck = trio.Event()
    world.admission.gate = stuck.wait
    async with player(port) as device:
        async with trio.open_nursery() as nursery:
            subscriber = world.subscriber(url(port))
            await nursery.start(subscriber.run)
            await until(lambda: subscriber.connected)
            await device.publish(VIEW, *(view(at=i) for i in range(20)))
            await until(lambda: world.admission.waiting)
            nursery.cancel_scope.cancel()
        assert world.admission.journal == []
        world.admission.gate = None
        async with world.serving(url(port)):
            await until(lambda: len(world.admission.journal) == 20)
    await nothing_is_left(world, port, 20)


async def test_an_orderly_stop_acknowledges_what_was_read(port: int) -> None:
    world = PlayerDoors()
    async with player(port) as device, trio.open_nursery() as nursery:
        stuck = trio.Event()
        world.admission.gate = stuck.wait
        subscriber = world.subscriber(url(port))
        await nursery.start(subscriber.run)
        await until(lambda: subscriber.connected)
        await device.publish(VIEW, *(view(at=i) for i in range(20)))
        await until(lambda: world.admission.waiting)
        subscriber.stop()
        stuck.set()
    world.admission.gate = None
    await nothing_is_left(world, port, 20)


async def nothing_is_left(world: PlayerDoors, port: int, handled: int) -> None:
    """Resume the session and publish one more view: what the broker still keeps for it would arrive before that."""
    async with world.serving(url(port)), player(port) as device:
        await device.publish(VIEW, view(at=99))
        await until(lambda: len(world.admission.journal) == handled + 1)
    assert sum(world.admission.batches) == handled + 1


async def test_a_flood_is_journaled_in_few_entries_and_whole(port: int) -> None:
    world = PlayerDoors()
    world.admission.gate = partial(trio.sleep, 0.001)  # an fsync
    async with world.serving(url(port)), player(port) as device:
        for start in range(0, 2000, 500):
            await device.publish(VIEW, *(view(at=-start - i) for i in range(500)))
        await until(lambda: len(world.admission.journal) == 2000)
    assert len(world.admission.batches) < 1500
