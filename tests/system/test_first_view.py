"""A newcomer's first minute: a view goes in and comes out in the statistics and live."""

from __future__ import annotations

import json
import re
import time
import uuid
from collections import Counter
from pathlib import Path

import httpx
import pytest
import trio
from trio_websocket import ConnectionRejected, open_websocket_url

from tests.support.process import Vts, running
from tests.support.waiting import wait_until

FRESH_WITHIN_S = 30.0  # how fresh counts are is for the benchmarks to say


def stats(vts: Vts, token: str, post_id: int) -> dict[str, object]:
    with vts.client(token) as client:
        return dict(client.get(f"/api/post/{post_id}/stats").json())


async def test_a_view_is_in_the_stats_and_on_the_open_socket_within_a_second(shared_vts: Vts) -> None:
    token = shared_vts.service_token()
    address = shared_vts.http.replace("http", "ws", 1) + "/live"
    async with open_websocket_url(address, extra_headers=[("Authorization", f"Bearer {token}")]) as socket:
        await socket.send_message(json.dumps({"op": "subscribe", "topics": ["post:42", "top"]}))
        snapshots = [json.loads(await socket.get_message()) for _ in range(2)]
        assert {message["topic"] for message in snapshots} == {"post:42", "top"}
        with shared_vts.client() as client:
            answer = await trio.to_thread.run_sync(lambda: client.post("/api/view", json={"post_id": 42}))
        assert (answer.status_code, answer.json()) == (202, {"accepted": 1, "dropped": {}})
        started = time.monotonic()
        with trio.fail_after(FRESH_WITHIN_S):
            while True:
                change = json.loads(await socket.get_message())
                if change["topic"] == "post:42" and change["views"] == 1:
                    break
        assert (change["views_today"], change["unique_viewers_today"], change["viewers_now"]) == (1, 1, 1)
        await trio.to_thread.run_sync(
            lambda: wait_until(lambda: stats(shared_vts, token, 42)["total_views"] == 1, FRESH_WITHIN_S)
        )
        assert time.monotonic() - started <= 2 * FRESH_WITHIN_S


async def test_a_program_with_a_bad_token_is_told_so(shared_vts: Vts) -> None:
    with pytest.raises(ConnectionRejected) as refused:
        shown = [("Authorization", "Bearer bad")]
        async with open_websocket_url(shared_vts.http.replace("http", "ws", 1) + "/live", extra_headers=shown):
            pytest.fail("it was let in")
    refusal = refused.value
    assert refusal.status_code == 401
    assert (b"www-authenticate", b"Bearer") in refusal.headers
    assert json.loads(refusal.body)["error_code"] == "authentication_failed"


def outcomes(client: httpx.Client) -> Counter[str]:
    """Return how many events had each outcome, over all sources."""
    found: Counter[str] = Counter()
    for line in client.get("/metrics").text.splitlines():
        if outcome := re.search(r'outcome="(\w+)".* (\S+)$', line):
            found[outcome[1]] += float(outcome[2])  # type: ignore[assignment]
    return found


def test_what_does_not_count_is_answered_and_counted_by_reason(shared_vts: Vts) -> None:
    token = shared_vts.service_token()
    event = {"post_id": 7, "event_id": str(uuid.uuid4())}
    with (
        shared_vts.client(token) as service,
        shared_vts.client() as browser,
        shared_vts.client(agent="curl/8.0") as bot,
    ):
        before = outcomes(browser)
        rows = [{"post_id": 7, "kind": "artwork", "owner_id": 70}]
        assert service.post("/api/content", json=rows).json() == {"upserted": 1}
        owner = {"Authorization": f"Bearer {shared_vts.token(70)}"}
        assert browser.post("/api/view", json=event).json()["accepted"] == 1
        assert browser.post("/api/view", json=event).json() == {"accepted": 0, "dropped": {"duplicate": 1}}
        assert bot.post("/api/view", json={"post_id": 7}).json() == {"accepted": 0, "dropped": {"bot": 1}}
        assert browser.post("/api/view", json={"post_id": 7}, headers=owner).json()["dropped"] == {"author": 1}
        bad = browser.post("/api/view", json={"post_id": -1})
        assert bad.status_code == 400 and "post_id" in bad.json()["error"]
        unknown = browser.post("/player/events/view", json={"post_id": 7}, auth=(str(uuid.uuid4()), "no"))
        assert unknown.status_code == 401
        after = outcomes(browser)
    counted = {reason: after[reason] - before.get(reason, 0) for reason in after if after[reason] != before.get(reason)}
    assert counted == dict.fromkeys(("accepted", "duplicate", "bot", "author", "invalid", "authentication_failed"), 1.0)
    wait_until(lambda: stats(shared_vts, token, 7)["total_views"] == 1)


def test_the_statistics_belong_to_the_owner(shared_vts: Vts) -> None:
    with shared_vts.client(shared_vts.service_token()) as service, shared_vts.client() as anyone:
        service.post("/api/content", json={"post_id": 9, "owner_id": 90})
        path = "/api/post/9/stats"
        assert anyone.get(path).status_code == 401
        for user, status in ((90, 200), (91, 403)):
            headers = {"Authorization": f"Bearer {shared_vts.token(user)}"}
            assert anyone.get(path, headers=headers).status_code == status
        moderator = {"Authorization": f"Bearer {shared_vts.token(5, 'moderator')}"}
        body = anyone.get(path, headers=moderator).json()
        assert len(body["daily_views"]) == 30
        assert anyone.get(f"{path}?days=0", headers=moderator).status_code == 400
        assert service.get("/api/post/404404/stats").status_code == 404
        count = anyone.get("/api/post/9/count").json()
        assert (count["post_id"], count["views"], set(count["views_by_type"].values())) == (9, 0, {0})
        for shown in ("Bearer nonsense", "Bearer", "Basic eDp5"):  # a bad token is not no token
            refused = anyone.get("/api/post/9/count", headers={"Authorization": shown})
            assert (refused.status_code, refused.json()["error_code"]) == (401, "authentication_failed")
            assert refused.headers["access-control-allow-origin"] == "*"


