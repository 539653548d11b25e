"""The newest records of the journal, kept in memory for a drain that keeps up."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Container, Sequence
from itertools import islice
from typing import Final

from vts.journal.entry import Record
from vts.journal.format import RowPosition
from vts.model.view import ViewEvent

TAIL_RECORDS: Final = 16_384  # about a second of a flood, 20 MB


class Tail:
    """Rows without gaps, up to the newest, with their records."""

    def __init__(self) -> None:
        self._rows: deque[tuple[RowPosition, Sequence[Record]]] = deque()
        self._records = 0

    def grow(self, rows: Sequence[tuple[RowPosition, Sequence[Record]]]) -> None:
        """Take the rows of a commit; the oldest go when there are too many."""
        for row, records in rows:
            self._rows.append((row, records))
            self._records += len(records)
        while self._records > TAIL_RECORDS:
            self._records -= len(self._rows.popleft()[1])

    def forget(self, upto: int) -> RowPosition | None:
        """Forget the rows up to this number; returns the last of them."""
        last = None
        while self._rows and self._rows[0][0].seq <= upto:
            last, records = self._rows.popleft()
            self._records -= len(records)
        return last

    def first(self) -> RowPosition | None:
        """Return the oldest row that is kept."""
        return self._rows[0][0] if self._rows else None

    def last_with(self, post_ids: Container[int]) -> int:
        """Return the newest row with a view of one of these contents; 0 when there is none."""
        for row, records in reversed(self._rows):
            for record in records:
                if type(record) is ViewEvent and record.post_id in post_ids:
                    return row.seq
        return 0

    def change(self, change: Callable[[Record], Record]) -> None:
        """Change every record."""
        self._rows = deque((row, [change(record) for record in records]) for row, records in self._rows)

    def clear(self) -> None:
        """Forget all rows."""
        self._rows.clear()
        self._records = 0

    def read(self, after: int, end: int, limit: int) -> tuple[list[Record], int] | None:
        """Return whole rows of `after` < seq ≤ `end`, about `limit` records, and where to go on; None: not here."""
        if after >= end:
            return [], after
        if not self._rows or self._rows[0][0].seq > after + 1:
            return None
        records: list[Record] = []
        last_seq = after
        for row, part in islice(self._rows, after + 1 - self._rows[0][0].seq, None):
            if row.seq > end or (records and len(records) + len(part) > limit):
                break
            records += part
            last_seq = row.seq
        return records, last_seq
