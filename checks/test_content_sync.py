"""A full sync of a real process that is killed between its steps: what was acknowledged holds, and the sync goes on."""

from __future__ import annotations

from pathlib import Path

from tests.support.process import running


def test_a_sync_goes_on_after_a_kill_and_the_limits_are_those_that_are_set(folder: Path) -> None:
    with running(folder, VTS_HTTP__BATCH_BODY_MAX_BYTES="2000000", VTS_HTTP__BULK_ROWS_MAX="30000") as vts:
        token = vts.service_token()
        old = [{"post_id": f"movie:{n}", "owner_id": "ann", "visibility": "private"} for n in range(25_000)]
        with vts.client(token) as client:
            assert client.post("/api/content", json=old).json() == {"upserted": 25_000}  # above 1 MiB and 20,000 rows
            assert client.post("/api/content/sync", json={"sync_id": "one"}).status_code == 200
            titles = [{"post_id": row["post_id"], "title": "x"} for row in old]
            first = client.post("/api/content/sync?sync_id=one&part=1", json=titles[:12_000])
            assert first.json()["changed"] == 12_000
        vts.kill()
        vts.start()
        with vts.client(token) as client:
            opened = client.post("/api/content/sync", json={"sync_id": "one"}).json()
            assert opened["parts"] == [1]
            again = client.post("/api/content/sync?sync_id=one&part=1", json=titles[:12_000]).json()
            assert (again["repeated"], again["changed"]) == (True, 0)
            second = client.post("/api/content/sync?sync_id=one&part=2", json=titles[12_000:24_000])
            assert second.json()["changed"] == 12_000
            order = {"sync_id": "one", "commit": True, "parts": 2}
            assert client.post("/api/content/sync", json=order).json()["removed"] == 1_000
            assert client.post("/api/content/sync", json=order).json()["repeated"]
        vts.kill()
        vts.settings["VTS_HTTP__BATCH_BODY_MAX_BYTES"] = "20000"
        vts.start()
        with vts.client(token) as client:
            refused = client.post("/api/content", json=old[:1000])
            assert (refused.status_code, refused.json()["error"]) == (413, "body: more than 20000 bytes")
            listed, after = 0, ""
            while True:
                page = client.get(f"/api/content?limit=1000{after}").json()
                listed += len(page["contents"])
                assert {row["visibility"] for row in page["contents"]} <= {"private"}
                if page["next_after"] is None:
                    break
                after = f"&after={page['next_after']}"
            assert listed == 24_000
