"""Playback with ids that is sent again to a process that was killed: the database keeps each event once."""

from __future__ import annotations

import os
import time
import uuid
from pathlib import Path
from typing import Any

from tests.support.process import running
from tests.support.waiting import wait_until
from vts.model.identity import text_of, version_7

STREAM = f"stream:{uuid.uuid4()}"


def event(kind: str, **fields: Any) -> dict[str, Any]:
    """An event with an id that has its day in it."""
    event_id = text_of(version_7(time.time_ns() // 1000, os.urandom(10)))
    return {"type": kind, "videoTime": 1, "event_id": event_id} | fields


def test_events_with_ids_are_stored_once_over_a_kill(folder: Path) -> None:
    an_hour_ago = text_of(version_7(time.time_ns() // 1000 - 3_600_000_000, bytes(10)))
    first = [event("play"), event("heartbeat"), event("heartbeat", event_id=an_hour_ago)]
    last = event("ended")
    with running(folder) as vts:
        for events, restarts in ((first, True), ([*first, last], False)):
            with vts.client(vts.service_token()) as service:
                content = {"post_id": STREAM, "kind": "stream"}
                service.post("/api/content", json=content).raise_for_status()
                said = {"streamId": STREAM, "clientId": "a browser", "events": events}
                answer = service.post("/analytics/events", json=said)
                assert (answer.status_code, answer.json()["ingested"]) == (202, len(events))
                assert service.post("/analytics/events", json=said).json()["ingested"] == 0
            if restarts:
                vts.kill()
                vts.start()

        def stored() -> list[str]:
            with vts.client(vts.service_token()) as service:
                rows = service.get("/api/export/playback_events?format=json").json()
            return [row["event_id"] for row in rows]

        wait_until(lambda: last["event_id"] in stored())
        assert sorted(stored()) == sorted(one["event_id"] for one in (*first, last))
