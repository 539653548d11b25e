"""Users read and erase their own data; the audit log is read in every format, and says so."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import httpx
import openpyxl
import pyarrow.parquet as pq
import pytest

from tests.support.process import Vts
from tests.support.waiting import wait_until
from vts.query.export.personal_data import PERSONAL

KIM, LEE, POST = "own Kim/1", "own-Lee", 62010
COMMENT, SHARED = "kim@example.org/1", "own-first"
ME = "/api/me/data"


@pytest.fixture
def service(shared_vts: Vts) -> Iterator[httpx.Client]:
    with shared_vts.client(shared_vts.service_token()) as client:
        yield client


def rows_of(answer: httpx.Response, form: str) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    match form:
        case "json":
            return answer.json()
        case "ndjson":
            return [json.loads(line) for line in answer.text.splitlines()]
        case "xlsx":
            head, *rows = openpyxl.load_workbook(io.BytesIO(answer.content)).active.iter_rows(values_only=True)
            return [dict(zip(head, row, strict=True)) for row in rows]
        case "parquet":
            return pq.read_table(io.BytesIO(answer.content)).to_pylist()
        case _:
            head, *lines = answer.text.splitlines()
            return [dict(zip(head.split(","), line.split(","), strict=False)) for line in lines]


def live_a_little(vts: Vts, service: httpx.Client, comment: str = COMMENT) -> None:
    """Kim views a content, is reported by the host, reacts and comments; so does Lee, in part."""
    assert service.post("/api/content", json={"post_id": POST, "owner_id": 7}).is_success
    with vts.client(vts.token(KIM)) as kim:
        assert kim.post("/api/view", json={"post_id": POST}).json()["accepted"] == 1
    events = [
        {"event_type": "signup", "user_id": KIM, "event_data": {"mail": "kim@example.org"}},
        {"event_type": "page_view", "page_path": "/", "user_id": KIM},
        {"event_type": "upload"},
    ]
    assert service.post("/api/track/event", json=events).json() == {"accepted": 3, "dropped": {}}
    for user, name in ((KIM, comment), (KIM, SHARED), (LEE, "own-2")):
        comments(service, user, name)
    comments(service, LEE, SHARED, post_id=POST + 1)
    assert service.post("/api/reactions", json={"post_id": POST, "user_id": KIM, "emoji": "🔥", "op": "add"}).is_success


def comments(service: httpx.Client, user: str, comment: str, op: str = "add", post_id: int = POST) -> None:
    row = {"post_id": post_id, "user_id": user, "comment_id": comment, "op": op}
    assert service.post("/api/comments", json=row).is_success


def kept_of(said: dict[str, Any]) -> dict[str, int]:
    return {name: len(rows) for name, rows in said.items() if rows and name not in ("user_id", "audit_log")}


def texts_of_comments(service: httpx.Client) -> list[str | None]:
    rows = service.get("/api/export/comments?format=json").json()
    return [row["comment_ref"] for row in rows if row["post_id"] == POST]


def test_a_user_reads_and_erases_what_is_kept_about_them(shared_vts: Vts, service: httpx.Client) -> None:
    live_a_little(shared_vts, service)
    everyone = f"/api/admin/users/{KIM.replace(' ', '%20').replace('/', '%2F')}/data"
    all_of_it = {"view_events": 1, "site_events": 2, "reactions": 1, "comments": 2}
    wait_until(lambda: kept_of(service.get(everyone).json()) == all_of_it)
    with shared_vts.client(shared_vts.token(KIM)) as kim:
        said = kim.get(ME).json()
        assert said["user_id"] == KIM
        assert {**said, "audit_log": []} == {**service.get(everyone).json(), "audit_log": []}
        assert said["audit_log"][-1]["actor_ref"] == KIM and said["audit_log"][-1]["action"] == "person.export"
        for client, path, form in (
            (kim, ME, "csv"),
            (kim, ME, "json"),
            (kim, ME, "parquet"),
            (service, everyone, "csv"),
        ):
            rows = rows_of(client.get(path, params={"table": "site_events", "format": form}), form)
            assert sorted(row["event_type"] for row in rows) == ["page_view", "signup"], (path, form)
        assert [row["post_id"] for row in rows_of(kim.get(ME, params={"format": "ndjson"}), "ndjson")] == [POST]
        refused = kim.get(ME, params={"table": "content_stats"})
        assert refused.status_code == 400 and all(name in refused.json()["error"] for name in PERSONAL)

        assert kim.delete(ME).json()["error_code"] == "confirmation_needed"
        assert kept_of(kim.get(ME).json()) == all_of_it
        answer = kim.delete(ME, params={"confirm": "erase"}).json()
        assert answer["user_id"] == KIM
        assert {name: n for name, n in answer["erased"].items() if n and name != "journal"} == all_of_it
        assert kept_of(kim.get(ME).json()) == {}
    assert service.get(f"/api/post/{POST}/count").json()["views"] == 1
    stats = service.get(f"/api/post/{POST}/stats").json()
    assert (stats["total_reactions"], stats["total_comments"]) == (1, 3)
    newest = service.get("/api/admin/audit", params={"limit": 5}).json()["entries"]
    assert "person.erase" in [entry["action"] for entry in newest]
    assert "kim" not in json.dumps(newest).lower(), "the log keeps the number of an erased user only"


def test_an_erased_comment_has_no_text_and_can_still_be_taken_back(shared_vts: Vts, service: httpx.Client) -> None:
    live_a_little(shared_vts, service, text := "Kim, by hand")
    assert {text, SHARED, "own-2"} <= set(texts_of_comments(service))
    with shared_vts.client(shared_vts.token(KIM)) as kim:
        assert kim.delete(ME, params={"confirm": "erase"}).is_success
    assert text not in texts_of_comments(service)
    assert SHARED in texts_of_comments(service), "Lee's comment on another content has that text, too"
    comments(service, KIM, text)  # a host that sends all of its comments again
    assert text not in texts_of_comments(service)
    before = service.get(f"/api/post/{POST}/stats").json()["total_comments"]
    comments(service, KIM, text, "remove")
    assert service.get(f"/api/post/{POST}/stats").json()["total_comments"] == before - 1
    assert text not in texts_of_comments(service)


def test_a_session_alone_erases_nothing(shared_vts: Vts) -> None:
    origin = shared_vts.http
    with shared_vts.client() as browser:
        assert [browser.request(method, ME).status_code for method in ("GET", "DELETE")] == [401, 401]
        link = shared_vts.cli("login-link", "--user", LEE, "--role", "user").rpartition("link=")[2].strip()
        assert browser.post("/login", data={"link": link}, headers={"Origin": origin}).status_code == 303
        assert browser.get(ME, headers={"Sec-Fetch-Site": "same-origin"}).json()["user_id"] == LEE
        for headers, status in (
            ({}, 401),
            ({"Origin": "https://elsewhere.example"}, 401),
            ({"Origin": origin, "Sec-Fetch-Site": "cross-site"}, 401),
            ({"Origin": origin, "Sec-Fetch-Site": "same-origin"}, 200),
        ):
            answer = browser.delete(ME, params={"confirm": "erase"}, headers=headers)
            assert answer.status_code == status, (headers, answer.text)
        assert browser.get(ME, headers={"Sec-Fetch-Site": "same-origin"}).status_code == 401, "the sessions have ended"


def test_a_service_has_no_data_of_its_own(shared_vts: Vts, service: httpx.Client) -> None:
    with shared_vts.client(shared_vts.token(7, "service")) as named:
        for client in (service, named):
            for method in ("GET", "DELETE"):
                answer = client.request(method, ME)
                assert (answer.status_code, answer.json()["error_code"]) == (403, "forbidden")
                assert "a service has no data of its own" in answer.json()["error"]


def test_the_audit_log_is_exported_to_owners_and_services_and_reading_it_is_noted(
    shared_vts: Vts, service: httpx.Client
) -> None:
    service.post("/api/content", json={"post_id": POST + 2, "title": "audited"})
    with (
        shared_vts.client(shared_vts.token(3, "owner")) as owner,
        shared_vts.client(shared_vts.token(4, "moderator")) as moderator,
    ):
        for path in ("/api/export/audit_log", "/api/admin/audit"):
            assert moderator.get(path).status_code == 403
        tables = [client.get("/api/export").json()["tables"] for client in (owner, moderator)]
        assert [table for table in tables[0] if table not in tables[1]] == ["audit_log"]
        for form in ("csv", "json", "ndjson", "xlsx", "parquet"):
            exported = rows_of(owner.get("/api/export/audit_log", params={"format": form}), form)
            assert (exported[-1]["actor"], exported[-1]["subject"]) == ("user:3", "audit_log"), form
        for form in ("csv", "json"):
            paged = rows_of(service.get("/api/admin/audit", params={"format": form, "table": "entries"}), form)
            assert {"export", "catalog.upsert"} <= {row["action"] for row in paged}, form
        assert rows_of(service.get("/api/export/audit_log", params={"format": "json"}), "json")
        first = owner.get("/api/admin/audit", params={"limit": 2}).json()
        assert owner.head("/api/admin/audit").status_code == 200
        asked = {"limit": 3, "before": first["next_before"], "format": "ndjson"}
        rest = rows_of(owner.get("/api/admin/audit", params=asked), "ndjson")
        ids = [entry["id"] for entry in [*first["entries"], *rest]]
        assert len(ids) == 5 and ids == sorted(ids, reverse=True)
        newest = owner.get("/api/admin/audit", params={"limit": 2}).json()["entries"]
    read = {"limit": 3, "format": "ndjson", "before": str(first["next_before"])}
    assert [(entry["actor"], entry["action"], entry["subject"]) for entry in newest] == [
        ("user:3", "audit.read", "audit_log")
    ] * 2
    assert [entry["detail"] for entry in newest] == [read, {"limit": 2, "format": "json", "before": None}]
