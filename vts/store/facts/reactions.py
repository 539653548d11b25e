"""Reactions and comments: a request as a whole or not at all, each once, and counters in the same transaction.

A request locks its contents, reads what their persons have, goes through its rows in their order, and writes the
outcome: a handful of statements, however many rows it has. Counters follow what the statements really changed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Final

from vts.model.reaction import (
    REACTIONS_PER_PERSON_AND_POST,
    Comment,
    ReactionChange,
    ReactionLimitExceeded,
    Visitor,
)
from vts.store.drain.texts import NO_TEXTS, check_own_texts, note_own_texts
from vts.store.session import locks
from vts.store.session.connection import Connection

LOCKS: Final = 1024  # contents share them: a lock for each would fill the server's table of locks

# Two of one person's reactions on one content at once must not both find room: they take turns. In order, so that no
# two requests wait for each other.
_TURN: Final = "SELECT pg_advisory_xact_lock($1, n) FROM (SELECT unnest($2::int[]) AS n ORDER BY 1) AS ordered"
_PAIRS: Final = "FROM unnest($1::bigint[], $2::{kind}[]) AS asked (post_id, who) JOIN {table} AS known ON {same}"
_SAME: Final = "known.post_id = asked.post_id AND known.{who} = asked.who"
_OF_USERS: Final = "SELECT known.post_id, known.user_id, emoji, authenticated " + _PAIRS.format(
    kind="bigint", table="reactions", same=_SAME.format(who="user_id")
)
_OF_VISITORS: Final = "SELECT known.post_id, known.viewer_key, emoji, false " + _PAIRS.format(
    kind="bytea", table="visitor_reactions", same=_SAME.format(who="viewer_key")
)
_REMOVE_OF_USERS: Final = """
DELETE FROM reactions AS known USING unnest($1::bigint[], $2::bigint[], $3::text[]) AS gone (post_id, user_id, emoji)
WHERE known.post_id = gone.post_id AND known.user_id = gone.user_id AND known.emoji = gone.emoji
RETURNING known.post_id, known.emoji, known.authenticated
"""
_REMOVE_OF_VISITORS: Final = """
DELETE FROM visitor_reactions AS known
USING unnest($1::bigint[], $2::bytea[], $3::text[]) AS gone (post_id, viewer_key, emoji)
WHERE known.post_id = gone.post_id AND known.viewer_key = gone.viewer_key AND known.emoji = gone.emoji
RETURNING known.post_id, known.emoji, false
"""
_ADD_OF_USERS: Final = """
INSERT INTO reactions (post_id, user_id, emoji, authenticated)
SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::boolean[])
ON CONFLICT DO NOTHING RETURNING post_id, emoji, authenticated
"""
_ADD_OF_VISITORS: Final = """
INSERT INTO visitor_reactions (post_id, viewer_key, emoji, key_version)
SELECT * FROM unnest($1::bigint[], $2::bytea[], $3::text[], $4::smallint[])
ON CONFLICT DO NOTHING RETURNING post_id, emoji, false
"""
_COUNTED: Final = """
INSERT INTO reaction_counts (post_id, emoji, total, total_authenticated)
SELECT post_id, emoji, 0, 0 FROM unnest($1::bigint[], $2::text[]) AS c (post_id, emoji) ON CONFLICT DO NOTHING
"""
_RECOUNT: Final = """
UPDATE reaction_counts AS c SET total = c.total + more, total_authenticated = c.total_authenticated + more_authenticated
FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[]) AS d (post_id, emoji, more, more_authenticated)
WHERE c.post_id = d.post_id AND c.emoji = d.emoji
"""
_COMMENTS: Final = """
SELECT post_id, comment_id FROM comments JOIN unnest($1::bigint[], $2::bigint[]) AS asked (post_id, comment_id)
    USING (post_id, comment_id)
