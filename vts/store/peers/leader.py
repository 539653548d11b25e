"""Which of several processes on one database holds the broker's session.

Per-player limits live in a process, so one of them reads the broker for all: the one that has a session-level advisory
lock. The lock ends with its PostgreSQL session, and the next process goes on under the same MQTT client id, so that the
broker's queue goes on too.

PostgreSQL decides which process begins; without it reading goes on. A leader that cannot reach it leads on, and a
process that led when it last ran leads from its start: acknowledgements come from the journal. Such a leader ends its
tenure as soon as another process has taken over the broker's session; one whose lock is proven takes the session back.
So two never take it from each other in turn: only one of them can prove the lock. A leader that has lost the broker
releases the lock when another process can reach it (`reach`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

import trio

from vts.model.faults import Outage
from vts.store.peers.broker_lock import installation_of, lock_key
from vts.store.peers.leader_memory import LeaderMemory, LeaderMemoryFile
from vts.store.peers.reach import BrokerView, Reach
from vts.store.session.connection import Connection
from vts.store.session.locks import BROKER_READER

ASK_EVERY_S: Final = 1.0  # for the lock, or whether it is still ours: the longest delay of a takeover
ANSWER_S: Final = 3.0  # a database that is slower than this at a ping is unreachable
SILENT_S: Final = 10  # PostgreSQL ends the session of a leader that is frozen, or whose machine is gone
LOST_SESSION_S: Final = SILENT_S + 2 * ASK_EVERY_S  # how long a lost session of our own may still have the lock
PRESUME_AFTER_S: Final = 2.0  # a database that has not answered by then does not delay the last leader

_TRY: Final = "SELECT pg_try_advisory_lock($1, $2)"

NameOf = Callable[[bytes], str]
"""The installation's id → the MQTT client id of its session."""


@dataclass(frozen=True, slots=True)
class Tenure:
    """A time of leading, under one session name, until `over`."""

    session: str
    over: trio.Event = field(default_factory=trio.Event)


class _Unwatched:
    """The broker before `watch` was called: it counts as reached."""

    connected = True

    async def answers(self) -> bool:
        return True


class Leader:
    """The actor that takes and holds the lock.

    `tenure` is there while this process leads, `proven` while its lock is, `others_lead` while another has the lock.
    """

    def __init__(self, connect: Callable[[], Awaitable[Connection]], memory: LeaderMemoryFile, name_of: NameOf) -> None:
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
        """Note that another client has the broker's session: lead no more until the lock is proven anew."""
        self.proven = False
        self._resign()
        self._doubt.set()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Take the lock and hold it. Raises StoreUnavailable; a process that led then leads on.

        When it is cancelled the lock and the tenure end, and the file still says that this process led.
        """
        task_status.started()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._presume_soon)
            await self._hold_session()

    async def _presume_soon(self) -> None:
        await trio.sleep(PRESUME_AFTER_S)
        self._presume()

    async def _hold_session(self) -> None:
        try:
            connection = await self._connect()
            try:
                await self._take_turns(connection)
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

    async def _take_turns(self, connection: Connection) -> None:
        await connection.execute(f"SET idle_session_timeout = '{SILENT_S}s'")
        installation = await installation_of(connection)
        session = self._name_of(installation)
        if self.tenure is not None and self.tenure.session != session:
            self._resign()  # another database than the one that is remembered
        reach = Reach(connection, BROKER_READER, lock_key(session), self._broker)
        while True:
            await self._take(connection, lock_key(session), reach)
            await reach.lead()
            await self._hold(connection, installation, reach)
            self.proven, self.others_lead = False, True
            self._resign()  # before the other can read: what we acknowledge now would be its to acknowledge
            await reach.let_go()

    async def _take(self, connection: Connection, key: int, reach: Reach) -> None:
        """Try the lock until it is ours."""
        refused_since = trio.current_time()
        while not (await reach.may_take() and await connection.fetchval(_TRY, BROKER_READER, key)):
            self.others_lead = True
            if self.tenure is None or trio.current_time() - refused_since > LOST_SESSION_S:
                self._resign()
            await trio.sleep(ASK_EVERY_S)
        self.others_lead = False

    async def _hold(self, connection: Connection, installation: bytes, reach: Reach) -> None:
        """Lead as long as PostgreSQL answers on the session that has the lock, and no other process should have it."""
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
        """Lead without the lock, once, if this process led when it last ran."""
        if self._may_presume and self._memory is not None:
            self._appoint(self._memory.installation)

    def _appoint(self, installation: bytes) -> None:
        self._may_presume = False
        self._remember(LeaderMemory(installation, True))
        if self.tenure is None:
            self.tenure = Tenure(self._name_of(installation))
            self._appointed.set()

    def _resign(self) -> None:
        """Lead no more, and do not presume to at the next start."""
        self._may_presume = False
        if self._memory is not None:
            self._remember(LeaderMemory(self._memory.installation, False))
        self._end()

    def _end(self) -> None:
        if self.tenure is not None:
            self.tenure.over.set()
            self.tenure = None
            self._appointed = trio.Event()

    def _remember(self, memory: LeaderMemory) -> None:
        if memory != self._memory:
            self._memory = memory
            self._file.write(memory)
