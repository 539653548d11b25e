"""Whose statistics an artist's are, what is refused and how: the routes before real questions to a real database."""

from __future__ import annotations

import csv
import datetime as dt
import io
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
from vts.model.content import ContentRow
from vts.model.day import DAY_US, date_of
from vts.query.export.exports import Exports
from vts.store.facts.artists import add_up_marked
from vts.store.facts.catalog import upsert_contents
from vts.store.session.connection import Database
from vts.store.session.pool import Readers
from vts.web import artists
from vts.web.answers import install_error_answers
from vts.web.naming import NameConverter, Naming
from vts.web.table_answers import Answers

NOW_US = DAY * DAY_US + 20 * 3_600_000_000
ROUTES = ("artist-stats", "posts-stats")

tokens = Tokens(secret=b"a secret of the tests, 32 bytes long")


def bearer(user_id: int | None, *roles: str) -> dict[str, str]:
    token = tokens.issue(user_id=user_id, roles=frozenset(roles or ("user",)), now_s=NOW_US / 1e6, ttl_s=60)
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture
async def app(database: Database, tmp_path: Path) -> AsyncIterator[QuartTrio]:  # noqa: F811
    """The routes alone. User 7 owns contents 1 to 3, a blog post and a playlist among them."""
    await stored(database, story())
    writer = await database.connect("writer")
    kinds = ("artwork", "blog", "playlist")
    titles = ("=1+1", "Diary", "Evening")
    described = zip((1, 2, 3), kinds, titles, strict=True)
    made = (dt.datetime(2025, 3, 1, tzinfo=dt.UTC), dt.datetime(2024, 2, 29, 12, tzinfo=dt.UTC), None)
    rows = [
        ContentRow(post_id=n, owner_id=7, kind=k, title=t, created_at=at)
        for (n, k, t), at in zip(described, made, strict=True)
    ]
    await upsert_contents(writer, rows)
    await add_up_marked(writer)
    await writer.close()
    readers = Readers(database)
    rules = access(clock=lambda: NOW_US, tokens=tokens)
    exports = Exports(lambda: database.connect("reader"), tmp_path / "exports")
    app = QuartTrio(__name__)
    install_error_answers(app)
    app.url_map.converters["name"] = NameConverter
    answers = Answers(Naming(MemoryCatalog(), questions_of(readers)), exports)
    app.register_blueprint(artists.blueprint(rules, questions_of(readers), answers))
    yield app
    readers.close()


async def ask(app: QuartTrio, path: str, headers: dict[str, str] | None = None) -> tuple[int, Any]:
    answer = await app.test_client().get(f"/api/user/{path}", headers=bearer(7) if headers is None else headers)
    return answer.status_code, await answer.get_json()


async def test_an_artist_reads_the_own_statistics_and_no_others(app: QuartTrio) -> None:
    who = {
        "no token": {},
        "a bad token": {"Authorization": "Bearer no"},
        "the artist": bearer(7),
        "another": bearer(8),
        "a service": bearer(None, "service"),
        "a moderator": bearer(5, "moderator"),
        "an owner": bearer(5, "owner"),
    }
    allowed = {"no token": 401, "a bad token": 401, "another": 403}
    asked = {(route, name): (await ask(app, f"7/{route}", who[name]))[0] for route in ROUTES for name in who}
    assert asked == {(route, name): allowed.get(name, 200) for route in ROUTES for name in who}


async def test_a_user_without_contents_is_an_artist_with_zeros(app: QuartTrio) -> None:
    status, body = await ask(app, "8/artist-stats", bearer(8))
    assert (status, body["total_posts"], body["total_views"], len(body["daily_views"])) == (200, 0, 0, 30)
    status, body = await ask(app, "8/posts-stats", bearer(8))
    assert (status, body["total"], body["posts"]) == (200, 0, [])
    for route in ROUTES:
        assert (await ask(app, f"0/{route}", bearer(5, "moderator")))[0] == 404
        assert (await ask(app, f"{2**63}/{route}", bearer(5, "moderator")))[0] == 404
        assert (await ask(app, f"{2**63}/{route}"))[0] == 403
        assert (await ask(app, f"a%0Ab/{route}", bearer(5, "moderator")))[0] == 400