"""
_ADD_COMMENTS: Final = """
INSERT INTO comments (post_id, comment_id, user_id) SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[])
ON CONFLICT DO NOTHING RETURNING post_id
"""
_REMOVE_COMMENTS: Final = """
DELETE FROM comments AS known USING unnest($1::bigint[], $2::bigint[]) AS gone (post_id, comment_id)
WHERE known.post_id = gone.post_id AND known.comment_id = gone.comment_id RETURNING known.post_id
"""
_RECOUNT_COMMENTS: Final = """
INSERT INTO comment_counts AS c (post_id, total) SELECT post_id, 0 FROM unnest($1::bigint[]) AS d (post_id)
ON CONFLICT DO NOTHING
"""
_ADD_COMMENT_COUNTS: Final = """
UPDATE comment_counts AS c SET total = c.total + more FROM unnest($1::bigint[], $2::bigint[]) AS d (post_id, more)
WHERE c.post_id = d.post_id
"""

_Name = tuple[int, int | bytes, str]
"""(post, user or viewer key, emoji)"""


class _Reactions:
    """The reactions of the persons of a request, as they become row by row."""

    def __init__(self, known: Mapping[_Name, bool]) -> None:
        self.removed: set[_Name] = set()
        self.added: dict[_Name, ReactionChange] = {}
        self._known = known
        self._emojis: dict[tuple[int, int | bytes], set[str]] = {}
        for post_id, who, emoji in known:
            self._emojis.setdefault((post_id, who), set()).add(emoji)

    def change(self, index: int, change: ReactionChange) -> None:
        """Take the row with this index. Raises ReactionLimitExceeded."""
        who = _key(change.who)
        name, emojis = (change.post_id, who, change.emoji), self._emojis.setdefault((change.post_id, who), set())
        if not change.adds:
            emojis.discard(change.emoji)
            self.added.pop(name, None)
            if name in self._known:
                self.removed.add(name)
            return
        if len(emojis - {change.emoji}) >= REACTIONS_PER_PERSON_AND_POST:
            raise ReactionLimitExceeded(index)
        if change.emoji not in emojis:
            emojis.add(change.emoji)
            self.added[name] = change


async def change_reactions(
    connection: Connection, changes: Sequence[ReactionChange], texts: Mapping[int, str] = NO_TEXTS
) -> None:
    """Add and remove reactions, all of them or none; doing it twice changes nothing. `texts` are those of the numbers.

    Raises ReactionLimitExceeded, ReferenceTaken (nothing is applied), StoreUnavailable.
    """
    async with connection.transaction():
        await connection.execute(_TURN, locks.REACTIONS, _turns(change.post_id for change in changes))
        reactions = _Reactions(await _known(connection, changes))
        for index, change in enumerate(changes):
            reactions.change(index, change)
        await _keep_texts(connection, texts, {n for post, who, _ in reactions.added for n in (post, who)})
        await _recount(connection, *await _write(connection, reactions))


async def change_comments(
    connection: Connection, changes: Sequence[Comment], texts: Mapping[int, str] = NO_TEXTS
) -> None:
    """Add and remove comments likewise. Raises ReferenceTaken (nothing is applied), StoreUnavailable."""
    async with connection.transaction():
        await connection.execute(_TURN, locks.REACTIONS, _turns(change.post_id for change in changes))
        names = sorted({(change.post_id, change.comment_id) for change in changes})
        known = {(post, comment) for post, comment in await connection.fetch(_COMMENTS, *_columns(names, 2))}
        present, removed, added = set(known), set[tuple[int, int]](), dict[tuple[int, int], int]()
        for change in changes:
            name = change.post_id, change.comment_id
            if change.op == "add" and name not in present:
                present.add(name)
                added[name] = change.user_id
            elif change.op == "remove" and name in present:
                present.remove(name)
                added.pop(name, None)
                removed |= {name} & known
        await _keep_texts(connection, texts, {number for name, user in added.items() for number in (*name, user)})
        gone = await connection.fetch(_REMOVE_COMMENTS, *_columns(sorted(removed), 2))
        rows = [(post, comment, user) for (post, comment), user in sorted(added.items())]
        come = await connection.fetch(_ADD_COMMENTS, *_columns(rows, 3))
        more = Counter(row[0] for row in come)
        more.subtract(row[0] for row in gone)
        counts = sorted(more.items())
        await connection.execute(_RECOUNT_COMMENTS, [post for post, _ in counts])
        await connection.execute(_ADD_COMMENT_COUNTS, *_columns(counts, 2))


async def _keep_texts(connection: Connection, texts: Mapping[int, str], new: Container[object]) -> None:
    """Keep the texts of what is new only: an erased one must not come back when it is sent again, or taken back.

    `new` are the numbers in rows that are added. Raises ReferenceTaken for any text whose number another one has.
    """
    await note_own_texts(connection, {number: text for number, text in texts.items() if number in new})
    await check_own_texts(connection, {number: text for number, text in texts.items() if number not in new})


async def _known(connection: Connection, changes: Iterable[ReactionChange]) -> dict[_Name, bool]:
    """Return the reactions that the persons have on the contents, and whether each was authenticated."""
    pairs = {(change.post_id, _key(change.who)) for change in changes}
    users = [pair for pair in pairs if isinstance(pair[1], int)]
    visitors = [pair for pair in pairs if isinstance(pair[1], bytes)]
    rows = [
        *(await connection.fetch(_OF_USERS, *_columns(users, 2)) if users else ()),
        *(await connection.fetch(_OF_VISITORS, *_columns(visitors, 2)) if visitors else ()),
    ]
    return {(post_id, who, emoji): authenticated for post_id, who, emoji, authenticated in rows}


async def _write(connection: Connection, reactions: _Reactions) -> tuple[Counter[tuple[int, str]], ...]:
    """Write what the rows came to; return by how much each (post, emoji) changes, of all and of authenticated ones."""
    more, authenticated = Counter[tuple[int, str]](), Counter[tuple[int, str]]()
    for sign, query, rows in _statements(reactions):
        for post_id, emoji, is_authenticated in await connection.fetch(query, *rows) if rows[0] else ():
            more[post_id, emoji] += sign
            authenticated[post_id, emoji] += sign if is_authenticated else 0
    return more, authenticated


def _statements(reactions: _Reactions) -> Iterable[tuple[int, str, list[list[object]]]]:
    """Give the statements with their columns, removals first: what is removed and added again is a new reaction."""
    gone = reactions.removed
    yield -1, _REMOVE_OF_USERS, _columns([name for name in gone if isinstance(name[1], int)], 3)
    yield -1, _REMOVE_OF_VISITORS, _columns([name for name in gone if isinstance(name[1], bytes)], 3)
    added = reactions.added.values()
    users = [(c.post_id, c.who, c.emoji, c.authenticated) for c in added if isinstance(c.who, int)]
    yield 1, _ADD_OF_USERS, _columns(users, 4)
    visitors = [(c.post_id, c.who.viewer_key, c.emoji, c.who.key_version) for c in added if isinstance(c.who, Visitor)]
    yield 1, _ADD_OF_VISITORS, _columns(visitors, 4)


async def _recount(
    connection: Connection, more: Counter[tuple[int, str]], authenticated: Counter[tuple[int, str]]
) -> None:
    if more:
        counts = [(*name, more[name], authenticated[name]) for name in sorted(more)]
        await connection.execute(_COUNTED, *_columns([row[:2] for row in counts], 2))
        await connection.execute(_RECOUNT, *_columns(counts, 4))


def _key(who: int | Visitor) -> int | bytes:
    return who.viewer_key if isinstance(who, Visitor) else who


def _turns(posts: Iterable[int]) -> list[int]:
    return sorted({post_id % LOCKS for post_id in posts})


def _columns(rows: Sequence[tuple[object, ...]], width: int) -> list[list[object]]:
    """Return rows as so many columns, which are empty without rows."""
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(width)]
