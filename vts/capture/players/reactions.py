"""Which reactions of players are kept, and the reply to each: a reaction belongs to the owner of the player."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from vts.capture.fields import content_number
from vts.capture.players.answers import SUCCESS, PlayerReply, reply_to
from vts.capture.players.payloads import ReactionRequest
from vts.capture.players.views import SOURCE
from vts.model.faults import Outage
from vts.model.outcome import Reason, Refused
from vts.model.ports import Catalog, CountOutcome
from vts.model.reaction import Reaction, ReactionLimitExceeded
from vts.model.reference import NoReferenceKey

RETRY_STORE_S: Final = 5.0  # given to a player while PostgreSQL is away
TOO_MANY: Final = PlayerReply("unavailable", "too many reactions at once", RETRY_STORE_S)
NO_CATALOG: Final = PlayerReply("unavailable", "no catalog yet", RETRY_STORE_S)
_log: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayerReactions:
    """Decides reactions. `react` stores one; it raises ReactionLimitExceeded or an Outage."""

    catalog: Catalog
    react: Callable[[Reaction], Awaitable[None]]
    count: CountOutcome

    def decide(self, key: bytes, asked: ReactionRequest) -> Reaction | PlayerReply:
        """Return the reaction to store, or the reply with the reason why there is none. Raises BadField."""
        try:
            post_id, _ = content_number("post_id", asked.post_id, self.catalog.references)
        except NoReferenceKey:
            return NO_CATALOG
        if not self.catalog.ready:
            return NO_CATALOG
        player, content = self.catalog.player(key), self.catalog.content(post_id)
        if player is None or not player.registered or player.owner_id is None:
            self.count(SOURCE, Reason.AUTHENTICATION_FAILED.value, 1)
            return reply_to(Refused(Reason.AUTHENTICATION_FAILED))
        if asked.emoji is None:
            return PlayerReply("invalid_emoji", "emoji is not an emoji")
        if content is None:
            return reply_to(Refused(Reason.NOT_FOUND))
        if content.deleted:
            return reply_to(Refused(Reason.DELETED))
        return Reaction(post_id=post_id, user_id=player.owner_id, emoji=asked.emoji, op=asked.op)

    async def store(self, reaction: Reaction) -> PlayerReply:
        """Store a reaction and return the reply to it."""
        try:
            await self.react(reaction)
        except ReactionLimitExceeded as fault:
            return PlayerReply("reaction_limit_exceeded", str(fault))
        except (Outage, OSError):
            return PlayerReply("unavailable", "reactions cannot be kept right now", RETRY_STORE_S)
        except Exception:
            _log.exception("a reaction failed")
            return PlayerReply("internal_error", "the reaction could not be kept")
        return SUCCESS
