"""A table on its way out: named, typed columns, and its rows in blocks, so that none is ever whole in memory."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from typing import Any, Final, Literal, NamedTuple, get_args

CellType = Literal["integer", "number", "text", "flag", "day", "time", "local_time", "uuid", "bytes", "json"]
"""What the cells of a column are, besides None.

int, float, str, bool, datetime.date, aware and naive datetime.datetime; a UUID as 16 raw bytes or as text; bytes;
`json` is the text of a JSON document.
"""

Format = Literal["csv", "json", "ndjson", "xlsx", "parquet"]
FORMATS: Final[tuple[Format, ...]] = get_args(Format)

CELLS_AT_ONCE: Final = 4_000  # of one block: a few milliseconds to read and to write, for a table of any width
BLOCK_MAX_ROWS: Final = 1_000

Row = Sequence[Any]
Block = Sequence[Row]


@cache
def is_installed(form: Format) -> bool:
    """Whether the library that makes this format is there: Parquet's is large and comes as `vts[parquet]`."""
    return form != "parquet" or find_spec("pyarrow") is not None


class TooManyRows(Exception):
    """The table has more rows than the format can hold."""


class Column(NamedTuple):
    """A column and the kind of its cells. `wide` cells have kilobytes, so a block holds fewer of them."""

    name: str
    kind: CellType
    wide: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """What is exported. `blocks` is read once, block by block, each of at most `block_rows(columns)` rows."""

    name: str
    columns: Sequence[Column]
    blocks: AsyncGenerator[Block, None]


def block_rows(columns: Sequence[Column]) -> int:
    """Return how many rows a block may have."""
    weight = sum(40 if column.wide else 1 for column in columns)
    return max(1, min(BLOCK_MAX_ROWS, CELLS_AT_ONCE // max(1, weight)))  # an empty list has no columns


def listed(name: str, columns: Sequence[Column], rows: Sequence[Row]) -> Table:
    """Return the table of rows that are in memory already: an answer's list, not a stored table."""
    return Table(name, columns, _blocks_of(rows, block_rows(columns)))


async def _blocks_of(rows: Sequence[Row], size: int) -> AsyncGenerator[Block, None]:
    for start in range(0, len(rows), size):
        yield rows[start : start + size]
