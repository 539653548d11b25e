"""Sessions with PostgreSQL whose every wait ends: on an answer, on a deadline, or on Trio's cancellation."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Literal, TypeVar

import asyncpg
import trio

from vts.store.session.driver import asyncpg_loop, cancel, keep, run_in_driver
from vts.store.session.faults import BadData, NotMigrated, StoreMistake, StoreUnavailable, translated
from vts.store.session.pooler import settle

__all__ = ["MIGRATIONS_TABLE", "ROLE_NAMES", "Connection", "Database", "Role", "asyncpg_loop"]

T = TypeVar("T")

Role = Literal["owner", "writer", "reader", "login"]
ROLE_NAMES: Final = {"owner": "vts_owner", "writer": "vts_writer", "reader": "vts_reader"}
MIGRATIONS_TABLE: Final = "schema_migrations"

_NEWEST_MIGRATION: Final = f"SELECT max(number) FROM {MIGRATIONS_TABLE}"  # noqa: S608

CLOSE_S: Final = 1.0  # an orderly end of a connection or a transaction; after that the socket is cut
IDLE_IN_TRANSACTION_S: Final = 60  # a transaction that we forgot must not hold back vacuum for longer
IDLE_WITH_LOCKS_S: Final = 5  # of a process that stopped while others wait for its locks; a drain needs well under 1 s
BE_QUICK: Final = f"SET LOCAL idle_in_transaction_session_timeout = '{IDLE_WITH_LOCKS_S}s'"  # before such a lock

# The owner of the table of migrations owns the rest, so this is right whether or not roles could be made.
_TAKE_OWNER: Final = """
SELECT set_config('role', pg_get_userbyid(relowner), false) FROM pg_class
WHERE oid = to_regclass($1) AND relowner <> (SELECT oid FROM pg_roles WHERE rolname = session_user)
"""
# MEMBER, and since version 16 the finer SET, decides whether SET ROLE will be allowed.
_TAKE_ROLE: Final = """
SELECT set_config('role', rolname, false) FROM pg_roles
WHERE rolname = $1 AND pg_has_role(session_user, oid,
    CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END)
"""


class Connection:
    """One session. Every method raises StoreUnavailable, BadData or StoreMistake, and nothing of the driver's.

    A command that is cancelled or overdue costs the connection: what it did on the server is then unknown.
    Used by one task at a time.
    """

    __slots__ = ("_depth", "_lost", "_raw", "_timeout_s", "role")

    def __init__(self, raw: Any, role: Role, timeout_s: float) -> None:
        self._raw = raw
        self._timeout_s = timeout_s
        self._lost = trio.Event()
        self._depth = 0
        self.role = role
        raw.add_termination_listener(lambda _: self._lost.set())

    @property
    def is_closed(self) -> bool:
        """Whether the session has ended, as far as is known without asking."""
        return bool(self._raw.is_closed())

    @property
    def in_transaction(self) -> bool:
        """Whether a block of `transaction` has not ended, or the server last answered from inside a transaction."""
        return self._depth > 0 or (not self.is_closed and bool(self._raw.is_in_transaction()))

    @property
    def server_version(self) -> tuple[int, int]:
        """The version of the server: (18, 4)."""
        version = self._raw.get_server_version()
        return version.major, version.micro  # since version 10 the driver keeps the second number there

    async def fetch(self, query: str, *args: object) -> list[Any]:
        """Return all rows; a row answers to names and to positions."""
        rows: list[Any] = await self._call(self._raw.fetch, query, *args)
        return rows

    async def fetchrow(self, query: str, *args: object) -> Any | None:
        """Return the first row, or None."""
        return await self._call(self._raw.fetchrow, query, *args)

    async def fetchval(self, query: str, *args: object) -> Any:
        """Return the first column of the first row, or None."""
        return await self._call(self._raw.fetchval, query, *args)

    async def execute(self, query: str, *args: object) -> str:
        """Run a statement, or several when there are no arguments. Returns the command tag (`INSERT 0 1`)."""
        tag: str = await self._call(self._raw.execute, query, *args)
        return tag

    async def executemany(self, query: str, args: Iterable[Sequence[object]]) -> None:
        """Run a statement for each row of arguments, all or nothing."""
        await self._call(self._raw.executemany, query, args)

    async def copy_records(self, table: str, records: Iterable[Sequence[object]], columns: Sequence[str]) -> None:
        """COPY rows into a table, in the order of `columns`."""
        await self._call(self._raw.copy_records_to_table, table, records=records, columns=list(columns))

    @asynccontextmanager
    async def transaction(self, mode: str = "") -> AsyncIterator[None]:
        """Run the block in a transaction; inside another one in a savepoint, which a failed block undoes alone.

        `mode` is what follows BEGIN: "ISOLATION LEVEL REPEATABLE READ, READ ONLY". StoreUnavailable out of the end of
        the outermost block means that the outcome is unknown. A block that ends without a confirmed COMMIT or ROLLBACK,
        wherever it was cancelled, ends the session.
        """
        depth = self._depth
        begin, commit, rollback = _savepoint(depth) if depth else (f"BEGIN {mode}", "COMMIT", "ROLLBACK")
        await self.execute(begin)  # cancelled, it was either not sent, or its session has ended
        self._depth = depth + 1
        try:
            yield
            tag = await self.execute(commit)
        except BaseException:
            await self._undo(rollback)  # also when the cancellation came before COMMIT was sent
            raise
        finally:
            self._depth = depth
        if tag == "ROLLBACK":  # the server's answer to COMMIT after a failed statement that the block swallowed
            raise StoreMistake("the transaction had failed and was rolled back instead of committed")

    async def _undo(self, rollback: str) -> None:
        """Roll back, or end the session. Raises nothing of the store's."""
        confirmed = self.is_closed
        try:
            with trio.move_on_after(CLOSE_S, shield=True), suppress(StoreUnavailable, StoreMistake, BadData):
                if not confirmed:
                    await self.execute(rollback)
                    confirmed = True
        finally:
            if not confirmed:
                self.terminate()

    async def listen(self, channel: str, callback: Callable[[str], None]) -> None:
        """Have `callback` called with the payload of every notification. It must not raise and not wait."""
        await self._call(self._raw.add_listener, channel, lambda _raw, _pid, _channel, payload: callback(payload))

    def on_lost(self, callback: Callable[[], None]) -> None:
        """Have `callback` called when the session ends, from either side. It must not raise and not wait."""
        self._raw.add_termination_listener(lambda _: callback())

    async def stay(self, ping_every_s: float = 10.0) -> None:
        """Wait for ever beside a listening session. Raises StoreUnavailable when it is lost or does not answer."""
        while not self.is_closed:
            with trio.move_on_after(ping_every_s):
                await self._lost.wait()
            if not self._lost.is_set():
                await self.execute("SELECT 1")
        raise StoreUnavailable("the connection was lost")

    async def close(self) -> None:
        """Close in order, and cut the socket when that takes too long. Never raises a fault."""
        with trio.move_on_after(CLOSE_S, shield=True):
            with suppress(StoreUnavailable):
                await self._call(self._raw.close, timeout=2 * CLOSE_S)
        self.terminate()

    def terminate(self) -> None:
        """Cut the socket now."""
        protocol = self._raw._protocol
        self._raw.terminate()
        if protocol is not None:
            protocol.resume_writing()  # a COPY waits for room in the buffer and gets no event when the socket is gone

    async def _call(self, method: Callable[..., Coroutine[Any, Any, T]], *args: Any, **options: Any) -> T:
        await trio.lowlevel.checkpoint_if_cancelled()  # who is cancelled before asking need not lose the connection
        with translated():
            try:
                with trio.fail_after(self._timeout_s):
                    return await run_in_driver(method(*args, **options), lambda _: self.terminate())
            except trio.TooSlowError:
                raise StoreUnavailable(f"no answer within {self._timeout_s:g} s") from None


