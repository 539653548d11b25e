"""SQL is in files of the `sql` folder beside its callers; this reads them, once, at import."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol


class Query(Protocol):
    """A reader of one folder of SQL."""

    def __call__(self, name: str, **fields: str) -> str:
        """Return the text of `sql/NAME.sql`. `fields` fill its braces: lists of column names, never values."""


def queries_beside(module: str) -> Query:
    """Return the reader of the `sql` folder beside a module, given its `__file__`."""
    folder = Path(module).parent / "sql"

    def query(name: str, **fields: str) -> str:
        text = (folder / f"{name}.sql").read_text("utf-8")
        return text.format(**fields) if fields else text

    return query
