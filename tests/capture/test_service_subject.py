"""A service reports for others: its reports are about the visitors, with any `sub` of its own token."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from urllib.parse import urlencode

import pytest

from tests.capture.http_support import BROWSER, NOW_US, SECRET, WebDoor, ask, get, open_world, post
from vts.auth.tokens import Tokens
from vts.capture.events.imported import ImportedView, ImportedViews
from vts.model.day import datetime_of
from vts.model.principal import Principal

AUTHOR = 9
VISITORS = ({"client_ip": "203.0.113.7", "user_agent": BROWSER}, {"client_ip": "203.0.113.8", "user_agent": BROWSER})
SERVICE = Tokens(secret=SECRET).issue(
    user_id=AUTHOR, roles=frozenset({"service"}), now_s=NOW_US / 1e6, ttl_s=3600, jti="a"
)
TOKEN = f"Authorization: Bearer {SERVICE}"


@pytest.fixture
async def world() -> AsyncIterator[WebDoor]:
    async with open_world() as one:
        yield one


def requests_for(visitor: dict[str, str]) -> dict[str, bytes]:
    def body_of(**fields: object) -> bytes:
        return json.dumps(fields | visitor).encode()

    return {
        "a view": post("/api/view", body_of(post_id=1), TOKEN),
        "a batch": post("/api/view", b"[%s]" % body_of(post_id=1), TOKEN),
        "a post view": post("/api/post/1/view", body_of(), TOKEN),
        "a pixel": get("/api/pixel.gif?" + urlencode({"post_id": "1"} | visitor), TOKEN),
        "a page view": post("/api/track/page-view", body_of(path="/"), TOKEN),
        "a host event": post("/api/track/event", body_of(event_type="signup"), TOKEN),
    }


@pytest.mark.parametrize("kind", requests_for({}))
async def test_two_visitors_of_a_service_are_two_people_and_neither_is_its_account(world: WebDoor, kind: str) -> None:
    for visitor in VISITORS:
        assert (await ask(world, requests_for(visitor)[kind])).status in (200, 202)
    reports = [*world.admission.reports, *world.site.records]
    assert len({report.viewer_key for report in reports}) == 2
    assert {(report.viewer_user_id, report.authenticated) for report in reports} == {(None, False)}


@pytest.mark.parametrize("kind", requests_for({}))
async def test_a_service_that_names_no_visitor_has_not_looked_itself(world: WebDoor, kind: str) -> None:
    assert (await ask(world, requests_for({})[kind])).status in (200, 202)
    [report] = [*world.admission.reports, *world.site.records]
    assert (report.viewer_user_id, report.authenticated) == (None, False)


async def test_an_imported_view_is_not_that_of_the_service_s_account(world: WebDoor) -> None:
    views = ImportedViews(world.decision._reports.views, SECRET)
    who = Principal(AUTHOR, frozenset({"service"}))
    row = {"post_id": 1, "created_at": datetime_of(NOW_US)}
    made = [views.report(ImportedView(**row, **one), 0, "a", who, "127.0.0.1", NOW_US) for one in (*VISITORS, {})]
    assert {(report.viewer_user_id, report.authenticated) for report in made} == {(None, False)}
    assert len({report.viewer_key for report in made}) == 3
