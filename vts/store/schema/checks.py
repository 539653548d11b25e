"""What `vts doctor` checks in the database, and the remedy for each finding."""

from __future__ import annotations

import shutil
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from vts.model.faults import BadStart, StoreUnavailable
from vts.model.ports import Clock
from vts.store.schema.migrate import OLDEST_SERVER, migrations, refuse_newer, status
from vts.store.schema.roles import lacking, may_take
from vts.store.session.connection import MIGRATIONS_TABLE, ROLE_NAMES, Connection, Database
from vts.store.session.faults import BadData, StoreMistake, remedy

SKEW_WARN_S: Final = 2.0  # live windows and "within one second" mean little beyond this
SKEW_FAIL_S: Final = 300.0  # an event may be 5 min ahead, so a database with a larger skew puts rows into the wrong day
DISK_WARN_BYTES: Final = 4 << 30  # the journal's cap, the WAL and a few days of partitions
DISK_FAIL_BYTES: Final = 512 << 20

_SKEW: Final = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
_OWNER: Final = "SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = to_regclass($1)"


@dataclass(frozen=True, slots=True)
class Finding:
    """One result. `advice` is the remedy, empty when there is nothing to do."""

    name: str
    level: Literal["ok", "warning", "fault"]
    message: str
    advice: str = ""


UNUSABLE: Final = frozenset(("database", "server version", "schema"))
"""Findings that keep VTS from using its database when they are faults."""

Check = Callable[[Connection], Awaitable[Finding]]


async def examine(database: Database, clock: Clock) -> list[Finding]:
    """Ask everything that needs a connection. Never raises a fault of the store: that is a finding, too."""
    try:
        connection = await database.connect("login")
    except (StoreUnavailable, StoreMistake, BadData) as fault:
        said, _, advice = (remedy(fault) or f"{fault}; check VTS_DATABASE__URL").rpartition("; ")
        return [Finding("database", "fault", said, advice)]
    try:
        checks: Sequence[Check] = (
            server_version,
            writable,
            roles,
            lambda session: clock_skew(session, clock),
            synchronous_commit,
            durability,
            connections,
        )
        return [await _asked(check, connection) for check in checks] + [await schema(database, connection)]
    finally:
        await connection.close()


async def _asked(check: Check, connection: Connection) -> Finding:
    try:
        return await check(connection)
    except (StoreUnavailable, StoreMistake, BadData) as fault:
        name = getattr(check, "__name__", "clock").replace("_", " ")
        return Finding(name, "fault", f"could not be asked: {fault}", "run `vts doctor` again; see PostgreSQL's log")


async def server_version(connection: Connection) -> Finding:
    """PostgreSQL 15 or newer."""
    major, minor = connection.server_version
    if major < OLDEST_SERVER:
        return Finding(
            "server version", "fault", f"PostgreSQL {major}.{minor}", f"VTS needs PostgreSQL {OLDEST_SERVER} or newer"
        )
    return Finding("server version", "ok", f"PostgreSQL {major}.{minor}")


async def writable(connection: Connection) -> Finding:
    """A primary, not a replica."""
    if await connection.fetchval("SHOW transaction_read_only") == "off":
        return Finding("writable", "ok", "the database takes writes")
    return Finding(
        "writable", "fault", "the database is read-only", "give the address of the primary, not of a replica"
    )


async def roles(connection: Connection) -> Finding:
    """Owner, writer and reader exist, and this login may become each."""
    login = await connection.fetchval("SELECT session_user::text")
    missing = [name for name in ROLE_NAMES.values() if not await may_take(connection, name)]
    if missing:
        statements = "; ".join(f"CREATE ROLE {name} NOLOGIN; GRANT {name} TO {login}" for name in missing)
        message = f"one login does everything: no {', '.join(missing)}"
        return Finding("roles", "warning", message, f"as a superuser run: {statements}; then `vts db migrate`")
    owner = await connection.fetchval(_OWNER, MIGRATIONS_TABLE)
    if owner not in (None, ROLE_NAMES["owner"]):
        advice = f"as a superuser run for each table of VTS: ALTER TABLE … OWNER TO {ROLE_NAMES['owner']}"
        return Finding("roles", "warning", f"the tables belong to {owner}, not to {ROLE_NAMES['owner']}", advice)
    return Finding("roles", "ok", "owner, writer and reader are separate")


