"""XLSX by rustpy-xlsxwriter. The format begins with what is known last, so a file is finished on disk and then read.

Memory stays flat: the library keeps one row and writes the rest to an unnamed file in TMPDIR.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator, Sequence
from math import isfinite
from pathlib import Path
from typing import Any, Final

from rustpy_xlsxwriter import Format as CellFormat
from rustpy_xlsxwriter import write_worksheet

from vts.query.export.cells import PLAIN, time_text
from vts.query.export.table import Block, CellType, Column, TooManyRows

ROWS_MAX: Final = 1_048_576 - 1  # of a sheet, besides the header
NAME_MAX_CHARS: Final = 31  # of a sheet
TEXT_MAX_CHARS: Final = 32_767  # of a cell
CUT: Final = "… (cut)"
EXACT_MAX: Final = 10**15  # a spreadsheet keeps 15 digits of a number
YEAR_1900: Final = 2  # days after the epoch, and 1 to spreadsheets, which know no day before it
MARCH_1900: Final = 61  # from here on they agree: spreadsheets know a 29 February of that year
READ_BYTES: Final = 64 * 1024

_NOT_IN_NAMES: Final = re.compile(r"[\[\]:*?/\\]|^'|'$")  # of sheets
_EPOCH: Final = dt.datetime(1899, 12, 30)
_EPOCH_UTC: Final = _EPOCH.replace(tzinfo=dt.UTC)
_EPOCH_DAY: Final = _EPOCH.toordinal()
_DAY: Final = dt.timedelta(days=1)
_FORMATS: Final[dict[CellType, str]] = {
    "day": "yyyy-mm-dd",
    "time": 'yyyy-mm-dd"T"hh:mm:ss.000"Z"',
    "local_time": 'yyyy-mm-dd"T"hh:mm:ss.000',
}


class XlsxFile:
    """One sheet with a header line. Texts are written as texts and never as formulas; times are in UTC.

    `folder` is the caller's to empty.
    """

    def __init__(self, name: str, columns: Sequence[Column], folder: Path) -> None:
        self._name = _NOT_IN_NAMES.sub("_", name[:NAME_MAX_CHARS])
        self._path = folder / "table.xlsx"
        self._names = [column.name for column in columns]
        self._write = [_CELLS.get(column.kind) for column in columns]
        self._formats = {
            column.name: CellFormat().set_num_format(_FORMATS[column.kind])
            for column in columns
            if column.kind in _FORMATS
        }

    def ready(self) -> bytes:
        """Return nothing: no byte of the file is known before its end."""
        return b""

    def made(self, blocks: Iterator[Block]) -> Iterator[bytes]:
        """Write all rows, then give the file's bytes in pieces. Raises TooManyRows, and what `blocks` raises."""
        records = self._records(blocks)
        write_worksheet(records, self._path, sheet_name=self._name, freeze_row=1, column_formats=self._formats)
        with self._path.open("rb") as file:
            while piece := file.read(READ_BYTES):
                yield piece

    def _records(self, blocks: Iterator[Block]) -> Iterator[dict[str, Any]]:
        written = 0
        for rows in blocks:
            written += len(rows)
            if written > ROWS_MAX:
                raise TooManyRows
            columns: list[Sequence[Any]] = list(zip(*rows, strict=True))
            for place, write in enumerate(self._write):
                if write is not None:
                    columns[place] = write(columns[place])
            for cells in zip(*columns, strict=True):
                yield dict(zip(self._names, cells, strict=True))
        if not written:
            yield dict.fromkeys(self._names)  # the library knows the header from the first row; this one has no cells


# A column's cells of one block at a time: a call for each cell would take half as long as the writing.

Cells = Sequence[Any]


def _texts(cells: Cells) -> Cells:
    # No apostrophe before what looks like a formula: the cell is typed as a text, and a spreadsheet runs none of it.
    return [text if text is None or len(text) <= TEXT_MAX_CHARS else _cut(text) for text in cells]


def _cut(text: str) -> str:
    return text[: TEXT_MAX_CHARS - len(CUT)] + CUT


def _integers(cells: Cells) -> Cells:
    return [n if n is None or -EXACT_MAX < n < EXACT_MAX else str(n) for n in cells]


def _numbers(cells: Cells) -> Cells:
    return [n if n is None or isfinite(n) else str(n) for n in cells]


def _days(cells: Cells) -> Cells:
    return [None if day is None else _serial(day.toordinal() - _EPOCH_DAY, day) for day in cells]


def _times(cells: Cells) -> Cells:
    return [None if when is None else _serial((when - _EPOCH_UTC) / _DAY, when) for when in cells]


def _local_times(cells: Cells) -> Cells:
    return [None if when is None else _serial((when - _EPOCH) / _DAY, when) for when in cells]


def _serial(days: float, value: dt.date) -> float | str:
    """Return the days since 1899-12-30 as spreadsheets count them; what lies before 1900 as text."""
    if days >= MARCH_1900:
        return days
    if days >= YEAR_1900:
        return days - 1
    return time_text(value) if isinstance(value, dt.datetime) else value.isoformat()


def _each(write: Callable[[Any], Any]) -> Callable[[Cells], Cells]:
    return lambda cells: [None if value is None else write(value) for value in cells]


_CELLS: Final[dict[CellType, Callable[[Cells], Cells]]] = {
    "text": _texts,
    "json": _texts,
    "integer": _integers,
    "number": _numbers,
    "day": _days,
    "time": _times,
    "local_time": _local_times,
    "uuid": _each(PLAIN["uuid"]),
    "bytes": _each(PLAIN["bytes"]),
}
