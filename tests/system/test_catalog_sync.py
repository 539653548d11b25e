"""A host keeps the catalog in step: a write changes what it names, and nothing that was said before is lost."""

from __future__ import annotations

import gzip
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.support.process import Vts


@pytest.fixture
def service(shared_vts: Vts) -> Iterator[httpx.Client]:
    with shared_vts.client(shared_vts.service_token()) as client:
        yield client


@pytest.fixture
def page(shared_vts: Vts) -> Iterator[httpx.Client]:
    """A page without a token."""
    with shared_vts.client() as client:
        yield client


def test_a_title_sync_publishes_no_private_content(service: httpx.Client, page: httpx.Client) -> None:
    private = {"post_id": "blog:71001", "owner_id": 7101, "visibility": "private", "hashtags": ["a"]}
    assert service.post("/api/content", json=[private, {"post_id": "blog:71001", "category": "art"}]).status_code == 200
    before = page.get("/api/post/blog:71001/count")
    assert before.status_code != 200
    assert service.post("/api/content", json={"post_id": "blog:71001", "title": "New"}).json() == {"upserted": 1}
    assert page.get("/api/post/blog:71001/count").status_code == before.status_code
    (post,) = service.get("/api/user/7101/posts-stats").json()["posts"]
    assert (post["title"], post["visibility"], post["kind"]) == ("New", "private", "blog")
    refused = service.post("/api/content", json=[{"post_id": 1}, {"post_id": "blog:71001", "visibility": None}])
    assert refused.status_code == 400
    assert "row 1" in refused.json()["error"] and "visibility" in refused.json()["error"]
    assert page.get("/api/post/blog:71001/count").status_code == before.status_code
    assert service.post("/api/content", json={"post_id": "blog:71001", "owner_id": None}).status_code == 200
    assert service.get("/api/user/7101/posts-stats").json()["posts"] == []


def test_many_contents_and_players_are_deleted_at_once(service: httpx.Client) -> None:
    contents = [{"post_id": f"blog:71100-{number}", "owner_id": 7111} for number in range(4)]
    players = [{"player_key": str(uuid.UUID(int=7111_0000 + number)), "owner_id": 7111} for number in range(3)]
    assert service.post("/api/content", json=contents).json() == {"upserted": 4}
    assert service.post("/api/players", json=players).json() == {"upserted": 3}
    bad = service.post("/api/content/delete", json=[{"post_id": "blog:71100-0"}, {"post_id": -1}])
    assert (bad.status_code, "row 1" in bad.json()["error"]) == (400, True)
    named = [{"post_id": row["post_id"]} for row in contents[:3]]
    gone = service.post("/api/content/delete", json=[*named, {"post_id": "blog:71100-unknown"}])
    assert (gone.status_code, gone.json()) == (200, {"deleted": 3})
    assert service.post("/api/content/delete", json=named).json() == {"deleted": 0}
    assert service.post("/api/content/delete", json=contents[3]).json() == {"deleted": 1}
    assert service.get("/api/content", params={"owner": 7111}).json()["contents"] == []
    keys = [{"player_key": row["player_key"]} for row in players]
    assert service.post("/api/players/delete", json=keys).json() == {"deleted": 3}
    assert service.get("/api/players", params={"owner": 7111}).json()["players"] == []
    assert service.post("/api/content", json=contents).json() == {"upserted": 4}
    assert len(service.get("/api/content", params={"owner": 7111}).json()["contents"]) == 4