@pytest.mark.parametrize(
    ("question", "named"),
    [
        ("artist-stats?days=0", "days must be 1 to"),
        ("posts-stats?days=x", "days must be 1 to"),
        ("posts-stats?from=2026-02-01", "from <= to <= today"),
        ("posts-stats?sort=likes", "sort: one of views, -views"),
        ("posts-stats?limit=501", "limit: must be 1 to 500"),
        ("posts-stats?offset=-1", "offset: must be 0 to"),
        ("posts-stats?format=doc", "format: csv, json"),
    ],
)
async def test_a_bad_question_is_refused_with_what_is_allowed(app: QuartTrio, question: str, named: str) -> None:
    status, body = await ask(app, f"7/{question}")
    assert (status, body["error_code"]) == (400, "invalid")
    assert named in body["error"]


async def test_an_artists_page_is_one_call(app: QuartTrio) -> None:
    _, whole = await ask(app, "7/artist-stats?days=1&posts=2")
    _, listed = await ask(app, "7/posts-stats?days=1&limit=2")
    assert whole["posts"] == listed["posts"] and len(listed["posts"]) == 2
    assert (whole["first_post_at"], whole["latest_post_at"]) == ("2024-02-29T12:00:00Z", "2025-03-01T00:00:00Z")
    assert (whole["total_impressions"], whole["total_impressions_authenticated"]) == (12, 8)
    _, body = await ask(app, "7/artist-stats?days=1")
    assert "posts" not in body
    status, body = await ask(app, "7/artist-stats?posts=101")
    assert (status, body["error"]) == (400, "posts: must be 0 to 100")
    _, rows = await ask(app, "7/artist-stats?days=1&posts=2&table=posts&format=json")
    assert [row["post_id"] for row in rows] == [post["post_id"] for post in listed["posts"]]


async def test_blog_posts_and_playlists_are_contents_like_artworks(app: QuartTrio) -> None:
    _, whole = await ask(app, "7/artist-stats?days=1")
    assert (whole["user_id"], whole["total_posts"], whole["total_views"]) == (7, 3, 15)
    assert whole["from"] == whole["to"] == date_of(DAY).isoformat()
    _, body = await ask(app, "7/posts-stats?days=1&sort=-views")
    posts = [(post["post_id"], post["kind"], post["total_views"]) for post in body["posts"]]
    assert posts == [(1, "artwork", 10), (2, "blog", 4), (3, "playlist", 1)]
    assert sum(post["total_views_authenticated"] for post in body["posts"]) == whole["total_views_authenticated"]
    _, page = await ask(app, "7/posts-stats?days=1&limit=1&offset=1")
    assert (page["total"], page["limit"], page["offset"], [post["post_id"] for post in page["posts"]]) == (3, 1, 1, [2])


async def test_both_answers_leave_as_tables(app: QuartTrio) -> None:
    client = app.test_client()
    answer = await client.get("/api/user/7/posts-stats?format=csv&sort=title", headers=bearer(7))
    rows = list(csv.DictReader(io.StringIO((await answer.get_data()).decode("utf-8-sig"))))
    plain = await answer.get_data()
    marked = await client.get("/api/user/7/posts-stats?format=csv&sort=title&bom=1", headers=bearer(7))
    assert await marked.get_data() == b"\xef\xbb\xbf" + plain
    refused = await client.get("/api/user/7/posts-stats?format=csv&bom=yes", headers=bearer(7))
    assert (refused.status_code, (await refused.get_json())["error"]) == (400, "bom: 0 or 1 is expected")
    assert answer.content_type.startswith("text/csv")
    assert [(row["post_id"], row["total_views"]) for row in rows] == [("1", "10"), ("2", "4"), ("3", "1")]
    assert rows[0]["title"] != "=1+1"  # which a spreadsheet would run
    answer = await client.get("/api/user/7/artist-stats?days=2&format=csv&table=daily_views", headers=bearer(7))
    rows = list(csv.DictReader(io.StringIO((await answer.get_data()).decode("utf-8-sig"))))
    assert [row["views"] for row in rows] == ["0", "15"]