def _savepoint(depth: int) -> tuple[str, str, str]:
    name = f"level_{depth}"
    return f"SAVEPOINT {name}", f"RELEASE {name}", f"ROLLBACK TO {name}; RELEASE {name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """Where PostgreSQL is and how long calls may take. `url` is called at every connect.

    Until the database has migration `schema` (0: do not ask), a session in one of our roles is StoreUnavailable: no
    session uses a table that is not there yet, and all wait for the migrator in the same way as for the server.
    """

    url: Callable[[], str]
    command_timeout_s: float = 10.0
    connect_timeout_s: float = 5.0
    schema: int = 0

    async def connect(
        self,
        role: Role,
        *,
        command_timeout_s: float | None = None,
        name: str = "",
        idle_in_transaction_s: float = IDLE_IN_TRANSACTION_S,
    ) -> Connection:
        """Open a session in a role. Raises StoreUnavailable; StoreRefused when the server does not let us in.

        Where the role does not exist, or may not be taken, the session keeps the rights of the login.
        UUID columns take and give 16 raw bytes. `math.inf` as the timeout means none, for migrations. The server ends
        the session when its transaction is idle for `idle_in_transaction_s`.
        """
        timeout_s = self.command_timeout_s if command_timeout_s is None else command_timeout_s
        with translated():
            try:
                with trio.fail_after(self.connect_timeout_s):
                    raw = await run_in_driver(self._open(role, timeout_s, name, idle_in_transaction_s), cancel)
            except trio.TooSlowError:
                raise StoreUnavailable(f"no connection within {self.connect_timeout_s:g} s") from None
        return Connection(raw, role, timeout_s)

    async def _open(self, role: Role, timeout_s: float, name: str, idle_in_transaction_s: float) -> Any:
        # Later than our own deadline: the driver's timer tries to talk to the server about it.
        patience = {"command_timeout": None if math.isinf(timeout_s) else timeout_s + CLOSE_S}
        told = {"application_name": name or f"vts {role}"}  # the one name that poolers, too, take from a login
        again = partial(asyncpg.connect, self.url(), timeout=self.connect_timeout_s, server_settings=told, **patience)
        raw = await again()
        keep(raw)
        settings = {
            "synchronous_commit": "on",
            "timezone": "UTC",
            "jit": "off",
            "statement_timeout": "0" if math.isinf(timeout_s) else str(round(timeout_s * 1000)),
            "idle_in_transaction_session_timeout": str(round(idle_in_transaction_s * 1000)),
        }
        try:
            await settle(raw, settings, again)
            await _prepare_session(raw, role, self.schema)
        except BaseException:
            raw.terminate()
            raise
        return raw


async def _prepare_session(raw: Any, role: Role, schema: int) -> None:
    if role == "owner":
        await raw.execute(_TAKE_OWNER, MIGRATIONS_TABLE)
    elif role != "login":
        await raw.execute(_TAKE_ROLE, ROLE_NAMES[role])
    if role != "login" and schema:
        await _check_schema(raw, schema)
    await raw.set_type_codec("uuid", schema="pg_catalog", format="binary", encoder=bytes, decoder=bytes)


async def _check_schema(raw: Any, wanted: int) -> None:
    try:
        present = await raw.fetchval(_NEWEST_MIGRATION) or 0
    except asyncpg.UndefinedTableError:
        present = 0
    if present < wanted:
        raise NotMigrated(f"the database is not migrated yet: it has {present:04}, {wanted:04} is wanted")
