"""Imports of who watched what, and of what the providers of streams count."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from vts.model.imported_stats import WATCHED, HistoryRow, ProviderRow, check_history, check_provider
from vts.model.imports import BadRow
from vts.model.names import Names
from vts.model.reference import BadReference, NoReferenceKey
from vts.service.import_rules import CatalogNotLoaded, RowRefused, TooManyRows
from vts.store.facts.history_import import Applied, Ticket
from vts.store.facts.import_tables import import_history, import_provider_stats
from vts.store.session.pool import Writer

STREAM: Final = "stream"

R = TypeVar("R", HistoryRow, ProviderRow)


class TableImport:
    """Stores rows in tables of their own. Ids are read by the `names` of the request."""

    def __init__(self, writer: Writer, rows_max: int) -> None:
        self._writer = writer
        self._rows_max = rows_max

    async def history(self, ticket: Ticket, rows: Sequence[HistoryRow], names: Names) -> Applied:
        """Store who watched what. Raises TooManyRows, RowRefused, CatalogNotLoaded, ImportIdUsed, ReferenceTaken,
        StoreUnavailable.
        """
        read = _read(rows, self._rows_max, check_history, lambda row: _watched(row, names))
        return await self._writer.write(lambda session: import_history(session, ticket, read, names.texts))

    async def provider_stats(self, ticket: Ticket, rows: Sequence[ProviderRow], names: Names) -> Applied:
        """Store what providers count. Raises likewise."""
        read = _read(
            rows, self._rows_max, check_provider, lambda row: _named("stream_id", row.stream_id, STREAM, names)
        )
        seen: dict[tuple[str, int, object], int] = {}
        for index, (row, stream_id) in enumerate(read):
            first = seen.setdefault((row.provider, stream_id, row.day), index)
            if first != index:
                raise RowRefused(index, f"provider, stream_id, day: the same as in row {first}")
        return await self._writer.write(lambda session: import_provider_stats(session, ticket, read, names.texts))


def _read(rows: Sequence[R], most: int, check: Callable[[R], None], number: Callable[[R], int]) -> list[tuple[R, int]]:
    if len(rows) > most:
        raise TooManyRows(most)
    read = []
    for index, row in enumerate(rows):
        try:
            check(row)
            read.append((row, number(row)))
        except (BadRow, BadReference) as fault:
            raise RowRefused(index, str(fault)) from None
        except NoReferenceKey:
            raise CatalogNotLoaded from None
    return read


def _watched(row: HistoryRow, names: Names) -> int:
    """Return the number of what was watched. A channel's own id is another thing than a content of that number."""
    if row.post_id is not None:
        return row.post_id
    if row.ref is not None:
        return _named("ref", row.ref, None, names)
    field = next(name for name in WATCHED if getattr(row, name) is not None)
    value, kind = str(getattr(row, field)), WATCHED[field]
    named = value if ":" in value else f"{kind}:{value}"
    if named.partition(":")[0] != kind:
        raise BadRow(f"{field}: a {kind} is expected")
    return _named(field, named, None, names)


def _named(field: str, value: int | str, kind: str | None, names: Names) -> int:
    try:
        return names.content(value, default_kind=kind)
    except BadReference as fault:
        raise BadRow(f"{field}: {fault}") from None
