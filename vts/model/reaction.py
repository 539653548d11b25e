"""Reactions and comments: what arrives from the API and from players."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec

REACTIONS_PER_USER_AND_POST: Final = 5
EMOJI_MAX_CHARS: Final = 16

Id = Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]


class ReactionLimitExceeded(Exception):
    """The user has as many reactions on the post as are allowed: REACTIONS_PER_USER_AND_POST."""


class Reaction(msgspec.Struct, frozen=True, kw_only=True):
    """One user's emoji on one post, added or removed."""

    post_id: Id
    user_id: Id
    emoji: Annotated[str, msgspec.Meta(min_length=1, max_length=EMOJI_MAX_CHARS)]
    op: Literal["add", "remove"] = "add"
    authenticated: bool = True


class Comment(msgspec.Struct, frozen=True, kw_only=True):
    """One user's comment on one post, added or removed. The text stays with the host application."""

    post_id: Id
    user_id: Id
    comment_id: Id
    op: Literal["add", "remove"] = "add"
