"""What the gate needs of contents and players."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Annotated, Final, Literal, NamedTuple, get_args

import msgspec

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


class ContentRow(msgspec.Struct, frozen=True, kw_only=True):
    """A content as a service writes it. Raises nothing itself: decoding checks every field."""

    post_id: Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]
    kind: Kind = "artwork"
    owner_id: Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)] | None = None
    title: Annotated[str, msgspec.Meta(max_length=TITLE_MAX_CHARS)] | None = None
    category: Annotated[str, msgspec.Meta(max_length=100)] | None = None
    hashtags: Annotated[list[Annotated[str, msgspec.Meta(max_length=100)]], msgspec.Meta(max_length=HASHTAGS_MAX)] = []
    visibility: Literal["public", "private"] = "public"
    created_at: dt.datetime | None = None


class PlayerRow(msgspec.Struct, frozen=True, kw_only=True):
    """A player as a service writes it. `credential` is 64 hex digits or 43 base64url characters (256 bits)."""

    player_key: uuid.UUID
    owner_id: Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)] | None = None
    name: Annotated[str, msgspec.Meta(max_length=200)] | None = None
    registered: bool = True
    country: Annotated[str, msgspec.Meta(pattern="^[A-Z]{2}$")] | None = None
    credential: Annotated[str, msgspec.Meta(min_length=32, max_length=128)] | None = None
