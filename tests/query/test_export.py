"""A table goes out in five formats and comes back the same, with every kind of cell."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import uuid
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow.parquet as pq
import pytest
import trio
from openpyxl.utils.escape import unescape

from vts.query.export import encode
from vts.query.export.cells import inert
from vts.query.export.encode import PIECE_BYTES, EncoderLost, encoded
from vts.query.export.table import FORMATS, Block, Column, Format, Table, TooManyRows, block_rows, listed

COLUMNS = (
    Column("id", "integer"),
    Column("ratio", "number"),
    Column("name", "text"),
    Column("signed", "flag"),
    Column("day", "day"),
    Column("at", "time"),
    Column("local", "local_time"),
    Column("key", "uuid"),
    Column("hash", "bytes"),
    Column("detail", "json", wide=True),
)
DAY = dt.date(2026, 1, 31)
AT = dt.datetime(2026, 1, 31, 23, 59, 59, 250_000, tzinfo=dt.UTC)
LOCAL = dt.datetime(2026, 1, 31, 18, 59, 59)
KEY = uuid.UUID("0191b5e0-7c1a-7000-8000-00000000002a")
FULL = [2**62, -1.5, 'Zoë "quote", 東京 🎨\nline', True, DAY, AT, LOCAL, KEY.bytes, b"\x00\xff", '{"BR": [3, 1]}']
EMPTY: list[Any] = [None] * len(COLUMNS)
DANGEROUS = ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "  =1+1", "\u00a0=x", "\ufeff=x", "＝1"]


def rows_with(texts: Sequence[str]) -> list[list[Any]]:
    return [[n, None, text, False, None, None, None, None, None, None] for n, text in enumerate(texts)]


async def file_of(form: Format, rows: Sequence[Sequence[Any]], folder: Path) -> bytes:
    async with aclosing(encoded(listed("table", COLUMNS, rows), form, folder)) as pieces:
        parts = [piece async for piece in pieces]
    assert all(0 < len(part) <= PIECE_BYTES for part in parts)
    assert not list(folder.iterdir())
    return b"".join(parts)


async def test_csv_comes_back(tmp_path: Path) -> None:
    data = await file_of("csv", [FULL, EMPTY], tmp_path)
    header, full, empty = csv.reader(io.StringIO(data.decode(), newline=""))
    assert header == [column.name for column in COLUMNS]
    assert full == [
        "4611686018427387904",
        "-1.5",
        FULL[2],
        "true",
        "2026-01-31",
        "2026-01-31T23:59:59.250000Z",
        "2026-01-31T18:59:59",
        str(KEY),
        "00ff",
        '{"BR": [3, 1]}',
    ]
    assert empty == [""] * len(COLUMNS)


@pytest.mark.parametrize("form", ["json", "ndjson"])
async def test_json_comes_back(form: Format, tmp_path: Path) -> None:
    data = await file_of(form, [FULL, EMPTY], tmp_path)
    full, empty = json.loads(data) if form == "json" else map(json.loads, data.splitlines())
    assert (full["id"], full["name"], full["key"]) == (str(2**62), FULL[2], str(KEY))
    assert full["detail"] == {"BR": [3, 1]}
    assert full["at"] == "2026-01-31T23:59:59.250000Z"
    assert set(empty.values()) == {None}


async def test_no_rows_are_a_table_too(tmp_path: Path) -> None:
    assert json.loads(await file_of("json", [], tmp_path)) == []
    assert await file_of("ndjson", [], tmp_path) == b""
    assert (await file_of("csv", [], tmp_path)).count(b"\r\n") == 1
    assert pq.read_table(io.BytesIO(await file_of("parquet", [], tmp_path))).num_rows == 0


async def test_xlsx_comes_back_and_runs_nothing(tmp_path: Path) -> None:
    data = await file_of("xlsx", [FULL, EMPTY, *rows_with(DANGEROUS)], tmp_path)
    sheet = openpyxl.load_workbook(io.BytesIO(data)).active
    header, full, empty, *dangerous = sheet.iter_rows()
    assert [cell.value for cell in header] == [column.name for column in COLUMNS]
    values = [cell.value for cell in full]
    assert values[:4] == [str(2**62), -1.5, FULL[2], True]
    assert values[4:7] == [dt.datetime(2026, 1, 31), AT.replace(tzinfo=None), LOCAL]
    assert values[7:] == [str(KEY), "00ff", '{"BR": [3, 1]}']
    assert {cell.value for cell in empty} == {None}
    for row, text in zip(dangerous, DANGEROUS, strict=True):
        assert row[2].data_type == "s"
        assert unescape(row[2].value) == text
    assert sheet.freeze_panes == "A2"


async def test_an_xlsx_without_rows_has_its_header(tmp_path: Path) -> None:
    sheet = openpyxl.load_workbook(io.BytesIO(await file_of("xlsx", [], tmp_path))).active
    assert [[cell.value for cell in row] for row in sheet.iter_rows()] == [[column.name for column in COLUMNS]]


async def test_cells_of_a_sheet_keep_their_types_whatever_the_rows_before_had(tmp_path: Path) -> None:
    day, at, local = dt.date(1899, 12, 31), dt.datetime(1899, 12, 31, 23, tzinfo=dt.UTC), dt.datetime(1899, 12, 31, 1)
    late = dt.datetime(2026, 1, 31, 20, 59, 59, 999_633, tzinfo=dt.timezone(dt.timedelta(hours=-3)))
    days = [dt.date(1900, 1, 1), dt.date(1900, 2, 28), dt.date(1900, 3, 1), dt.date(9999, 12, 31)]
    rows = [
        [2**62, float("nan"), "1", None, day, at, local, KEY.bytes, b"", None],
        [7, 0.1, "=1", False, days[0], late, LOCAL, str(KEY), None, "1"],
        *([0, -1e300, "", True, day, AT, None, None, None, None] for day in days[1:]),
    ]
    cells = list(openpyxl.load_workbook(io.BytesIO(await file_of("xlsx", rows, tmp_path))).active.iter_rows())[1:]
    values = [[cell.value for cell in row] for row in cells]
    assert values[0][:3] == [str(2**62), "nan", "1"]
    assert values[0][4:7] == ["1899-12-31", "1899-12-31T23:00:00Z", "1899-12-31T01:00:00"]
    assert [row[:4] for row in values[1:3]] == [[7, 0.1, "=1", False], [0, -1e300, None, True]]
    assert [row[4].date() for row in values[1:]] == days
    assert abs(values[1][5] - late.astimezone(dt.UTC).replace(tzinfo=None)) < dt.timedelta(milliseconds=1)
    assert values[1][6] == LOCAL and values[1][7] == str(KEY)
    assert cells[1][5].number_format.endswith('ss.000"Z"')


async def test_every_character_of_a_text_comes_back_from_a_sheet(tmp_path: Path) -> None:
    texts = [f"x{chr(code)}y" for code in (*range(0x20), 0x7F, 0x85, 0x2028, 0xFFFE, 0xFFFF, 0x1F3A8)]
    texts += ["_x0041_", " both ", "http://example.org/", "<&>'\"]]>"]
    cells = openpyxl.load_workbook(io.BytesIO(await file_of("xlsx", rows_with(texts), tmp_path))).active["C"][1:]
    assert [unescape(cell.value) for cell in cells] == texts
    assert {cell.data_type for cell in cells} == {"s"} and not any(cell.hyperlink for cell in cells)


async def test_a_sheet_s_name_is_made_to_fit(tmp_path: Path) -> None:
    async with aclosing(encoded(listed("'a/b" + "c" * 40, COLUMNS, [FULL]), "xlsx", tmp_path)) as pieces:
        data = b"".join([piece async for piece in pieces])
    assert openpyxl.load_workbook(io.BytesIO(data)).sheetnames == ["_a_b" + "c" * 27]


async def test_a_sheet_needs_no_room_outside_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "nowhere"))
    assert (await file_of("xlsx", [FULL], tmp_path)).startswith(b"PK")


async def test_parquet_comes_back_with_its_types(tmp_path: Path) -> None:
    table = pq.read_table(io.BytesIO(await file_of("parquet", [FULL, EMPTY], tmp_path)))
    full, empty = table.to_pylist()
    assert list(full.values()) == [*FULL[:7], str(KEY), b"\x00\xff", FULL[9]]
    assert list(empty.values()) == EMPTY


async def test_a_spreadsheet_runs_no_cell_of_csv_and_numbers_stay_numbers(tmp_path: Path) -> None:
    data = await file_of("csv", [[-5, -0.5, text, *EMPTY[3:]] for text in DANGEROUS], tmp_path)
    for line, text in zip(list(csv.reader(io.StringIO(data.decode(), newline="")))[1:], DANGEROUS, strict=True):
        assert line[:3] == ["-5", "-0.5", "'" + text]


def test_harmless_text_is_left_alone() -> None:
    for text in ("", "a=b", "1-2", "user@example.org", "{}", "#tag", "'quoted"):
        assert inert(text) == text


async def test_a_long_cell_of_a_sheet_is_cut_and_says_so(tmp_path: Path) -> None:
    data = await file_of("xlsx", rows_with(["x" * 40_000]), tmp_path)
    value = openpyxl.load_workbook(io.BytesIO(data)).active["C2"].value
    assert len(value) == 32_767 and value.endswith("(cut)")


class Source:
    """Endless rows, and how far ahead of their reader they ever were."""

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self.made = 0
        self.closed = False
        self.on_block: Callable[[], object] = lambda: None

    async def blocks(self) -> AsyncGenerator[Block, None]:
        try:
            while self.made < self.rows:
                size = min(block_rows(COLUMNS), self.rows - self.made)
                self.made += size
                yield [FULL] * size
                self.on_block()
        finally:
            self.closed = True


@pytest.mark.parametrize("form", ["csv", "json", "ndjson"])
async def test_a_block_is_read_when_the_one_before_it_is_gone(form: Format, tmp_path: Path) -> None:
    source = Source(10**9)
    async with aclosing(encoded(Table("t", COLUMNS, source.blocks()), form, tmp_path)) as pieces:
        for _ in range(20):
            await anext(pieces)
        assert source.made <= 20 * block_rows(COLUMNS)
    assert source.closed


async def test_parquet_gives_each_row_group_before_it_reads_the_next(tmp_path: Path) -> None:
    source, seen = Source(60_000), []
    async with aclosing(encoded(Table("t", COLUMNS, source.blocks()), "parquet", tmp_path)) as pieces:
        data = b""
        async for piece in pieces:
            data += piece
            seen.append(source.made)
    file = pq.ParquetFile(io.BytesIO(data))
    assert file.metadata.num_rows == 60_000 and file.num_row_groups == 3
    assert seen[1] < 30_000  # behind the magic number of the file's beginning


@pytest.mark.parametrize("form", ["xlsx", "parquet"])
async def test_a_client_that_leaves_early_leaves_no_process_and_no_file(
    form: Format, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    processes = []
    real = trio.lowlevel.open_process

    async def remembered(*args: Any, **options: Any) -> trio.Process:
        processes.append(await real(*args, **options))
        return processes[-1]

    monkeypatch.setattr(trio.lowlevel, "open_process", remembered)
    source = Source(10**9)
    with trio.CancelScope() as patience:
        source.on_block = patience.cancel
        async with aclosing(encoded(Table("t", COLUMNS, source.blocks()), form, tmp_path)) as pieces:
            async for _ in pieces:
                pass
    assert patience.cancelled_caught
    assert source.closed
    assert processes[0].returncode is not None
    assert not list(tmp_path.iterdir())


async def test_a_sheet_that_is_full_says_so(tmp_path: Path) -> None:
    class Narrow(Source):
        async def blocks(self) -> AsyncGenerator[Block, None]:
            yield [[1]] * 1_048_576

    with pytest.raises(TooManyRows):
        async with aclosing(encoded(Table("t", COLUMNS[:1], Narrow(1).blocks()), "xlsx", tmp_path)) as pieces:
            await anext(pieces)
    assert not list(tmp_path.iterdir())


async def test_a_process_that_dies_is_a_fault_and_not_a_short_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encode.sys, "executable", "/bin/false")
    with pytest.raises(EncoderLost):
        await file_of("parquet", [FULL], tmp_path)


def test_all_formats_are_named() -> None:
    assert FORMATS == ("csv", "json", "ndjson", "xlsx", "parquet")
