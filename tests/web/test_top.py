"""The route of the most viewed contents: who sees which, what is refused, and as a table."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from quart_trio import QuartTrio

from tests.query.story import stored, story
from tests.support.postgres import database, empty_database, postgres_server  # noqa: F401
from tests.web.ports import access, app_of, questions_of
from tests.web.test_counts import NOW_US, PAGE, SEES_PRIVATE, WHO, ask, tokens
from vts.model.content import ContentRow
from vts.query.export.exports import Exports
from vts.store.facts.catalog import upsert_contents
from vts.store.session.connection import Database
from vts.store.session.pool import Readers


@pytest.fixture
async def app(database: Database, tmp_path: Path) -> AsyncIterator[QuartTrio]:  # noqa: F811
    """User 7 owns contents 1 to 3, of which 2 is private; 5 has no owner."""
    await stored(database, story())
    writer = await database.connect("writer")
    rows = [ContentRow(post_id=n, owner_id=7, visibility="private" if n == 2 else "public") for n in (1, 2, 3)]
    await upsert_contents(writer, rows)
    await writer.close()
    readers = Readers(database)
    yield app_of(
        access(clock=lambda: NOW_US, tokens=tokens),
        questions=questions_of(readers),
        exports=Exports(lambda: database.connect("reader"), tmp_path / "exports"),
    )
    readers.close()


@pytest.mark.parametrize("who", WHO)
async def test_the_most_viewed_contents_are_public_and_ones_own(app: QuartTrio, who: str) -> None:
    status, body = await ask(app, "/api/top?days=1", WHO[who])
    expected = [(1, 10), (2, 4), (3, 1), (5, 1)] if who in SEES_PRIVATE else [(1, 10), (3, 1), (5, 1)]
    assert (status, [(row["post_id"], row["views"]) for row in body["posts"]]) == (200, expected)
    _, body = await ask(app, "/api/top?owner=7&limit=1&by=viewers", WHO[who])
    assert [(row["post_id"], row["unique_viewers"], row["trend"]) for row in body["posts"]] == [(1, 4, 10)]
    assert (body["by"], body["limit"], body["from"]) == ("viewers", 1, "2025-12-03")


async def test_any_page_may_read_it_and_it_is_a_table(app: QuartTrio) -> None:
    answer = await app.test_client().get("/api/top?format=csv", headers={"Origin": PAGE})
    assert answer.headers["Access-Control-Allow-Origin"] == PAGE
    rows = list(csv.DictReader(io.StringIO(await answer.get_data(as_text=True))))
    assert [(row["post_id"], row["views"], row["views_before"]) for row in rows] == [
        ("1", "10", "0"),
        ("3", "1", "0"),
        ("5", "1", "0"),
    ]


@pytest.mark.parametrize(
    ("question", "named"),
    [
        ("by=likes", "by: one of views, viewers, trend"),
        ("kind=opera", "kind: one of artwork"),
        ("limit=101", "limit: must be 1 to 100"),
        ("days=3660&limit=11", "limit: must be 1 to 10 for so many days"),
        ("days=0", "days: "),
        ("to=0001-01-01", "from, to: "),
        ("category=a%00b", "category: holds a character that cannot be stored"),
        ("hashtag=%00", "hashtag: holds a character that cannot be stored"),
        (f"owner={2**61}", "owner: must be a positive integer"),
        ("owner=0", "owner: must be a positive integer"),
        (f"owner={'0' * 129}", "owner: must be a positive integer"),
        ("format=doc", "format: csv, json"),
        ("bom=yes", "bom: 0 or 1 is expected"),
        ("sort=views", "query: allowed here: bom, by, category"),
    ],
)
async def test_a_bad_question_names_the_field(app: QuartTrio, question: str, named: str) -> None:
    status, body = await ask(app, f"/api/top?{question}")
    assert status == 400
    assert body["error"].startswith(named)


async def test_the_first_day_of_the_calendar_has_no_period_before(app: QuartTrio) -> None:
    status, body = await ask(app, "/api/top?from=0001-01-01&to=0001-01-02")
    assert (status, body["posts"]) == (200, [])
