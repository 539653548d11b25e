"""A host keeps the catalog in step: a write changes what it names, and nothing that was said before is lost."""

from __future__ import annotations

from collections.abc import Iterator

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