async def clock_skew(connection: Connection, clock: Clock) -> Finding:
    """The database's clock and ours agree, to within half the time that asking takes."""
    before = clock()
    theirs: int = await connection.fetchval(_SKEW)
    skew_s = (theirs - (before + clock()) / 2) / 1e6
    message = f"the database's clock is {abs(skew_s):.2f} s {'ahead' if skew_s > 0 else 'behind'}"
    if abs(skew_s) < SKEW_WARN_S:
        return Finding("clock", "ok", message)
    level: Literal["warning", "fault"] = "fault" if abs(skew_s) >= SKEW_FAIL_S else "warning"
    return Finding("clock", level, message, "run a time service (chrony, systemd-timesyncd) on both machines")


async def synchronous_commit(connection: Connection) -> Finding:
    """A session of ours commits synchronously; a database that forbids the setting would be noticed here."""
    value = await connection.fetchval("SHOW synchronous_commit")
    if value == "on":
        return Finding("synchronous_commit", "ok", "on in every session of VTS")
    advice = "let clients set it: without it a crash of the database can take back rows that VTS thinks are stored"
    return Finding("synchronous_commit", "fault", str(value), advice)


async def durability(connection: Connection) -> Finding:
    """The server really writes what it reports as written."""
    off = [name for name in ("fsync", "full_page_writes") if await connection.fetchval(f"SHOW {name}") == "off"]
    if off:
        advice = "turn them on: a crash of the machine can destroy the database"
        return Finding("durability", "fault", f"off: {', '.join(off)}", advice)
    return Finding("durability", "ok", "fsync and full_page_writes are on")


async def connections(connection: Connection) -> Finding:
    """Enough connections for one VTS process."""
    most = int(await connection.fetchval("SHOW max_connections"))
    if most < 20:
        return Finding("connections", "warning", f"max_connections = {most}", "VTS needs about 12 for each process")
    return Finding("connections", "ok", f"max_connections = {most}")


async def schema(database: Database, connection: Connection) -> Finding:
    """The database has the migrations of this version, or the login may apply them, and may make a day's tables."""
    try:
        state = await status(database)
        refuse_newer(state)
        missing = await lacking(connection)
    except (StoreUnavailable, StoreMistake) as fault:
        return Finding("schema", "fault", f"could not be asked: {fault}", "run `vts db migrate`")
    except BadStart as fault:
        message, _, advice = str(fault).partition("; ")
        return Finding("schema", "fault", message, advice)
    if missing is not None:
        message, _, advice = missing.rpartition(": as ")
        return Finding("schema", "fault", message, f"as {advice}; then `vts db migrate`")
    if state.changed:
        message = f"migrations were edited after they had been applied: {', '.join(map(str, state.changed))}"
        return Finding("schema", "warning", message, "compare the files with the release that applied them")
    if state.pending:
        names = ", ".join(f"{migration.number:04}_{migration.name}" for migration in state.pending)
        return Finding("schema", "warning", f"not yet applied: {names}", "run `vts db migrate`, or start `vts serve`")
    return Finding("schema", "ok", f"{len(migrations())} of {len(migrations())} migrations applied")


def disk(folder: Path) -> Finding:
    """Room on the disk of a folder: the journal's, or the embedded database's."""
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        return Finding("disk", "fault", f"{folder}: {error.strerror}", "check the folder and its permissions")
    message = f"{free / (1 << 30):.1f} GiB free at {folder}"
    if free >= DISK_WARN_BYTES:
        return Finding("disk", "ok", message)
    level: Literal["warning", "fault"] = "fault" if free < DISK_FAIL_BYTES else "warning"
    return Finding("disk", level, message, "make room: a full disk stops the journal, and VTS answers 503 until it has")
