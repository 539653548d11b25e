"""Connections: an answer or a named fault in time, also when the server hangs."""

from __future__ import annotations

import asyncio
import gc
import math
import signal
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import trio
import trio_asyncio

from tests.support.postgres import Server
from tests.support.waiting import until
from vts.store.server.stale import processes_of, send_all
from vts.store.session.connection import Database, asyncpg_loop
from vts.store.session.faults import BadData, StoreMistake, StoreRefused, StoreUnavailable
from vts.store.session.pool import Readers

AT_ONCE_S = 3.0  # less than the deadlines of a session, 5 and 10 s, which would end the same waits


@contextmanager
def frozen(server: Server) -> Iterator[None]:
    """Every process of the server stopped, as in a stalled virtual machine."""
    send_all(processes_of(server.data), signal.SIGSTOP)
    try:
        yield
    finally:
        send_all(processes_of(server.data), signal.SIGCONT)


async def test_session_settings(empty_database):
    connection = await empty_database.connect("writer", command_timeout_s=3.0)
    assert await connection.fetchval("SHOW synchronous_commit") == "on"
    assert await connection.fetchval("SHOW timezone") == "UTC"
    assert await connection.fetchval("SHOW statement_timeout") == "3s"
    assert await connection.fetchval("SHOW application_name") == "vts writer"
    await connection.close()
    assert connection.is_closed


async def test_rows_arguments_and_copy(empty_database):
    connection = await empty_database.connect("login")
    await connection.execute("CREATE TABLE t (id uuid PRIMARY KEY, n int); CREATE TABLE other (x int)")
    key, twin = uuid.uuid4().bytes, uuid.uuid4().bytes
    await connection.copy_records("t", [(key, 1)], ["id", "n"])
    await connection.executemany("INSERT INTO t VALUES ($1, $2)", [(twin, 2)])
    assert {(row["id"], row[1]) for row in await connection.fetch("SELECT * FROM t")} == {(key, 1), (twin, 2)}
    row = await connection.fetchrow("SELECT n FROM t WHERE id = $1", key)
    assert row is not None and row["n"] == 1
    assert await connection.fetchrow("SELECT 1 WHERE false") is None
    assert await connection.execute("DELETE FROM t") == "DELETE 2"
    await connection.close()


@pytest.mark.parametrize(
    ("statement", "arguments", "fault", "sqlstate"),
    [
        ("SELECT $1::text", ["a\0b"], BadData, "22021"),
        ("SELECT $1::text", ["\ud800"], BadData, "22000"),
        ("SELECT $1::int", [2**70], BadData, "22000"),
        ("SELECT $1::timestamptz", ["yesterday"], BadData, "22000"),
        ("SELECT 1 / $1::int", [0], BadData, "22012"),
        ("INSERT INTO t VALUES ($1), ($1)", [1], BadData, "23505"),
        ("INSERT INTO days VALUES ($1)", [5], BadData, "23514"),
        ("SELECT nonsense", [], StoreMistake, "42703"),
        ("SELECT * FROM nowhere", [], StoreMistake, "42P01"),
    ],
)
async def test_faults_say_what_the_caller_can_do(empty_database, statement, arguments, fault, sqlstate):
    connection = await empty_database.connect("login")
    await connection.execute("CREATE TABLE t (n int PRIMARY KEY); CREATE TABLE days (n int) PARTITION BY LIST (n)")
    with pytest.raises(fault) as caught:
        await connection.fetch(statement, *arguments)
    assert caught.value.sqlstate == sqlstate
    assert await connection.fetchval("SELECT 1") == 1
    await connection.close()


@pytest.mark.parametrize("value", ["a\0b", "\ud800", 7])
async def test_a_bad_value_fails_the_copy_and_not_the_session(empty_database, value):
    connection = await empty_database.connect("login")
    await connection.execute("CREATE TABLE t (n int, s text)")
    with pytest.raises(BadData):
        await connection.copy_records("t", [(n, "good") for n in range(1000)] + [(1, value)], ["n", "s"])
    await connection.copy_records("t", [(1, "good")], ["n", "s"])
    assert await connection.fetchval("SELECT count(*) FROM t") == 1
    await connection.close()


async def test_a_failed_savepoint_is_undone_alone(empty_database):
    connection = await empty_database.connect("login")
    await connection.execute("CREATE TABLE t (n int PRIMARY KEY)")
    async with connection.transaction():
        await connection.execute("INSERT INTO t VALUES (1)")
        with pytest.raises(BadData):
            async with connection.transaction():
                await connection.execute("INSERT INTO t VALUES (2)")
                await connection.execute("INSERT INTO t VALUES (1)")
        async with connection.transaction():
            await connection.execute("INSERT INTO t VALUES (3)")
    with pytest.raises(ZeroDivisionError):
        async with connection.transaction():
            await connection.execute("INSERT INTO t VALUES (4)")
            raise ZeroDivisionError
    assert [row[0] for row in await connection.fetch("SELECT n FROM t ORDER BY n")] == [1, 3]
    await connection.close()