def test_a_bad_row_of_a_bulk_write_is_named_and_nothing_is_applied(shared_vts: Vts) -> None:
    with shared_vts.client(shared_vts.service_token()) as service:
        answer = service.post("/api/content", json=[{"post_id": 12}, {"post_id": 13, "kind": "opera"}])
        assert answer.status_code == 400
        assert "row 1" in answer.json()["error"] and "kind" in answer.json()["error"]
        assert service.get("/api/post/12/stats").status_code == 404


def test_a_user_has_five_reactions_on_a_post_and_hears_of_the_sixth(shared_vts: Vts) -> None:
    with shared_vts.client(shared_vts.service_token()) as service:
        service.post("/api/content", json={"post_id": 11, "owner_id": 7})
        rows = [{"post_id": 11, "user_id": 3, "emoji": emoji} for emoji in "abcdef"]
        assert service.post("/api/reactions", json=rows[:5]).json() == {"accepted": 5}
        assert service.post("/api/reactions", json=rows[:5]).json() == {"accepted": 5}
        sixth = service.post("/api/reactions", json=rows[5])
        assert (sixth.status_code, sixth.json()["error_code"]) == (409, "reaction_limit_exceeded")
        service.post("/api/reactions", json=rows[0] | {"op": "remove"})
        service.post("/api/comments", json={"post_id": 11, "user_id": 3, "comment_id": 1})
        body = service.get("/api/post/11/stats").json()
    assert body["total_reactions"] == 4
    assert body["reactions_by_emoji"] == {"b": 1, "c": 1, "d": 1, "e": 1}
    assert body["total_comments"] == 1


def test_a_browser_page_from_elsewhere_may_capture_and_nothing_else(shared_vts: Vts) -> None:
    elsewhere = {"Origin": "https://elsewhere.example"}
    with shared_vts.client() as page:
        captured = page.post("/api/view", json={"post_id": 5}, headers=elsewhere)
        assert captured.headers["access-control-allow-origin"] == elsewhere["Origin"]
        preflight = page.options("/api/view", headers=elsewhere | {"Access-Control-Request-Method": "POST"})
        assert preflight.status_code == 204
        assert "access-control-allow-origin" not in page.get("/api/post/5/stats", headers=elsewhere).headers
        session = {"Cookie": f"vts_session={shared_vts.token(7, 'owner')}"}
        with page.stream("GET", "/live/events?topics=top", headers=elsewhere | session) as events:
            assert events.headers["access-control-allow-origin"] == elsewhere["Origin"]
            assert '"forbidden"' in next(line for line in events.iter_lines() if line.startswith("data: "))
        shown = elsewhere | {"Authorization": f"Bearer {shared_vts.token(7, 'owner')}"}
        assert page.get("/live/events?topics=post:5", headers=shown).status_code == 403


async def test_everyone_follows_a_public_content_until_it_is_private(shared_vts: Vts) -> None:
    address = shared_vts.http.replace("http", "ws", 1) + "/live"
    elsewhere = [("Origin", "https://elsewhere.example")]
    with shared_vts.client(shared_vts.service_token()) as service, shared_vts.client() as page:

        def written(**fields: object) -> None:
            service.post("/api/content", json={"post_id": 7701, "owner_id": 3, **fields}).raise_for_status()

        await trio.to_thread.run_sync(written)
        async with open_websocket_url(address, extra_headers=elsewhere) as socket:
            with trio.fail_after(FRESH_WITHIN_S):
                await socket.send_message(json.dumps({"op": "subscribe", "topics": ["site", "post:7701"]}))
                refused, shown = [json.loads(await socket.get_message()) for _ in range(2)]
                assert (refused["error_code"], refused["topic"]) == ("forbidden", "site")
                assert set(shown) == {"topic", "epoch", "seq", "views", "views_today", "viewers_now", "at"}
                await trio.to_thread.run_sync(lambda: page.post("/api/view", json={"post_id": 7701}))
                while shown["views"] != 1:
                    shown = json.loads(await socket.get_message())
                await trio.to_thread.run_sync(lambda: written(visibility="private"))
                ended = json.loads(await socket.get_message())
                while "error" not in ended:
                    ended = json.loads(await socket.get_message())
                assert (ended["error_code"], ended["topic"]) == ("forbidden", "post:7701")


def test_an_allowed_page_may_use_the_api(folder: Path) -> None:
    page = "https://art.example"
    with running(folder, VTS_HTTP__ALLOWED_ORIGINS=page) as vts, vts.client() as browser:
        asked = {"Origin": page, "Access-Control-Request-Method": "GET"}
        preflight = browser.options("/api/post/5/stats", headers=asked)
        assert preflight.status_code == 200
        assert preflight.headers["access-control-allow-origin"] == page
        assert browser.get("/api/post/5/stats", headers=asked).headers["access-control-allow-origin"] == page
        asked["Origin"] = "https://elsewhere.example"
        assert "access-control-allow-origin" not in browser.get("/api/post/5/stats", headers=asked).headers
