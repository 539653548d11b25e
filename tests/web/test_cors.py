"""Which answers of the web application pages of other origins may read, and where a cookie counts."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from tests.web.ports import access, app_of, session_cookie
from vts.model.content import Content
from vts.query.counts import Counts, PostCount
from vts.web.services import CatalogPort

PAGE = "https://art.example"
COUNT = "/api/post/5/count"
STATS = "/api/post/5/stats"


class Questions:
    async def counts(self, post_ids: list[int]) -> Counts:
        return Counts({post_id: PostCount(7, {}) for post_id in post_ids}, 0.0)


def client(**changes: Any) -> Any:
    contents = {5: Content(9, None, private=False, deleted=False, provisional=False)}
    memory: Any = SimpleNamespace(ready=True, references=None, content=contents.get)
    return app_of(
        access(**changes),
        catalog=CatalogPort(memory=memory, writes=None, sync=None),
        questions=Questions(),  # type: ignore[arg-type]
    ).test_client()


def may_read(answer: Any) -> tuple[str | None, str | None, str | None]:
    names = ("Access-Control-Allow-Origin", "Access-Control-Allow-Credentials", "Vary")
    return tuple(map(answer.headers.get, names))  # type: ignore[return-value]


def session(ttl_s: float = 60, user_id: int = 9) -> str:
    return session_cookie(user_id, ttl_s=ttl_s)


async def test_a_public_count_is_readable_for_every_page_with_credentials() -> None:
    answer = await client().get(COUNT, headers={"Origin": PAGE, "Cookie": "vts_session=x", "Host": "localhost"})
    assert (answer.status_code, may_read(answer)) == (200, (PAGE, "true", "Origin"))
    assert (await answer.get_json())["views"] == 7
    assert may_read(await client().get(COUNT)) == ("*", None, "Origin")
    assert may_read(await client().get(COUNT, headers={"Origin": "https://a/b"})) == ("*", None, "Origin")


@pytest.mark.parametrize("asked", ["authorization", "authorization, x-requested-with"])
async def test_a_preflight_of_a_public_count_allows_the_headers_of_the_page(asked: str) -> None:
    headers = {"Origin": PAGE, "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": asked}
    answer = await client().options(COUNT, headers=headers)
    assert (answer.status_code, may_read(answer)) == (200, (PAGE, "true", "Origin"))
    assert answer.headers["Access-Control-Allow-Headers"] == asked
    assert answer.headers["Access-Control-Max-Age"] == "86400"


async def test_errors_of_a_public_count_are_readable_too() -> None:
    for path, headers, status in (
        ("/api/post/6/count", {}, 404),
        (COUNT, {"Authorization": "Bearer nonsense"}, 401),
    ):
        answer = await client().get(path, headers=headers | {"Origin": PAGE})
        assert (answer.status_code, may_read(answer)) == (status, (PAGE, "true", "Origin"))


async def test_other_answers_are_for_allowed_pages_only() -> None:
    assert may_read(await client().get(STATS, headers={"Origin": PAGE}))[0] is None
    allowed = client(allowed_origins=frozenset([PAGE]))
    assert may_read(await allowed.get(STATS, headers={"Origin": PAGE})) == (PAGE, "true", "Origin")


async def test_a_count_uses_no_cookie_under_any_name() -> None:
    for cookie in (session(), session(ttl_s=-1), "vts_session=x", "vts_session="):
        answer = await client().get(COUNT, headers={"Cookie": cookie, "Host": "rebound.example"})
        assert answer.status_code == 200


OWN: dict[str, str] = {"Host": "localhost"}
FROM = [
    (OWN | {"Sec-Fetch-Site": "same-origin"}, 403),
    (OWN | {"Sec-Fetch-Site": "none"}, 403),
    (OWN | {"Origin": "http://localhost"}, 403),
    (OWN, 403),
    (OWN | {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, 403),
    (OWN | {"Sec-Fetch-Site": "same-site", "Origin": "http://localhost:99"}, 401),
    (OWN | {"Sec-Fetch-Site": "cross-site"}, 401),
    (OWN | {"Origin": "http://localhost:99"}, 401),
    (OWN | {"Origin": "null"}, 401),
]


@pytest.mark.parametrize(("headers", "status"), FROM)
async def test_a_cookie_counts_only_from_our_own_pages(headers: dict[str, str], status: int) -> None:
    """403: the session of user 8 was read, and the content is of user 9. 401: there is no session."""
    answer = await client().get(STATS, headers=headers | {"Cookie": session(user_id=8)})
    assert answer.status_code == status


async def test_a_stale_cookie_is_anonymous() -> None:
    answer = await client().get(STATS, headers=OWN | {"Cookie": session(ttl_s=-1)})
    assert (await answer.get_json())["error"] == "Authorization: a token is needed"