async def test_a_swallowed_failure_is_not_taken_for_a_commit(empty_database):
    connection = await empty_database.connect("login")
    with pytest.raises(StoreMistake, match="rolled back"):
        async with connection.transaction():
            with pytest.raises(BadData):
                await connection.execute("SELECT 1 / 0")
    assert await connection.fetchval("SELECT 1") == 1
    await connection.close()


async def test_a_cancelled_command_returns_at_once_and_the_work_ends(empty_database):
    connection = await empty_database.connect("login")
    with trio.fail_after(AT_ONCE_S), trio.move_on_after(0.1) as scope:
        await connection.execute("SELECT pg_sleep(60)")
    assert scope.cancelled_caught and connection.is_closed
    with pytest.raises(StoreUnavailable):
        await connection.execute("SELECT 1")


async def test_cancelled_before_the_command_keeps_the_session(empty_database):
    connection = await empty_database.connect("login")
    with trio.CancelScope() as scope:
        scope.cancel()
        await connection.execute("SELECT 1")
    assert not connection.is_closed
    assert await connection.fetchval("SELECT 1") == 1
    await connection.close()


async def test_an_overdue_command_is_an_outage(empty_database):
    connection = await empty_database.connect("login", command_timeout_s=0.2)
    with trio.fail_after(0.2 + AT_ONCE_S), pytest.raises(StoreUnavailable):
        await connection.execute("SET statement_timeout = 0; SELECT pg_sleep(60)")
    assert connection.is_closed


async def test_notifications_arrive_and_a_lost_listener_raises(empty_database):
    heard: list[str] = []
    got = trio.Event()
    listener = await empty_database.connect("login")
    speaker = await empty_database.connect("login")
    await listener.listen("vts_test", lambda payload: (heard.append(payload), got.set())[0])
    await speaker.execute("SELECT pg_notify('vts_test', 'hello')")
    with trio.fail_after(60):
        await got.wait()
    assert heard == ["hello"]
    await speaker.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'")
    with trio.fail_after(60), pytest.raises(StoreUnavailable):
        await listener.stay()
    await speaker.close()


async def test_a_wrong_address_or_name_is_an_outage(postgres_server, empty_database, tmp_path):
    with pytest.raises(StoreUnavailable):
        await Database(url=lambda: f"postgresql://vts@/vts?host={tmp_path}").connect("reader")
    with pytest.raises(StoreRefused):
        await postgres_server.database("no_such_database").connect("reader")
    with pytest.raises(StoreRefused):
        await Database(url=lambda: empty_database.url().replace("vts@", "nobody_at_all@")).connect("reader")


async def test_readers_share_few_sessions_and_see_one_state(empty_database):
    readers = Readers(empty_database, size=2, query_timeout_s=5.0)
    pids: set[int] = set()

    async def ask() -> None:
        pids.add(await readers.fetchval("SELECT pg_backend_pid() FROM pg_sleep(0.01)"))

    async with trio.open_nursery() as nursery:
        for _ in range(10):
            nursery.start_soon(ask)
    assert len(pids) == 2
    writer = await empty_database.connect("login")
    await writer.execute("CREATE TABLE t (n int); GRANT SELECT ON t TO vts_reader")
    async with readers.snapshot() as snapshot:
        assert await snapshot.fetchval("SELECT count(*) FROM t") == 0
        await writer.execute("INSERT INTO t VALUES (1)")
        assert await snapshot.fetchval("SELECT count(*) FROM t") == 0
    assert await readers.fetchval("SELECT count(*) FROM t") == 1
    await writer.close()
    readers.close()


async def test_readers_replace_broken_sessions(empty_database):
    readers = Readers(empty_database, size=1)
    first = await readers.fetchval("SELECT pg_backend_pid()")
    admin = await empty_database.connect("login")
    await admin.execute("SELECT pg_terminate_backend($1)", first)

    async def answers_anew() -> bool:
        return await trying(readers) not in (None, first)

    await until(answers_anew)
    await admin.close()
    readers.close()


async def trying(readers: Readers) -> int | None:
    try:
        return await readers.fetchval("SELECT pg_backend_pid()")
    except StoreUnavailable:
        return None


@pytest.mark.parametrize("waiting", [1, 6])
async def test_a_frozen_server_costs_readers_their_deadline_and_no_more(postgres_server, empty_database, waiting):
    """More questions than sessions: those that wait for a session have the same deadline."""
    readers = Readers(empty_database, size=2, query_timeout_s=0.5)
    assert await readers.fetchval("SELECT 1") == 1
    refused: list[float] = []

    async def ask() -> None:
        began = trio.current_time()
        with pytest.raises(StoreUnavailable):
            await readers.fetchval("SELECT 1")
        refused.append(trio.current_time() - began)

    with frozen(postgres_server):
        for _ in range(2):  # the second time there is no session left, and connecting, too, gets no answer
            async with trio.open_nursery() as nursery:
                for _ in range(waiting):
                    nursery.start_soon(ask)
    assert len(refused) == 2 * waiting
    assert max(refused) < 0.5 + AT_ONCE_S
    assert await readers.fetchval("SELECT 1") == 1
    readers.close()


