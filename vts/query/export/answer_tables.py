"""The tables inside a JSON answer: its lists and its breakdowns, each value beside its `_authenticated` twin. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from vts.query.export.table import CellType, Column
from vts.query.naming import REFS, TWIN, has_id_keys, named_key
from vts.query.zone_days import INEXACT

BREAKDOWN: Final = "views_by_"
VALUE: Final = "value"

_KINDS: Final[tuple[tuple[type, CellType], ...]] = (
    (bool, "flag"),
    (int, "integer"),
    (float, "number"),
    (dt.datetime, "time"),
    (dt.date, "day"),
)


class Rows(NamedTuple):
    """A table that is in memory. `is_by_id`: it is a breakdown whose values are ids."""

    columns: list[Column]
    rows: list[list[Any]]
    is_by_id: bool = False


def tables_in(body: Mapping[str, Any]) -> dict[str, Rows]:
    """Return the tables of an answer by name, in the answer's order.

    A list of objects is a table with their fields as columns; {value: count} one of `value`, `views` and
    `views_authenticated`; `views_by_weekday_and_hour` with counts in lists of lists one of `weekday`, `hour` and those.
    `views_by_country` answers to `country`, too, behind all others. Tables of an object inside are named
    likewise, where the answer has none of that name itself.
    """
    found = _tables(body)
    short = {name.removeprefix(BREAKDOWN): rows for name, rows in found.items() if name.startswith(BREAKDOWN)}
    return found | {name: rows for name, rows in short.items() if name not in found}


def _tables(body: Mapping[str, Any]) -> dict[str, Rows]:
    found: dict[str, Rows] = {}
    inside: list[dict[str, Any]] = []
    for name, content in body.items():
        if name.endswith(TWIN) or name == INEXACT:
            continue
        twin = body.get(name + TWIN)
        if isinstance(content, list) and all(isinstance(row, Mapping) for row in content):
            found[name] = _of_list(content, twin)
        elif name.startswith(BREAKDOWN) and isinstance(content, list) and content:
            found[name] = _of_grid(name.removeprefix(BREAKDOWN).split("_and_"), content, twin)
        elif isinstance(content, Mapping) and all(isinstance(n, int) for n in content.values()):
            found[name] = _of_counts(content, twin)._replace(is_by_id=has_id_keys(name))
        elif isinstance(content, Mapping):
            inside.append({**content, **{key + TWIN: value for key, value in (twin or {}).items()}})
    for content in inside:
        found |= {name: rows for name, rows in _tables(content).items() if name not in found}
    return found


def with_refs(table: Rows, texts: Mapping[int, str]) -> Rows:
    """Return a table with the texts of its ids: beside each column of ids one of texts, in a breakdown instead.

    Rows of a breakdown that get one text are added.
    """
    if table.is_by_id:
        return Rows(table.columns, _added([named_key(row[0], texts), *row[1:]] for row in table.rows), is_by_id=True)
    columns = [
        made
        for column in table.columns
        for made in ((column, Column(REFS[column.name], "text")) if column.name in REFS else (column,))
    ]
    ids = [column.name in REFS for column in table.columns]
    return Rows(columns, [list(_cells(row, ids, texts)) for row in table.rows])


def _added(rows: Iterable[list[Any]]) -> list[list[Any]]:
    """Return one row for each first cell: the sums of the others."""
    found: dict[Any, list[Any]] = {}
    for value, *counts in rows:
        before = found.get(value)
        found[value] = [value, *(counts if before is None else map(sum, zip(before[1:], counts, strict=True)))]
    return list(found.values())


def _cells(row: Sequence[Any], ids: Sequence[bool], texts: Mapping[int, str]) -> Iterator[Any]:
    for cell, is_id in zip(row, ids, strict=True):
        yield cell
        if is_id:
            yield texts.get(cell)


def _of_counts(counts: Mapping[str, int], twin: Any) -> Rows:
    columns = [Column(VALUE, "text"), Column("views", "integer")]
    if not isinstance(twin, Mapping):
        return Rows(columns, [[value, n] for value, n in counts.items()])
    values = [*counts, *(value for value in twin if value not in counts)]
    rows = [[value, counts.get(value, 0), twin.get(value, 0)] for value in values]
    return Rows([*columns, Column("views" + TWIN, "integer")], rows)


def _of_grid(axes: Sequence[str], counts: list[Any], twin: Any) -> Rows:
    """Name the places of counts: one list for one axis, lists of lists for two."""
    columns = [Column(name, "integer") for name in (*axes, "views", "views" + TWIN)]
    signed = dict(_places(twin)) if isinstance(twin, list) else {}
    return Rows(columns, [[*place, n, signed.get(place)] for place, n in _places(counts)])


def _places(counts: list[Any], *before: int) -> Iterator[tuple[tuple[int, ...], int]]:
    for at, inside in enumerate(counts):
        if isinstance(inside, list):
            yield from _places(inside, *before, at)
        else:
            yield (*before, at), inside


def _of_list(items: Sequence[Mapping[str, Any]], twin: Any) -> Rows:
    names = list(dict.fromkeys(name for item in items for name in item))
    cells = [[item.get(name) for name in names] for item in items]
    if _is_parallel(items, twin, names):
        counted = [n for n in names[1:] if n not in REFS and _is_count(items, n) and n + TWIN not in names]
        for row, other in zip(cells, twin, strict=True):
            row += [other.get(name) for name in counted]
        names += [name + TWIN for name in counted]
    kinds = [_kind([row[place] for row in cells]) for place in range(len(names))]
    columns = [Column(name, kind, kind == "json") for name, kind in zip(names, kinds, strict=True)]
    nested = [place for place, kind in enumerate(kinds) if kind == "json"]
    for row in cells:
        for place in nested:
            row[place] = None if row[place] is None else msgspec.json.encode(row[place]).decode()
    return Rows(columns, cells)


def _is_parallel(items: Sequence[Mapping[str, Any]], twin: Any, names: Sequence[str]) -> bool:
    """Whether the twin speaks of the same things in the same order: its first field says of what."""
    if not isinstance(twin, list) or len(twin) != len(items) or not names:
        return False
    return all(one.get(names[0]) == other.get(names[0]) for one, other in zip(items, twin, strict=True))


def _is_count(items: Sequence[Mapping[str, Any]], name: str) -> bool:
    """Whether a field is a number; a mean of nothing is null in some rows."""
    values = [item.get(name) for item in items]
    return all(isinstance(value, int | float | None) for value in values) and any(v is not None for v in values)


def _kind(cells: Sequence[Any]) -> CellType:
    present = [cell for cell in cells if cell is not None]
    if any(isinstance(cell, dict | list) for cell in present):
        return "json"
    for of_type, kind in _KINDS:
        if present and all(isinstance(cell, of_type) for cell in present):
            return kind
    if present and all(isinstance(cell, int | float) for cell in present):
        return "number"
    return "text"
