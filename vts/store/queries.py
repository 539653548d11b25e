"""SQL lives in files named for their caller; this reads them, once, at import."""

from __future__ import annotations

from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent / "sql"


def query(name: str, **fields: str) -> str:
    """Return the text of `sql/NAME.sql`. `fields` fill its braces: lists of column names, never values."""
    text = (FOLDER / f"{name}.sql").read_text("utf-8")
    return text.format(**fields) if fields else text