@pytest.mark.parametrize("action", ["query", "copy", "many", "transaction", "commit", "close", "connect", "listen"])
async def test_nothing_waits_for_a_frozen_server_past_a_cancellation(postgres_server, empty_database, action):
    connection = await empty_database.connect("login", command_timeout_s=30.0)
    await connection.execute("CREATE TABLE t (n int, s text)")
    big = [(n, "x" * 1000) for n in range(20_000)]  # far more than a socket holds

    async def commit() -> None:
        async with connection.transaction():
            await connection.execute("INSERT INTO t VALUES (1, '')")
            send_all(processes_of(postgres_server.data), signal.SIGSTOP)

    actions = {
        "query": lambda: connection.fetch("SELECT 1"),
        "copy": lambda: connection.copy_records("t", big, ["n", "s"]),
        "many": lambda: connection.executemany("INSERT INTO t VALUES ($1, $2)", big),
        "transaction": lambda: connection.transaction().__aenter__(),
        "commit": commit,
        "close": connection.close,
        "connect": lambda: empty_database.connect("writer"),
        "listen": lambda: connection.listen("vts_test", lambda _: None),
    }
    limit_s = 1.0 if action == "close" else 0.2  # closing is shielded, with a deadline of its own
    if action == "commit":
        began = trio.current_time()
        try:
            with trio.move_on_after(limit_s):
                await commit()
        finally:
            send_all(processes_of(postgres_server.data), signal.SIGCONT)
    else:
        with frozen(postgres_server):
            began = trio.current_time()
            with trio.move_on_after(limit_s):
                await actions[action]()
    assert trio.current_time() - began < limit_s + AT_ONCE_S
    connection.terminate()
    gc.collect()  # what was abandoned warns here, not in a later test
    fresh = await empty_database.connect("login")
    assert await fresh.fetchval("SELECT 1") == 1
    await fresh.close()


@pytest.mark.parametrize("action", ["query", "copy", "connect", "idle", "transaction"])
async def test_the_loop_ends_while_the_server_is_frozen(postgres_server, caplog, action):
    """What was abandoned must neither stay behind as a task nor hold up the end of the process."""
    big = [(n, "x" * 1000) for n in range(20_000)]
    database = postgres_server.database("postgres")
    async with asyncpg_loop():
        connection = await database.connect("login")
        await connection.execute("CREATE TEMP TABLE t (n int, s text)")
        actions = {
            "query": lambda: connection.fetch("SELECT 1"),
            "copy": lambda: connection.copy_records("t", big, ["n", "s"]),
            "connect": lambda: database.connect("writer"),
            "idle": trio.lowlevel.checkpoint,
            "transaction": lambda: connection.transaction().__aenter__(),
        }
        send_all(processes_of(postgres_server.data), signal.SIGSTOP)
        try:
            with trio.move_on_after(0.1):
                await actions[action]()
            for _ in range(10):
                await trio.lowlevel.checkpoint()
            left = asyncio.all_tasks(trio_asyncio.current_loop.get())
        except BaseException:
            send_all(processes_of(postgres_server.data), signal.SIGCONT)
            raise
        began = trio.current_time()
    send_all(processes_of(postgres_server.data), signal.SIGCONT)
    assert trio.current_time() - began < AT_ONCE_S
    assert left == set()
    gc.collect()
    assert caplog.text == ""


@pytest.fixture
def small_heap() -> Iterator[None]:
    """What the worker's earlier tests left behind is not looked at: a collection then takes a moment in any run."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


async def test_sessions_that_were_not_closed_do_not_stop_the_loop(postgres_server, small_heap, monkeypatch, caplog):
    """The collector runs while the loop takes from its queue: finalizers then must not put anything into it.

    A loop that has stopped cannot even be cancelled: the suite's own limit names the test then, and no other decides.
    """
    patient = {"command_timeout_s": math.inf, "connect_timeout_s": math.inf}
    take = trio.MemoryReceiveChannel.receive_nowait

    def take_and_collect(channel: trio.MemoryReceiveChannel) -> object:
        try:
            return take(channel)
        except trio.WouldBlock:
            gc.collect()
            raise

    monkeypatch.setattr(trio.MemoryReceiveChannel, "receive_nowait", take_and_collect)
    open_sessions = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'vts reader'"
    async with asyncpg_loop():
        for _ in range(3):
            readers = Readers(postgres_server.database("postgres", **patient), query_timeout_s=math.inf)
            assert await readers.fetchval("SELECT 1") == 1
            del readers
        watch = await postgres_server.database("postgres", **patient).connect("login")
        assert await watch.fetchval(open_sessions) >= 3
    async with asyncpg_loop():
        watch = await postgres_server.database("postgres", **patient).connect("login")

        async def none_is_open() -> bool:
            return await watch.fetchval(open_sessions) == 0

        await until(none_is_open, within_s=math.inf)
        await watch.close()
    assert caplog.text == ""
