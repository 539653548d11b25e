"""What is to be done with a day: roll it up, drop its raw rows, or leave it alone. Pure but for one question."""

from __future__ import annotations

from typing import Final, NamedTuple

from vts.model.day import MINUTE_US, date_of, day_of_date, us_of
from vts.store.session.connection import Connection
from vts.store.session.queries import queries_beside

query = queries_beside(__file__)

REROLL_US: Final = 10 * MINUTE_US  # a day that late rows keep coming for is not recounted all the time
FIRST_DAY: Final = -719_162  # 0001-01-01

_DAYS: Final = query("roll_days")


class Day(NamedTuple):
    """A UTC day by its number. `has_rows`: its raw rows are kept. `rolled_us`: when it was last rolled up.

    `dirty`: rows came after that, or owners of what was viewed became known. `dropped`: its raw rows were dropped once,
    so that it is never recomputed. `catalog_changed`: since owners that became known were last looked for.
    """

    day: int
    has_rows: bool
    rolled_us: int | None
    dropped: bool
    views: int
    dirty: bool
    catalog_changed: bool

    @property
    def can_roll(self) -> bool:
        """Whether its raw rows are all there."""
        return self.has_rows and not self.dropped

    @property
    def is_open(self) -> bool:
        """Whether a roll-up would change anything."""
        return self.can_roll and (self.rolled_us is None or self.dirty)


def may_reopen(day: Day) -> bool:
    """Whether to look if a rolled day counts views of owners that were not known then."""
    return day.can_roll and day.catalog_changed and not day.is_open


def is_due(day: Day, now_us: int) -> bool:
    """Whether a closed day is to be rolled up now."""
    return day.is_open and (day.rolled_us is None or now_us - day.rolled_us >= REROLL_US)


def is_droppable(day: Day, today: int, raw_days: int) -> bool:
    """Whether the raw rows of a day may go. Partitions are made from today - raw_days on: this is the day before."""
    return day.has_rows and day.day < today - raw_days and not day.is_open


async def read_days(
    connection: Connection, *, before: int, first: int = FIRST_DAY, remembered: bool = False
) -> list[Day]:
    """Return the days that have raw rows, oldest first; also those that had some, if they are to be `remembered`."""
    rows = await connection.fetch(_DAYS, date_of(first), date_of(before), remembered)
    return [_day(*row) for row in rows]


def _day(date: object, has_rows: bool, rolled_at: object, dropped_at: object, views: int, *flags: bool) -> Day:
    dirty, catalog_changed = flags
    return Day(
        day=day_of_date(date),  # type: ignore[arg-type]
        has_rows=has_rows,
        rolled_us=None if rolled_at is None else us_of(rolled_at),  # type: ignore[arg-type]
        dropped=dropped_at is not None,
        views=views,
        dirty=dirty,
        catalog_changed=catalog_changed,
    )
