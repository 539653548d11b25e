"""Names and schemes: sign-in, sessions and live counts under names that are ours, and links that lead back to us."""

from __future__ import annotations

import gzip
from types import SimpleNamespace
from typing import Any

import pytest

from tests.web.ports import NOW_S, WrittenCatalog, access, app_of
from vts.auth.tokens import Tokens
from vts.enrich.client_ip import Networks
from vts.model.hosts import OwnHosts
from vts.model.principal import Principal

REBOUND = {"Host": "rebound.example:8080"}
BEHIND_PROXY: dict[str, Any] = {
    "hosts": OwnHosts(["views.example.org"], loopback_only=False),
    "trusted_proxies": Networks(["127.0.0.0/8"]),
}


IDLE = SimpleNamespace(status=dict)  # a process whose first page has nothing to show


def owner(expires_s: float = NOW_S + 60, jti: str | None = "a1") -> Principal:
    return Principal(None, frozenset(("owner",)), jti, expires_s)


@pytest.mark.parametrize(
    ("path", "cookie"),
    [("/login?ticket=x", ""), ("/live/events?topics=top", ""), ("/api/status", "vts_session=x"), ("/", "vts_session=")],
)
async def test_a_name_that_is_not_ours_gets_no_session_and_no_live_counts(path: str, cookie: str) -> None:
    headers = REBOUND | ({"Cookie": cookie} if cookie else {})
    answer = await app_of(access(), health=IDLE).test_client().get(path, headers=headers)
    assert answer.status_code == 421
    assert (await answer.get_json())["error_code"] == "misdirected_request"


async def test_what_needs_no_session_is_answered_under_any_name() -> None:
    assert (await app_of(access(), health=IDLE).test_client().get("/api/status", headers=REBOUND)).status_code == 200


@pytest.mark.parametrize(
    ("proto", "secure"), [("https", True), ("http, https", True), ("https, http", False), ("", False)]
)
async def test_a_session_behind_a_tls_proxy_is_for_tls_only(proto: str, secure: bool) -> None:
    rules = access(**BEHIND_PROXY)
    ticket = rules.tickets.issue(owner(), NOW_S)
    client = app_of(rules).test_client()
    headers = {"Host": "views.example.org"} | ({"X-Forwarded-Proto": proto} if proto else {})
    answer = await client.get(f"/login?ticket={ticket}", headers=headers, scope_base={"client": ("127.0.0.1", 1)})
    assert answer.status_code == 302
    assert answer.headers["Location"] == "/"
    assert ("Secure" in answer.headers["Set-Cookie"]) is secure


async def test_only_a_trusted_proxy_reports_the_scheme() -> None:
    rules = access(**BEHIND_PROXY | {"trusted_proxies": Networks()})
    ticket = rules.tickets.issue(owner(), NOW_S)
    headers = {"Host": "views.example.org", "X-Forwarded-Proto": "https"}
    answer = await app_of(rules).test_client().get(f"/login?ticket={ticket}", headers=headers)
    assert "Secure" not in answer.headers["Set-Cookie"]


async def test_a_session_is_no_better_than_the_token_of_its_ticket() -> None:
    revoked: set[str] = set()
    rules = access(tokens=Tokens(secret=b"a secret of the tests, 32 bytes long", revoked=revoked.__contains__))
    client = app_of(rules).test_client()
    answer = await client.get(f"/login?ticket={rules.tickets.issue(owner(), NOW_S)}")
    session = answer.headers["Set-Cookie"].partition(";")[0].partition("=")[2]
    who = rules.tokens.verify(session, NOW_S)
    assert (who.jti, who.expires_s) == ("a1", NOW_S + 60)
    revoked.add("a1")
    late = rules.tickets.issue(owner(), NOW_S)
    assert (await client.get(f"/login?ticket={late}")).status_code == 401


async def test_links_lead_to_the_public_url() -> None:
    page = await (await app_of(access(public_url="https://views.example.org")).test_client().get("/docs")).get_data()
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
