"""From a table to the bytes of a file, piece by piece: memory holds a block, or a row group, and never the table."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager
from functools import partial
from pathlib import Path
from tempfile import mkdtemp
from typing import Final, assert_never

import trio

from vts.query.export.frames import LAST, LENGTH, TOO_MANY_ROWS, Opening, pack_block, pack_opening
from vts.query.export.table import Block, Format, Table, TooManyRows
from vts.query.export.text import CsvWriter, JsonWriter, NdjsonWriter, TextWriter

PIECE_BYTES: Final = 64 * 1024  # of one write: a slow client has a deadline for each
SHUTDOWN_S: Final = 2.0

_ROOT: Final = Path(__file__).parents[3]


class EncoderLost(Exception):
    """The process that made the file ended before it was done."""


async def encoded(table: Table, form: Format, scratch: Path) -> AsyncGenerator[bytes, None]:
    """Give a table's bytes in pieces. `scratch` is a folder for what cannot be streamed.

    Raises TooManyRows and EncoderLost, and what the table's source raises. Close it (`aclosing`) when you leave
    early: it may hold a session and a process.
    """
    async with aclosing(table.blocks):
        match form:
            case "csv":
                pieces = _written(table, CsvWriter(table.columns))
            case "json":
                pieces = _written(table, JsonWriter(table.columns))
            case "ndjson":
                pieces = _written(table, NdjsonWriter(table.columns))
            case "xlsx" | "parquet":
                pieces = _pressed(table, form, scratch)
            case _:
                assert_never(form)
        async with aclosing(pieces):
            async for data in pieces:
                for piece in _cut(data):
                    yield piece


def _cut(data: bytes) -> Iterator[bytes]:
    for start in range(0, len(data), PIECE_BYTES):
        yield data[start : start + PIECE_BYTES]


async def _written(table: Table, writer: TextWriter) -> AsyncGenerator[bytes, None]:
    data = writer.head()
    async for rows in table.blocks:  # nothing goes out before the source has shown that it works
        yield data + writer.block(rows)
        data = b""
        await trio.lowlevel.checkpoint()
    yield data + writer.end()


async def _pressed(table: Table, form: Format, scratch: Path) -> AsyncGenerator[bytes, None]:
    columns = [(column.name, column.kind, column.wide) for column in table.columns]
    async with _own_folder(scratch) as folder, _child(folder) as child:
        opening = Opening(form, table.name, columns, str(folder))
        await child.send(pack_opening(opening))
        async for rows in table.blocks:
            if rows:
                yield await child.ask(rows)
        await child.send(pack_block(()))
        while (piece := await child.answer()) is not None:
            yield piece


class _Child:
    """The running process, and its output."""

    def __init__(self, process: trio.Process) -> None:
        self._process = process
        self._heard = bytearray()

    async def send(self, message: bytes) -> None:
        assert self._process.stdin is not None
        try:
            await self._process.stdin.send_all(message)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            raise EncoderLost("the process that makes the file has gone") from None

    async def ask(self, rows: Block) -> bytes:
        await self.send(pack_block(rows))
        return await self.answer() or b""

    async def answer(self) -> bytes | None:
        """Return the bytes of one frame, None at the end of the file."""
        (length,) = LENGTH.unpack(await self._read(LENGTH.size))
        frame = await self._read(length)
        kind, body = frame[:1], frame[1:]
        if kind == TOO_MANY_ROWS:
            raise TooManyRows
        return None if kind == LAST else body

    async def _read(self, size: int) -> bytes:
        assert self._process.stdout is not None
        while len(self._heard) < size:
            more = await self._process.stdout.receive_some(PIECE_BYTES)
            if not more:
                raise EncoderLost("the process that makes the file ended early")
            self._heard += more
        data = bytes(self._heard[:size])
        del self._heard[:size]
        return data


@asynccontextmanager
async def _own_folder(scratch: Path) -> AsyncIterator[Path]:
    """Make a folder for one file, and remove it when its process is gone, however it went."""
    folder = Path(mkdtemp(dir=scratch))
    try:
        yield folder
    finally:
        with trio.CancelScope(shield=True):  # ends as soon as the disk answers
            await trio.to_thread.run_sync(partial(shutil.rmtree, folder, ignore_errors=True))


@asynccontextmanager
async def _child(folder: Path) -> AsyncIterator[_Child]:
    process = await trio.lowlevel.open_process(
        [sys.executable, "-m", "vts.query.export.child"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=_ROOT,
        env=os.environ | {"TMPDIR": str(folder)},  # a sheet of a million rows would fill a /tmp that is memory
    )
    try:
        yield _Child(process)
    finally:
        process.terminate()
        with trio.move_on_after(SHUTDOWN_S, shield=True) as shutdown:
            await process.wait()
        if shutdown.cancelled_caught:
            process.kill()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                await trio.aclose_forcefully(pipe)
