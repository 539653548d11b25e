"""The journal, as the drain sees it: runs of rows, read in order, with an offset in the database for each run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from vts.model.journal_run import Run
from vts.model.record import Record


class Slice(Protocol):
    """Records of one run in the order of their acknowledgement, and the number of the last journal row among them.

    Rows that are known to be lost are passed over: there are no records then, and `last_seq` is farther on.
    """

    @property
    def records(self) -> Sequence[Record]:
        """The events, oldest first."""
        ...

    @property
    def last_seq(self) -> int:
        """Where to go on reading."""
        ...

    @property
    def run(self) -> Run:
        """The run that they belong to."""
        ...


class Source(Protocol):
    """What the drain needs of the journal."""

    @property
    def journal_id(self) -> bytes:
        """16 bytes that name this process in notices."""
        ...

    @property
    def runs(self) -> Sequence[Run]:
        """The runs whose rows it holds, the oldest first: the database keeps an offset for each."""
        ...

    @property
    def last_seq(self) -> int:
        """The number of the newest row."""
        ...

    @property
    def depth(self) -> int:
        """How many records the database does not have yet."""
        ...

    async def read(self, after: int, limit_rows: int) -> Slice:
        """Return what lies behind row `after`; no records and the same number when there is nothing."""
        ...

    async def wait_beyond(self, seq: int) -> None:
        """Return when there is a row behind `seq`."""
        ...

    def drained(self, seq: int) -> None:
        """Take note that the database has everything up to `seq`, and nothing behind it."""
        ...


class Part(NamedTuple):
    """What the journal holds behind row `after` up to row `last_seq`, all of one run."""

    run: Run
    after: int
    last_seq: int
    records: Sequence[Record]
