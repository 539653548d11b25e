"""Reactions and comments: at most so many for a user and post, each once, and counters in the same transaction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from vts.model.reaction import REACTIONS_PER_USER_AND_POST, Comment, Reaction, ReactionLimitExceeded
from vts.store.drain.texts import NO_TEXTS, note_own_texts
from vts.store.session import locks
from vts.store.session.connection import Connection

# Two of one user's reactions on one post at once must not both find room: they take turns.
_TURN: Final = f"""
SELECT pg_advisory_xact_lock(hashtextextended('reaction ' || $1::bigint || ' ' || $2::bigint, {locks.REACTIONS_SEED}))
"""
_COUNT: Final = "SELECT count(*) FROM reactions WHERE post_id = $1 AND user_id = $2 AND emoji <> $3"
_ADD: Final = """
INSERT INTO reactions (post_id, user_id, emoji, authenticated) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING
RETURNING authenticated
"""
_REMOVE: Final = "DELETE FROM reactions WHERE post_id = $1 AND user_id = $2 AND emoji = $3 RETURNING authenticated"
_RECOUNT: Final = """
INSERT INTO reaction_counts AS c (post_id, emoji, total, total_authenticated)
VALUES ($1, $2, greatest($3::bigint, 0), greatest($4::bigint, 0))
ON CONFLICT (post_id, emoji) DO UPDATE SET total = c.total + $3, total_authenticated = c.total_authenticated + $4
"""
_ADD_COMMENT: Final = """
INSERT INTO comments (post_id, comment_id, user_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING true
"""
_REMOVE_COMMENT: Final = "DELETE FROM comments WHERE post_id = $1 AND comment_id = $2 RETURNING true"
_RECOUNT_COMMENTS: Final = """
INSERT INTO comment_counts AS c (post_id, total) VALUES ($1, greatest($2::bigint, 0))
ON CONFLICT (post_id) DO UPDATE SET total = c.total + $2
"""


async def change_reaction(connection: Connection, reaction: Reaction, texts: Mapping[int, str] = NO_TEXTS) -> None:
    """Add or remove a reaction; doing it twice changes nothing. `texts` are those of its hashed numbers.

    Raises ReactionLimitExceeded, ReferenceTaken, StoreUnavailable.
    """
    who = (reaction.post_id, reaction.user_id, reaction.emoji)
    async with connection.transaction():
        await connection.execute(_TURN, reaction.post_id, reaction.user_id)
        await note_own_texts(connection, texts)
        if reaction.op == "add":
            if await connection.fetchval(_COUNT, *who) >= REACTIONS_PER_USER_AND_POST:
                raise ReactionLimitExceeded(f"at most {REACTIONS_PER_USER_AND_POST} reactions of a user on a post")
            changed = await connection.fetchval(_ADD, *who, reaction.authenticated)
        else:
            changed = await connection.fetchval(_REMOVE, *who)
        if changed is not None:
            sign = 1 if reaction.op == "add" else -1
            counted = sign if changed else 0
            await connection.execute(_RECOUNT, reaction.post_id, reaction.emoji, sign, counted)


async def change_comment(connection: Connection, comment: Comment, texts: Mapping[int, str] = NO_TEXTS) -> None:
    """Add or remove a comment; doing it twice changes nothing. Raises ReferenceTaken, StoreUnavailable."""
    async with connection.transaction():
        await note_own_texts(connection, texts)
        if comment.op == "add":
            who = (comment.post_id, comment.comment_id, comment.user_id)
            changed = await connection.fetchval(_ADD_COMMENT, *who)
        else:
            changed = await connection.fetchval(_REMOVE_COMMENT, comment.post_id, comment.comment_id)
        if changed:
            await connection.execute(_RECOUNT_COMMENTS, comment.post_id, 1 if comment.op == "add" else -1)
