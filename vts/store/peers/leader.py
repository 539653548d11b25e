"""Which of several processes on one database holds the broker's session.

Per-player limits live in a process, so one of them reads the broker for all: the one that has a session-level advisory
lock. It dies with its PostgreSQL session, and the next process goes on under the same MQTT client id, so that the
broker's queue goes on too.

PostgreSQL decides who begins; its absence stops nobody. A leader that cannot reach it leads on, and a process that led
when it was last heard of leads from the start: acknowledgements come from the journal. Such a leader leaves as soon as
another has taken over the broker's session; one whose lock is proven takes the session back. So two never fight for it:
only one of them can prove the lock. A leader that has lost the broker lets go of the lock when another process can
reach it (`reach`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec
import trio

from vts.model.faults import Outage
from vts.store.peers.reach import BrokerView, Reach
from vts.store.session.connection import Connection
from vts.store.session.locks import BROKER_READER

ASK_EVERY_S: Final = 1.0  # for the lock, or whether it is still ours: what another's takeover waits for at most
ANSWER_S: Final = 3.0  # a database that is slower than this at a ping is away
SILENT_S: Final = 10  # PostgreSQL ends the session of a leader that is frozen, or whose machine is gone
GHOST_S: Final = SILENT_S + 2 * ASK_EVERY_S  # how long a lost session of our own may still have the lock
PRESUME_AFTER_S: Final = 2.0  # a database that has not answered by then keeps the last leader from nothing

_TRY: Final = "SELECT pg_try_advisory_lock($1, $2)"
_INSTALLATION: Final = "SELECT id FROM installation"
_HOLDER: Final = """
SELECT application_name FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE locktype = 'advisory' AND granted AND classid = $1::bigint AND objid = $2::bigint AND objsubid = 2
    AND pg_locks.database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""

NameOf = Callable[[bytes], str]
"""The installation's id → the MQTT client id of its session."""


def session_name(installation: bytes, topic_prefix: str) -> str:
    """Return the client id that all processes on one database share: 20 characters that every broker takes."""
    return "vts-" + hashlib.sha256(installation + topic_prefix.encode()).hexdigest()[:16]


def lock_key(session: str) -> int:
    """Return the second half of the lock's key: 31 bits, so that PostgreSQL's unsigned view of it is the same."""
    return int.from_bytes(hashlib.sha256(session.encode()).digest()[:4], "big") >> 1


async def installation_of(connection: Connection) -> bytes:
    """Return the id that the database got with its tables: 16 bytes. Raises StoreUnavailable."""
    return bytes(await connection.fetchval(_INSTALLATION))


async def holder(connection: Connection, session: str) -> str | None:
    """Return the application name of whoever leads, None when nobody does. Raises StoreUnavailable."""
    name: str | None = await connection.fetchval(_HOLDER, BROKER_READER, lock_key(session))
    return name


class Memory(msgspec.Struct, frozen=True):
    """What a process keeps in its data folder: the database that it belongs to, and whether it led."""

    installation: bytes
    leading: bool


@dataclass(frozen=True, slots=True)
class MemoryFile:
    """The memory on disk. What cannot be read or written is forgotten: it only spares a wait for a dead database."""

    path: Path

    def read(self) -> Memory | None:
        """Return what was kept."""
        with suppress(OSError, msgspec.MsgspecError):
            return msgspec.json.decode(self.path.read_bytes(), type=Memory)
        return None

    def write(self, memory: Memory) -> None:
        """Keep it: whole or not at all."""
        part = self.path.with_name(self.path.name + ".part")
        with suppress(OSError):
            part.write_bytes(msgspec.json.encode(memory))
            part.replace(self.path)


@dataclass(frozen=True, slots=True)
class Tenure:
    """A time of leading, under one session name, until `over`."""

    session: str
    over: trio.Event = field(default_factory=trio.Event)


class _Unwatched:
    """A broker that nobody watches counts as reached."""

    connected = True

    async def answers(self) -> bool:
        return True


