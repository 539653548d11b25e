"""Who holds the broker's session: stories of processes on one database, with a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import trio

from tests.support.waiting import until
from vts.model.faults import StoreUnavailable
from vts.store.peers import leader as rules
from vts.store.peers import reach
from vts.store.peers.broker_lock import holder, installation_of, lock_key, session_name
from vts.store.peers.leader import Leader
from vts.store.peers.leader_memory import LeaderMemory, LeaderMemoryFile
from vts.store.session.connection import Connection, Database
from vts.store.session.locks import BROKER_READER


class Broker:
    """The broker as one process sees it; it reads the session whenever it leads and the broker can be reached."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self.reachable = True
        self.tried = 0

    @property
    def connected(self) -> bool:
        return self.reachable and self._process.leads

    async def answers(self) -> bool:
        self.tried += 1
        await trio.lowlevel.checkpoint()
        return self.reachable


class Process:
    """A leader with its data folder and its way to the database, which can be cut and blocked."""

    def __init__(self, name: str, folder: Path, database: Database) -> None:
        self.name = name
        self._folder = folder / name
        self._folder.mkdir(exist_ok=True)
        self._database = database
        self._connections: list[Connection] = []
        self._scope = trio.CancelScope()
        self.reachable = True
        self.refused = 0  # connections that it was refused
        self.restart()

    def restart(self) -> None:
        """What a new process in the same folder knows."""
        self.leader = Leader(
            self._connect,
            LeaderMemoryFile(self._folder / "leader.json"),
            lambda installation: session_name(installation, "p"),
        )
        self.broker = Broker(self)
        self.leader.watch(self.broker)

    async def _connect(self) -> Connection:
        if not self.reachable:
            self.refused += 1
            raise StoreUnavailable("blocked")
        connection = await self._database.connect("reader", command_timeout_s=1.0, name=f"vts mqtt {self.name}")
        self._connections.append(connection)
        return connection

    async def run(self) -> None:
        """Run as a supervisor runs it: outages are waited out."""
        with trio.CancelScope() as self._scope:
            while True:
                try:
                    await self.leader.run()
                except* StoreUnavailable:
                    pass
                await trio.sleep(0.05)

    def cut(self) -> None:
        """Lose the session with the database."""
        for connection in self._connections:
            connection.terminate()

    def kill(self) -> None:
        """End without a word: the kernel closes the sockets."""
        self.cut()
        self._scope.cancel()

    @property
    def leads(self) -> bool:
        return self.leader.tenure is not None


Start = Callable[[str], Awaitable[Process]]


@pytest.fixture
def start(tmp_path: Path, database: Database, nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch) -> Start:
    monkeypatch.setattr(rules, "ASK_EVERY_S", 0.05)
    monkeypatch.setattr(rules, "LOST_SESSION_S", 0.5)
    monkeypatch.setattr(rules, "PRESUME_AFTER_S", 0.2)
    for name, value in {"SEEK_AFTER_S": 0.1, "LET_GO_AFTER_S": 0.2, "TRY_EVERY_S": 0.05, "HESITATE_S": 0.3}.items():
        monkeypatch.setattr(reach, name, value)

    async def started(name: str) -> Process:
        process = Process(name, tmp_path, database)
        nursery.start_soon(process.run)
        return process

    return started


async def test_one_leads_the_others_stand_by_and_a_kill_passes_the_session_on(start: Start, database: Database) -> None:
    a = await start("a")
    await until(lambda: a.leads)
    b, c = await start("b"), await start("c")
    await until(lambda: b.leader.others_lead and c.leader.others_lead)
    assert a.leader.tenure is not None and not b.leads and not c.leads
    session = a.leader.tenure.session
    asking = await database.connect("reader")
    assert session == session_name(await installation_of(asking), "p")
    assert session != session_name(await installation_of(asking), "q")
    assert await holder(asking, session) == "vts mqtt a"
    a.kill()
    await until(lambda: b.leads or c.leads)
    heir, other = (b, c) if b.leads else (c, b)
    assert heir.leader.tenure is not None and heir.leader.tenure.session == session
    assert not other.leads
    assert await holder(asking, session) == f"vts mqtt {heir.name}"
    await asking.close()


async def test_who_loses_the_database_leads_on_and_proves_the_lock_again(start: Start, database: Database) -> None:
    a = await start("a")
    await until(lambda: a.leads)
    tenure = a.leader.tenure
    assert tenure is not None
    a.reachable = False
    a.cut()
    await until(lambda: a.refused > 5)
    assert a.leader.tenure is tenure
    a.reachable = True
    asking = await database.connect("reader")
    await until(lambda: holder(asking, tenure.session))
    assert a.leader.tenure is tenure
    await asking.close()
    a.leader.taken_over()
    assert not a.leads
    await until(lambda: a.leads)


async def test_a_leader_without_a_proven_lock_leaves_when_the_broker_session_is_taken(
    start: Start, tmp_path: Path
) -> None:
    a = await start("a")
    await until(lambda: a.leads)
    b = await start("b")
    await until(lambda: b.leader.others_lead)
    a.reachable = False
    a.cut()
    await until(lambda: b.leads)
    assert a.leads, "only the broker can tell it"
    a.leader.taken_over()
    assert not a.leads
    a.reachable = True
    await until(lambda: a.leader.others_lead)
    assert b.leads and not a.leads