def test_the_catalog_is_read_back_page_by_page_as_it_may_be_written(service: httpx.Client, shared_vts: Vts) -> None:
    rows = [{"post_id": f"movie:71006-{n}", "owner_id": "cat-Ann", "title": f"Film {n}"} for n in range(5)]
    rows.append({"post_id": 71006, "owner_id": "cat-Ann", "hashtags": ["a"], "created_at": "2026-01-02T03:04:05Z"})
    assert service.post("/api/content", json=[*rows, {"post_id": 71007, "owner_id": "cat-Ann"}]).status_code == 200
    assert service.delete("/api/content/71007").status_code == 200
    found, after = [], {}
    while after is not None:
        answer = service.get("/api/content", params={"owner": "cat-Ann", "limit": 2} | after).json()
        found += answer["contents"]
        after = None if answer["next_after"] is None else {"after": answer["next_after"]}
    defaults = {"category": None, "title": None, "hashtags": [], "visibility": "public", "created_at": None}
    expected = [defaults | {"kind": str(row["post_id"]).partition(":")[0]} | row for row in rows]
    expected[-1]["kind"] = "artwork"
    assert sorted(found, key=lambda row: str(row["post_id"])) == sorted(expected, key=lambda row: str(row["post_id"]))
    assert service.post("/api/content", json=found).json() == {"upserted": 6}
    movies = service.get("/api/content?owner=cat-Ann&kind=movie&limit=1000").json()
    assert (len(movies["contents"]), movies["next_after"]) == (5, None)
    for query, field in (("limit=0", "limit"), ("kind=song", "kind"), ("after=song:1", "after")):
        refused = service.get(f"/api/content?{query}")
        assert refused.status_code == 400 and refused.json()["error"].startswith(field)
    with (
        shared_vts.client(shared_vts.token(7, "moderator")) as moderator,
        shared_vts.client(shared_vts.token(7)) as user,
    ):
        assert moderator.get("/api/content?limit=1").status_code == 200
        assert user.get("/api/content?limit=1").status_code == 403


def test_a_dry_run_of_a_full_sync_says_what_would_change(service: httpx.Client) -> None:
    assert service.post("/api/content", json={"post_id": "movie:71008", "title": "Old"}).status_code == 200
    opened = service.post("/api/content/sync", json={"sync_id": "dry-71008", "dry_run": True})
    assert opened.json() == {"sync_id": "dry-71008", "parts": [], "dry_run": True, "committed": False}
    lines = b'{"post_id":"movie:71008","title":"New"}\n{"post_id":"movie:71008-2"}\n'
    for repeated in (False, True):
        sent = service.post(
            "/api/content/sync?sync_id=dry-71008&part=1",
            content=gzip.compress(lines, mtime=int(repeated)),
            headers={"Content-Encoding": "gzip"},
        )
        counts = {"created": 0, "changed": 0} if repeated else {"created": 1, "changed": 1}
        assert sent.json() == {"sync_id": "dry-71008", "part": 1, "rows": 2, "repeated": repeated} | counts
    done = service.post("/api/content/sync", json={"sync_id": "dry-71008", "commit": True, "parts": 1}).json()
    assert (done["dry_run"], done["created"], done["changed"]) == (True, 1, 1)
    assert done["removed"] <= done["contents"] and "movie:71008" not in done["sample"]
    assert service.get("/api/post/movie:71008-2/stats").status_code == 404


@pytest.mark.parametrize(
    ("query", "body", "expected"),
    [
        ("?sync_id=never-opened&part=1", {"post_id": 1}, (404, "unknown_sync", "sync_id:")),
        ("", {"sync_id": "never-opened", "commit": True, "parts": 1}, (404, "unknown_sync", "sync_id:")),
        ("", {"sync_id": "never-opened", "commit": True}, (400, "invalid", "parts:")),
        ("?sync_id=x&part=0", {"post_id": 1}, (400, "invalid", "part:")),
        ("?sync_id=x", {"sync_id": "x"}, (400, "invalid", "part:")),
        ("", {"sync_id": "a b"}, (400, "invalid", "row 0:")),
    ],
)
def test_a_step_of_a_sync_that_cannot_be_done_says_why(
    service: httpx.Client, query: str, body: dict[str, Any], expected: tuple[int, str, str]
) -> None:
    answer = service.post(f"/api/content/sync{query}", json=body)
    status, code, start = expected
    assert (answer.status_code, answer.json()["error_code"]) == (status, code)
    assert answer.json()["error"].startswith(start)


