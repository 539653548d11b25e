"""What the gate needs of contents and players."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Annotated, Final, Literal, NamedTuple, get_args

import msgspec
from msgspec import UNSET, UnsetType

Kind = Literal["artwork", "blog", "playlist", "stream", "channel", "movie", "series"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
VISIBILITIES: Final = ("public", "private")


class Content(NamedTuple):
    """One content, as far as the gate needs it. `owner_id` is None while it is provisional or unowned."""

    owner_id: int | None
    kind: str | None
    private: bool
    deleted: bool
    provisional: bool


class Change(NamedTuple):
    """What happened to the catalog up to a revision. None as a value means: removed."""

    revision: int
    contents: list[tuple[int, Content | None]]
    players: list[tuple[bytes, Player | None]]
    whole: bool = False
    """Whether this is everything, so that what is not in it is gone."""
    reference_key: bytes | None = None
    """The key of the installation's references, where the source has it."""


class Player(msgspec.Struct, frozen=True, gc=False):
    """A physical player. `credential_hash` is the SHA-256 of its credential, None when it has none."""

    owner_id: int | None
    registered: bool
    country: str | None = None
    credential_hash: bytes | None = None
    name: str | None = None


TITLE_MAX_CHARS: Final = 500
HASHTAGS_MAX: Final = 64


_OwnerId = Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]
_Hashtags = Annotated[list[Annotated[str, msgspec.Meta(max_length=100)]], msgspec.Meta(max_length=HASHTAGS_MAX)]


class ContentRow(msgspec.Struct, frozen=True, kw_only=True):
    """What a service changes of a content: a field that is absent (UNSET) stays, None clears it.

    Cleared, `kind` is `artwork` and `hashtags` are none. `visibility` is never cleared: a null must not publish a
    content. Raises nothing itself: decoding checks every field.
    """

    post_id: Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]
    kind: Kind | UnsetType | None = UNSET
    owner_id: _OwnerId | UnsetType | None = UNSET
    title: Annotated[str, msgspec.Meta(max_length=TITLE_MAX_CHARS)] | UnsetType | None = UNSET
    category: Annotated[str, msgspec.Meta(max_length=100)] | UnsetType | None = UNSET
    hashtags: _Hashtags | UnsetType | None = UNSET
    visibility: Literal["public", "private"] | UnsetType = UNSET
    created_at: dt.datetime | UnsetType | None = UNSET


class ContentName(msgspec.Struct, frozen=True, kw_only=True):
    """A content that a service names, and nothing else of it."""

    post_id: Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]


class PlayerName(msgspec.Struct, frozen=True, kw_only=True):
    """A player that a service names."""

    player_key: uuid.UUID


class PlayerRow(msgspec.Struct, frozen=True, kw_only=True):
    """What a service changes of a player, likewise; `registered` is never cleared.

    `credential` is 64 hex digits or 43 base64url characters (256 bits).
    """

    player_key: uuid.UUID
    owner_id: _OwnerId | UnsetType | None = UNSET
    name: Annotated[str, msgspec.Meta(max_length=200)] | UnsetType | None = UNSET
    registered: bool | UnsetType = UNSET
    country: Annotated[str, msgspec.Meta(pattern="^[A-Z]{2}$")] | UnsetType | None = UNSET
    credential: Annotated[str, msgspec.Meta(min_length=32, max_length=128)] | UnsetType | None = UNSET
