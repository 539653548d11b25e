"""Answers as tables: any list in any of the formats, streamed.

A route that answers a JSON object ends with `Answers.body`, which gives one of its lists when a request asks for that;
a route that reads a table row by row ends with `table_answer`.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from quart import Request, Response

from vts.query.export.answer_tables import tables_in, with_refs
from vts.query.export.exports import Busy, Exports
from vts.query.export.table import FORMATS, Format, Table, TooManyRows, is_installed, listed
from vts.web.answers import Problem
from vts.web.naming import Naming
from vts.web.zones import Zones

MEDIA_TYPES: Final[dict[Format, str]] = {
    "csv": "text/csv; charset=utf-8; header=present",
    "json": "application/json",
    "ndjson": "application/x-ndjson",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "parquet": "application/vnd.apache.parquet",
}
ALLOWED: Final = ", ".join(FORMATS)
NOT_INSTALLED: Final = "format_not_installed"
RETRY_AFTER_S: Final = 10
NO_TEXTS: Final[Mapping[int, str]] = {}
BOM: Final = "\ufeff".encode()  # some spreadsheets read a CSV without it in a code page of their own

_UNSAFE: Final = re.compile(r"[^A-Za-z0-9_.-]+")


class Encode(Protocol):
    """Turns a table into the pieces of a file (`vts.query.export`). Raises Busy at the first piece."""

    def __call__(self, table: Table, form: Format) -> AsyncGenerator[bytes, None]:
        """Give the pieces."""
        ...


def format_asked(asked: Request) -> Format | None:
    """Return the format that a request names, None for none. Raises Problem 400, and 501 for one not installed."""
    text = asked.args.get("format")
    if text is None:
        return None
    for form in FORMATS:
        if form == text and not is_installed(form):
            raise Problem(501, f"format: {form} is not installed here: pip install 'vts[{form}]'", NOT_INSTALLED)
        if form == text:
            return form
    raise Problem(400, f"format: {ALLOWED} are allowed")


def _mark_asked(asked: Request, form: Format) -> bytes:
    """Return the byte order mark of a file, which a request may ask for a CSV; else nothing. Raises Problem 400."""
    return BOM if _is_mark_asked(asked) and form == "csv" else b""


def _is_mark_asked(asked: Request) -> bool:
    text = asked.args.get("bom", "0")
    if text not in {"0", "1"}:
        raise Problem(400, "bom: 0 or 1 is expected")
    return text == "1"


def is_table_asked(asked: Request) -> bool:
    """Return whether a request asks for one table of an answer. Raises Problem 400 for an unknown format or mark."""
    _is_mark_asked(asked)  # refused also where the answer is no file
    return format_asked(asked) not in {None, "json"} or "table" in asked.args


@dataclass(frozen=True, slots=True)
class Answers:
    """How questions are answered: with texts in the place of their numbers, as JSON or as a table."""

    naming: Naming
    exports: Exports
    zones: Zones = field(default_factory=Zones)

    async def body(
        self, asked: Request, name: str, body: Mapping[str, Any], texts: Mapping[int, str] = NO_TEXTS
    ) -> Response:
        """Answer a JSON object, or one of its tables when the request names a format or a table.

        `table=` is a field of the answer that is a list or a breakdown (`daily_views`, `country`); without it the first
        list. `name` is the file's, `texts` are those that the request named. Raises Problem 400 that names the tables,
        and StoreUnavailable.
        """
        if not is_table_asked(asked):
            return await self.naming.known_json(asked, body, texts)
        tables = tables_in(body)
        usual = next((table for table in tables if isinstance(body.get(table), list)), next(iter(tables), ""))
        chosen = asked.args.get("table", usual)
        if chosen not in tables:
            raise Problem(400, f"table: one of {', '.join(tables) or 'none'} is expected")
        table = with_refs(tables[chosen], await self.naming.texts_in(body, texts))
        file = _UNSAFE.sub("_", f"{name}_{chosen}")  # a sheet has no slash in its name, nor has a file
        return await table_answer(asked, listed(file, table.columns, table.rows), self.exports.encode)


async def table_answer(asked: Request, table: Table, encode: Encode, default: Format = "json") -> Response:
    """Answer a table in the format that the request names.

    The first piece is made before the answer begins, so a fault up to there is an error answer; a later one breaks the
    transfer off, which a client sees at the end of the body. Raises Problem, and what the source of the table raises.
    """
    form = format_asked(asked) or default
    mark = _mark_asked(asked, form)
    pieces = encode(table, form)
    first = b""
    if asked.method == "HEAD":
        await pieces.aclose()
        await table.blocks.aclose()
    else:
        first = mark + await first_piece(pieces)
    answer = Response(all_pieces(first, pieces), content_type=MEDIA_TYPES[form])
    answer.timeout = None  # every write has a deadline of its own
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["X-Accel-Buffering"] = "no"
    answer.headers["Content-Disposition"] = f'attachment; filename="{_UNSAFE.sub("_", table.name)}.{form}"'
    return answer


async def first_piece(pieces: AsyncGenerator[bytes, None]) -> bytes:
    """Make the first piece, so that a fault up to there can still be answered. Raises Problem."""
    try:
        return await anext(pieces, b"")
    except Busy:
        raise busy() from None
    except TooManyRows:
        raise Problem(
            413, "format: an xlsx sheet holds 1,048,575 rows; narrow from and to, or ask for csv or parquet"
        ) from None


def busy() -> Problem:
    """Return the answer to an export for which there is no place now."""
    retry = {"Retry-After": str(RETRY_AFTER_S)}
    return Problem(503, "as many exports as may run at a time are running; try again", "busy", retry)


async def all_pieces(first: bytes, rest: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    """Give a piece that is made, and the others as they are made."""
    async with aclosing(rest):
        yield first
        async for piece in rest:
            yield piece
