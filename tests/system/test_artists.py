"""An artist becomes known after the first views, and contents change hands, while the process runs."""

from __future__ import annotations

import json
from typing import Any

import httpx
import trio
from trio_websocket import open_websocket_url

from tests.support.process import BROWSER, Vts
from tests.support.waiting import wait_until

WITHIN_S = 30.0
FROM_TWO_VIEWERS = (BROWSER, BROWSER.replace("126", "127"))


def test_views_belong_to_the_owner_that_the_content_has_now(shared_vts: Vts) -> None:
    vts = shared_vts
    with vts.client(vts.service_token()) as service:
        for agent in FROM_TWO_VIEWERS:
            with vts.client(agent=agent) as browser:
                events = [{"post_id": post_id} for post_id in (21, 22, 23)]
                assert browser.post("/api/view", json=events).json() == {"accepted": 3, "dropped": {}}
        wait_until(lambda: service.get("/api/post/23/count").json().get("views") == 2)
        kinds = {21: "artwork", 22: "blog", 23: "playlist"}
        rows = [{"post_id": post_id, "owner_id": 770, "kind": kind} for post_id, kind in kinds.items()]
        assert service.post("/api/content", json=rows).json() == {"upserted": 3}
        wait_until(lambda: _totals(service, 770) == (3, 6, 2), WITHIN_S)

        service.post("/api/content", json=rows[0] | {"owner_id": 771})
        wait_until(lambda: (_totals(service, 770), _totals(service, 771)) == ((2, 4, 2), (1, 2, 2)), WITHIN_S)
        with vts.client(agent=FROM_TWO_VIEWERS[0]) as browser:
            browser.post("/api/view", json={"post_id": 21})
        wait_until(lambda: _totals(service, 771) == (1, 3, 2), WITHIN_S)

        posts = service.get("/api/user/770/posts-stats", params={"sort": "-post_id"}).json()["posts"]
        assert [(post["post_id"], post["kind"], post["total_views"]) for post in posts] == [
            (23, "playlist", 2),
            (22, "blog", 2),
        ]
        service.delete("/api/content/22")
        assert service.get("/api/user/770/posts-stats").json()["total"] == 1
        assert service.get("/api/user/770/artist-stats").json()["total_posts"] == 1
        assert _live(vts, str(service.headers["Authorization"]), "artist:771") == 3


def _totals(service: httpx.Client, user_id: int) -> tuple[int, int, int]:
    body = service.get(f"/api/user/{user_id}/artist-stats").json()
    return body["total_posts"], body["total_views"], body["unique_viewers"]


def _live(vts: Vts, authorization: str, topic: str) -> int:
    async def first() -> Any:
        address = vts.http.replace("http", "ws", 1) + "/live"
        with trio.fail_after(60):
            async with open_websocket_url(address, extra_headers=[("Authorization", authorization)]) as socket:
                await socket.send_message(json.dumps({"op": "subscribe", "topics": [topic]}))
                return json.loads(await socket.get_message())

    return int(trio.run(first)["views"])
