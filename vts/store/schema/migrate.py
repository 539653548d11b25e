"""Which migrations a database has, and how the missing ones get there: numbered files, in order, one at a time.

A migration is `migrations/0001_name.sql`: any number of statements, run in one transaction as the owner.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import trio

from vts.model.faults import BadStart, NoStart
from vts.store.schema.roles import grant_future, grant_present, lacking, make_roles
from vts.store.session import locks
from vts.store.session.connection import MIGRATIONS_TABLE, Connection, Database
from vts.store.session.faults import NO_RIGHT, NO_SCHEMA, StoreMistake, StoreRefused, remedy

FOLDER: Final = Path(__file__).parent / "migrations"
OLDEST_SERVER: Final = 15

_FILE_NAME: Final = re.compile(r"(\d{4})_(\w+)\.sql")
_MAKE_TABLE: Final = f"""
CREATE TABLE IF NOT EXISTS {MIGRATIONS_TABLE} (
    number int PRIMARY KEY, name text NOT NULL, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())
"""
_NOTE: Final = f"INSERT INTO {MIGRATIONS_TABLE} (number, name, checksum) VALUES ($1, $2, $3)"  # noqa: S608
_APPLIED: Final = f"SELECT number, name, checksum FROM {MIGRATIONS_TABLE} ORDER BY number"  # noqa: S608


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered file."""

    number: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the text."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Status:
    """`applied` and `pending` of the migrations that this version has; `unknown` are numbers from a newer version,
    `changed` were edited after they had been applied.
    """

    applied: tuple[Migration, ...]
    pending: tuple[Migration, ...]
    unknown: tuple[int, ...]
    changed: tuple[int, ...]


def migrations(folder: Path = FOLDER) -> tuple[Migration, ...]:
    """Return the migrations of this version in order. Raises ValueError when numbers have a gap or a twin."""
    found = []
    for path in sorted(folder.glob("*.sql")):
        match = _FILE_NAME.fullmatch(path.name)
        if match is None:
            raise ValueError(f"{path.name}: a migration is named 0001_what_it_does.sql")
        found.append(Migration(int(match[1]), match[2], path.read_text("utf-8")))
    if [migration.number for migration in found] != list(range(1, len(found) + 1)):
        raise ValueError("migrations are numbered from 0001 without a gap")
    return tuple(found)


async def status(database: Database, known: Sequence[Migration] | None = None) -> Status:
    """Compare a database with this version. Raises StoreUnavailable."""
    connection = await database.connect("reader")
    try:
        return await _status(connection, migrations() if known is None else known)
    finally:
        await connection.close()


async def migrate(database: Database, known: Sequence[Migration] | None = None) -> tuple[Migration, ...]:
    """Bring the database up to this version and return what was applied.

    Safe to run from several processes at once: the second waits and finds nothing to do. Raises StoreUnavailable, and
    BadStart for a server that is too old, a database that is newer than this version, or a login that may not make
    tables.
    """
    known = migrations() if known is None else known
    async with AsyncExitStack() as stack:
        connection = await database.connect("login", command_timeout_s=math.inf, name="vts migrate")
        stack.push_async_callback(connection.close)  # which also gives the lock back
        if connection.server_version[0] < OLDEST_SERVER:
            raise BadStart(f"PostgreSQL {connection.server_version[0]} is too old: VTS needs {OLDEST_SERVER} or newer")
        await connection.execute("SELECT pg_advisory_lock($1)", locks.MIGRATE)
        try:
            return await _bring_up(connection, known)
        except StoreMistake as fault:
            if fault.sqlstate not in (NO_RIGHT, NO_SCHEMA):
                raise
            raise BadStart(await lacking(connection) or f"database: {fault}; give the login its rights") from fault


class Migrator:
    """Brings the database up to date once it can be reached, as an actor; then there is nothing left to do.

    `done` is set when the database fits this version. Raises StoreUnavailable, for the supervisor to wait. A database
    that refuses us at the first try is NoStart: the operator can mend it now. One that was unreachable then, and
    refuses us when it comes back, is waited for (StoreRefused): events are taken, `refusal` is the reason.
    """

    def __init__(self, database: Database, on_applied: Callable[[Migration], None] = lambda _: None) -> None:
        self._database = database
        self._on_applied = on_applied
        self._is_first = True
        self.done = trio.Event()
        self.refusal = ""

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Migrate, then stay: an actor that returned would be taken for one that stopped."""
        task_status.started()
        if not self.done.is_set():
            for migration in await self._migrate():
                self._on_applied(migration)
            self.done.set()
        await trio.sleep_forever()

    async def _migrate(self) -> tuple[Migration, ...]:
        is_first, self._is_first = self._is_first, False
        self.refusal = ""
        try:
            return await migrate(self._database)
        except (BadStart, StoreRefused) as fault:
            self.refusal = remedy(fault) or str(fault)
            if is_first:
                raise NoStart(self.refusal) from fault
            raise StoreRefused(self.refusal) from fault


def refuse_newer(found: Status) -> None:
    """Raise BadStart for a database that a newer version has migrated."""
    if found.unknown:
        raise BadStart(
            f"the database is newer than this version of VTS: it has migration {found.unknown[-1]:04}, which this "
            "version does not know; run the newer version, or restore a backup from before its first start"
        )


async def _bring_up(connection: Connection, known: Sequence[Migration]) -> tuple[Migration, ...]:
    owner = await make_roles(connection)
    await grant_future(connection, owner)
    await connection.execute("SELECT set_config('role', $1, false)", owner)
    before = await _status(connection, known)
    refuse_newer(before)
    if not before.applied:
        await connection.execute(_MAKE_TABLE)
    for migration in before.pending:
        async with connection.transaction():
            await connection.execute(migration.sql)
            await connection.execute(_NOTE, migration.number, migration.name, migration.checksum)
    await grant_present(connection, owner)
    return before.pending


async def _status(connection: Connection, known: Sequence[Migration]) -> Status:
    exists = await connection.fetchval("SELECT to_regclass($1) IS NOT NULL", MIGRATIONS_TABLE)
    rows = await connection.fetch(_APPLIED) if exists else []
    checksums: dict[int, str] = {row["number"]: row["checksum"] for row in rows}
    ours = {migration.number for migration in known}
    return Status(
        applied=tuple(migration for migration in known if migration.number in checksums),
        pending=tuple(migration for migration in known if migration.number not in checksums),
        unknown=tuple(number for number in checksums if number not in ours),
        changed=tuple(m.number for m in known if checksums.get(m.number, m.checksum) != m.checksum),
    )
