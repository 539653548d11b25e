"""What a player and a page report is in the site's answers within a second, and in the analytics soon after."""

from __future__ import annotations

import datetime as dt
import os
import time
import uuid
from typing import Any

from tests.support.process import Vts
from tests.support.waiting import wait_until
from vts.model.identity import text_of, version_7

FRESH_WITHIN_S = 30.0  # how fresh counts are is for the benchmarks to say
ANALYSED_WITHIN_S = 60.0
CREDENTIAL = "ab" * 32


def test_from_a_player_and_a_page_to_the_answers(vts: Vts) -> None:
    key = str(uuid.uuid4())
    now = dt.datetime.now(dt.UTC).replace(microsecond=0)
    if now.time() < dt.time(0, 1):
        now += dt.timedelta(minutes=1)  # all of it in one UTC day; the clock of a player may be so far ahead
    with vts.client(vts.service_token()) as service, vts.client() as anyone:
        service.post("/api/content", json=[{"post_id": post_id, "owner_id": 7} for post_id in (1, 2)])
        service.post("/api/content", json={"post_id": 9, "kind": "playlist", "owner_id": 8})
        service.post("/api/players", json={"player_key": key, "owner_id": 3, "country": "BR", "credential": CREDENTIAL})
        for seconds, post_id, intent in ((40, 1, "channel"), (10, 2, "channel"), (0, 1, "artwork")):
            shown = {"post_id": post_id, "intent": intent, "channel": "playlist", "playlist_id": 9, "play_order": 1}
            shown["timestamp"] = (now - dt.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
            assert anyone.post("/player/events/view", json=shown, auth=(key, CREDENTIAL)).json()["accepted"] == 1
        pages = [{"path": path, "event_id": id_of(now, seconds)} for path, seconds in (("/post/1", 40), ("/", 10))]
        assert anyone.post("/api/track/page-view", json=pages).json() == {"accepted": 2, "dropped": {}}

        def ask(path: str) -> dict[str, Any]:
            return dict(service.get(f"/api/admin/{path}").json())

        started = time.monotonic()
        wait_until(lambda: (s := ask("sitewide-stats"))["total_views"] == 3 and s["page_views"] == 2, FRESH_WITHIN_S)
        assert {row["channel"]: row["views"] for row in ask("channels")["channels"]}["playlist"] == 3
        assert ask("playlists/9")["views"] == 3
        assert time.monotonic() - started <= 2 * FRESH_WITHIN_S
        wait_until(lambda: ask("playlists/9")["analytics_lag_seconds"] == 0, ANALYSED_WITHIN_S)
        channel = ask("channels")["channels"][0]
        assert (channel["dwell_seconds"], channel["shown"], channel["converted"]) == (40.0, 2, 1)
        assert ask("playlists/9")["views_by_country"] == {"BR": 3}
        site = wait_until(lambda: (s := ask("sitewide-stats"))["posts_registered"] == 3 and s, ANALYSED_WITHIN_S)
        player = {"player_key": key, "name": None, "owner_id": 3, "views": 3}
        assert site["player_activity"]["views_by_player"] == [player]
        assert (site["player_activity"]["views"], site["player_activity"]["active_players"]) == (3, 1)
        asked = service.get("/api/admin/sitewide-stats?table=player&format=csv").text.splitlines()
        assert asked == ["player_key,name,owner_id,owner_ref,views,views_authenticated", f"{key},,3,,3,3"]
        assert site["players_registered"] == 1
        site = wait_until(lambda: (s := ask("sitewide-stats"))["visits"] and s, ANALYSED_WITHIN_S)
        visits = (site["visits"], site["pages_per_visit"], site["seconds_per_visit"], site["bounce_rate"])
        assert visits == (1, 2.0, 30.0, 0.0)
        owner = {"Authorization": f"Bearer {vts.token(8)}"}
        assert anyone.get("/api/admin/playlists/9", headers=owner).json()["dwell_seconds"] == 40.0
        assert anyone.get("/api/admin/channels", headers=owner).status_code == 403


def id_of(now: dt.datetime, seconds_ago: int) -> str:
    """Return an id of version 7 that says when its event was."""
    at_us = round((now.timestamp() - seconds_ago) * 1e6)
    return text_of(version_7(at_us, os.urandom(10)))
