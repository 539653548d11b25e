"""What became of events, by hour: stored whole, however often and by however many processes, and asked by day."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
import trio

from vts.model.day import DAY_US, HOUR_US, datetime_of
from vts.query.outcomes import answer, since_us
from vts.query.outcomes_load import outcome_rows
from vts.store.facts.outcomes import Outcomes
from vts.store.session.connection import Connection, Database
from vts.store.session.faults import StoreUnavailable
from vts.store.session.pool import Readers

DAY = 20_400
Connect = Callable[[], Awaitable[Connection]]


class Process:
    """A process that counts what a test says, at the time that the test sets."""

    def __init__(self, connect: Connect) -> None:
        self.now_us = DAY * DAY_US + 10 * HOUR_US
        self.counted: dict[tuple[str, str], int] = {}
        self.actor = Outcomes(connect, lambda: self.counted, lambda: self.now_us)

    def count(self, outcome: str, events: int, source: str = "web") -> None:
        self.counted[source, outcome] = self.counted.get((source, outcome), 0) + events


async def asked(database: Database, first: int, last: int, now_us: int) -> dict[str, object]:
    readers = Readers(database, 1, 10.0)
    try:
        return answer(await outcome_rows(readers, since_us(first, now_us)), first, last, now_us=now_us, lag_s=0.0)
    finally:
        readers.close()


async def test_hours_of_two_processes_add_up_and_a_repeated_write_changes_nothing(
    connect: Connect, database: Database
) -> None:
    connection = await connect()
    here, there = Process(connect), Process(connect)
    here.count("accepted", 5)
    here.count("bot", 2)
    there.count("accepted", 1, "player")
    for _ in range(2):
        await here.actor.store(connection)
        await there.actor.store(connection)
    here.count("accepted", 1)
    await here.actor.store(connection)
    here.now_us += HOUR_US
    here.count("duplicate", 3)
    await here.actor.store(connection)
    await connection.close()

    body = await asked(database, DAY, DAY, here.now_us)
    assert {name: n for name, n in body["outcomes"].items() if n} == {"accepted": 7, "bot": 2, "duplicate": 3}  # type: ignore[attr-defined]
    hourly = {line["hour"]: line for line in body["hourly"]}  # type: ignore[attr-defined]
    assert len(hourly) == 24
    ten, eleven = datetime_of(DAY * DAY_US + 10 * HOUR_US), datetime_of(DAY * DAY_US + 11 * HOUR_US)
    assert (hourly[ten]["accepted"], hourly[ten]["bot"], hourly[ten]["duplicate"]) == (7, 2, 0)
    assert (hourly[eleven]["accepted"], hourly[eleven]["duplicate"]) == (0, 3)
    assert body["by_source"][0] == {"source": "web", "outcome": "accepted", "events": 6}  # type: ignore[index]


async def test_a_write_that_failed_is_made_up_for_by_the_next(connect: Connect, database: Database) -> None:
    process = Process(connect)
    process.count("accepted", 4)
    broken = await connect()
    await broken.close()
    with pytest.raises(StoreUnavailable):
        await process.actor.store(broken)
    connection = await connect()
    process.count("accepted", 1)
    await process.actor.store(connection)
    await connection.close()
    body = await asked(database, DAY - 1, DAY, process.now_us)
    assert [day["accepted"] for day in body["daily"]] == [0, 5]  # type: ignore[attr-defined]


async def test_what_was_counted_last_is_stored_at_the_end(connect: Connect, database: Database) -> None:
    process = Process(connect)
    async with trio.open_nursery() as nursery:
        await nursery.start(process.actor.run)
        process.count("not_found", 9)
        process.actor.stop()
    body = await asked(database, DAY, DAY, process.now_us)
    assert body["outcomes"]["not_found"] == 9  # type: ignore[index]
