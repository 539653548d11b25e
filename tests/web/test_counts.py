"""Counts of many contents in one request: who sees which, what is refused, and how a page asks again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from quart_trio import QuartTrio

from tests.query.story import BOB, stored, story, view
from tests.store.drained import DAY
from tests.support.postgres import database, empty_database, postgres_server  # noqa: F401
from tests.web.ports import DrainedJournal, access, app_of
from vts.auth.tokens import Tokens
from vts.catalog.memory import MemoryCatalog
from vts.model.content import Content
from vts.model.day import DAY_US
from vts.query.questions import Questions
from vts.store.session.connection import Database
from vts.store.session.pool import Readers
from vts.web.services import CatalogPort

NOW_US = DAY * DAY_US + 20 * 3_600_000_000
PAGE = "https://art.example"
PRIVATE, DELETED, UNKNOWN, UNVIEWED = 2, 3, 404, "blog:9"

tokens = Tokens(secret=b"a secret of the tests, 32 bytes long")


def bearer(user_id: int | None, *roles: str) -> dict[str, str]:
    token = tokens.issue(user_id=user_id, roles=frozenset(roles or ("user",)), now_s=NOW_US / 1e6, ttl_s=60)
    return {"Authorization": f"Bearer {token}"}


WHO = {
    "anyone": {},
    "another": bearer(8),
    "the owner": bearer(7),
    "a moderator": bearer(5, "moderator"),
    "a service": bearer(None, "service"),
}
SEES_PRIVATE = ("the owner", "a moderator", "a service")


@pytest.fixture
async def app(database: Database) -> AsyncIterator[QuartTrio]:  # noqa: F811
    """The whole application over one day of views; user 7 owns all contents."""
    await stored(database, story())
    memory = MemoryCatalog()
    memory.use_reference_key(b"k" * 32)
    assert memory.references is not None
    memory.revision = 1
    blog = memory.references.content(UNVIEWED)
    for number in (1, PRIVATE, DELETED, 5, blog):
        memory.put_content(number, Content(7, "artwork", number == PRIVATE, number == DELETED, False))
    readers = Readers(database)
    yield app_of(
        access(clock=lambda: NOW_US, tokens=tokens),
        catalog=CatalogPort(memory=memory, writes=None, sync=None),  # type: ignore[arg-type]
        questions=Questions(readers, DrainedJournal(), lambda: 0.0),
    )
    readers.close()


async def ask(app: QuartTrio, path: str, headers: dict[str, str] | None = None) -> tuple[int, Any]:
    answer = await app.test_client().get(path, headers=headers)
    return answer.status_code, await answer.get_json()


def counted(post_id: int | str, intentional: int, listing: int) -> dict[str, Any]:
    by_type = {"intentional": intentional, "listing": listing, "search": 0, "widget": 0}
    return {"post_id": post_id, "views": intentional + listing, "views_by_type": by_type}


def unseen(post_id: int | str) -> dict[str, Any]:
    return {"post_id": post_id, "views": None, "views_by_type": None}


async def test_many_contents_are_counted_in_one_request_in_the_order_asked(app: QuartTrio) -> None:
    status, body = await ask(app, f"/api/counts?ref=5&ref={UNVIEWED}&ref=1&ref=404&ref=5")
    assert (status, body) == (
        200,
        {"counts": [counted(5, 1, 0), counted(UNVIEWED, 0, 0), counted(1, 2, 8), unseen(404), counted(5, 1, 0)]},
    )


@pytest.mark.parametrize("who", WHO)
async def test_a_private_content_is_counted_for_its_owner_and_for_services(app: QuartTrio, who: str) -> None:
    expected = counted(PRIVATE, 1, 3) if who in SEES_PRIVATE else unseen(PRIVATE)
    _, body = await ask(app, f"/api/counts?ref={PRIVATE}&ref={DELETED}&ref={UNKNOWN}", WHO[who])
    assert body["counts"] == [expected, unseen(DELETED), unseen(UNKNOWN)]
    status, body = await ask(app, f"/api/post/{PRIVATE}/count", WHO[who])
    assert (status, body) == (
        (200, expected)
        if who in SEES_PRIVATE
        else (404, {"error": "post_id: unknown content", "error_code": "not_found"})
    )


@pytest.mark.parametrize("path", ["count", "stats"])
async def test_a_deleted_content_is_answered_as_one_that_never_was(app: QuartTrio, path: str) -> None:
    for who, headers in WHO.items():
        deleted, unknown = [await ask(app, f"/api/post/{number}/{path}", headers) for number in (DELETED, UNKNOWN)]
        assert deleted == unknown
        assert deleted[0] == (401 if (path, who) == ("stats", "anyone") else 404)


@pytest.mark.parametrize(
    "query",
    ["", "ref=", "ref=0", "ref=-1", "ref=song:1", f"ref={2**61}", f"ref={2**64}", "&".join(["ref=1"] * 101)],
)
async def test_bad_references_and_too_many_are_refused_by_the_name_of_the_field(app: QuartTrio, query: str) -> None:
    status, body = await ask(app, f"/api/counts?{query}")
    assert (status, body["error_code"], body["error"].partition(" ")[0]) == (400, "invalid", "ref:")


async def test_any_page_reads_counts_and_asks_again_for_nothing(app: QuartTrio, database: Database) -> None:  # noqa: F811
    client = app.test_client()
    known = {}
    for path in ("/api/counts?ref=1&ref=5", "/api/post/1/count"):
        first = await client.get(path, headers={"Origin": PAGE})
        assert first.headers["Access-Control-Allow-Origin"] == PAGE
        assert first.headers["Cache-Control"] == "private, no-cache", "kept, and asked about each time"
        known[path] = {"Origin": PAGE, "If-None-Match": first.headers["ETag"]}
        again = await client.get(path, headers=known[path])
        assert (again.status_code, await again.get_data()) == (304, b"")
        assert again.headers["Access-Control-Allow-Origin"] == PAGE
    await stored(database, [view(BOB, "13:21:00", 5, "search")], b"another journal!")
    assert (await client.get("/api/post/1/count", headers=known["/api/post/1/count"])).status_code == 304
    changed = await client.get("/api/counts?ref=1&ref=5", headers=known["/api/counts?ref=1&ref=5"])
    assert changed.status_code == 200
    assert (await changed.get_json())["counts"][1]["views_by_type"] == {
        "intentional": 1,
        "listing": 0,
        "search": 1,
        "widget": 0,
    }