class Leader:
    """The actor that stands for the lock.

    `tenure` is there while this process leads, `proven` while its lock is, `others_lead` while another has the lock.
    """

    def __init__(self, connect: Callable[[], Awaitable[Connection]], memory: MemoryFile, name_of: NameOf) -> None:
        self._connect = connect
        self._file = memory
        self._name_of = name_of
        self._memory = memory.read()
        self._may_presume = self._memory is not None and self._memory.leading
        self._appointed = trio.Event()
        self._doubt = trio.Event()
        self._broker: BrokerView = _Unwatched()
        self.tenure: Tenure | None = None
        self.proven = False
        self.others_lead = False

    def watch(self, broker: BrokerView) -> None:
        """Lead only as long as this process reaches the broker, or no other does."""
        self._broker = broker

    async def next_tenure(self) -> Tenure:
        """Wait until this process leads."""
        while self.tenure is None:
            await self._appointed.wait()
        return self.tenure

    def taken_over(self) -> None:
        """Hear that somebody else has the broker's session: lead no more until the lock is proven anew."""
        self.proven = False
        self._resign()
        self._doubt.set()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Stand for the lock and hold it. Raises StoreUnavailable; who led then leads on.

        Cancelled, the lock goes and the tenure with it, but not the memory of having led.
        """
        task_status.started()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._presume_soon)
            await self._stand()

    async def _presume_soon(self) -> None:
        await trio.sleep(PRESUME_AFTER_S)
        self._presume()

    async def _stand(self) -> None:
        try:
            connection = await self._connect()
            try:
                await self._stand_and_lead(connection)
            finally:
                await connection.close()
        except Outage:
            self._presume()
            raise
        except trio.Cancelled:
            self._may_presume = self._may_presume or self.tenure is not None
            self._end()
            raise
        finally:
            self.proven = self.others_lead = False

    async def _stand_and_lead(self, connection: Connection) -> None:
        await connection.execute(f"SET idle_session_timeout = '{SILENT_S}s'")
        installation = await installation_of(connection)
        session = self._name_of(installation)
        if self.tenure is not None and self.tenure.session != session:
            self._resign()  # another database than the one that is remembered
        reach = Reach(connection, BROKER_READER, lock_key(session), self._broker)
        while True:
            await self._win(connection, lock_key(session), reach)
            await reach.lead()
            await self._hold(connection, installation, reach)
            self.proven, self.others_lead = False, True
            self._resign()  # before the other can read: what we acknowledge now would be its to acknowledge
            await reach.let_go()

    async def _win(self, connection: Connection, key: int, reach: Reach) -> None:
        """Stand for the lock until it is ours."""
        refused_since = trio.current_time()
        while not (await reach.may_stand() and await connection.fetchval(_TRY, BROKER_READER, key)):
            self.others_lead = True
            if self.tenure is None or trio.current_time() - refused_since > GHOST_S:
                self._resign()
            await trio.sleep(ASK_EVERY_S)
        self.others_lead = False

    async def _hold(self, connection: Connection, installation: bytes, reach: Reach) -> None:
        """Lead as long as PostgreSQL answers on the session that has the lock, and nobody is better placed."""
        while not await reach.should_let_go():
            self._doubt = trio.Event()
            await connection.execute("SELECT 1")
            if not self._doubt.is_set():
                self.proven = True
                self._appoint(installation)
            with trio.move_on_after(ASK_EVERY_S):
                await self._doubt.wait()

    # ---- tables between awaits: nothing below waits

    def _presume(self) -> None:
        """Lead without having asked, once, if this process led when it was last heard of."""
        if self._may_presume and self._memory is not None:
            self._appoint(self._memory.installation)

    def _appoint(self, installation: bytes) -> None:
        self._may_presume = False
        self._remember(Memory(installation, True))
        if self.tenure is None:
            self.tenure = Tenure(self._name_of(installation))
            self._appointed.set()

    def _resign(self) -> None:
        """Lead no more, and do not presume to at the next start."""
        self._may_presume = False
        if self._memory is not None:
            self._remember(Memory(self._memory.installation, False))
        self._end()

    def _end(self) -> None:
        if self.tenure is not None:
            self.tenure.over.set()
            self.tenure = None
            self._appointed = trio.Event()

    def _remember(self, memory: Memory) -> None:
        if memory != self._memory:
            self._memory = memory
            self._file.write(memory)
