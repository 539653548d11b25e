"""Reactions and comments count once however often they come, and a user has at most five on a post."""

from __future__ import annotations

import pytest
import trio

from vts.model.reaction import (
    Comment,
    Reaction,
    ReactionChange,
    ReactionLimitExceeded,
    Visitor,
    change_of_user,
    change_of_visitor,
)
from vts.store.facts.reactions import change_comments, change_reactions

EMOJIS = ("❤️", "🔥", "👏", "😀", "🎨", "🚀")


@pytest.fixture
async def writer(database):
    connection = await database.connect("writer")
    yield connection
    await connection.close()


def reaction(emoji: str = "🔥", user_id: int = 1, op: str = "add", authenticated: bool = True) -> ReactionChange:
    return change_of_user(Reaction(post_id=5, emoji=emoji, op=op, authenticated=authenticated), user_id)


def anonymous(emoji: str = "🔥", visitor: int = 1, op: str = "add", post_id: int = 5) -> ReactionChange:
    return change_of_visitor(Reaction(post_id=post_id, emoji=emoji, op=op), Visitor(bytes([visitor]) * 16, 1))


async def counts(connection) -> dict[str, tuple[int, int]]:
    """The counters, after comparing them with the reactions themselves."""
    counted = await connection.fetch("SELECT emoji, total, total_authenticated FROM reaction_counts WHERE total > 0")
    stored = await connection.fetch(
        "SELECT emoji, count(*), count(*) FILTER (WHERE authenticated) FROM ("
        "SELECT emoji, authenticated FROM reactions UNION ALL SELECT emoji, false FROM visitor_reactions"
        ") AS r GROUP BY emoji"
    )
    assert sorted(map(tuple, counted)) == sorted(map(tuple, stored))
    return {emoji: (total, authenticated) for emoji, total, authenticated in counted}


async def test_adding_twice_counts_once_and_removing_twice_counts_back_once(writer):
    await change_reactions(writer, [reaction()])
    await change_reactions(writer, [reaction()])
    await change_reactions(writer, [reaction(user_id=2, authenticated=False)])
    assert await counts(writer) == {"🔥": (2, 1)}
    for _ in range(2):
        await change_reactions(writer, [reaction(op="remove")])
    assert await counts(writer) == {"🔥": (1, 0)}
    await change_reactions(writer, [reaction(user_id=2, op="remove")])
    assert await counts(writer) == {}


async def test_removing_what_was_never_there_changes_nothing(writer):
    await change_reactions(writer, [reaction(op="remove")])
    assert await counts(writer) == {}


async def test_a_sixth_reaction_is_refused_until_one_is_taken_back(writer):
    for emoji in EMOJIS[:5]:
        await change_reactions(writer, [reaction(emoji)])
    with pytest.raises(ReactionLimitExceeded):
        await change_reactions(writer, [reaction(EMOJIS[5])])
    await change_reactions(writer, [reaction(EMOJIS[0])])  # again: no sixth
    await change_reactions(writer, [reaction(EMOJIS[5], user_id=2)])  # another user's first
    await change_reactions(writer, [reaction(EMOJIS[0], op="remove")])
    await change_reactions(writer, [reaction(EMOJIS[5])])
    assert await counts(writer) == dict.fromkeys(EMOJIS[1:5], (1, 1)) | {EMOJIS[5]: (2, 2)}


async def refused_of_all_at_once(database, made) -> list[str]:
    """Add every emoji at the same time, each in a session of its own; return those that were refused."""
    refused = []

    async def add(emoji: str) -> None:
        connection = await database.connect("writer")
        try:
            await change_reactions(connection, [made(emoji)])
        except ReactionLimitExceeded:
            refused.append(emoji)
        finally:
            await connection.close()

    async with trio.open_nursery() as nursery:
        for emoji in EMOJIS:
            nursery.start_soon(add, emoji)
    return refused


async def test_many_at_once_do_not_slip_past_the_limit(database, writer):
    assert len(await refused_of_all_at_once(database, reaction)) == 1
    assert len(await counts(writer)) == 5


async def test_comments_count_once(writer):
    async def total() -> int:
        stored = await writer.fetchval("SELECT count(*) FROM comments")
        assert (await writer.fetchval("SELECT total FROM comment_counts WHERE post_id = 5") or 0) == stored
        return stored

    first = Comment(post_id=5, user_id=1, comment_id=100)
    await change_comments(writer, [first])
    await change_comments(writer, [first])
    await change_comments(writer, [Comment(post_id=5, user_id=1, comment_id=101)])
    assert await total() == 2
    for _ in range(2):
        await change_comments(writer, [Comment(post_id=5, user_id=1, comment_id=100, op="remove")])
    await change_comments(writer, [Comment(post_id=6, user_id=1, comment_id=101, op="remove")])
    assert await total() == 1


