"""Contents, users and comments are named by numbers or by texts, wherever an id is taken and wherever one is shown."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from collections.abc import Iterator
from typing import Any

import httpx
import openpyxl
import pyarrow.parquet as pq
import pytest
import trio
from trio_websocket import open_websocket_url

from tests.support.process import Vts
from tests.support.waiting import BOUND_S, wait_until
from vts.model.reference import HASHED_MAX, HASHED_MIN

HASHED = (HASHED_MIN, HASHED_MAX)
UUID = "2f6c0000-0000-4000-8000-0000000000cd"


@pytest.fixture
def service(shared_vts: Vts) -> Iterator[httpx.Client]:
    with shared_vts.client(shared_vts.service_token()) as client:
        yield client


def described(service: httpx.Client, **row: Any) -> None:
    answer = service.post("/api/content", json={"kind": "blog"} | row)
    assert answer.status_code == 200, answer.text


def test_a_content_is_asked_for_by_the_text_that_it_was_described_by(service: httpx.Client) -> None:
    described(service, post_id="blog:61030", owner_id="ref-Ann")
    described(service, post_id=61030, kind="artwork", owner_id=6107)
    for path in ("blog:61030", "blog%3A61030", "%62log:61030"):
        assert service.get(f"/api/post/{path}/count").json()["post_id"] == "blog:61030"
        assert service.get(f"/api/post/{path}/stats").json()["post_id"] == "blog:61030"
    assert service.get("/api/post/61030/count").json()["post_id"] == 61030
    counts = service.get("/api/counts?ref=61030&ref=blog%3A61030").json()["counts"]
    assert [(row["post_id"], row["views"]) for row in counts] == [(61030, 0), ("blog:61030", 0)]
    assert service.get("/api/post/artwork:61030/count").status_code == 404, "a text is never the number in it"
    artist = service.get("/api/user/ref-Ann/artist-stats").json()
    assert (artist["user_id"], artist["total_posts"]) == ("ref-Ann", 1)
    posts = service.get("/api/user/ref-Ann/posts-stats").json()
    assert (posts["user_id"], [row["post_id"] for row in posts["posts"]]) == ("ref-Ann", ["blog:61030"])
    assert [row["post_id"] for row in service.get("/api/user/6107/posts-stats").json()["posts"]] == [61030]


def test_uuids_have_one_spelling_and_texts_of_users_any_printable_character(service: httpx.Client) -> None:
    described(service, post_id="stream:2F6C0000-0000-4000-8000-0000000000AB", kind="stream", owner_id="Zoë / Ü?")
    count = service.get("/api/post/stream:2f6c0000-0000-4000-8000-0000000000ab/count")
    assert count.json()["post_id"] == "stream:2f6c0000-0000-4000-8000-0000000000ab"
    artist = service.get("/api/user/Zo%C3%AB%20%2F%20%C3%9C%3F/artist-stats")
    assert (artist.json()["user_id"], artist.json()["total_posts"]) == ("Zoë / Ü?", 1)


def test_a_content_has_the_kind_of_its_reference(service: httpx.Client) -> None:
    assert service.post("/api/content", json={"post_id": "stream:no-kind-given"}).status_code == 200
    played = {"streamId": "no-kind-given", "clientId": "c", "events": [{"type": "play", "videoTime": 1}]}
    assert service.post("/analytics/events", json=played).json() == {"ingested": 1}
    answer = service.post("/api/content", json=[{"post_id": 1}, {"post_id": "movie:61078", "kind": "blog"}])
    assert (answer.status_code, answer.json()["error"]) == (400, "row 1: kind: is another one than that of post_id")
    assert service.post("/api/content", json={"post_id": 61079, "kind": None}).status_code == 200


@pytest.mark.parametrize("kind", ["channel", "movie", "series"])
def test_there_are_contents_of_the_kinds_of_a_video_site(service: httpx.Client, kind: str) -> None:
    described(service, post_id=f"{kind}:61", kind=kind, owner_id=6109)
    rows = service.get("/api/user/6109/posts-stats?sort=post_id&limit=500").json()["posts"]
    assert (f"{kind}:61", kind) in [(row["post_id"], row["kind"]) for row in rows]


def test_a_text_deletes_its_content_and_no_other(service: httpx.Client) -> None:
    described(service, post_id="blog:61040")
    described(service, post_id=61040)
    assert service.delete("/api/content/blog%3A61040").json() == {"deleted": 1}
    assert service.get("/api/post/blog:61040/count").status_code == 404
    assert service.get("/api/post/61040/count").status_code == 200
    assert service.delete("/api/content/blog:61041").status_code == 404


@pytest.mark.parametrize(
    ("path", "row", "field"),
    [
        *(("/api/content", {"post_id": number}, "post_id") for number in HASHED),
        ("/api/content", {"post_id": str(HASHED_MIN)}, "post_id"),
        ("/api/content", {"post_id": 1, "owner_id": HASHED_MIN}, "owner_id"),
        ("/api/content", {"post_id": "blog:1", "owner_id": HASHED_MIN}, "owner_id"),
        ("/api/content", {"post_id": "song:1"}, "post_id"),
        ("/api/content", {"post_id": "blog:"}, "post_id"),
        ("/api/content", {"post_id": "blog"}, "post_id"),
        ("/api/content", {"post_id": "blog:" + "x" * 124}, "post_id"),
        ("/api/content", {"post_id": 1, "owner_id": ""}, "owner_id"),
        ("/api/content", {"post_id": 1, "owner_id": "a\nb"}, "owner_id"),
        ("/api/players", {"player_key": "0b6d8a3e-5f0c-4d5b-9b07-2f6a4c1d9e61", "owner_id": HASHED_MAX}, "owner_id"),
        ("/api/reactions", {"post_id": 1, "user_id": HASHED_MIN, "emoji": "x"}, "user_id"),
        ("/api/comments", {"post_id": 1, "user_id": "ref-Ann", "comment_id": HASHED_MIN}, "comment_id"),
    ],
)
def test_a_name_that_is_none_is_told_with_its_row_and_field(
    service: httpx.Client, path: str, row: dict[str, Any], field: str
) -> None:
    first = {"post_id": 61050, "user_id": 1, "comment_id": 1, "emoji": "x"}
    first |= {"player_key": "0b6d8a3e-5f0c-4d5b-9b07-2f6a4c1d9e62"}
    answer = service.post(path, json=[first, row])
    assert (answer.status_code, answer.json()["error_code"]) == (400, "invalid"), answer.text
    assert answer.json()["error"].startswith(f"row 1: {field}: must be a positive integer")
    assert service.get("/api/post/61050/count").status_code == 404, "nothing of the request is applied"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        *((f"/api/post/{number}/stats", 400) for number in HASHED),
        *((f"/api/user/{number}/artist-stats", 400) for number in HASHED),
        (f"/api/admin/playlists/{HASHED_MIN}", 400),
        (f"/api/admin/users/{HASHED_MIN}/data", 400),
        ("/api/post/song:1/count", 400),
        ("/api/post/blog:unknown/stats", 404),
        ("/api/admin/playlists/playlist:unknown", 404),
    ],
)
def test_a_path_that_names_nothing_is_refused(service: httpx.Client, path: str, status: int) -> None:
    assert service.get(path).status_code == status


@pytest.mark.parametrize(("sent", "text"), [("ref-Nil", "ref-Nil"), ("ref Nil%2F1", "ref Nil/1"), (UUID.upper(), UUID)])
@pytest.mark.parametrize("route", ["artist-stats", "posts-stats"])
def test_an_answer_repeats_a_text_that_is_not_stored(service: httpx.Client, route: str, sent: str, text: str) -> None:
    assert service.get(f"/api/user/{sent}/{route}").json()["user_id"] == text


def test_a_type_of_errors_is_never_shown_as_the_text_of_a_person(shared_vts: Vts, service: httpx.Client) -> None:
    described(service, post_id="blog:61055", owner_id="ref-Nora")
    number = exported(service, "content", post_ref="blog:61055")[0]["owner_id"]
    error = {"event_type": "error", "page_path": "/61055", "event_data": {"error_type": number}}
    assert service.post("/api/track/event", json=error).is_success
    wait_until(lambda: number in str(service.get("/api/admin/sitewide-stats?limit=100").json()["errors_by_type"]))
    types = service.get("/api/admin/sitewide-stats?limit=100").json()["errors_by_type"]
    assert number in types
    assert "ref-Nora" not in types


def test_reactions_and_comments_take_texts(service: httpx.Client) -> None:
    described(service, post_id="blog:61060")
    rows = [
        {"post_id": "blog:61060", "user_id": "ref-Bob", "emoji": "❤"},
        {"post_id": "blog:61060", "user_id": 5, "emoji": "❤"},
    ]
    for _ in range(2):  # again changes nothing
        assert service.post("/api/reactions", json=rows).json() == {"accepted": 2}
        sent = [{"post_id": "blog:61060", "user_id": "ref-Bob", "comment_id": name} for name in ("c-1", 1, "c-2")]
        assert service.post("/api/comments", json=sent).json() == {"accepted": 3}
    service.post("/api/comments", json=sent[2] | {"op": "remove"})
    stats = service.get("/api/post/blog:61060/stats").json()
    assert (stats["reactions_by_emoji"], stats["total_comments"]) == ({"❤": 2}, 2)


def test_a_table_of_an_answer_has_both_names(service: httpx.Client) -> None:
    described(service, post_id="blog:61070", owner_id="ref-Cid", title="Tea")
    described(service, post_id=61071, owner_id="ref-Cid")
    asked = {"sort": "-title", "format": "ndjson"}
    lines = service.get("/api/user/ref-Cid/posts-stats", params=asked).text.splitlines()
    refs = {row["post_ref"]: row["post_id"] for row in map(json.loads, lines)}
    assert refs[None] == 61071
    assert HASHED_MIN <= int(refs["blog:61070"]) <= HASHED_MAX
    assert isinstance(refs["blog:61070"], str), "digits, because a JSON number of that size loses some"


def test_a_user_with_the_name_of_a_text_is_not_another_one(shared_vts: Vts, service: httpx.Client) -> None:
    described(service, post_id="blog:61080", owner_id="ref-Dan")
    with shared_vts.client(shared_vts.token(6108)) as other:
        assert other.get("/api/user/ref-Dan/artist-stats").status_code == 403
        assert other.get("/api/post/blog:61080/stats").status_code == 403
        assert other.get("/api/user/6108/artist-stats").status_code == 200


def viewed(client: httpx.Client, post_id: int | str, **fields: Any) -> None:
    answer = client.post("/api/view", json={"post_id": post_id} | fields)
    assert (answer.status_code, answer.json()["accepted"]) == (202, 1), answer.text


def test_views_by_both_names_are_shown_by_both_names(shared_vts: Vts, service: httpx.Client) -> None:
    described(service, post_id="blog:61090", owner_id="ref-Eve")
    described(service, post_id="playlist:61090", kind="playlist", owner_id="ref-Eve")
    described(service, post_id=61090, kind="artwork", owner_id=6110)
    for post_id in ("blog:61090", "blog:61090", 61090):
        viewed(service, post_id, user_id="ref-Fay", playlist_id="playlist:61090")
    counts = [service.get(f"/api/post/{name}/count").json()["views"] for name in ("blog:61090", 61090)]
    assert counts == [2, 1], "a blog post and an artwork of one number stay apart"
    stats = service.get("/api/post/blog:61090/stats").json()
    assert stats["views_by_playlist"] == {"playlist:61090": 2}
    lines = service.get("/api/post/blog:61090/stats", params={"table": "playlist", "format": "csv"}).text.split()
    assert lines == ["value,views,views_authenticated", "playlist:61090,2,2"]
    wait_until(lambda: service.get("/api/admin/playlists/playlist:61090").json().get("views_by_post", {}) != {})
    playlist = service.get("/api/admin/playlists/playlist:61090").json()
    assert (playlist["playlist_id"], playlist["views_by_post"]) == ("playlist:61090", {"blog:61090": 2, "61090": 1})


async def test_live_counts_are_followed_by_text(shared_vts: Vts) -> None:
    uuid = "2f6c0000-0000-4000-8000-0000000061aa"
    token = shared_vts.service_token()
    with shared_vts.client(token) as service:
        described(service, post_id="blog:61100", owner_id="ref, Gil")
        described(service, post_id=f"stream:{uuid}", kind="stream")
    names = ["post:blog:61100", "artist:ref, Gil", f"stream:{uuid.upper()}", "top", "post:blog:"]
    address = shared_vts.http.replace("http", "ws", 1) + "/live"
    async with open_websocket_url(address, extra_headers=[("Authorization", f"Bearer {token}")]) as socket:
        await socket.send_message(json.dumps({"op": "subscribe", "topics": names}))
        with trio.fail_after(BOUND_S):
            first = [json.loads(await socket.get_message()) for _ in names]
            assert {one["topic"] for one in first if "views" in one} == {*names[:2], f"stream:{uuid}"}
            assert [one["error_code"] for one in first if "error" in one] == ["invalid_topic"]
            with shared_vts.client(token) as service:
                await trio.to_thread.run_sync(viewed, service, "blog:61100")
            waiting = {"post:blog:61100", "artist:ref, Gil", "top"}
            while waiting:
                change = json.loads(await socket.get_message())
                shown = {row["post_id"] for row in change.get("posts", ())}
                if change.get("views") == 1 or "blog:61100" in shown:
                    waiting.discard(change["topic"])


def test_a_terminal_and_server_sent_events_follow_a_text(shared_vts: Vts, service: httpx.Client) -> None:
    described(service, post_id="blog:61110")
    viewed(service, "blog:61110")
    url = ("--url", shared_vts.http, "--count", "1")
    assert "post:blog:61110  views 1" in shared_vts.cli("watch", "blog:61110", *url)
    with service.stream("GET", "/live/events?topics=post:blog:61110") as events:
        line = next(line for line in events.iter_lines() if line.startswith("data:"))
    assert json.loads(line.removeprefix("data:"))["topic"] == "post:blog:61110"


def test_a_user_follows_the_texts_that_are_theirs(shared_vts: Vts, service: httpx.Client) -> None:
    described(service, post_id="blog:61120", owner_id=6112)
    described(service, post_id="blog:61121", owner_id="ref-Hal", visibility="private")
    asked = {"topics": "post:blog:61120,post:blog:61121,artist:ref-Hal"}
    with (
        shared_vts.client(shared_vts.token(6112)) as owner,
        owner.stream("GET", "/live/events", params=asked) as events,
    ):
        lines = (line.removeprefix("data:") for line in events.iter_lines() if line.startswith("data:"))
        told = [json.loads(next(lines)) for _ in range(3)]
    refused = {one["topic"] for one in told if one.get("error_code") == "forbidden"}
    assert refused == {"post:blog:61121", "artist:ref-Hal"}
    assert {one["topic"] for one in told if "views" in one} == {"post:blog:61120"}


def exported(service: httpx.Client, table: str, **where: Any) -> list[dict[str, Any]]:
    """Return the rows of a table in which these fields have these values."""
    rows = service.get(f"/api/export/{table}").json()
    return [row for row in rows if all(row[name] == value for name, value in where.items())]


def test_exports_have_both_names(shared_vts: Vts, service: httpx.Client) -> None:
    described(service, post_id="blog:61130", owner_id="ref-Ida")
    described(service, post_id="stream:61130x", kind="stream", owner_id=6113)
    player = {"player_key": "0b6d8a3e-5f0c-4d5b-9b07-2f6a4c1d9e63", "owner_id": "ref-Ida"}
    assert service.post("/api/players", json=player).is_success
    viewed(service, "blog:61130", user_id="ref-Jon", playlist_id="playlist:61130")
    said = {"post_id": "blog:61130", "user_id": "ref-Jon"}
    assert service.post("/api/reactions", json=said | {"emoji": "x"}).is_success
    assert service.post("/api/comments", json=said | {"comment_id": "c-9"}).is_success
    played = {"streamId": "61130x", "clientId": "c", "events": [{"type": "play", "videoTime": 1}]}
    assert service.post("/analytics/events", json=played).is_success
    named = {
        "view_events": {"post_ref": "blog:61130", "viewer_user_ref": "ref-Jon", "playlist_ref": "playlist:61130"},
        "post_stats_daily": {"post_ref": "blog:61130"},
        "artist_stats_daily": {"owner_ref": "ref-Ida"},
        "playback_events": {"stream_ref": "stream:61130x"},
        "content": {"post_ref": "blog:61130", "owner_ref": "ref-Ida"},
        "players": {"owner_ref": "ref-Ida"},
        "reactions": {"post_ref": "blog:61130", "user_ref": "ref-Jon"},
        "comments": {"post_ref": "blog:61130", "user_ref": "ref-Jon", "comment_ref": "c-9"},
    }
    for table, refs in named.items():
        wait_until(lambda table=table, refs=refs: exported(service, table, **refs))
        row = exported(service, table, **refs)[0]
        ids = [name for name in row if name.endswith("_id") and f"{name[:-3]}_ref" in refs]
        assert len(ids) == len(refs)
        assert all(isinstance(row[name], str) and HASHED_MIN <= int(row[name]) <= HASHED_MAX for name in ids)
    number = exported(service, "content", post_ref="stream:61130x")[0]
    assert (number["owner_id"], number["owner_ref"]) == (6113, None)


def test_every_format_has_both_names(service: httpx.Client) -> None:
    described(service, post_id="blog:61140", owner_id=6114)
    number = exported(service, "content", post_ref="blog:61140")[0]["post_id"]
    files = {
        form: service.get("/api/export/content", params={"format": form}).content for form in ("csv", "xlsx", "parquet")
    }
    lines = csv.DictReader(io.StringIO(files["csv"].decode()))
    assert (number, "blog:61140") in [(line["post_id"], line["post_ref"]) for line in lines]
    table = pq.read_table(io.BytesIO(files["parquet"]))
    both = zip(table["post_id"].to_pylist(), table["post_ref"].to_pylist(), strict=True)
    assert (int(number), "blog:61140") in both
    head, *rows = openpyxl.load_workbook(io.BytesIO(files["xlsx"])).active.values
    at = [head.index(name) for name in ("post_id", "post_ref")]
    assert [number, "blog:61140"] in [[row[place] for place in at] for row in rows]


@pytest.mark.parametrize("form", ["csv", "json", "ndjson"])
def test_days_of_texts_leave_and_come_back(service: httpx.Client, form: str) -> None:
    number = {"csv": 1, "json": 2, "ndjson": 3}[form]
    day = str(dt.datetime.now(dt.UTC).date() - dt.timedelta(days=400 + number))
    text, playlist = f"blog:6115{number}", f"playlist:6115{number}"
    row = {"post_id": text, "day": day, "views": 3, "breakdowns": {"playlist": {playlist: 2}}}
    assert service.post("/api/import/daily", json=row).json()["imported"] == 1
    asked = {"format": form, "from": day, "to": day}
    table = service.get("/api/export/post_stats_daily", params=asked)
    assert text in table.text
    kind = {"Content-Type": "text/csv"} if form == "csv" else {}
    again = service.post("/api/import/daily?import_id=again-" + form, content=table.content, headers=kind)
    assert again.json()["imported"] == 1, again.text
    stats = service.get(f"/api/post/{text}/stats", params={"from": day, "to": day}).json()
    assert (stats["total_views"], stats["views_by_playlist"]) == (6, {playlist: 4})


@pytest.mark.parametrize("form", ["csv", "json", "ndjson", "xlsx", "parquet"])
def test_an_exported_day_names_its_playlists_by_their_texts(service: httpx.Client, form: str) -> None:
    ago = 410 + ["csv", "json", "ndjson", "xlsx", "parquet"].index(form)
    day = str(dt.datetime.now(dt.UTC).date() - dt.timedelta(days=ago))
    described(service, post_id=f"blog:616{ago}", owner_id=f"ref-Kim{ago}")
    playlists = {"playlist:6160": [3, 1], "42": [2, 0], "other": [1, 1]}
    row = {"post_id": f"blog:616{ago}", "day": day, "views": 6, "views_authenticated": 2}
    row["breakdowns"] = {"country": {"BR": 6}, "playlist": playlists}
    assert service.post("/api/import/daily", json=row).json()["imported"] == 1
    for table in ("post_stats_daily", "artist_stats_daily", "site_views_daily"):
        file = service.get(f"/api/export/{table}", params={"format": form, "from": day, "to": day})
        assert breakdowns_in(file.content, form) == [{"country": {"BR": [6, 0]}, "playlist": playlists}], table


def breakdowns_in(file: bytes, form: str) -> list[Any]:
    """Return the breakdowns of every row of an exported table."""
    match form:
        case "csv":
            cells = [line["breakdowns"] for line in csv.DictReader(io.StringIO(file.decode()))]
        case "xlsx":
            head, *rows = openpyxl.load_workbook(io.BytesIO(file)).active.values
            cells = [row[head.index("breakdowns")] for row in rows]
        case "parquet":
            cells = pq.read_table(io.BytesIO(file))["breakdowns"].to_pylist()
        case _:
            rows = json.loads(file) if form == "json" else [json.loads(line) for line in file.splitlines()]
            return [row["breakdowns"] for row in rows]
    return [json.loads(cell) for cell in cells]


def test_a_number_of_a_text_is_no_playlist_of_an_import(service: httpx.Client) -> None:
    day = str(dt.datetime.now(dt.UTC).date() - dt.timedelta(days=420))
    for path, row in (("daily", {"post_id": 61170}), ("site", {})):
        for key in (str(HASHED_MIN), str(HASHED_MAX), f"0{HASHED_MIN}"):
            rows = [row | {"day": day, "views": 1, "breakdowns": {"playlist": {name: 1}}} for name in ("42", key)]
            answer = service.post(f"/api/import/{path}", json=rows)
            assert (answer.status_code, answer.json()["error_code"]) == (400, "invalid"), answer.text
            assert answer.json()["error"].startswith("row 1: breakdowns.playlist: must be a positive integer")
    asked = {"format": "json", "from": day, "to": day}
    assert service.get("/api/export/site_views_daily", params=asked).json() == [], "nothing of the rows is applied"


def test_spellings_of_one_playlist_in_a_row_are_added_up(service: httpx.Client) -> None:
    day = str(dt.datetime.now(dt.UTC).date() - dt.timedelta(days=421))
    upper, lower = (f"stream:{spelled}" for spelled in (UUID.upper(), UUID))
    playlists = {upper: [2, 1], "042": 1, "42": 4, lower: 3, "other": 5}
    row = {"post_id": 61180, "day": day, "views": 15, "views_authenticated": 1, "breakdowns": {"playlist": playlists}}
    assert service.post("/api/import/daily", json=row).json()["imported"] == 1
    (stored,) = service.get("/api/export/post_stats_daily", params={"format": "json", "from": day, "to": day}).json()
    assert stored["breakdowns"]["playlist"] == {lower: [5, 1], "42": [5, 0], "other": [5, 0]}
    row["breakdowns"] = {"playlist": {upper: 8, lower: 8}}
    refused = service.post("/api/import/daily", json=row)
    assert refused.json()["error"] == "row 0: breakdowns.playlist: adds up to more than the views"


def test_a_person_with_a_text_is_read_and_erased(shared_vts: Vts, service: httpx.Client) -> None:
    described(service, post_id=61160)
    viewed(service, 61160, user_id="ref Kim/1")
    path = "/api/admin/users/ref%20Kim%2F1/data"
    wait_until(lambda: service.get(path).json()["view_events"])
    said = service.get(path).json()
    assert said["user_id"] == "ref Kim/1"
    assert [row["viewer_user_ref"] for row in said["view_events"]] == ["ref Kim/1"]
    subjects = [entry["subject"] for entry in service.get("/api/admin/audit").json()["entries"]]
    assert subjects[0] == "user:ref Kim/1"
    assert exported(service, "audit_log", subject_ref="ref Kim/1")
    assert "view_events: 1 changed" in shared_vts.cli("erase", "--user", "ref Kim/1", "--yes", "--url", shared_vts.http)
    left = service.get(path).json()
    assert (left["user_id"], left["view_events"]) == ("ref Kim/1", [])
    assert service.delete(path).json()["user_id"] == "ref Kim/1"
    assert not exported(service, "audit_log", subject_ref="ref Kim/1"), "the text is gone from the log, too"
    assert service.get("/api/post/61160/count").json()["views"] == 1


def test_a_user_with_a_text_reads_what_is_theirs_and_stands_in_the_log(shared_vts: Vts, service: httpx.Client) -> None:
    described(service, post_id="blog:61170", owner_id="ref-Lea")
    with (
        shared_vts.client(shared_vts.token("ref-Lea")) as artist,
        shared_vts.client(shared_vts.token("ref-Mo")) as other,
    ):
        assert artist.get("/api/user/ref-Lea/artist-stats").json()["total_posts"] == 1
        assert artist.get("/api/post/blog:61170/stats").status_code == 200
        assert other.get("/api/user/ref-Lea/artist-stats").status_code == 403
        assert other.get("/api/post/blog:61170/stats").status_code == 403
    with shared_vts.client(shared_vts.token("ref-Root", "owner")) as owner:
        assert owner.get("/api/export/reactions").status_code == 200
        newest = owner.get("/api/admin/audit?limit=1").json()["entries"][0]
    assert (newest["actor"], newest["action"], newest["subject"]) == ("user:ref-Root", "export", "reactions")