async def test_who_cannot_prove_the_lock_leaves_when_another_keeps_it(start: Start) -> None:
    a = await start("a")
    await until(lambda: a.leads)
    b = await start("b")
    await until(lambda: b.leader.others_lead)
    a.reachable = False
    a.cut()
    await until(lambda: b.leads)
    a.reachable = True
    await until(lambda: a.leader.others_lead)
    assert a.leads, "it may be a lost session of its own that has the lock"
    await until(lambda: not a.leads)
    assert b.leads


async def test_the_last_leader_begins_without_a_database_and_no_other_does(start: Start) -> None:
    a = await start("a")
    await until(lambda: a.leads)
    b = await start("b")
    await until(lambda: b.leader.others_lead)
    assert a.leader.tenure is not None
    session = a.leader.tenure.session
    for process in (b, a):
        process.kill()
        process.reachable = False
        process.restart()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(a.run)
        nursery.start_soon(b.run)
        await until(lambda: a.leads)
        assert a.leader.tenure is not None and a.leader.tenure.session == session
        refused = b.refused
        await until(lambda: b.refused > refused + 5)  # it had more time than a presumption takes
        assert not b.leads
        a.reachable = b.reachable = True
        await until(lambda: a.leader.others_lead != b.leader.others_lead)
        nursery.cancel_scope.cancel()


async def test_a_silent_database_keeps_the_last_leader_from_nothing(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    a = await start("a")
    await until(lambda: a.leads)
    a.kill()

    async def silent() -> Connection:
        await trio.sleep_forever()
        raise AssertionError

    monkeypatch.setattr(a, "_connect", silent)
    a.restart()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(a.run)
        await until(lambda: a.leads)
        nursery.cancel_scope.cancel()


async def test_a_restart_inside_the_process_gives_the_lock_back_and_presumes_again(start: Start) -> None:
    a = await start("a")
    await until(lambda: a.leads)
    tenure = a.leader.tenure
    a.kill()
    await until(lambda: not a.leads)
    assert tenure is not None and tenure.over.is_set()
    a.reachable = False
    async with trio.open_nursery() as nursery:
        nursery.start_soon(a.run)
        await until(lambda: a.leads)
        nursery.cancel_scope.cancel()


async def test_who_loses_the_broker_gives_way_to_a_process_that_reaches_it(start: Start) -> None:
    a = await start("a")
    await until(lambda: a.leads)
    b, c = await start("b"), await start("c")
    await until(lambda: b.leader.others_lead and c.leader.others_lead)
    tenure = a.leader.tenure
    a.broker.reachable = False
    await until(lambda: b.leads or c.leads)
    assert tenure is not None and tenure.over.is_set() and not a.leads and not (b.leads and c.leads)
    heir, other = (b, c) if b.leads else (c, b)
    other.broker.reachable = False
    heir.kill()
    await until(lambda: a.leads or other.leads)  # of two that cannot reach it, one leads all the same
    assert not (a.leads and other.leads)


async def test_of_those_that_cannot_reach_the_broker_the_leader_stays(start: Start) -> None:
    a = await start("a")
    await until(lambda: a.leads)
    b = await start("b")
    await until(lambda: b.leader.others_lead)
    tenure = a.leader.tenure
    b.broker.reachable = a.broker.reachable = False
    await until(lambda: b.broker.tried >= 5)
    assert a.leader.tenure is tenure
    b.broker.reachable = True
    await until(lambda: b.leads)
    assert not a.leads
    a.broker.reachable = True
    b.kill()
    await until(lambda: a.leads)


async def test_a_memory_of_another_database_is_corrected(start: Start, database: Database) -> None:
    a = await start("a")
    await until(lambda: a.leads)
    a.kill()
    owner = await database.connect("owner")
    await owner.execute("UPDATE installation SET id = gen_random_uuid()")
    a.reachable = False
    a.restart()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(a.run)
        await until(lambda: a.leads)
        presumed = a.leader.tenure
        a.reachable = True
        assert presumed is not None
        await presumed.over.wait()
        await until(lambda: a.leads)
        wanted = session_name(await installation_of(owner), "p")
        assert a.leader.tenure is not None and a.leader.tenure.session == wanted != presumed.session
        nursery.cancel_scope.cancel()
    await owner.close()


async def test_postgresql_buries_the_session_of_a_leader_that_is_silent(
    start: Start, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "SILENT_S", 1)
    frozen = await database.connect("reader")
    session = session_name(await installation_of(frozen), "p")
    assert await frozen.fetchval("SELECT pg_try_advisory_lock($1, $2)", BROKER_READER, lock_key(session))
    b = await start("b")
    await until(lambda: b.leader.others_lead)
    await frozen.execute("SET idle_session_timeout = '1s'")
    await until(lambda: b.leads)


@pytest.mark.parametrize("content", [b"", b"{", b'{"installation":1}', b"\xff"])
def test_a_spoilt_memory_is_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "leader.json"
    path.write_bytes(content)
    assert LeaderMemoryFile(path).read() is None
    assert LeaderMemoryFile(tmp_path / "missing" / "leader.json").read() is None
    LeaderMemoryFile(tmp_path / "missing" / "leader.json").write(LeaderMemory(b"x", True))
