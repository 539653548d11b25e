"""Days are there before their first view, and any number of processes may see to it."""

from __future__ import annotations

from functools import partial

import pytest
import trio

from tests.store.drained import DAY, NOON_US
from vts.model.day import date_of
from vts.store.schema.partitions import DAYS_AHEAD, Partitions, make_days
from vts.store.session.faults import StoreMistake

DAYS = """
SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'view_events'::regclass ORDER BY 1
"""


@pytest.fixture
async def writer(database):
    connection = await database.connect("writer")
    yield connection
    await connection.close()


def actor(database, clock=lambda: NOON_US, **settings) -> Partitions:
    return Partitions(partial(database.connect, "writer"), 7, clock, **settings)


async def test_makes_every_day_that_a_view_may_carry(database, writer):
    assert await actor(database).make_ahead() == 7 + 1 + DAYS_AHEAD
    expected = [f"view_events_{date_of(day):%Y%m%d}" for day in range(DAY - 7, DAY + DAYS_AHEAD + 1)]
    assert [row[0] for row in await writer.fetch(DAYS)] == expected
    assert await actor(database).make_ahead() == 0


async def test_makes_the_next_day_when_the_clock_goes_on(database):
    now_us = NOON_US
    days = actor(database, clock=lambda: now_us)
    await days.make_ahead()
    now_us += 86_400_000_000
    assert await days.make_ahead() == 1


async def test_runs_until_it_is_stopped(database, writer):
    done = trio.Event()

    async def chore(connection) -> None:
        done.set()

    days = actor(database, also=[chore])
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            await nursery.start(lambda task_status: days.run(task_status=task_status))
            await done.wait()
            days.stop()
    assert len(await writer.fetch(DAYS)) == 10


async def test_many_may_make_the_same_day_at_once(database):
    made = []

    async def make() -> None:
        connection = await database.connect("writer")
        made.append(await make_days(connection, [date_of(DAY), date_of(DAY + 1), date_of(DAY)]))
        await connection.close()

    async with trio.open_nursery() as nursery:
        for _ in range(5):
            nursery.start_soon(make)
    assert sum(made) == 2


async def test_a_day_is_made_while_others_write_to_another(database, writer):
    """The lock that a new partition takes must not wait for a transaction that has written."""
    await make_days(writer, [date_of(DAY)])
    other = await database.connect("writer")
    async with other.transaction():
        await other.execute("SELECT count(*) FROM view_events")
        await other.execute("DELETE FROM view_events WHERE post_id = 1")
        with trio.fail_after(60):
            assert await make_days(writer, [date_of(DAY + 1)]) == 1
    await other.close()


async def test_a_reader_may_not_make_days(database):
    reader = await database.connect("reader")
    with pytest.raises(StoreMistake):
        await make_days(reader, [date_of(DAY)])
    await reader.close()
