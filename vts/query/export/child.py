"""The process that makes XLSX and Parquet files: `python -m vts.query.export.child`, started for one export.

In the server these libraries would hold the interpreter for seconds and its memory for ever. Here they run beside it
with the lowest priority, and everything goes when the export is over.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Protocol

from vts.query.export.frames import LAST, LENGTH, MORE, TOO_MANY_ROWS, Opening, Unpacker, framed, unpack_opening
from vts.query.export.table import Block, Column, TooManyRows

NICE = 10


class Press(Protocol):
    """Makes one file."""

    def made(self, blocks: Iterator[Block]) -> Iterator[bytes]:
        """Read all blocks, then give the bytes of the file that `ready` has not given."""
        ...

    def ready(self) -> bytes:
        """Return, between two blocks, the bytes that are ready."""
        ...


def press_of(opening: Opening, columns: list[Column]) -> Press:
    """Return what makes the asked format; only its library is loaded."""
    if opening.format == "parquet":
        from vts.query.export.parquet import ParquetFile  # noqa: PLC0415 -- 50 MB that the other format does not need

        return ParquetFile(columns)
    from vts.query.export.xlsx import XlsxFile  # noqa: PLC0415

    return XlsxFile(opening.name, columns, Path(opening.folder))


def run(source: BinaryIO, target: BinaryIO) -> None:
    """Serve one export. Returns early when the parent has gone."""
    opening = unpack_opening(_message(source))
    columns = [Column(*column) for column in opening.columns]
    press = press_of(opening, columns)
    try:
        for piece in press.made(_blocks(source, target, Unpacker(columns), press)):
            _answer(target, MORE, piece)
        _answer(target, LAST, b"")
    except TooManyRows:
        _answer(target, TOO_MANY_ROWS, b"")


def _blocks(source: BinaryIO, target: BinaryIO, unpacker: Unpacker, press: Press) -> Iterator[Block]:
    """Give the blocks. Each is answered when the next is asked for, with what is ready by then."""
    while rows := unpacker.block(_message(source)):
        yield rows
        _answer(target, MORE, press.ready())


def _message(source: BinaryIO) -> bytes:
    head = source.read(LENGTH.size)
    body = source.read(LENGTH.unpack(head)[0]) if len(head) == LENGTH.size else b""
    if not body:
        raise EOFError
    return body


def _answer(target: BinaryIO, kind: bytes, body: bytes) -> None:
    target.write(framed(kind + body))
    target.flush()


def main() -> None:
    """Serve on standard input and output."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C is for the parent
    os.nice(NICE)
    try:
        run(sys.stdin.buffer, sys.stdout.buffer)
    except (EOFError, BrokenPipeError):
        os._exit(1)  # the parent has gone; flushing to a closed pipe would only fail


if __name__ == "__main__":
    main()
