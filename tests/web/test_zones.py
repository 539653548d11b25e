"""The days of questions in a time zone: that which a request names, and for the whole site the one that is set."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from quart_trio import QuartTrio

from tests.query.story import BOB, EVE, stored, view
from tests.store.drained import DAY
from tests.support.postgres import database, empty_database, postgres_server  # noqa: F401
from tests.web.ports import access, app_of, questions_of
from vts.auth.tokens import Tokens
from vts.catalog.memory import MemoryCatalog
from vts.model.content import Content
from vts.model.day import DAY_US, HOUR_US, date_of
from vts.store.session.connection import Database
from vts.store.session.pool import Readers
from vts.web.services import CatalogPort
from vts.web.zones import Zones

NOW_US = DAY * DAY_US + 23 * HOUR_US + HOUR_US // 2  # in Auckland it is noon of the next day
TODAY, TOMORROW = date_of(DAY).isoformat(), date_of(DAY + 1).isoformat()
AUCKLAND = "Pacific/Auckland"

ARTIST_DAY = """
INSERT INTO artist_stats_daily
    (owner_id, day, total_views, total_views_authenticated, unique_viewers, unique_viewers_authenticated,
     first_view_at, last_view_at, breakdowns)
VALUES (7, $1, $2, 0, 1, 0, now(), now(), $3)
"""

tokens = Tokens(secret=b"a secret of the tests, 32 bytes long")


@pytest.fixture
async def readers(database: Database) -> AsyncIterator[Readers]:  # noqa: F811
    """Of content 1: two views on the day before, in the evening, and one today at 12:00 UTC."""
    evening = [view(who, "21:10:00", 1, "intentional", DAY - 1) for who in (BOB, EVE)]
    await stored(database, [*evening, view(BOB, "12:00:00", 1, "intentional")])
    connection = await database.connect("writer")
    for day, views, hour in ((DAY - 1, 4, 12), (DAY, 2, 10)):
        hours = json.dumps({"hour_utc": {str(hour): [views, 0]}})
        await connection.execute(ARTIST_DAY, date_of(day), views, hours)
    await connection.close()
    lent = Readers(database)
    yield lent
    lent.close()


def app_in(readers: Readers, zone: str = "UTC") -> QuartTrio:
    memory = MemoryCatalog()
    memory.put_content(1, Content(7, "artwork", False, False, False))
    memory.revision = 1
    return app_of(
        access(clock=lambda: NOW_US, tokens=tokens),
        catalog=CatalogPort(memory=memory, writes=None, sync=None),  # type: ignore[arg-type]
        questions=questions_of(readers),
        zones=Zones(zone),
    )


async def ask(app: QuartTrio, path: str, status: int = 200) -> dict[str, Any]:
    token = tokens.issue(user_id=5, roles=frozenset(("moderator",)), now_s=NOW_US / 1e6, ttl_s=60)
    answer = await app.test_client().get(path, headers={"Authorization": f"Bearer {token}"})
    body: dict[str, Any] = await answer.get_json()
    assert answer.status_code == status, body
    return body


def by_date(lines: list[dict[str, Any]], field: str = "views") -> dict[str, int]:
    return {line["date"]: line[field] for line in lines if line[field]}


async def test_the_days_of_a_content_are_dates_of_the_zone_that_is_asked_for(readers: Readers) -> None:
    app = app_in(readers, "Europe/Berlin")
    body = await ask(app, "/api/post/1/stats?days=3")
    yesterday = date_of(DAY - 1).isoformat()
    assert by_date(body["daily_views"]) == {yesterday: 2, TODAY: 1}, "the site's zone is for the whole site"
    assert "tz" not in body
    body = await ask(app, f"/api/post/1/stats?days=2&tz={AUCKLAND}")
    assert (body["from"], body["to"]) == (TODAY, TOMORROW)
    assert by_date(body["daily_views"]) == {TODAY: 2, TOMORROW: 1}
    assert (body["total_views"], body["tz"]) == (3, AUCKLAND)
    assert {"unique_viewers", "views_by_device", "daily_views.unique_viewers"} <= set(body["tz_inexact"])
    assert {"total_views", "daily_views.views", "total_comments"}.isdisjoint(body["tz_inexact"])


async def test_the_days_of_an_artist_are_dates_of_the_zone(readers: Readers) -> None:
    body = await ask(app_in(readers), f"/api/user/7/artist-stats?from={TODAY}&to={TODAY}&tz={AUCKLAND}")
    assert (by_date(body["daily_views"]), body["total_views"]) == ({TODAY: 6}, 6)
    assert (body["tz"], "total_posts" in body["tz_inexact"]) == (AUCKLAND, False)


@pytest.mark.parametrize(
    ("site", "query"), [(AUCKLAND, ""), ("UTC", f"&tz={AUCKLAND}"), ("Asia/Tokyo", f"&tz={AUCKLAND}")]
)
async def test_the_days_of_the_site_are_dates_of_its_own_zone(readers: Readers, site: str, query: str) -> None:
    body = await ask(app_in(readers, site), f"/api/admin/sitewide-stats?days=2{query}")
    assert by_date(body["daily_trend"]) == {TODAY: 2, TOMORROW: 1}
    assert (body["to"], body["total_views"], body["tz"]) == (TOMORROW, 3, AUCKLAND)
    assert {"signups", "daily_trend.signups", "unique_visitors"} <= set(body["tz_inexact"])
    assert {"page_views", "total_views", "hourly_trend", "daily_trend.page_views"}.isdisjoint(body["tz_inexact"])


async def test_a_site_in_utc_answers_utc_days(readers: Readers) -> None:
    body = await ask(app_in(readers), "/api/admin/sitewide-stats?days=2")
    assert (body["to"], "tz" in body) == (TODAY, False)
    body = await ask(app_in(readers, AUCKLAND), "/api/admin/sitewide-stats?days=2&tz=UTC")
    assert (body["to"], body["tz"], body["tz_inexact"]) == (TODAY, "UTC", [])


async def test_a_table_has_the_dates_of_the_zone(readers: Readers) -> None:
    app = app_in(readers)
    named = await ask(app, f"/api/post/1/stats?tz={AUCKLAND}&table=tz_inexact", 400)
    assert named["error"].startswith("table: one of")
    assert "tz_inexact" not in named["error"]


async def test_the_first_date_of_the_calendar_has_no_day_before(readers: Readers) -> None:
    for path in ("/api/post/1/stats", "/api/user/7/artist-stats", "/api/admin/sitewide-stats"):
        body = await ask(app_in(readers), f"{path}?from=0001-01-01&to=0001-01-02&tz={AUCKLAND}")
        assert (body["from"], body["total_views"]) == ("0001-01-01", 0)


@pytest.mark.parametrize("name", ["Europe/Atlantis", "", "../../etc/passwd", "UTC+1"])
async def test_an_unknown_zone_is_refused_by_name(readers: Readers, name: str) -> None:
    body = await ask(app_in(readers), f"/api/post/1/stats?tz={name}", 400)
    assert body["error"] == "tz: a name of an IANA time zone is expected, like Europe/Berlin"
