"""XLSX by XlsxWriter. The format begins with what is known last, so a file is finished on disk and then read.

Memory stays flat: XlsxWriter keeps one row and writes the rest to temporary files.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import xlsxwriter

from vts.query.export.cells import PLAIN, Write, converters
from vts.query.export.table import Block, Column, Kind, TooManyRows

ROWS_MAX: Final = 1_048_576 - 1  # of a sheet, besides the header
TEXT_MAX_CHARS: Final = 32_767  # of a cell
CUT: Final = "… (cut)"
EXACT_MAX: Final = 10**15  # a spreadsheet keeps 15 digits of a number
FIRST_YEAR: Final = 1900  # spreadsheets know no day before it
MARCH_1900: Final = 61  # its serial number; spreadsheets know a 29 February of that year
_EPOCH: Final = dt.datetime(1899, 12, 30)
_DAY: Final = dt.timedelta(days=1)
READ_BYTES: Final = 64 * 1024


def _text(value: str) -> str:
    # No apostrophe before what looks like a formula: the cell is typed as a text, and a spreadsheet runs none of it.
    return value if len(value) <= TEXT_MAX_CHARS else value[: TEXT_MAX_CHARS - len(CUT)] + CUT


def _integer(value: int) -> int | str:
    return value if -EXACT_MAX < value < EXACT_MAX else str(value)


def _utc(when: dt.datetime) -> dt.datetime:
    return when.astimezone(dt.UTC).replace(tzinfo=None)


_CELLS: Final[dict[Kind, Write]] = {
    "text": _text,
    "json": _text,
    "integer": _integer,
    "time": _utc,
    "uuid": PLAIN["uuid"],
    "bytes": PLAIN["bytes"],
}
_FORMATS: Final = {
    "day": "yyyy-mm-dd",
    "time": 'yyyy-mm-dd"T"hh:mm:ss.000"Z"',
    "local_time": 'yyyy-mm-dd"T"hh:mm:ss.000',
}


def _serial(value: dt.date) -> float:
    """Return the days since 1899-12-30, which is how a spreadsheet keeps times, as the library counts them.

    Quicker than the library's `write_datetime`, which gives the same.
    """
    moment = value if isinstance(value, dt.datetime) else dt.datetime(value.year, value.month, value.day)
    days = (moment - _EPOCH) / _DAY
    return days if days >= MARCH_1900 else days - 1


class XlsxFile:
    """One sheet with a header line. Texts are written as texts and never as formulas; times are in UTC.

    `folder` is the caller's to empty.
    """

    def __init__(self, name: str, columns: Sequence[Column], folder: Path) -> None:
        self._path = folder / "table.xlsx"
        options = {"constant_memory": True, "tmpdir": str(folder), "nan_inf_to_errors": True}
        self._book: Any = xlsxwriter.Workbook(self._path, options)
        self._sheet: Any = self._book.add_worksheet(name[:31])
        self._convert = converters(columns, _CELLS)
        self._next = 1
        shown = {kind: self._book.add_format({"num_format": text}) for kind, text in _FORMATS.items()}
        self._formats = [shown.get(column.kind) for column in columns]
        for place, column in enumerate(columns):
            self._sheet.write_string(0, place, column.name)
        self._sheet.freeze_panes(1, 0)

    def block(self, rows: Block) -> bytes:
        """Take some rows; nothing of the file is ready before its end. Raises TooManyRows."""
        if self._next + len(rows) > ROWS_MAX + 1:
            raise TooManyRows
        for row in rows:
            cells = list(row)
            for place, write in self._convert:
                if cells[place] is not None:
                    cells[place] = write(cells[place])
            for place, value in enumerate(cells):
                if value is not None:
                    self._write(place, value)
            self._next += 1
        return b""

    def end(self) -> Iterator[bytes]:
        """Finish the file and give its bytes in pieces."""
        self._book.close()
        with self._path.open("rb") as file:
            while piece := file.read(READ_BYTES):
                yield piece

    def _write(self, place: int, value: Any) -> None:
        sheet, line = self._sheet, self._next
        if isinstance(value, str):
            sheet.write_string(line, place, value)
        elif isinstance(value, bool):
            sheet.write_boolean(line, place, value)
        elif isinstance(value, dt.date) and value.year < FIRST_YEAR:
            sheet.write_string(line, place, value.isoformat())
        elif isinstance(value, dt.date):
            sheet.write_number(line, place, _serial(value), self._formats[place])
        else:
            sheet.write_number(line, place, value)