async def test_an_array_is_applied_as_a_whole_or_not_at_all(writer):
    await change_reactions(writer, [reaction(emoji) for emoji in EMOJIS[:4]])
    with pytest.raises(ReactionLimitExceeded) as refused:
        await change_reactions(writer, [reaction("🔥", user_id=2), reaction(EMOJIS[4]), reaction(EMOJIS[5])])
    assert refused.value.index == 2
    assert await counts(writer) == dict.fromkeys(EMOJIS[:4], (1, 1))
    # in their order: one is taken back, so the sixth has room
    await change_reactions(writer, [reaction(EMOJIS[4]), reaction(EMOJIS[0], op="remove"), reaction(EMOJIS[5])])
    assert await counts(writer) == dict.fromkeys(EMOJIS[1:], (1, 1))


async def test_what_is_removed_and_added_in_one_request_is_there_as_it_was_added(writer):
    await change_reactions(writer, [reaction(authenticated=False)])
    await change_reactions(writer, [reaction(op="remove"), reaction()])
    assert await counts(writer) == {"🔥": (1, 1)}
    await change_reactions(writer, [reaction("👏"), reaction("👏", op="remove"), reaction(authenticated=False)])
    assert await counts(writer) == {"🔥": (1, 1)}


async def test_a_visitor_counts_beside_users_and_has_the_same_limit(writer):
    await change_reactions(writer, [reaction(), anonymous(), anonymous(), anonymous(visitor=2), anonymous(post_id=6)])
    assert await counts_of(writer, 5) == {"🔥": (3, 1)}
    await change_reactions(writer, [anonymous(emoji) for emoji in EMOJIS[:5]])
    with pytest.raises(ReactionLimitExceeded):
        await change_reactions(writer, [anonymous(EMOJIS[5])])
    await change_reactions(writer, [anonymous(EMOJIS[0], op="remove"), anonymous(EMOJIS[5])])
    assert await counts_of(writer, 5) == {"🔥": (3, 1)} | dict.fromkeys((EMOJIS[2:]), (1, 0))
    await counts_agree(writer)


async def test_many_arrays_at_once_neither_lock_each_other_out_nor_lose_a_count(database, writer):
    async def add(user_id: int) -> None:
        connection = await database.connect("writer")
        posts = range(1, 21) if user_id % 2 else range(20, 0, -1)
        for op in ("add", "remove", "add"):
            changes = [ReactionChange(post, user_id, "🔥", adds=op == "add", authenticated=True) for post in posts]
            await change_reactions(connection, changes)
            await change_comments(connection, [Comment(post_id=p, user_id=user_id, comment_id=7, op=op) for p in posts])
        await connection.close()

    async with trio.open_nursery() as nursery:
        for user_id in range(1, 5):
            nursery.start_soon(add, user_id)
    await counts_agree(writer)
    assert await counts_of(writer, 20) == {"🔥": (4, 4)}
    assert await writer.fetchval("SELECT sum(total) FROM comment_counts") == 20


async def counts_of(connection, post_id: int) -> dict[str, tuple[int, int]]:
    """The counters of one content that are not zero."""
    of_post = "SELECT emoji, total, total_authenticated FROM reaction_counts WHERE total > 0 AND post_id = $1"
    rows = await connection.fetch(of_post, post_id)
    return {emoji: (total, authenticated) for emoji, total, authenticated in rows}


async def counts_agree(connection) -> None:
    """The counters are those of the rows."""
    differ = """
    SELECT count(*) FROM (SELECT post_id, emoji, total, total_authenticated FROM reaction_counts WHERE total > 0) AS c
    FULL JOIN (SELECT post_id, emoji, count(*) AS n, count(*) FILTER (WHERE authenticated) AS signed FROM (
        SELECT post_id, emoji, authenticated FROM reactions
        UNION ALL SELECT post_id, emoji, false FROM visitor_reactions) AS r GROUP BY 1, 2) AS r USING (post_id, emoji)
    WHERE (total, total_authenticated) IS DISTINCT FROM (n, signed)
    """
    assert await connection.fetchval(differ) == 0


async def test_a_visitors_limit_holds_against_many_at_once(database, writer):
    assert len(await refused_of_all_at_once(database, anonymous)) == 1
