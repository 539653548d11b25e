"""What docs/integrate.md says of moving over, with the requests that the clients of each kind of site send."""

from __future__ import annotations

import datetime as dt
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest

from tests.support.guide import TEXT
from tests.support.process import BROWSER, running
from tests.support.waiting import until, wait_until

SECRET = "the-secret-with-which-the-site-signs-its-tokens-9f2c"
STREAM = "2F6C1C1E-5A52-4C57-9D0E-0F3C8A1B2C3D"
PLAYER = "7f3c1c1e-5a52-4c57-9d0e-0f3c8a1b2c3d"
PLAYER_TOKEN = "site_live_8sK2f9QdT0bW4xYzAaBbCcDdEeFf"


def section(heading: str) -> str:
    return re.split(r"^##", TEXT.partition(f"\n### {heading}\n")[2], flags=re.MULTILINE)[0]


@contextmanager
def moved(folder: Path, heading: str) -> Iterator[tuple[httpx.Client, httpx.Client]]:
    """A VTS with the settings that the guide gives for such a site; yield clients of its server and of a browser."""
    row = next(line for line in section(heading).splitlines() if line.startswith("| settings"))
    settings = dict(re.findall(r"`(VTS_\w+)='?([^'`]+)'?`", row))
    with (
        running(folder / "vts", VTS_AUTH__SECRET=SECRET, **settings) as vts,
        vts.client(vts.service_token()) as service,
        vts.client() as web,
    ):
        yield service, web


def signed(**claims: Any) -> dict[str, str]:
    token = jwt.encode(claims | {"exp": int(time.time()) + 600}, SECRET, algorithm="HS256")
    return {"Authorization": f"Bearer {token}"}


def days_ago(days: int) -> str:
    return (dt.datetime.now(dt.UTC) - dt.timedelta(days=days)).isoformat()


def applied(service: httpx.Client, path: str, rows: list[dict[str, Any]]) -> None:
    assert service.post(path, json=rows).raise_for_status().json()["imported"] == len(rows)


def test_an_artwork_site_with_players(folder: Path) -> None:
    with moved(folder, "An artwork site with players over MQTT") as (service, web):
        service.post("/api/content", json={"post_id": 12345, "owner_id": "k5fNx"}).raise_for_status()
        service.post("/api/players", json={"player_key": PLAYER, "owner_id": "Zq9", "credential": PLAYER_TOKEN})
        view = "/api/post/12345/view"
        shown = {"intent": "impression", "channel": "all", "channel_context": None, "play_order": 2}
        fan, artist = signed(sub="Zq9", roles=["user"]), signed(sub="k5fNx", roles=["user", "moderator"])
        assert web.post(view).status_code == 201
        assert web.post(view, headers={"User-Agent": BROWSER + " Edg/126.0"}).status_code == 204, "by address"
        assert web.post(view, headers=fan).status_code == 201
        assert web.post(view, headers=artist).status_code == 204
        assert web.post(view, json=shown).status_code == 201
        assert web.post("/api/track/page-view", json={"path": "/p/x", "referrer": None}).status_code == 202
        device = {"Authorization": f"Bearer {PLAYER_TOKEN}"}
        played = {"post_id": 12345, "timestamp": days_ago(1), "timezone": "", "intent": "channel", "channel": "all"}
        assert web.post("/player/events/view", json=played, headers=device).status_code == 202

        def statistics() -> dict[str, Any]:
            answer = web.get("/api/post/12345/stats?refresh=true", headers=artist)
            return dict(answer.raise_for_status().json())

        wait_until(lambda: statistics()["total_views"] == 4)
        assert statistics()["total_views"] - statistics()["total_impressions"] == 2
        assert web.get("/api/admin/sitewide-stats?refresh=true", headers=artist).status_code == 200


async def test_a_site_of_races_and_streams(folder: Path) -> None:
    with moved(folder, "A site of races and streams") as (service, web):
        batch = {"streamId": STREAM, "clientId": "c-1", "events": [{"type": "play", "videoTime": 0}]}
        batch["events"] += [{"type": "HEARTBEAT", "videoTime": 15, "extra": {"quality": "hd"}}, {"type": "pause"}]
        origin = {"Origin": "https://races.example"}
        assert web.post("/analytics/events", json=batch, headers=origin).status_code == 404
        service.post("/api/content", json={"post_id": f"stream:{STREAM}"}).raise_for_status()
        answer = web.post("/analytics/events", json=batch, headers=origin)
        assert (answer.status_code, answer.json()["ingested"]) == (202, 3)
        assert answer.headers["Access-Control-Allow-Origin"] == "https://races.example"
        old = {"stream_id": STREAM, "client_id": "c-0", "type": "play", "video_time": 0, "created_at": days_ago(40)}
        applied(service, "/api/import/playback", [old])
        applied(
            service,
            "/api/import/provider-stats",
            [{"provider": "cdn", "stream_id": STREAM, "day": "2026-01-01", "views": 3}],
        )
        admin = signed(user_id="4d7e6c58-0b5f-4c3e-9a51-d5f4a1b2c3d4", is_admin=True)
        await until(lambda: kept(web, admin) == 3)
        for path in ("/admin/analytics/streams", "/admin/analytics/streams/summary"):
            assert web.get(path, headers=admin).status_code == 404, "the guide says that it is still to come"


def kept(web: httpx.Client, admin: dict[str, str]) -> int:
    answer = web.get("/api/export/playback_events?format=json", headers=admin).raise_for_status()
    return sum(row["stream_ref"] == f"stream:{STREAM.lower()}" for row in answer.json())


def test_a_tool_for_television(folder: Path) -> None:
    with moved(folder, "A tool for television channels, films and playlists") as (service, web):
        rows = [{"post_id": "channel:3", "title": "News", "category": "News"}, {"post_id": "movie:12"}]
        service.post("/api/content", json=rows).raise_for_status()
        seen = {"user_id": "anna", "channel_id": 3, "vod_movie_id": None, "vod_series_id": None, "stream_url": None}
        seen |= {"started_at": days_ago(90), "ended_at": None, "duration_seconds": 60, "completed": False}
        applied(service, "/api/import/viewing-history", [seen])
        anna = signed(sub="anna")
        assert len(web.get("/api/me/data", headers=anna).json()["viewing_history"]) == 1
        assert web.post("/api/view", json={"post_id": "channel:3"}, headers=anna).status_code == 202
        events = [{"type": "play", "videoTime": 0}]
        played = {"streamId": "channel:3", "clientId": "tv", "events": events}
        assert web.post("/analytics/events", json=played).json() == {"ingested": 1}
        wait_until(lambda: top(web) == [("channel:3", 1)])
        for path in ("history", "stats", "popular", "admin/stats"):
            assert web.get(f"/api/analytics/{path}", headers=anna).status_code == 404, "still to come"


def top(web: httpx.Client) -> list[tuple[str, int]]:
    posts = web.get("/api/top?kind=channel&days=30").json()["posts"]
    return [(one["post_id"], one["views"]) for one in posts]


@pytest.mark.parametrize("path", ["/admin/analytics/streams", "/api/analytics/history", "/api/analytics/popular"])
def test_the_guide_says_plainly_what_is_not_there_yet(path: str) -> None:
    assert re.search(rf"\*\*Still to come:[^*]*{path}", TEXT)
