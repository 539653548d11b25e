"""Reactions and comments that a service or a player reports."""

from __future__ import annotations

from collections.abc import Mapping

from vts.model.reaction import Comment, Reaction
from vts.store.drain.texts import NO_TEXTS
from vts.store.facts.reactions import change_comment, change_reaction
from vts.store.session.pool import Writer


class Reactions:
    """Both are written at once: the answer says that they are committed."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    async def react(self, reaction: Reaction, texts: Mapping[int, str] = NO_TEXTS) -> None:
        """Add or remove a reaction. `texts` are those of its hashed numbers.

        Raises StoreUnavailable, ReactionLimitExceeded, ReferenceTaken.
        """
        await self._writer.write(lambda session: change_reaction(session, reaction, texts))

    async def comment(self, comment: Comment, texts: Mapping[int, str] = NO_TEXTS) -> None:
        """Add or remove a comment. `texts` are those of its hashed numbers. Raises StoreUnavailable, ReferenceTaken."""
        await self._writer.write(lambda session: change_comment(session, comment, texts))
