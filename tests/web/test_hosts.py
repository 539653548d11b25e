"""Names and schemes: sign-in, sessions and live counts under names that are ours, and links that lead back to us."""

from __future__ import annotations

import gzip
from types import SimpleNamespace

import pytest

from tests.web.ports import NOW_S, WrittenCatalog, access, app_of, schemes

REBOUND = {"Host": "rebound.example:8080"}
IDLE = SimpleNamespace(status=dict)  # a process whose first page has nothing to show


@pytest.mark.parametrize(
    ("path", "cookie"),
    [
        ("/login?link=x", ""),
        ("/live/events?topics=top", ""),
        ("/api/status", "vts_session=x"),
        ("/", "vts_session="),
        ("/", "__Host-vts_session=x"),
    ],
)
async def test_a_name_that_is_not_ours_gets_no_session_and_no_live_counts(path: str, cookie: str) -> None:
    headers = REBOUND | ({"Cookie": cookie} if cookie else {})
    answer = await app_of(access(), health=IDLE).test_client().get(path, headers=headers)
    assert answer.status_code == 421
    assert (await answer.get_json())["error_code"] == "misdirected_request"


async def test_what_needs_no_session_is_answered_under_any_name() -> None:
    assert (await app_of(access(), health=IDLE).test_client().get("/api/status", headers=REBOUND)).status_code == 200


async def test_links_lead_to_the_public_url() -> None:
    page = await (
        await app_of(access(schemes=schemes(public_url="https://views.example.org"))).test_client().get("/docs")
    ).get_data()
    assert b"https://views.example.org" in page


@pytest.mark.parametrize("path", ["/static//docs.js", "/api//status", "//evil.example/x"])
async def test_no_redirect_leads_to_the_host_that_was_sent(path: str) -> None:
    answer = await app_of(access(), health=IDLE).test_client().get(path, headers={"Host": "evil.example"})
    assert answer.status_code == 404
    assert "Location" not in answer.headers


async def test_bulk_routes_take_gzip() -> None:
    rules, catalog = access(), WrittenCatalog()
    token = rules.tokens.issue(user_id=None, roles=frozenset(("service",)), now_s=NOW_S, ttl_s=60)
    headers = {"Authorization": f"Bearer {token}", "Content-Encoding": "gzip"}
    client = app_of(rules, catalog=catalog.port, persons=catalog.persons).test_client()
    body = b'[{"post_id":1},{"post_id":2,"kind":"stream"}]'
    answer = await client.post("/api/content", data=gzip.compress(body), headers=headers)
    assert (answer.status_code, [row.post_id for row in catalog.rows]) == (200, [1, 2])
    broken = await client.post("/api/content", data=b"no gzip", headers=headers)
    assert broken.status_code == 400
    echo = await client.post("/api/content", data=gzip.compress(b'{"post_id":1,"kind":"a secret"}'), headers=headers)
    assert echo.status_code == 400
    assert "secret" not in await echo.get_data(as_text=True)
    assert "kind" in await echo.get_data(as_text=True)
