"""A person's data: read, erased from everywhere, and every count stays what it was."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

import httpx
import msgspec

from tests.support.process import Vts
from tests.support.waiting import wait_until
from vts.journal.entry import Record
from vts.model.site import SiteEvent
from vts.model.view import ViewEvent

USER = 987_654_321
PLAYER = "8f14e45f-ceea-467f-a0e6-0123456789ab"
CREDENTIAL = "cd" * 32
DATA = f"/api/admin/users/{USER}/data"


def test_a_person_is_read_and_erased_and_the_counts_stay(vts: Vts) -> None:
    token = vts.cli("token", "--user", str(USER))
    with vts.client(vts.service_token()) as service, vts.client(token) as person, vts.client() as anybody:
        live_a_little(service, person, anybody)
        assert person.post("/api/share-links", json={"user_id": USER}).status_code == 201
        form = {"token": token}
        assert anybody.post("/login", data=form, headers={"Origin": vts.http}).status_code == 303
        wait_until(lambda: service.get("/api/post/1/count").json()["views"] == 4)
        wait_until(lambda: service.get("/api/admin/sitewide-stats").json()["page_views"] == 2)
        wait_until(lambda: service.get("/api/players").json()["players"][0]["last_view_at"])
        before = answers(service)

        said = service.get(DATA).json()
        assert {name: len(rows) for name, rows in said.items() if name != "user_id"} == {
            "view_events": 3,
            "site_events": 2,
            "reactions": 1,
            "comments": 1,
            "viewing_history": 0,
            "players": 1,
            "player_presence": 1,
            "content": 0,
            "sessions": 1,
            "share_links": 1,
            "dead_letters": 0,
            "audit_log": 2,
        }
        key = next(row["viewer_key"] for row in said["view_events"] if row["player_key"] is None)
        assert USER in people_in(vts)

        erased = service.delete(DATA).json()["erased"]
        assert {name: erased[name] for name in ("view_events", "site_events", "reactions", "comments", "players")} == {
            "view_events": 3,
            "site_events": 2,
            "reactions": 1,
            "comments": 1,
            "players": 1,
        }
        assert erased["share_links"] == 1
        assert (erased["sessions"], anybody.get("/api/session").json()) == (1, {"signed_in": False})
        assert erased["journal"] == 6  # the row of the player among them
        assert answers(service) == before
        left = service.get(DATA).json()
        assert {name for name, rows in left.items() if rows and name not in ("user_id", "audit_log")} == set()
        assert [row["action"] for row in left["audit_log"]] == [
            "share_link.make",
            "person.export",
            "person.erase",
            "person.export",
        ]
        assert USER not in people_in(vts)
        assert str(USER) not in (dump := everything(service)), dump[: dump.index(str(USER))][-300:]
        assert key not in dump
        assert set(service.delete(DATA).json()["erased"].values()) == {0}  # once more harms nothing

        assert person.post("/api/view", json={"post_id": 1}).json()["accepted"] == 1  # a new life
        assert "0 changed" in vts.cli("erase", "--user", "5", "--yes")
        entries = service.get("/api/admin/audit", params={"limit": 2}).json()
        assert [entry["subject"] for entry in entries["entries"]] == ["user:5", f"user:{USER}"]
        older = service.get("/api/admin/audit", params={"before": entries["next_before"]}).json()["entries"]
        assert {"catalog.upsert"} <= {entry["action"] for entry in older}


def test_who_may_not_read_people_s_data(vts: Vts) -> None:
    roles = {"user": 403, "moderator": 403, "owner": 200}
    with vts.client() as anybody:
        assert [anybody.request(method, DATA).status_code for method in ("GET", "DELETE")] == [401, 401]
        assert anybody.get("/api/admin/audit").status_code == 401
        for role, status in roles.items():
            token = vts.token(USER, role)
            who = {"Authorization": f"Bearer {token}"}
            assert anybody.get(DATA, headers=who).status_code == status
            assert anybody.get("/api/admin/audit", headers=who).status_code == status
        assert anybody.get("/api/admin/audit?limit=0", headers=who).status_code == 400
        assert anybody.delete("/api/admin/users/0/data", headers=who).status_code == 404


def live_a_little(service: httpx.Client, person: httpx.Client, anybody: httpx.Client) -> None:
    """Four views of content 1, three of them the person's, one of these on the person's player."""
    service.post("/api/content", json={"post_id": 1, "owner_id": 7})
    service.post(
        "/api/players", json={"player_key": PLAYER, "owner_id": USER, "name": "Hall", "credential": CREDENTIAL}
    )
    for client in (person, person, anybody):
        assert client.post("/api/view", json={"post_id": 1}).json()["accepted"] == 1
    assert anybody.post("/player/events/view", json={"post_id": 1}, auth=(PLAYER, CREDENTIAL)).json()["accepted"] == 1
    for client in (person, anybody):
        assert client.post("/api/track/page-view", json={"path": "/search"}).json()["accepted"] == 1
    event = {"event_type": "signup", "user_id": USER, "event_data": {"mail": f"{USER}@example.org"}}
    assert service.post("/api/track/event", json=event).json()["accepted"] == 1
    assert service.post("/api/reactions", json={"post_id": 1, "user_id": USER, "emoji": "🔥", "op": "add"}).is_success
    comment = {"post_id": 1, "user_id": USER, "comment_id": 5, "op": "add"}
    assert service.post("/api/comments", json=comment).is_success


def answers(service: httpx.Client) -> list[Any]:
    """Return what people see, without what changes by itself."""
    said = [service.get(path).json() for path in ("/api/post/1/stats", "/api/user/7/artist-stats")]
    site = service.get("/api/admin/sitewide-stats").json()
    said.append({name: site[name] for name in ("page_views", "unique_visitors", "signups", "total_views")})
    for one in said:
        for name in ("computed_at", "lag_seconds"):
            one.pop(name, None)
    return said


def people_in(vts: Vts) -> set[int | None]:
    """Return the user ids in the journal, and see that no byte of the person is left in its files beside its rows."""
    path = vts.folder / "data" / "journal.sqlite"
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
        bodies = [body for (body,) in db.execute("SELECT body FROM entries")]
    records = [record for body in bodies for record in msgspec.msgpack.decode(body, type=list[Record])]
    users = {record.viewer_user_id for record in records if isinstance(record, ViewEvent | SiteEvent)}
    if USER not in users:
        wanted = msgspec.msgpack.encode(USER)
        for file in path.parent.glob("journal.sqlite*"):
            assert wanted not in file.read_bytes(), file.name
    assert any(isinstance(record, ViewEvent) for record in records)
    return users


def everything(service: httpx.Client) -> str:
    """Return every table that may be exported, but the log of who asked for what."""
    names = service.get("/api/export").json()["tables"]
    tables = {name: service.get(f"/api/export/{name}").json() for name in names if name != "audit_log"}
    return json.dumps(tables)
