"""Players over a broker that the host's own server shares: every view counts once, every request has one answer."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import mqtt5
import pytest

from tests.conformance.players import CLOCK_NOT_SET, HOST_TYPES, HostServer, Player, by_host, by_vts
from tests.conformance.wall import CREDENTIAL, OWNER, Wall
from tests.support.folders import open_folder
from tests.support.mosquitto import Mosquitto
from tests.support.process import running
from tests.support.waiting import wait_until

pytestmark = pytest.mark.xdist_group("players")  # one process for all of them


@pytest.fixture(scope="module")
def wall() -> Iterator[Wall]:
    with (
        open_folder() as folder,
        Mosquitto(folder / "broker") as broker,
        running(folder, VTS_MQTT__URL=broker.url) as vts,
        vts.client(vts.service_token()) as service,
    ):
        wait_until(lambda: service.get("/health/ready").json()["parts"]["mqtt"] == "ok")
        yield Wall(vts, broker, service)


@asynccontextmanager
async def host(wall: Wall) -> AsyncIterator[HostServer]:
    async with HostServer().serving(wall.broker.port) as server:
        yield server


async def test_each_request_is_answered_once_and_by_the_server_whose_it_is(wall: Wall) -> None:
    player, post = wall.player(), wall.post()
    foreign_before = wall.counted("foreign_request")
    async with host(wall) as server, player.connected() as device:
        theirs = [await player.ask(device, kind, post_id=post, channel="all", limit=50) for kind in HOST_TYPES]
        theirs.append(await player.ask(device, "made_up_tomorrow"))
        await device.publish(f"{player.base}/request/unreadable", b'{"request_type":"submit_view"')
        theirs.append("unreadable")
        view = {"view_intent": "intentional", "local_datetime": "", "local_timezone": "", "play_order": 2}
        reaction = {"post_id": post, "emoji": "❤️"}
        ours = [
            await player.ask(device, "submit_view", post_id=post, channel="all", **view),
            await player.ask(device, "submit_reaction", **reaction),
            await player.ask(device, "revoke_reaction", **reaction),
        ]
        refused = await player.ask(device, "submit_reaction", post_id=post, emoji="")
        await player.answered(device, *theirs, *ours, refused)
        await wall.settled()
    assert all(by_host(player.answers[request_id]) for request_id in theirs)
    assert all(by_vts(player.answers[request_id]) for request_id in ours)
    assert by_vts(player.answers[refused], "invalid_emoji")
    assert server.asked == dict.fromkeys((*HOST_TYPES, "made_up_tomorrow", "unreadable"), 1)
    assert wall.counted("foreign_request") - foreign_before == len(theirs)
    assert wall.views(post) == 1


async def test_a_days_views_count_with_their_channels_and_orders(wall: Wall) -> None:
    player, post = wall.player(), wall.post()
    shown = [
        player.view(post),
        player.view(post, intent="artwork", channel="promoted"),
        player.view(post, channel="by_user", channel_user_sqid="k5fNx", play_order=1),
        player.view(post, channel="reactions", channel_user_sqid="k5fNx", play_order=2),
        player.view(post, channel="hashtag", channel_hashtag="pixelart"),
    ]
    async with host(wall), player.connected() as device:
        await player.publish(device, "view", *shown)
        await player.publish(device, "view", player.view(post, intent="artwork", channel="artwork", request_ack=True))
        await player.acked(device, 1)
        await wall.settled()
    assert player.acks == [{"success": True}]
    stats = wall.stats(post)
    assert stats["views_by_type"] == {"intentional": 2, "listing": 4}
    channels = ("all", "promoted", "by_user", "reactions", "hashtag", "artwork")
    assert stats["views_by_channel"] == dict.fromkeys(channels, 1)
    assert stats["views_by_play_order"] == {"0": 4, "1": 1, "2": 1}
    assert (stats["views_by_device"], stats["views_by_source"]) == ({"player": 6}, {"player": 6})


async def test_what_is_published_again_after_a_lost_connection_counts_once(wall: Wall) -> None:
    player, post = wall.player(), wall.post()
    queue = [player.view(post, request_ack=True) for _ in range(4)]
    payloads = [json.dumps(view).encode() for view in queue]
    async with host(wall):
        async with player.connected() as device:  # the line breaks before the broker's acknowledgements are read
            for number, payload in enumerate(payloads, 100):
                packet = mqtt5.PublishPacket(
                    f"{player.base}/view", payload, qos=mqtt5.QoS.AT_LEAST_ONCE, packet_id=number
                )
                await device.send(packet)
        async with player.connected() as device:
            before = len(player.acks)
            await player.publish(device, "view", *queue, player.view(post, request_ack=True))
            await player.acked(device, before + 5)
            await wall.settled()
    assert all(ack == {"success": True} for ack in player.acks)
    assert wall.views(post) == 5


async def test_a_request_that_is_repeated_is_answered_each_time_and_counts_once(wall: Wall) -> None:
    player, post = wall.player(), wall.post()
    async with host(wall), player.connected() as device:
        for attempt in (1, 2):
            await player.ask(device, "submit_view", "view-1", post_id=post, view_intent="automated")
            await player.answered(device, "view-1", times=attempt)
        await wall.settled()
    assert [answer["success"] for answer in player.answers["view-1"]] == [True, True]
    assert wall.views(post) == 1


async def test_clocks_that_are_not_set_and_time_zones(wall: Wall) -> None:
    post, elsewhere = wall.post(), wall.post()
    player, zoned, soon = wall.player(), wall.player(), wall.player()
    unset = player.view(post, timestamp=CLOCK_NOT_SET, request_ack=True)
    in_brazil = zoned.view(elsewhere, timezone="America/Sao_Paulo", request_ack=True)
    async with host(wall), player.connected() as one, zoned.connected() as two, soon.connected() as three:
        await player.publish(one, "view", unset, unset)
        await zoned.publish(two, "view", in_brazil)
        too_soon = [soon.view(post, request_ack=True), soon.view(elsewhere, request_ack=True)]
        await soon.publish(three, "view", too_soon[0], too_soon[1] | {"timestamp": too_soon[0]["timestamp"]})
        await player.acked(one, 2)
        await zoned.acked(two, 1)
        await soon.acked(three, 2)
        await wall.settled()
    assert player.acks == [{"success": True}] * 2
    assert [ack.get("error_code") for ack in soon.acks] == [None, "rate_limited"]
    assert wall.views(post) == 2
    local = dt.datetime.fromisoformat(in_brazil["timestamp"]) - dt.timedelta(hours=3)
    stats = wall.stats(elsewhere)
    assert (stats["total_views"], stats["views_by_hour_local"]) == (1, {str(local.hour): 1})


async def test_a_view_over_https_is_the_view_over_the_broker(wall: Wall) -> None:
    player, post = wall.player(), wall.post()
    view = player.view(post)
    without = {name: view[name] for name in view if name not in ("player_key", "request_ack")}
    lines = {"Authorization": f"Bearer {CREDENTIAL}", "X-Player-Key": player.key, "User-Agent": "Makapix-Player/2.1"}

    def send(**changed: str) -> Any:
        return wall.service.post("/player/events/view", json=without, headers=lines | changed)

    first = send()
    assert (first.status_code, first.json()) == (202, {"accepted": 1, "dropped": {}})
    assert send(Authorization="Bearer not-its-credential").status_code == 401
    assert send(Authorization=f"Bearer {wall.vts.token(OWNER)}").status_code == 401
    async with player.connected() as device:
        await player.publish(device, "view", view | {"request_ack": True})
        await player.acked(device, 1)
        await wall.settled()
    assert player.acks == [{"success": True}]
    assert wall.views(post) == 1


async def test_what_must_not_count_is_told_to_the_player(wall: Wall) -> None:
    player, post = wall.player(), wall.post()
    own = wall.post(OWNER)
    unregistered = Player(wall.broker.port, dt.datetime.now(dt.UTC))
    async with host(wall), player.connected() as device, unregistered.connected() as other:
        await player.publish(device, "view", player.view(own, request_ack=True))
        await player.publish(device, "view", player.view(post, player_key=unregistered.key, request_ack=True))
        await unregistered.publish(other, "view", unregistered.view(post, request_ack=True))
        await player.acked(device, 2)
        await unregistered.acked(other, 1)
        await wall.settled()
    assert [ack.get("error_code") for ack in player.acks] == [None, "authentication_failed"]
    assert [ack.get("error_code") for ack in unregistered.acks] == ["authentication_failed"]
    assert (wall.views(own), wall.views(post)) == (0, 0)
