"""A data folder and a database of version 0.1.0, with contents, views and rolled days, are taken over."""

from __future__ import annotations

import datetime as dt
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from checks.old_schema import make_old
from checks.test_journal_damage import NO_SERVER, create, drop, stored_in
from tests.support.folders import open_folder
from tests.support.postgres import Server, postgres_server
from tests.support.process import Vts, running
from tests.support.waiting import wait_until

__all__ = ["postgres_server"]

TODAY = dt.datetime.now(dt.UTC).date()
ARTIST, FAN, PLAYLIST = 7, 12, 3
CONTENTS = {1: "artwork", 2: "blog", PLAYLIST: "playlist", 4: "stream"}
VIEWS = 40
TIMES = {"computed_at", "lag_seconds", "analytics_computed_at", "analytics_lag_seconds"}
ASKED = [
    *(f"/api/post/{post_id}/stats?days=400" for post_id in CONTENTS),
    *(f"/api/post/{post_id}/count" for post_id in CONTENTS),
    f"/api/user/{ARTIST}/artist-stats?days=400",
    f"/api/user/{ARTIST}/posts-stats?days=400&sort=post_id",
    *(f"/api/admin/{name}?days=400" for name in ("sitewide-stats", "channels", "play-orders", "peak-hours")),
    f"/api/admin/playlists/{PLAYLIST}?days=400",
    "/api/post/1/stats?days=400&format=csv",
    *(f"/api/export/{table}?format=ndjson" for table in ("content", "players", "post_stats_daily", "view_events")),
]


@pytest.fixture
def databases(postgres_server: Server) -> Iterator[tuple[str, str]]:
    create(postgres_server, "grown", "migrated")
    yield postgres_server.url("grown"), postgres_server.url("old")
    for name in ("grown", "old"):
        drop(postgres_server, name)


def test_a_folder_of_the_first_version_answers_as_before_and_takes_both_names(
    postgres_server: Server,
    databases: tuple[str, str],
) -> None:
    grown, old = databases
    limits = {"VTS_LIMITS__WEB_PER_MINUTE": "0"}
    with open_folder() as folder:
        with running(folder, VTS_DATABASE__URL=grown, **limits) as vts:
            known = live(vts, postgres_server)
            before = answers(vts)
            assert vts.terminate() == 0
        make_old(postgres_server, "old", "grown")
        age(folder / "data")
        with running(folder, VTS_DATABASE__URL=NO_SERVER, **limits) as vts:
            starts_with_the_old_copy(vts, known)
            assert vts.terminate() == 0
        with running(folder, VTS_DATABASE__URL=old, **limits) as vts:
            wait_until(lambda: answers(vts) == before, 60, 0.5)
            takes_both_names(vts)
            assert {path: one for path, one in answers(vts).items() if "/post/2/" in path} == {
                path: one for path, one in before.items() if "/post/2/" in path
            }


def live(vts: Vts, server: Server) -> dict[str, Any]:
    """Fill a site: contents, views of today and of two rolled days, imported days. Return one of the views."""
    days = [dt.datetime.combine(TODAY - dt.timedelta(days=back), dt.time(9), dt.UTC) for back in (1, 2)]
    view: dict[str, Any] = {"playlist_id": PLAYLIST, "channel": "hashtag", "channel_context": "art", "play_order": 1}
    views = [
        view | {"post_id": 1 + n % 4, "event_id": str(uuid.uuid4()), "client_ip": f"203.0.113.{n}", "user_id": FAN + n}
        for n in range(VIEWS)
    ]
    past = [
        {"post_id": 1 + n % 4, "client_ip": f"198.51.100.{n}", "created_at": day.isoformat()}
        for day in days
        for n in range(VIEWS)
    ]
    long_ago = [{"post_id": 1, "day": str(TODAY - dt.timedelta(days=300 + n)), "views": 5 + n} for n in range(3)]
    described = [{"post_id": n, "kind": kind, "owner_id": ARTIST, "title": f"T{n}"} for n, kind in CONTENTS.items()]
    sent: dict[str, Any] = {
        "/api/content": described,
        "/api/players": {"player_key": str(uuid.UUID(int=5)), "owner_id": FAN, "name": "Hall"},
        "/api/view": views,
        "/api/import/views": past,
        "/api/import/daily": long_ago,
        "/api/track/page-view": {"path": "/search"},
        "/api/reactions": {"post_id": 1, "user_id": FAN, "emoji": "x"},
        "/api/comments": {"post_id": 1, "user_id": FAN, "comment_id": 1},
    }
    with vts.client(vts.service_token()) as service:
        for path, body in sent.items():
            assert service.post(path, json=body).is_success, path
        wait_until(lambda: len(stored_in(server, "grown")[0]) == VIEWS + len(past), 60)
        vts.cli("rollup", "--from", str(days[1].date()), "--to", str(days[0].date()))
        wait_until(lambda: is_counted(service), 60, 0.5)
    return views[0]


def is_counted(service: httpx.Client) -> bool:
    """Whether what is computed from raw views, behind the answers, has all of them."""
    playlist = service.get(f"/api/admin/playlists/{PLAYLIST}").json()
    return sum(playlist["views_by_post"].values()) == VIEWS


def answers(vts: Vts) -> dict[str, Any]:
    """Return every answer without the time when it was given."""
    with vts.client(vts.service_token()) as service:
        found = {}
        for path in ASKED:
            answer = service.get(path)
            assert answer.status_code == 200, (path, answer.text)
            if answer.headers["Content-Type"] == "application/json":
                found[path] = {name: value for name, value in answer.json().items() if name not in TIMES}
            else:
                found[path] = sorted(answer.text.splitlines())
        return found


def age(data: Path) -> None:
    """Make the data folder one of version 0.1.0, whose journal is drained."""
    for file in data.glob("journal.sqlite*"):
        file.unlink()
    with closing(sqlite3.connect(data / "catalog.sqlite")) as copy:
        copy.execute("DROP TABLE reference_key")
        copy.commit()


def starts_with_the_old_copy(vts: Vts, known: dict[str, Any]) -> None:
    """Without a database: numbers are taken, which is a retry here; texts wait for the key."""
    with vts.client(vts.service_token()) as service:
        assert service.post("/api/view", json=known).status_code == 202
        waiting = service.post("/api/view", json={"post_id": "blog:2"})
        assert (waiting.status_code, waiting.json()["error_code"]) == (503, "unavailable"), waiting.text
        assert service.get("/api/post/blog:2/count").status_code == 503


def takes_both_names(vts: Vts) -> None:
    with vts.client(vts.service_token()) as service:
        described = {"post_id": "blog:2", "kind": "blog", "owner_id": "ann"}
        assert service.post("/api/content", json=described).json() == {"upserted": 1}
        for post_id in ("blog:2", 1):
            assert service.post("/api/view", json={"post_id": post_id, "user_id": "bob"}).json()["accepted"] == 1
        counted = service.get("/api/post/blog:2/count").json()
        assert (counted["post_id"], counted["views"]) == ("blog:2", 1)
        views = service.get("/api/post/1/stats?days=400").json()["total_views"]
        counted = service.get("/api/post/1/count").json()
        assert (counted["post_id"], counted["views"]) == (1, views)
        assert service.get("/api/user/ann/posts-stats").json()["posts"][0]["post_id"] == "blog:2"
        rows = service.get("/api/export/view_events").json()
        assert {"bob"} <= {row["viewer_user_ref"] for row in rows}