def test_reactions_of_visitors_count_beside_those_of_users(service: httpx.Client) -> None:
    def reacted(*rows: dict[str, Any]) -> httpx.Response:
        return service.post("/api/reactions", json=[{"post_id": "blog:71004", "emoji": "❤"} | row for row in rows])

    def totals() -> tuple[int, int, dict[str, int]]:
        stats = service.get("/api/post/blog:71004/stats").json()
        return stats["total_reactions"], stats["total_reactions_authenticated"], stats["reactions_by_emoji"]

    assert service.post("/api/content", json={"post_id": "blog:71004"}).status_code == 200
    visitor = {"client_ip": "203.0.113.7", "user_agent": "Firefox"}
    other = {"client_ip": "2001:db8::7", "user_agent": "Firefox"}
    assert reacted({"user_id": "ann"}, visitor, other, visitor).json() == {"accepted": 4}
    assert totals() == (3, 1, {"❤": 3})
    assert reacted(visitor | {"op": "remove"}, *(visitor | {"emoji": emoji} for emoji in "abcde")).status_code == 202
    refused = reacted(other | {"op": "remove"}, visitor | {"emoji": "f"})
    assert (refused.status_code, refused.json()["error_code"]) == (409, "reaction_limit_exceeded")
    assert refused.json()["error"].startswith("row 1: ")
    assert totals()[:2] == (7, 1), "nothing of a refused request is applied"
    for row, field in (
        ({}, "user_id"),
        ({"client_ip": "nowhere"}, "client_ip"),
        (visitor | {"authenticated": True}, "auth"),
    ):
        wrong = reacted({"user_id": 1, "emoji": "x"}, row)
        assert wrong.status_code == 400 and wrong.json()["error"].startswith(f"row 1: {field}")
    assert totals()[:2] == (7, 1)
    exported = service.get("/api/export/visitor_reactions?format=csv").text
    assert "203.0.113.7" not in exported and "Firefox" not in exported and "blog:71004" in exported


def test_comments_are_kept_as_a_whole_or_not_at_all(service: httpx.Client) -> None:
    rows = [{"post_id": "blog:71005", "user_id": "ann", "comment_id": number} for number in (1, 2)]
    refused = service.post("/api/comments", json=[*rows, {"post_id": "blog:71005", "user_id": "ann"}])
    assert (refused.status_code, refused.json()["error"][:6]) == (400, "row 2:")
    assert service.post("/api/content", json={"post_id": "blog:71005"}).status_code == 200
    assert service.get("/api/post/blog:71005/stats").json()["total_comments"] == 0
    assert service.post("/api/comments", json=[*rows, rows[0] | {"op": "remove"}]).json() == {"accepted": 3}
    assert service.get("/api/post/blog:71005/stats").json()["total_comments"] == 1


def test_the_audit_log_has_who_deleted_a_content(service: httpx.Client) -> None:
    assert service.post("/api/content", json=[{"post_id": "blog:71003"}, {"post_id": 71003}]).status_code == 200
    for name in ("blog:71003", "71003"):
        assert service.delete(f"/api/content/{name}").json() == {"deleted": 1}
    noted = service.get("/api/admin/audit").json()["entries"]
    deleted = [entry["subject"] for entry in noted if entry["action"] == "catalog.delete"]
    assert {"content:blog:71003", "content:71003"} <= set(deleted)


def test_a_player_that_is_renamed_still_signs_in(service: httpx.Client, page: httpx.Client) -> None:
    key, credential = "00000000-0000-4000-8000-000000071002", "c" * 43
    player = {"player_key": key, "owner_id": 7102, "credential": credential}
    assert service.post("/api/players", json=player).status_code == 200
    assert service.post("/api/players", json={"player_key": key, "name": "Hall"}).status_code == 200
    view = {"post_id": 71002, "timestamp": "", "intent": "artwork"}
    signed = httpx.BasicAuth(key, credential)
    assert page.post("/player/events/view", json=view, auth=signed).status_code == 202
    assert service.post("/api/players", json={"player_key": key, "credential": None}).status_code == 200
    assert page.post("/player/events/view", json=view, auth=signed).status_code == 401
    refused = service.post("/api/players", json={"player_key": key, "registered": None})
    assert refused.status_code == 400 and "registered" in refused.json()["error"]
