"""Reactions and comments that a service or a player reports."""

from __future__ import annotations

from vts.model.reaction import Comment, Reaction
from vts.store.facts.reactions import change_comment, change_reaction
from vts.store.session.pool import Writer


class Reactions:
    """Both are written at once: the answer says that they are committed."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    async def react(self, reaction: Reaction) -> None:
        """Add or remove a reaction. Raises StoreUnavailable, ReactionLimitExceeded."""
        await self._writer.write(lambda session: change_reaction(session, reaction))

    async def comment(self, comment: Comment) -> None:
        """Add or remove a comment. Raises StoreUnavailable."""
        await self._writer.write(lambda session: change_comment(session, comment))
