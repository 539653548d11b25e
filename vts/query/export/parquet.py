"""Parquet by pyarrow: row groups of a bounded number of rows, handed out as soon as they are full."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from vts.query.export.cells import PLAIN, Write, converters
from vts.query.export.table import Block, CellType, Column

GROUP_ROWS: Final = 20_000  # columns compress well from here on, and a group of raw views takes about 10 MB

_TYPES: Final[dict[CellType, Any]] = {
    "integer": pa.int64(),
    "number": pa.float64(),
    "text": pa.string(),
    "flag": pa.bool_(),
    "day": pa.date32(),
    "time": pa.timestamp("us", tz="UTC"),
    "local_time": pa.timestamp("us"),
    "uuid": pa.string(),
    "bytes": pa.binary(),
    "json": pa.string(),
}


_CONVERT: Final[dict[CellType, Write]] = {"uuid": PLAIN["uuid"]}


class _Sink:
    """A file of which only the unread end is kept."""

    closed = False

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: Any) -> int:
        part = bytes(data)
        self._parts.append(part)
        return len(part)

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """Stay readable: the file's end comes with its closing."""

    def take(self) -> bytes:
        parts, self._parts = self._parts, []
        return b"".join(parts)


class ParquetFile:
    """A Parquet file with the columns' own types; UUIDs as text, `json` as text, other bytes as binary."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self._schema = pa.schema([(column.name, _TYPES[column.kind]) for column in columns])
        self._convert = converters(columns, _CONVERT)
        self._sink = _Sink()
        self._writer: Any = pq.ParquetWriter(self._sink, self._schema, compression="zstd")
        self._batches: list[Any] = []
        self._rows = 0

    def ready(self) -> bytes:
        """Return the groups that are full."""
        return self._sink.take()

    def made(self, blocks: Iterator[Block]) -> Iterator[bytes]:
        """Read all rows; give the last group and the footer."""
        for rows in blocks:
            self._add(rows)
        self._flush()
        self._writer.close()
        yield self._sink.take()

    def _add(self, rows: Block) -> None:
        columns = [list(cells) for cells in zip(*rows, strict=True)]
        for place, write in self._convert:
            columns[place] = [None if value is None else write(value) for value in columns[place]]
        arrays = [pa.array(cells, type=field.type) for cells, field in zip(columns, self._schema, strict=True)]
        self._batches.append(pa.RecordBatch.from_arrays(arrays, schema=self._schema))
        self._rows += len(rows)
        if self._rows >= GROUP_ROWS:
            self._flush()

    def _flush(self) -> None:
        if self._batches:
            self._writer.write_table(pa.Table.from_batches(self._batches, schema=self._schema))
        self._batches, self._rows = [], 0
