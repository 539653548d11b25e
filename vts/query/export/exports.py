"""Exports under way: how many there may be, where they read, and where they put what cannot be streamed."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import Final

from vts.query.export.encode import encoded
from vts.query.export.stored_tables import Connect, stored
from vts.query.export.table import Format, Table

AT_ONCE: Final = 4  # sessions, processes of 100 MB each, and halves of an event loop


class Busy(Exception):
    """As many exports are under way as may be at a time."""


class Exports:
    """Makes tables into files. `scratch` is a folder of our own; what an earlier process left there goes."""

    def __init__(self, connect: Connect, scratch: Path, at_once: int = AT_ONCE) -> None:
        self._connect = connect
        self._scratch = scratch
        self._free = at_once
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)

    def stored(self, name: str, first: dt.date | None, last: dt.date | None) -> Table:
        """Return a stored table of these days (`vts.query.export.stored_tables`)."""
        return stored(self._connect, name, first, last)

    async def encode(self, table: Table, form: Format) -> AsyncGenerator[bytes, None]:
        """Give the pieces of a file. Raises Busy at once, TooManyRows, and what the table's source raises."""
        if not self._free:
            raise Busy
        self._free -= 1
        try:
            async with aclosing(encoded(table, form, self._scratch)) as pieces:
                async for piece in pieces:
                    yield piece
        finally:
            self._free += 1
