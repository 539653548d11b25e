"""Cells as text: how each kind is written, and which texts a spreadsheet would run. Pure."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Sequence
from typing import Any, Final

from vts.model import identity
from vts.query.export.table import CellType, Column

# A cell that begins so is a formula to a spreadsheet, also behind blanks that its import cuts off, and also in the
# full-width forms (https://owasp.org/www-community/attacks/CSV_Injection).
_RUNS: Final = re.compile("[\t\r\n]|[\\s\ufeff\u200b]*[=+\\-@＝＋－＠]")

Write = Callable[[Any], Any]


def inert(text: str) -> str:
    """Return a text that a spreadsheet shows and does not run: with an apostrophe before it where it would."""
    if text[:1].isalnum():  # nearly all of them; a tenth of the time
        return text
    return "'" + text if _RUNS.match(text) else text


def active(text: str) -> str:
    """Return the text that `inert` was given."""
    return text[1:] if text.startswith("'") and _RUNS.match(text, 1) else text


def time_text(when: dt.datetime) -> str:
    """Write a time in ISO 8601: an aware one in UTC with Z, a naive one as it is."""
    if when.tzinfo is None:
        return when.isoformat()
    if when.tzinfo is dt.UTC:
        return when.isoformat()[:-6] + "Z"
    return when.astimezone(dt.UTC).replace(tzinfo=None).isoformat() + "Z"


def uuid_text(value: bytes | str) -> str:
    """Write a UUID in its canonical form."""
    return identity.text_of(value) if isinstance(value, bytes) else value


PLAIN: Final[dict[CellType, Write]] = {
    "day": dt.date.isoformat,
    "time": time_text,
    "local_time": time_text,
    "uuid": uuid_text,
    "bytes": bytes.hex,
}
"""How a kind becomes what JSON and CSV can hold; a kind that is not here is that already."""


def converters(columns: Sequence[Column], by_kind: dict[CellType, Write]) -> list[tuple[int, Write]]:
    """Return (place, function) for every column that needs one."""
    return [(place, by_kind[column.kind]) for place, column in enumerate(columns) if column.kind in by_kind]
