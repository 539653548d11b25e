"""Twenty players and the host's server on one broker while VTS is killed: every view once, every request answered."""

from __future__ import annotations

import random
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trio

from tests.conformance.players import HOST_TYPES, OWN_TYPES, HostServer, Player, by_host, by_vts
from tests.conformance.wall import Wall
from tests.support.folders import open_folder
from tests.support.mosquitto import Mosquitto
from tests.support.ports import free_port
from tests.support.process import Vts, running
from tests.support.waiting import until, wait_until

PLAYERS = 20
ROUNDS = 4
VIEWS = 10  # of a player in a round
RESENT_MAX = 3  # of its last views that a player publishes again when it is back
ENDS = (signal.SIGKILL, signal.SIGTERM, signal.SIGKILL)  # of VTS, one between two rounds


@pytest.mark.parametrize("setting", ["ignore", "refuse"])
async def test_requests_of_other_types_are_refused_where_vts_is_alone(folder: Path, setting: str) -> None:
    """The endpoint of VTS refuses them always, a broker's are refused by a setting."""
    direct = free_port()
    with Mosquitto(folder / "broker") as broker:
        settings = {"VTS_MQTT__URL": broker.url, "VTS_MQTT__FOREIGN_REQUESTS": setting}
        with (
            running(folder, VTS_MQTT__LISTEN=f"127.0.0.1:{direct}", **settings) as vts,
            vts.client(vts.service_token()) as service,
        ):
            wait_until(lambda: service.get("/health/ready").json()["parts"]["mqtt"] == "ok")
            wall = Wall(vts, broker, service)
            players, post = [wall.player(), wall.player()], wall.post()
            players[1].port = direct
            for player in players:
                async with player.connected() as device:
                    foreign = await player.ask(device, "query_posts")
                    known = await player.ask(device, "submit_view", post_id=post)
                    await player.answered(device, known)
                    await wall.settled()
                assert by_vts(player.answers[known])
                if setting == "refuse" or player.port == direct:
                    assert by_vts(player.answers[foreign], "unknown_request_type")
                else:
                    assert foreign not in player.answers
            assert wall.counted("foreign_request") == (1 if setting == "ignore" else 0)


class Day:
    """What one player shows and asks, over all of its connections."""

    def __init__(self, player: Player, post: int) -> None:
        self.player = player
        self.asked: list[tuple[str, str]] = []
        self._post = post
        self._last: list[dict[str, Any]] = []

    async def go_on(self, chance: random.Random) -> None:
        """Connect, publish the last views once more, then new ones, and ask for everything."""
        again = self._last[VIEWS - chance.randint(0, RESENT_MAX) :]
        self._last = [self.player.view(self._post, request_ack=chance.random() < 0.5) for _ in range(VIEWS)]
        async with self.player.connected() as device:
            await self.player.publish(device, "view", *again, *self._last)
            for kind in (*HOST_TYPES, *OWN_TYPES[1:]):
                self.asked.append((kind, await self.player.ask(device, kind, post_id=self._post, emoji="🔥")))
            await self.player.answered(device, *(request_id for kind, request_id in self.asked if kind in HOST_TYPES))

    async def ask_again(self) -> None:
        """Ask once more what was not answered while the player was there, as firmware does after its own deadline."""
        async with self.player.connected() as device:
            for kind, request_id in self.asked:
                if request_id not in self.player.answers:
                    await self.player.ask(device, kind, request_id, post_id=self._post, emoji="🔥")
            await self.player.answered(device, *(request_id for _, request_id in self.asked))


@pytest.fixture
def vts_and_broker() -> Iterator[tuple[Vts, Mosquitto]]:
    with open_folder() as folder, Mosquitto(folder / "broker") as broker:
        vts = Vts(folder, VTS_MQTT__URL=broker.url)
        try:
            yield vts.start(), broker
        finally:
            vts.kill()


async def test_every_view_counts_once_and_every_request_is_answered_by_its_server(
    vts_and_broker: tuple[Vts, Mosquitto],
) -> None:
    vts, broker = vts_and_broker
    with vts.client(vts.service_token()) as service:
        wait_until(lambda: service.get("/health/ready").json()["parts"]["mqtt"] == "ok")
        wall = Wall(vts, broker, service)
        players, post = [wall.player() for _ in range(PLAYERS)], wall.post()
    days = [Day(player, post) for player in players]
    async with HostServer().serving(broker.port):
        for turn in range(ROUNDS):
            async with trio.open_nursery() as nursery:
                for number, day in enumerate(days):
                    nursery.start_soon(day.go_on, random.Random(f"{turn} {number}"))
                if turn < len(ENDS):
                    nursery.start_soon(trio.to_thread.run_sync, _again, vts, ENDS[turn])
        async with trio.open_nursery() as nursery:
            for day in days:
                nursery.start_soon(day.ask_again)
    with vts.client(vts.service_token()) as service:
        wall.service = service
        await until(lambda: wall.views(post) >= PLAYERS * ROUNDS * VIEWS, pause_s=0.1)
        await wall.settled()
        assert wall.views(post) == PLAYERS * ROUNDS * VIEWS
    for day in days:
        for kind, request_id in day.asked:
            answers = day.player.answers[request_id]
            if kind in HOST_TYPES:
                assert by_host(answers)
            else:  # a VTS that is killed before its acknowledgement arrives answers the request once more
                said = {(answer.get("by"), answer["error_code"]) for answer in answers}
                assert said <= {(None, None), (None, "unavailable")}


def _again(vts: Vts, end: signal.Signals) -> None:
    """End VTS and start it anew."""
    assert vts.process is not None
    vts.process.send_signal(end)
    vts.process.wait(30)
    vts.start()
