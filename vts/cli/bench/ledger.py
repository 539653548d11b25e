"""The ledger of a benchmark: what was acknowledged against what is stored and what is counted.

With the database at hand every single id is compared; else the counts, through the API.
"""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import asyncpg
import msgspec

from vts.cli.bench import ids
from vts.cli.bench.target import Target

CHUNK_ROWS: Final = 20_000
_SEEN_MAX: Final = 255


class StoredEvents(msgspec.Struct, frozen=True, kw_only=True):
    """What the database holds: rows of this series by number, how often each; rows and counted views in all."""

    times: bytearray
    rows: int
    counted: int


class Balance(msgspec.Struct, frozen=True, kw_only=True):
    """The comparison over all runs.

    `acknowledged` is what the generator has an answer for, `accepted` what VTS says it acknowledged (more by what was
    on its way when the generator hung up), `missing` what of it is not stored or not counted, `twice` what is there
    more than once.
    """

    compared: str
    acknowledged: int
    accepted: int
    stored: int | None
    counted: int
    missing: int
    twice: int

    @property
    def balanced(self) -> bool:
        """Whether nothing was lost and nothing counted twice."""
        return self.missing == 0 and self.twice == 0


class Ledger:
    """Collects over the runs what was sent and what was acknowledged, by number."""

    def __init__(self) -> None:
        self.next = 1
        self.acknowledged = 0
        self.complete = True
        self._numbers = bytearray(1)

    def note(self, used: int, acknowledged: int, path: Path | None) -> None:
        """Add a generator's run: how many numbers it used up and, in a file, those that were acknowledged."""
        first, self.next = self.next, self.next + used
        self._numbers.extend(bytes(used))
        self.acknowledged += acknowledged
        if path is None:
            self.complete = False
            return
        for number in numbers_in(path):
            if not first <= number < self.next:
                raise ValueError("a number that was not given out")
            self._numbers[number] = 1

    def skip(self, count: int) -> None:
        """Leave numbers unused."""
        self.next += count
        self._numbers.extend(bytes(count))

    def compare(self, stored: StoredEvents, accepted: int) -> Balance:
        """Compare every id. Where the generator does not know which were acknowledged, their number has to do."""
        lost = sum(1 for sent, there in zip(self._numbers, stored.times, strict=False) if sent and not there)
        lost += sum(self._numbers[len(stored.times) :])
        short = max(accepted, self.acknowledged) - stored.rows
        again = sum(there - 1 for there in stored.times if there > 1)
        return Balance(
            compared="ids" if self.complete else "ids stored, numbers acknowledged",
            acknowledged=self.acknowledged,
            accepted=accepted,
            stored=stored.rows,
            counted=stored.counted,
            missing=max(lost, short, stored.rows - stored.counted, 0),
            twice=max(again, stored.rows - accepted, stored.counted - stored.rows, 0),
        )

    def compare_counts(self, counted: int, accepted: int) -> Balance:
        """Compare numbers only. More than was acknowledged may be counted: what had no answer yet."""
        return Balance(
            compared="counts",
            acknowledged=self.acknowledged,
            accepted=accepted,
            stored=None,
            counted=counted,
            missing=max(0, self.acknowledged - counted),
            twice=max(0, counted - (self.next - 1)),
        )


def numbers_in(path: Path) -> Iterable[int]:
    """Read a generator's file of numbers."""
    numbers = array("Q")
    numbers.frombytes(path.read_bytes())
    return numbers


def stored_in(url: str, series: int) -> StoredEvents:
    """Read what the database holds."""
    return asyncio.run(_read(url, series))


async def _read(url: str, series: int) -> StoredEvents:
    connection = await asyncpg.connect(url)
    try:
        await connection.set_type_codec("uuid", schema="pg_catalog", format="binary", encoder=bytes, decoder=bytes)
        counted = await connection.fetchval(
            "SELECT coalesce(sum(total_views), 0) FROM post_stats_daily WHERE post_id > 0"
        )
        rows, times = await _read_rows(connection, series)
    finally:
        await connection.close()
    return StoredEvents(times=times, rows=rows, counted=int(counted))


async def _read_rows(connection: Any, series: int) -> tuple[int, bytearray]:
    times, rows = bytearray(), 0
    async with connection.transaction():
        cursor = await connection.cursor("SELECT event_id FROM view_events")
        while chunk := await cursor.fetch(CHUNK_ROWS):
            rows += len(chunk)
            for (raw,) in chunk:
                number = ids.number_of(series, raw)
                if number is None:
                    continue
                if number >= len(times):
                    times.extend(bytes(number + 1 - len(times)))
                times[number] = min(times[number] + 1, _SEEN_MAX)
    return rows, times


def counted_by(target: Target, first_post: int, posts: int) -> int:
    """Ask the API how many views the contents have of all time."""
    with target.client() as client:
        return sum(
            client.get(f"/api/post/{post}/count").raise_for_status().json()["views"]
            for post in range(first_post, first_post + posts)
        )
