"""A VTS and a broker that players and the host's server share, and what is counted there."""

from __future__ import annotations

import datetime as dt
from itertools import count
from typing import Any

import httpx

from tests.conformance.players import Player
from tests.support.mosquitto import Mosquitto
from tests.support.process import Vts
from tests.support.waiting import until

OWNER, ARTIST = 7, 8
CREDENTIAL = "8sK2f9QdAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBk"
_posts = count(1)


class Wall:
    """A VTS and the host's server at one broker. `service` is a client with the host's service token."""

    def __init__(self, vts: Vts, broker: Mosquitto, service: httpx.Client) -> None:
        self.vts = vts
        self.broker = broker
        self.service = service
        self._last, self._last_post = self.player(), self.post()
        self._last_views = 0

    def player(self) -> Player:
        """A registered player that began to show artworks an hour ago."""
        player = Player(self.broker.port, dt.datetime.now(dt.UTC) - dt.timedelta(hours=1), CREDENTIAL)
        row = {"player_key": player.key, "owner_id": OWNER, "credential": CREDENTIAL}
        self.service.post("/api/players", json=row).raise_for_status()
        return player

    def post(self, owner: int = ARTIST) -> int:
        """A content of its own for a story."""
        post_id = next(_posts)
        self.service.post("/api/content", json={"post_id": post_id, "owner_id": owner}).raise_for_status()
        return post_id

    def stats(self, post_id: int) -> dict[str, Any]:
        """What is counted for a content."""
        return dict(self.service.get(f"/api/post/{post_id}/stats").json())

    def views(self, post_id: int) -> int:
        return int(self.stats(post_id)["total_views"])

    async def settled(self) -> None:
        """Wait until all that was published before is counted: a view of another player behind it is."""
        async with self._last.connected() as device:
            await self._last.publish(device, "view", self._last.view(self._last_post))
        self._last_views += 1
        await until(lambda: self.views(self._last_post) == self._last_views, pause_s=0.02)

    def counted(self, outcome: str) -> float:
        """How many events of players had an outcome."""
        wanted = f'vts_events_total{{outcome="{outcome}",source="player"}}'
        lines = self.service.get("/metrics").text.splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(wanted))
