"""What the operator chose."""

from __future__ import annotations

from typing import Literal

import msgspec

Generator = Literal["wrk", "own"]


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """The choices of one benchmark. `posts` are those that are viewed, `contents` and `players` those registered."""

    runs: int
    seconds: float
    connections: int
    reference_seconds: float
    url: str | None = None
    token: str | None = None
    references: bool = True
    generator: Generator = "own"
    batch: int = 1
    posts: int = 1_000
    viewers: int = 0
    contents: int = 0
    players: int = 0
    window: int = 1
    idle: int = 0
    clients: int = 0
    topics: int = 0
    per_s: float = 0.0
