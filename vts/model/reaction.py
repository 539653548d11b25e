"""Reactions and comments: what arrives from the API and from players."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

REACTIONS_PER_USER_AND_POST: Final = 5
EMOJI_MAX_CHARS: Final = 16


class Reaction(msgspec.Struct, frozen=True, kw_only=True):
    """One user's emoji on one post, added or removed."""

    post_id: int
    user_id: int
    emoji: str
    op: Literal["add", "remove"] = "add"
    authenticated: bool = True


class Comment(msgspec.Struct, frozen=True, kw_only=True):
    """One user's comment on one post, added or removed. The text stays with the host application."""

    post_id: int
    user_id: int
    comment_id: int
    op: Literal["add", "remove"] = "add"
