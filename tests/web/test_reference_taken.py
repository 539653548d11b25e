"""Two texts of one request that have one number are refused with 409, wherever in a row they stand."""

from __future__ import annotations

import pytest

from tests.web.ports import NOW_S, access, app_of
from vts.catalog.memory import MemoryCatalog
from vts.model.reference import HASHED_MIN, ReferenceKey, References
from vts.web.services import CatalogPort

PLAYLISTS = '{"playlist":{"playlist:a":1,"playlist:b":1}}'


class Colliding(References):
    """Gives every text the same number, which a hash of 61 bits does too seldom for a test."""

    def _number(self, text: str) -> int:
        return HASHED_MIN


@pytest.mark.parametrize(
    ("path", "row"),
    [
        ("/api/import/daily", '{"post_id":1,"day":"2020-01-01","views":2,"breakdowns":' + PLAYLISTS + "}"),
        ("/api/content", '{"post_id":"blog:1","owner_id":"ann"}'),
        ("/api/comments", '{"post_id":"blog:1","user_id":"ann","comment_id":1}'),
    ],
    ids=["playlists of a breakdown", "contents", "comments"],
)  # fmt: skip
async def test_two_texts_with_one_number_are_a_conflict(path: str, row: str) -> None:
    rules, memory = access(), MemoryCatalog()
    memory.references = Colliding(ReferenceKey(bytes(32)))
    token = rules.tokens.issue(user_id=None, roles=frozenset(("service",)), now_s=NOW_S, ttl_s=60)
    client = app_of(rules, catalog=CatalogPort(memory=memory, writes=None, sync=None)).test_client()  # type: ignore[arg-type]
    answer = await client.post(path, data=row, headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, (await answer.get_json())["error_code"]) == (409, "reference_taken")
