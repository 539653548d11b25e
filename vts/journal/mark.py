"""The journal's last known state, in a small file beside it.

The file is written without a sync, so it may be old, but never ahead of what was durable: a journal that ends before it
has lost its tail.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import msgspec


class Mark(msgspec.Struct, frozen=True):
    """The numbers of the oldest row kept, of the newest, and of the last one that PostgreSQL was known to have."""

    first: int = 1
    last: int = 0
    drained: int = 0


_decoder = msgspec.json.Decoder(Mark)


def read_mark(path: Path) -> Mark | None:
    """Return the mark, or None when there is none that can be read."""
    try:
        return _decoder.decode(path.read_bytes())
    except (OSError, msgspec.DecodeError):
        return None


def write_mark(path: Path, mark: Mark) -> None:
    """Put a mark in the place of the one before. A disk that does not take it costs nothing but its age."""
    draft = path.with_name(path.name + ".part")
    with suppress(OSError):
        file = os.open(draft, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
        try:
            os.write(file, msgspec.json.encode(mark))
        finally:
            os.close(file)
        draft.replace(path)
