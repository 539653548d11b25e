"""How far each run of the journal is in the database, and where to go on.

The offset moves in the transaction that stores what lies between, so it decides what was stored.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from vts.model.faults import StoreUnavailable
from vts.model.journal_run import Run
from vts.store.drain.source import Part
from vts.store.session.connection import Connection
from vts.store.session.queries import queries_beside

query = queries_beside(__file__)

_OFFSETS: Final = query("drain_offset")
_SLOT: Final = query("drain_slot")
_UNKNOWN_RUNS: Final = query("drain_unknown_runs")
_ADVANCE: Final = query("drain_advance")


class Offsets:
    """The offsets of one data folder's journal. `slot_id` names the folder: 16 bytes, None when there is no journal."""

    def __init__(self, connection: Connection, slot_id: bytes | None) -> None:
        self._connection = connection
        self._slot_id = slot_id
        self._has_slot = False

    async def read(self, runs: Sequence[bytes]) -> dict[bytes, int]:
        """Return how far these runs are drained, without those of which nothing is."""
        if not self._has_slot:
            await self._connection.execute(_SLOT, self._slot_id)
            self._has_slot = True
        rows = await self._connection.fetch(_OFFSETS, list(runs))
        return {bytes(run): seq for run, seq in rows}

    async def drained_elsewhere(self, runs: Sequence[Run]) -> int | None:
        """Return the newest row that was drained of runs of this folder that its journal should have and has not."""
        first = runs[0].first if runs else 1
        found: int | None = await self._connection.fetchval(
            _UNKNOWN_RUNS, self._slot_id, [run.id for run in runs], first
        )
        return found

    async def advance(self, part: Part) -> None:
        """Move the offset of the run, in the caller's transaction. A second drain of this run waits for its end.

        Raises StoreUnavailable when the offset is not where the part begins.
        """
        is_first = part.after < part.run.first
        where = (part.run.id, part.after, part.last_seq, self._slot_id, is_first)
        if await self._connection.execute(_ADVANCE, *where) != "INSERT 0 1":
            raise StoreUnavailable("the journal's offset in the database is not where it was read")


def first_undrained(runs: Sequence[Run], last_seq: int, offsets: Mapping[bytes, int]) -> int:
    """Return the row behind which the database lacks something, by the offsets of these runs."""
    for run, end in _ends(runs, last_seq):
        if offsets.get(run.id, 0) < end:
            return max(offsets.get(run.id, 0), run.first - 1)
    return last_seq


def beyond_the_journal(
    runs: Sequence[Run], last_seq: int, offsets: Mapping[bytes, int], elsewhere: int | None
) -> Iterator[tuple[int, int]]:
    """Give (last row here, row in the database) where the database has rows that the journal should have.

    Its file is then an older copy. `elsewhere` is what `Offsets.drained_elsewhere` returned.
    """
    for run, end in _ends(runs, last_seq):
        if offsets.get(run.id, 0) > end:
            yield end, offsets[run.id]
    new = next((run.first for run in runs if run.id not in offsets), last_seq + 1)
    if elsewhere is not None and elsewhere >= new:
        yield new - 1, elsewhere


def _ends(runs: Sequence[Run], last_seq: int) -> Iterator[tuple[Run, int]]:
    ends = [*(run.first - 1 for run in runs[1:]), last_seq]
    return zip(runs, ends, strict=False)
