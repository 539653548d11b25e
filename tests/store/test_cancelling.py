"""A transaction that is cancelled anywhere is over on the server, or its session is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Literal

import pytest
import trio

from tests.support.waiting import until
from vts.model.content import ContentRow
from vts.store.facts.catalog import upsert_contents
from vts.store.session.connection import Connection, Database
from vts.store.session.pool import Readers, Writer

When = Literal["queued", "waiting"]
Story = Callable[[], Awaitable[object]]

OPEN_TRANSACTIONS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND state LIKE 'idle in transaction%'
"""


class CancelAt(trio.abc.Instrument):
    """Cancels the scope at one step of the task that made it.

    "queued": its last command has answered, and it has not run since. "waiting": its command is on the way.
    """

    def __init__(self, step: int, when: When) -> None:
        self.scope = trio.CancelScope()
        self._task = trio.lowlevel.current_task()
        self._left = step
        self._when = when

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        self._strike("queued", task)

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        self._strike("waiting", task)

    def _strike(self, when: When, task: trio.lowlevel.Task) -> None:
        if when == self._when and task is self._task:
            self._left -= 1
            if self._left < 0:
                self.scope.cancel()


async def cancelled_everywhere(story: Story, after_each: Story) -> int:
    """Run a story to its end, cancelled at one step after another; return how many steps it has."""
    for when in ("queued", "waiting"):
        step = 0
        while await cancelled_at(step, when, story):
            await after_each()
            step += 1
        await after_each()
    return step


async def cancelled_at(step: int, when: When, story: Story) -> bool:
    """Whether the story came to this step."""
    strike = CancelAt(step, when)
    trio.lowlevel.add_instrument(strike)
    try:
        with strike.scope:
            await story()
    finally:
        trio.lowlevel.remove_instrument(strike)
    return strike.scope.cancel_called


@pytest.fixture
async def look(empty_database: Database) -> Connection:
    """A session that watches the others."""
    session = await empty_database.connect("login")
    await session.execute("CREATE TABLE t (n int); GRANT ALL ON t TO PUBLIC")
    return session


async def assert_none_is_open(look: Connection) -> None:
    async def none_is_open() -> bool:
        return await look.fetchval(OPEN_TRANSACTIONS) == 0

    await until(none_is_open)  # the server notices a cut socket a moment later


@pytest.mark.parametrize("nested", [False, True])
async def test_a_block_that_is_cancelled_anywhere_is_stored_whole_or_not_at_all(
    empty_database: Database, look: Connection, nested: bool
) -> None:
    lent = await empty_database.connect("login")

    async def session() -> Connection:
        nonlocal lent
        if lent.is_closed:
            lent = await empty_database.connect("login")
        assert not lent.in_transaction
        return lent

    async def story() -> None:
        connection = await session()
        async with connection.transaction():
            await connection.execute("INSERT INTO t VALUES (1)")
            if nested:
                async with connection.transaction():
                    await connection.execute("INSERT INTO t VALUES (2)")
            else:
                await connection.execute("INSERT INTO t VALUES (2)")

    async def next_user() -> None:
        await assert_none_is_open(look)
        before = [row[0] for row in await look.fetch("SELECT n FROM t ORDER BY n")]
        assert before in ([], [1, 2])
        connection = await session()
        async with connection.transaction():
            await connection.execute("INSERT INTO t VALUES (3)")
        assert [row[0] for row in await look.fetch("SELECT n FROM t ORDER BY n")] == [*before, 3]
        await look.execute("DELETE FROM t")

    assert await cancelled_everywhere(story, next_user) >= 4
    await lent.close()
    await look.close()


async def test_a_failed_block_whose_rollback_is_cancelled_is_over(empty_database: Database, look: Connection) -> None:
    async def story() -> None:
        connection = await empty_database.connect("login")
        async with connection.transaction():
            with pytest.raises(ZeroDivisionError):
                async with connection.transaction():
                    await connection.execute("INSERT INTO t VALUES (1)")
                    raise ZeroDivisionError
        assert not connection.in_transaction
        await connection.close()

    async def after() -> None:
        await assert_none_is_open(look)
        assert await look.fetchval("SELECT count(*) FROM t") == 0

    await cancelled_everywhere(story, after)
    await look.close()


async def test_a_reader_that_was_cancelled_anywhere_answers_new_numbers(
    empty_database: Database, look: Connection
) -> None:
    readers = Readers(empty_database, size=1, query_timeout_s=20.0)
    written = 0

    async def story() -> None:
        async with readers.snapshot() as snapshot:
            await snapshot.fetchval("SELECT count(*) FROM t")
            await snapshot.fetchval("SELECT count(*) FROM t")

    async def after() -> None:
        nonlocal written
        await look.execute("INSERT INTO t VALUES (1)")
        written += 1
        assert await readers.fetchval("SELECT count(*) FROM t") == written
        await assert_none_is_open(look)

    assert await cancelled_everywhere(story, after) >= 4
    readers.close()
    await look.close()


async def test_a_write_of_the_api_that_is_cancelled_anywhere_delays_no_other_task(database: Database) -> None:
    writer = Writer(lambda: database.connect("writer"), timeout_s=20.0)
    look = await database.connect("writer", command_timeout_s=5.0)
    revision = "UPDATE catalog_revision SET revision = revision RETURNING revision"
    seen, post_id = await look.fetchval(revision), 1

    async def story() -> None:
        await writer.write(lambda session: upsert_contents(session, [ContentRow(post_id=post_id, kind="artwork")]))

    async def after() -> None:
        nonlocal seen, post_id
        await assert_none_is_open(look)
        before, seen = seen, await look.fetchval(revision)  # the drain takes it for every new content
        stored = await look.fetchval("SELECT count(*) FROM content WHERE post_id = $1", post_id)
        assert stored == seen - before
        post_id += 1

    assert await cancelled_everywhere(story, after) >= 4
    writer.close()
    await look.close()


async def test_a_session_inside_a_transaction_is_not_taken_back(empty_database: Database, look: Connection) -> None:
    """After any use of it."""
    readers = Readers(empty_database, size=1)
    writer = Writer(lambda: empty_database.connect("login"), timeout_s=20.0)
    async with readers.connection() as connection:
        await connection.execute("BEGIN")
    assert connection.is_closed
    await writer.write(lambda session: session.execute("BEGIN; INSERT INTO t VALUES (1)"))
    await assert_none_is_open(look)
    await writer.write(lambda session: session.execute("INSERT INTO t VALUES (2)"))
    assert [row[0] for row in await look.fetch("SELECT n FROM t")] == [2]
    readers.close()
    writer.close()
    await look.close()
