"""How a block gets to the process that presses XLSX and Parquet, and what comes back.

Strictly in turns, so that two full pipes never wait for each other: the parent sends a message, the child reads all of
it and then answers with one frame. Only the end is answered with several.
"""

from __future__ import annotations

import datetime as dt
import struct
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from vts.query.export.table import Block, CellType, Column, Format

LENGTH: Final = struct.Struct(">I")
MORE, LAST, TOO_MANY_ROWS = b"m", b"l", b"r"
"""First byte of a child's frame: bytes of the file, the last of them, or why there will be none."""


class Opening(msgspec.Struct, frozen=True):
    """The first message."""

    format: Format
    name: str
    columns: list[tuple[str, CellType, bool]]
    folder: str


_encode: Final = msgspec.msgpack.Encoder().encode
_opening: Final = msgspec.msgpack.Decoder(Opening)
_block: Final = msgspec.msgpack.Decoder(list[list[Any]])
# msgpack has a type for times with a zone; days and local times arrive as text.
_FROM_TEXT: Final[dict[CellType, Callable[[str], Any]]] = {
    "day": dt.date.fromisoformat,
    "local_time": dt.datetime.fromisoformat,
}


def framed(body: bytes) -> bytes:
    """Put the length before a message."""
    return LENGTH.pack(len(body)) + body


def pack_opening(opening: Opening) -> bytes:
    """Return the first message, framed."""
    return framed(_encode(opening))


def pack_block(rows: Block) -> bytes:
    """Return some rows, framed; no rows mean the end."""
    return framed(_encode([tuple(row) for row in rows]))


def unpack_opening(body: bytes) -> Opening:
    """Read the first message."""
    return _opening.decode(body)


class Unpacker:
    """Reads blocks of a table."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self._convert = [(place, _FROM_TEXT[c.kind]) for place, c in enumerate(columns) if c.kind in _FROM_TEXT]

    def block(self, body: bytes) -> list[list[Any]]:
        """Return the rows of a message."""
        rows = _block.decode(body)
        for place, read in self._convert:
            for row in rows:
                if row[place] is not None:
                    row[place] = read(row[place])
        return rows
