"""Reactions and comments count once however often they come, and a user has at most five on a post."""

from __future__ import annotations

import pytest
import trio

from vts.model.reaction import Comment, Reaction, ReactionLimitExceeded
from vts.store.facts.reactions import change_comment, change_reaction

EMOJIS = ("❤️", "🔥", "👏", "😀", "🎨", "🚀")


@pytest.fixture
async def writer(database):
    connection = await database.connect("writer")
    yield connection
    await connection.close()


def reaction(emoji: str = "🔥", user_id: int = 1, op: str = "add", authenticated: bool = True) -> Reaction:
    return Reaction(post_id=5, user_id=user_id, emoji=emoji, op=op, authenticated=authenticated)


async def counts(connection) -> dict[str, tuple[int, int]]:
    """The counters, after comparing them with the reactions themselves."""
    counted = await connection.fetch("SELECT emoji, total, total_authenticated FROM reaction_counts WHERE total > 0")
    stored = await connection.fetch(
        "SELECT emoji, count(*), count(*) FILTER (WHERE authenticated) FROM reactions GROUP BY emoji"
    )
    assert sorted(map(tuple, counted)) == sorted(map(tuple, stored))
    return {emoji: (total, authenticated) for emoji, total, authenticated in counted}


async def test_adding_twice_counts_once_and_removing_twice_counts_back_once(writer):
    await change_reaction(writer, reaction())
    await change_reaction(writer, reaction())
    await change_reaction(writer, reaction(user_id=2, authenticated=False))
    assert await counts(writer) == {"🔥": (2, 1)}
    for _ in range(2):
        await change_reaction(writer, reaction(op="remove"))
    assert await counts(writer) == {"🔥": (1, 0)}
    await change_reaction(writer, reaction(user_id=2, op="remove"))
    assert await counts(writer) == {}


async def test_removing_what_was_never_there_changes_nothing(writer):
    await change_reaction(writer, reaction(op="remove"))
    assert await counts(writer) == {}


async def test_a_sixth_reaction_is_refused_until_one_is_taken_back(writer):
    for emoji in EMOJIS[:5]:
        await change_reaction(writer, reaction(emoji))
    with pytest.raises(ReactionLimitExceeded):
        await change_reaction(writer, reaction(EMOJIS[5]))
    await change_reaction(writer, reaction(EMOJIS[0]))  # again: no sixth
    await change_reaction(writer, reaction(EMOJIS[5], user_id=2))  # another user's first
    await change_reaction(writer, reaction(EMOJIS[0], op="remove"))
    await change_reaction(writer, reaction(EMOJIS[5]))
    assert await counts(writer) == dict.fromkeys(EMOJIS[1:5], (1, 1)) | {EMOJIS[5]: (2, 2)}


async def test_many_at_once_do_not_slip_past_the_limit(database, writer):
    refused = []

    async def add(emoji: str) -> None:
        connection = await database.connect("writer")
        try:
            await change_reaction(connection, reaction(emoji))
        except ReactionLimitExceeded:
            refused.append(emoji)
        finally:
            await connection.close()

    async with trio.open_nursery() as nursery:
        for emoji in EMOJIS:
            nursery.start_soon(add, emoji)
    assert len(refused) == 1
    assert len(await counts(writer)) == 5


async def test_comments_count_once(writer):
    async def total() -> int:
        stored = await writer.fetchval("SELECT count(*) FROM comments")
        assert (await writer.fetchval("SELECT total FROM comment_counts WHERE post_id = 5") or 0) == stored
        return stored

    first = Comment(post_id=5, user_id=1, comment_id=100)
    await change_comment(writer, first)
    await change_comment(writer, first)
    await change_comment(writer, Comment(post_id=5, user_id=1, comment_id=101))
    assert await total() == 2
    for _ in range(2):
        await change_comment(writer, Comment(post_id=5, user_id=1, comment_id=100, op="remove"))
    await change_comment(writer, Comment(post_id=6, user_id=1, comment_id=101, op="remove"))
    assert await total() == 1
