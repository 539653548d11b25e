"""CSV, JSON and NDJSON, block by block. Pure; a block takes a few milliseconds."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from typing import Any, Final, Protocol

import msgspec

from vts.model.reference import EXACT_MAX
from vts.query.export.cells import PLAIN, Write, converters, inert
from vts.query.export.table import Block, CellType, Column
from vts.query.naming import named

_encode: Final = msgspec.json.Encoder().encode
_CSV: Final[dict[CellType, Write]] = {
    **PLAIN,
    "text": inert,
    "json": inert,
    "flag": lambda value: "true" if value else "false",
}
_LONG: Final = re.compile("[0-9]{16}")


def exact(number: int) -> int | str:
    """Return an integer as JSON may hold it: one beyond 2^53 - 1 as digits, since readers round it."""
    return number if -EXACT_MAX <= number <= EXACT_MAX else str(number)


def _nested(text: str) -> Any:
    return named(msgspec.json.decode(text), {}) if _LONG.search(text) else msgspec.Raw(text.encode())


_JSON: Final[dict[CellType, Write]] = {**PLAIN, "integer": exact, "json": _nested}


class TextWriter(Protocol):
    """Turns blocks into bytes. `head`, then `block` for each block, then `end`."""

    def head(self) -> bytes:
        """Return what comes before all rows."""
        ...

    def block(self, rows: Block) -> bytes:
        """Return the bytes of some rows."""
        ...

    def end(self) -> bytes:
        """Return what comes after all rows."""
        ...


class CsvWriter:
    """RFC 4180 in UTF-8 with a header line. None is an empty cell; texts that a spreadsheet would run are inert."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self._columns = columns
        self._convert = converters(columns, _CSV)
        self._buffer = io.StringIO(newline="")
        self._writer = csv.writer(self._buffer)

    def head(self) -> bytes:
        """Return the line of column names."""
        self._writer.writerow([column.name for column in self._columns])
        return self._taken()

    def block(self, rows: Block) -> bytes:
        """Return a line for each row."""
        self._writer.writerows(_converted(rows, self._convert))
        return self._taken()

    def end(self) -> bytes:
        """Return nothing: a CSV file just ends."""
        return b""

    def _taken(self) -> bytes:
        text = self._buffer.getvalue()
        self._buffer.seek(0)
        self._buffer.truncate()
        return text.encode()


class NdjsonWriter:
    """A JSON object in a line for each row. A `json` cell is nested as what it is."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self._convert = converters(columns, _JSON)
        self._names = [column.name for column in columns]

    def head(self) -> bytes:
        """Return nothing."""
        return b""

    def block(self, rows: Block) -> bytes:
        """Return a line for each row."""
        return b"".join(line + b"\n" for line in self.objects(rows))

    def end(self) -> bytes:
        """Return nothing."""
        return b""

    def objects(self, rows: Block) -> list[bytes]:
        """Return each row as a JSON object."""
        names = self._names
        return [_encode(dict(zip(names, row, strict=True))) for row in _converted(rows, self._convert)]


class JsonWriter:
    """One JSON array of objects."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self._rows = NdjsonWriter(columns)
        self._begun = False

    def head(self) -> bytes:
        """Open the array."""
        return b"["

    def block(self, rows: Block) -> bytes:
        """Return the objects of some rows."""
        if not rows:
            return b""
        lead = b",\n" if self._begun else b"\n"
        self._begun = True
        return lead + b",\n".join(self._rows.objects(rows))

    def end(self) -> bytes:
        """Close the array."""
        return b"\n]\n"


def _converted(rows: Block, convert: Sequence[tuple[int, Write]]) -> list[list[Any]]:
    made = []
    for row in rows:
        cells = list(row)
        for place, write in convert:
            value = cells[place]
            if value is not None:
                cells[place] = write(value)
        made.append(cells)
    return made
