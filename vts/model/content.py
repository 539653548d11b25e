"""What is viewed, and what it is viewed on, as the gate needs to know it."""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

KINDS: Final = ("artwork", "blog", "playlist", "stream")
VISIBILITIES: Final = ("public", "private")


class Content(NamedTuple):
    """The gate's knowledge of one content. `owner_id` is None while it is provisional or unowned."""

    owner_id: int | None
    kind: str | None
    private: bool
    deleted: bool
    provisional: bool


class Player(msgspec.Struct, frozen=True, gc=False):
    """A physical player. `credential_hash` is the SHA-256 of its credential, None when it has none."""

    owner_id: int | None
    registered: bool
    country: str | None = None
    credential_hash: bytes | None = None
    name: str | None = None
