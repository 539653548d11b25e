"""Reactions and comments: what arrives from the API and from players."""

from __future__ import annotations

from typing import Annotated, Final, Literal, NamedTuple

import msgspec
from msgspec import UNSET, UnsetType

REACTIONS_PER_PERSON_AND_POST: Final = 5
EMOJI_MAX_CHARS: Final = 16

Id = Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]


class ReactionLimitExceeded(Exception):
    """The person has as many reactions on the post as are allowed: REACTIONS_PER_PERSON_AND_POST.

    `index` is the place of the reaction in its request.
    """

    def __init__(self, index: int) -> None:
        super().__init__(f"at most {REACTIONS_PER_PERSON_AND_POST} reactions of a person on a post")
        self.index = index


class Reaction(msgspec.Struct, frozen=True, kw_only=True):
    """One person's emoji on one post, added or removed: of a user, or of a visitor by address and browser.

    `authenticated` is that of a user, true unless given.
    """

    post_id: Id
    user_id: Id | None = None
    client_ip: Annotated[str, msgspec.Meta(max_length=64)] | None = None
    user_agent: Annotated[str, msgspec.Meta(max_length=4096)] | None = None
    emoji: Annotated[str, msgspec.Meta(min_length=1, max_length=EMOJI_MAX_CHARS)]
    op: Literal["add", "remove"] = "add"
    authenticated: bool | UnsetType = UNSET


class Visitor(NamedTuple):
    """A visitor as views have one: 16 bytes of viewer key, and what it was made with."""

    viewer_key: bytes
    key_version: int


class ReactionChange(NamedTuple):
    """A reaction as it is stored. `who` is a user's number or a visitor, who is never authenticated."""

    post_id: int
    who: int | Visitor
    emoji: str
    adds: bool
    authenticated: bool


class Comment(msgspec.Struct, frozen=True, kw_only=True):
    """One user's comment on one post, added or removed. The text stays with the host application."""

    post_id: Id
    user_id: Id
    comment_id: Id
    op: Literal["add", "remove"] = "add"


def change_of_user(reaction: Reaction, user_id: int) -> ReactionChange:
    """Return what a user's reaction changes."""
    authenticated = reaction.authenticated is not False
    return ReactionChange(reaction.post_id, user_id, reaction.emoji, reaction.op == "add", authenticated)


def change_of_visitor(reaction: Reaction, visitor: Visitor) -> ReactionChange:
    """Return what a visitor's reaction changes."""
    return ReactionChange(reaction.post_id, visitor, reaction.emoji, reaction.op == "add", authenticated=False)
