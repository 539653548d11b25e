"""Reactions and comments that a service or a player reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from vts.enrich.enrich import Enricher
from vts.model.principal import Principal
from vts.model.reaction import (
    Comment,
    Reaction,
    ReactionChange,
    Visitor,
    change_of_user,
    change_of_visitor,
)
from vts.store.drain.texts import NO_TEXTS
from vts.store.facts.reactions import change_comments, change_reactions
from vts.store.session.pool import Writer


class BadReaction(Exception):
    """A reaction names no person, or no possible one. `index`: its place in the request; the text names the field."""

    def __init__(self, index: int, text: str) -> None:
        super().__init__(text)
        self.index = index


class Reactions:
    """All are written at once: the answer says that they are committed. `enricher` makes visitors' keys as of views."""

    def __init__(self, writer: Writer, enricher: Enricher) -> None:
        self._writer = writer
        self._enricher = enricher

    async def react_all(
        self, rows: Sequence[Reaction], service: Principal, peer: str, texts: Mapping[int, str] = NO_TEXTS
    ) -> None:
        """Add or remove the reactions that a service reports, all or none. `texts` are those of their hashed numbers.

        Raises BadReaction, ReactionLimitExceeded, ReferenceTaken, StoreUnavailable.
        """
        changes = [self._change(index, row, service, peer) for index, row in enumerate(rows)]
        await self._writer.write(lambda session: change_reactions(session, changes, texts))

    async def react(self, reaction: Reaction) -> None:
        """Add or remove a user's reaction. Raises BadReaction, ReactionLimitExceeded, StoreUnavailable."""
        if reaction.user_id is None:
            raise BadReaction(0, "user_id: a user is expected")
        change = change_of_user(reaction, reaction.user_id)
        await self._writer.write(lambda session: change_reactions(session, [change]))

    async def comment_all(self, rows: Sequence[Comment], texts: Mapping[int, str] = NO_TEXTS) -> None:
        """Add or remove comments, all or none. Raises ReferenceTaken, StoreUnavailable."""
        await self._writer.write(lambda session: change_comments(session, rows, texts))

    def _change(self, index: int, row: Reaction, service: Principal, peer: str) -> ReactionChange:
        if row.user_id is not None:
            return change_of_user(row, row.user_id)
        if row.client_ip is None:
            raise BadReaction(index, "user_id: a user is expected, or client_ip and user_agent of a visitor")
        if row.authenticated is True:
            raise BadReaction(index, "authenticated: a visitor without user_id is not signed in")
        try:
            seen = self._enricher.reported(service, peer, None, client_ip=row.client_ip, user_agent=row.user_agent)
        except ValueError:
            raise BadReaction(index, "client_ip: not an IP address") from None
        return change_of_visitor(row, Visitor(seen.viewer_key, seen.key_version))
