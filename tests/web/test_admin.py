"""Who may ask about the site, what is refused and how: the routes before real questions to a real database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from quart_trio import QuartTrio

from tests.query.story import stored, story
from tests.store.drained import DAY
from tests.support.postgres import database, empty_database, postgres_server  # noqa: F401
from tests.web.ports import access, questions_of
from vts.auth.tokens import Tokens
from vts.catalog.memory import MemoryCatalog
from vts.model.content import Content
from vts.model.day import DAY_US, date_of
from vts.query.export.exports import Exports
from vts.rollup.analytics_actor import refresh
from vts.store.session.connection import Database
from vts.store.session.pool import Readers
from vts.web import admin, playlists
from vts.web.answers import install_error_answers
from vts.web.naming import NameConverter, Naming
from vts.web.table_answers import Answers

SITE = ("sitewide-stats", "channels", "play-orders", "peak-hours")
NOW_US = DAY * DAY_US + 20 * 3_600_000_000
MINE, OTHERS, ARTWORK = 9, 10, 11
READERS = ("moderator", "owner", "service")

tokens = Tokens(secret=b"a secret of the tests, 32 bytes long")


def bearer(user_id: int | None, *roles: str) -> dict[str, str]:
    token = tokens.issue(user_id=user_id, roles=frozenset(roles or ("user",)), now_s=NOW_US / 1e6, ttl_s=60)
    return {"Authorization": f"Bearer {token}"}


def catalog() -> MemoryCatalog:
    """Playlists 9 of user 7 and 10 of user 8, an artwork of user 7; 12 was never described and never played."""
    memory = MemoryCatalog()
    for post_id, owner_id, kind in ((MINE, 7, "playlist"), (OTHERS, 8, "playlist"), (ARTWORK, 7, "artwork")):
        memory.put_content(post_id, Content(owner_id, kind, False, False, False))
    memory.revision = 1
    return memory


@pytest.fixture
async def app(database: Database, tmp_path: Path) -> AsyncIterator[QuartTrio]:  # noqa: F811
    """The routes alone, with the ports that they need."""
    readers = Readers(database)
    rules, questions = access(clock=lambda: NOW_US, tokens=tokens), questions_of(readers)
    exports = Exports(lambda: database.connect("reader"), tmp_path / "exports")
    app = QuartTrio(__name__)
    install_error_answers(app)
    app.url_map.converters["name"] = NameConverter
    answers = Answers(Naming(catalog(), questions), exports)
    app.register_blueprint(admin.blueprint(rules, questions, answers, catalog()))
    app.register_blueprint(playlists.blueprint(rules, catalog(), questions, answers))
    yield app
    readers.close()


async def ask(app: QuartTrio, path: str, headers: dict[str, str] | None = None) -> tuple[int, Any]:
    answer = await app.test_client().get(f"/api/admin/{path}", headers=headers)
    return answer.status_code, await answer.get_json()


async def test_the_site_is_for_principals_that_read_everything(app: QuartTrio) -> None:
    asked = {
        (path, who): (await ask(app, path, headers))[0]
        for path in SITE
        for who, headers in {
            "no token": {},
            "a bad token": {"Authorization": "Bearer no"},
            "user": bearer(7),
            **{role: bearer(5, role) for role in READERS},
        }.items()
    }
    allowed = {"no token": 401, "a bad token": 401, "user": 403} | dict.fromkeys(READERS, 200)
    assert asked == {(path, who): status for path in SITE for who, status in allowed.items()}


@pytest.mark.parametrize("path", [*SITE, f"playlists/{MINE}"])
async def test_a_question_that_is_asked_again_is_answered_304(app: QuartTrio, path: str) -> None:
    client, signed = app.test_client(), bearer(5, "owner")
    first = await client.get(f"/api/admin/{path}", headers=signed)
    again = await client.get(f"/api/admin/{path}", headers=signed | {"If-None-Match": first.headers["ETag"]})
    assert (first.status_code, again.status_code, await again.get_data()) == (200, 304, b"")
    other = await client.get(f"/api/admin/{path}?days=7", headers=signed | {"If-None-Match": first.headers["ETag"]})
    assert other.status_code == 200


async def test_a_playlist_is_for_its_owner_too(app: QuartTrio) -> None:
    statuses = {
        (number, who): (await ask(app, f"playlists/{number}", headers))[0]
        for number in (MINE, OTHERS, ARTWORK, 12)
        for who, headers in {"no token": {}, "user 7": bearer(7), "moderator": bearer(5, "moderator")}.items()
    }
    assert statuses == {
        (MINE, "no token"): 401,
        (MINE, "user 7"): 200,
        (MINE, "moderator"): 200,
        (OTHERS, "no token"): 401,
        (OTHERS, "user 7"): 403,
        (OTHERS, "moderator"): 200,
        (ARTWORK, "no token"): 401,
        (ARTWORK, "user 7"): 403,
        (ARTWORK, "moderator"): 404,
        (12, "no token"): 401,
        (12, "user 7"): 403,
        (12, "moderator"): 404,
    }
    assert (await ask(app, f"playlists/{2**63}", bearer(5, "owner")))[0] == 404


async def test_a_playlist_without_a_description_is_known_by_its_views(app: QuartTrio, database: Database) -> None:  # noqa: F811
    listed = [one for one in story() if one.playlist_id == MINE]
    await stored(
        database,
        [type(one)(**{f: getattr(one, f) for f in one.__struct_fields__} | {"playlist_id": 12}) for one in listed],
    )
    status, body = await ask(app, "playlists/12", bearer(5, "moderator"))
    assert (status, body["views"]) == (200, 3)
    assert (await ask(app, "playlists/12", bearer(7)))[0] == 403


@pytest.mark.parametrize("path", [*SITE, f"playlists/{MINE}"])
async def test_a_bad_range_says_what_is_allowed(app: QuartTrio, path: str) -> None:
    today, tomorrow = date_of(DAY).isoformat(), date_of(DAY + 1).isoformat()
    for question in ("days=0", "days=x", f"from={tomorrow}", f"to={tomorrow}", "from=yesterday", f"days=3&to={today}"):
        status, body = await ask(app, f"{path}?{question}", bearer(5, "owner"))
        assert (status, body["error_code"]) == (400, "invalid"), question
        assert "days must be 1 to" in body["error"]
    if path not in ("play-orders", "peak-hours"):
        status, body = await ask(app, f"{path}?limit=101", bearer(5, "owner"))
        assert (status, body["error"]) == (400, "limit: must be 1 to 100")


async def test_the_answers_over_http(app: QuartTrio, database: Database) -> None:  # noqa: F811
    await stored(database, story())
    connection = await database.connect("writer")
    await refresh(connection, DAY, 7)
    await connection.close()
    moderator = bearer(5, "moderator")
    site = (await ask(app, "sitewide-stats?days=1", moderator))[1]
    assert (site["total_views"], len(site["daily_trend"]), len(site["hourly_trend"])) == (16, 1, 24)
    long = (await ask(app, "sitewide-stats?days=400", moderator))[1]
    assert (long["total_views"], len(long["daily_trend"])) == (16, 400)
    assert (await ask(app, "channels", moderator))[1]["channels"][0]["dwell_seconds"] == 110.0
    assert (await ask(app, "play-orders", moderator))[1]["play_orders"][2]["dwell_seconds_per_view"] == 900.0
    assert (await ask(app, "peak-hours", moderator))[1]["peak_hours"] == [7, 9]
    assert (await ask(app, f"playlists/{MINE}", bearer(7)))[1]["views_by_post"] == {"2": 2, "1": 1}
    hours = await app.test_client().get("/api/admin/peak-hours?format=csv", headers=moderator)
    assert (await hours.get_data(as_text=True)).splitlines()[:1] == ["hour,views,views_authenticated"]
