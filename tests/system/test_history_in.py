"""History besides views comes in: page views, playback, viewing history, provider numbers; each once, and undone."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.support.folders import open_folder
from tests.support.process import running
from tests.support.waiting import wait_until
from vts.model import identity
from vts.model.day import us_of

TODAY = dt.datetime.now(dt.UTC).date()
OLD = TODAY - dt.timedelta(days=60)
YESTERDAY = dt.datetime.combine(TODAY - dt.timedelta(days=1), dt.time(9), dt.UTC)
AT = dt.datetime.combine(OLD, dt.time(12), dt.UTC)


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with open_folder() as folder, running(folder) as process, process.client(process.service_token()) as client:
        assert client.post("/api/content", json={"post_id": "stream:s1"}).status_code == 200
        yield client


def site(client: httpx.Client) -> dict[str, Any]:
    answer = client.get("/api/admin/sitewide-stats", params={"days": 90}).json()
    names = ("page_views", "page_views_authenticated", "unique_visitors", "signups", "errors", "top_pages")
    return {name: answer[name] for name in names} | {
        "days": [(day["date"], day["page_views"], day["unique_visitors"]) for day in answer["daily_trend"]]
    }


def exported(client: httpx.Client, table: str) -> list[dict[str, Any]]:
    answer = client.get(f"/api/export/{table}")
    assert answer.status_code == 200, answer.text
    return list(answer.json())


def undo(client: httpx.Client, answer: httpx.Response) -> dict[str, Any]:
    path = f"/api/import/{answer.json()['import_id']}"
    undone = client.delete(path)
    assert undone.status_code == 200, undone.text
    assert client.delete(path).status_code == 404
    return dict(undone.json())


def test_page_views_come_as_counters_and_one_by_one_and_go_again(client: httpx.Client) -> None:
    client.post("/api/track/page-view", json={"path": "/now", "client_ip": "8.8.4.4"})
    wait_until(lambda: site(client)["page_views"] == 1)
    counters = {
        "day": str(OLD), "page_views": 30, "page_views_authenticated": 3, "unique_visitors": 12, "signups": 2,
        "errors": 1, "breakdowns": {"page": {"/recent": [20, 3]}, "error_type": {"500": 1}},
    }  # fmt: skip
    page = {"page_path": "/recent", "client_ip": "8.8.8.8"}
    events = [
        page | {"created_at": AT.isoformat(), "event_id": str(uuid.uuid4())},
        page | {"created_at": YESTERDAY.isoformat(), "user_id": 5},
        {"event_type": "signup", "created_at": YESTERDAY.isoformat(), "user_id": 5},
    ]
    before = site(client)
    for _ in range(2):  # what was undone may come again
        a = client.post("/api/import/site-stats", json=counters)
        assert (a.status_code, a.json()["imported"], a.json()["repeated"]) == (200, 1, False), a.text
        assert client.post("/api/import/site-stats", json=counters).json()["repeated"] is True
        b = client.post("/api/import/site-events", json=events)
        assert (b.json()["imported"], b.json()["duplicates"]) == (3, 0), b.text
        assert client.post("/api/import/site-events", json=events).json()["repeated"] is True
        other = client.post("/api/import/site-events", params={"import_id": "other"}, json=events[:1]).json()
        assert (other["imported"], other["duplicates"]) == (0, 1)
        full = site(client)
        assert (full["page_views"], full["unique_visitors"], full["signups"]) == (33, 15, 3)
        assert full["page_views_authenticated"] == 4
        days = {(str(OLD), 31, 13), (str(YESTERDAY.date()), 1, 1), (str(TODAY), 1, 1)}
        assert {day for day in full["days"] if day[1]} == days
        gone = undo(client, a)
        assert (gone["kind"], gone["rows"], gone["page_views"]) == ("site_stats", 1, 30)
        assert site(client)["page_views"] == 3
        assert undo(client, b)["page_views"] == 2
        client.delete("/api/import/other")
        assert site(client) == before
    assert len(exported(client, "site_events")) == 1


def test_an_exported_table_of_the_site_comes_in_again(client: httpx.Client) -> None:
    row = {"day": str(OLD), "page_views": 7, "unique_visitors": 3, "breakdowns": {"country": {"BR": 7}}}
    params = {"from": str(OLD), "to": str(OLD)}

    def stored() -> list[dict[str, Any]]:
        return list(client.get("/api/export/site_stats_daily", params=params).json())

    first = client.post("/api/import/site-stats", json=[row])
    body = client.get("/api/export/site_stats_daily", params=params | {"format": "csv"}).content
    copy = client.post("/api/import/site-stats", content=body, headers={"Content-Type": "text/csv"})
    assert copy.status_code == 200, copy.text
    assert [(one["page_views"], one["unique_visitors_imported"]) for one in stored()] == [(14, 6)]
    undo(client, first)
    undo(client, copy)
    assert stored() == []


def test_a_view_that_a_client_sent_too_outlives_the_import(client: httpx.Client) -> None:
    now = dt.datetime.now(dt.UTC)
    ids = [identity.text_of(identity.version_7(us_of(now), bytes([number]) * 10)) for number in range(3)]
    rows = [{"post_id": 77, "event_id": one, "created_at": now.isoformat()} for one in ids[:2]]

    def views() -> int:
        wait_until(lambda: "\nvts_journal_depth 0" in client.get("/metrics").text)
        return int(client.get("/api/post/77/count").json()["views"])

    done = client.post("/api/import/views", json=rows)
    assert (done.status_code, done.json()["accepted"]) == (202, 2), done.text
    for one in ids[1:]:
        assert client.post("/api/post/77/view", json={"event_id": one}).status_code == 202
    assert views() == 3
    assert undo(client, done)["views"] == 1
    assert views() == 2
    assert {row["event_id"] for row in exported(client, "view_events") if row["post_id"] == 77} == set(ids[1:])


def test_playback_comes_in(client: httpx.Client) -> None:
    event = {"stream_id": "s1", "client_id": "c", "type": "PLAY", "created_at": AT.isoformat()}
    rows = [event, event | {"type": "heartbeat", "video_time": 15.0, "created_at": YESTERDAY.isoformat()}]
    done = client.post("/api/import/playback", json=rows)
    assert (done.status_code, done.json()["imported"]) == (200, 2), done.text
    assert client.post("/api/import/playback", json=rows).json()["repeated"] is True
    (old,) = exported(client, "imported_playback_events")
    (recent,) = exported(client, "playback_events")
    assert (old["event_type"], old["stream_ref"], recent["video_time"]) == ("play", "stream:s1", 15)
    assert undo(client, done)["rows"] == 2
    assert exported(client, "imported_playback_events") == exported(client, "playback_events") == []


def test_viewing_history_comes_in_and_is_erased_with_the_person(client: httpx.Client) -> None:
    at = {"started_at": AT.isoformat()}
    rows = [
        {"user_id": "Xy7", "channel_id": 3, "duration_seconds": 60, "completed": True, "stream_url": "http://x"} | at,
        {"user_id": "Xy7", "vod_movie_id": "m-1", "ended_at": (AT + dt.timedelta(hours=1)).isoformat()} | at,
        {"user_id": 9, "ref": "series:4", "position_seconds": 12.5} | at,
    ]
    done = client.post("/api/import/viewing-history", json=rows)
    assert (done.status_code, done.json()["imported"], done.json()["duplicates"]) == (200, 3, 0), done.text
    second = client.post("/api/import/viewing-history", params={"import_id": "h2"}, json=rows[:1]).json()
    assert (second["imported"], second["duplicates"]) == (0, 1)
    stored = exported(client, "viewing_history")
    assert [row["post_ref"] for row in stored] == ["channel:3", "movie:m-1", "series:4"]
    assert len(client.get("/api/admin/users/Xy7/data").json()["viewing_history"]) == 2
    assert client.delete("/api/admin/users/Xy7/data").json()["erased"]["viewing_history"] == 2
    left = exported(client, "viewing_history")
    assert sorted((row["user_id"] == 9, row["stream_url"]) for row in left) == [(False, None)] * 2 + [(True, None)]
    assert undo(client, done)["rows"] == 3
    assert exported(client, "viewing_history") == []


def test_the_numbers_of_a_provider_are_undone_to_the_ones_before(client: httpx.Client) -> None:
    row = {"provider": "bunny", "stream_id": "s1", "day": str(OLD), "views": 5, "top_countries": {"BR": 3}}
    first = client.post("/api/import/provider-stats", json=[row])
    assert first.status_code == 200, first.text
    second = client.post("/api/import/provider-stats", json=[row | {"views": 6}])
    assert [one["views"] for one in exported(client, "provider_stats")] == [5, 6]
    undo(client, second)
    assert [one["views"] for one in exported(client, "provider_stats")] == [5]


BAD = {
    "site-stats": ({"day": str(OLD), "page_views": 1}, {"unique_visitors": 2}, "unique_visitors: more than page_views"),
    "site-events": (
        {"page_path": "/x", "created_at": AT.isoformat()}, {"event_type": "other"}, "event_type: one of page_view",
    ),
    "playback": (
        {"stream_id": "s1", "client_id": "c", "type": "play", "created_at": AT.isoformat()}, {"stream_id": 77},
        "stream_id: no such stream",
    ),
    "viewing-history": (
        {"user_id": 1, "channel_id": 1, "started_at": AT.isoformat()}, {"vod_movie_id": 2}, "exactly one of them",
    ),
    "provider-stats": (
        {"provider": "p", "stream_id": "s1", "day": str(OLD), "views": 1}, {"views": None}, "at least one of them",
    ),
}  # fmt: skip
TABLES = ("site_stats_daily", "imported_playback_events", "viewing_history", "imports")


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_row_is_named_and_nothing_is_applied(client: httpx.Client, kind: str) -> None:
    good, wrong, said = BAD[kind]
    before = {table: exported(client, table) for table in TABLES}
    answer = client.post(f"/api/import/{kind}", json=[good, good | wrong])
    assert answer.status_code == 400 and answer.json()["error"].startswith("row 1: "), answer.text
    assert said in answer.json()["error"]
    assert {table: exported(client, table) for table in TABLES} == before
    assert client.post(f"/api/import/{kind}", json=[good], headers={"Authorization": ""}).status_code == 401
