"""Three roles behind one login: the owner makes tables, the writer writes rows, the reader reads.

They are made when the login may make roles, else VTS works with the rights of the login and `vts doctor` says so.
"""

from __future__ import annotations

from typing import Final

from vts.store.session.connection import MIGRATIONS_TABLE, ROLE_NAMES, Connection
from vts.store.session.faults import BadData, StoreMistake

OWNER, WRITER, READER = ROLE_NAMES["owner"], ROLE_NAMES["writer"], ROLE_NAMES["reader"]

_MAY_TAKE: Final = """
SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1 AND pg_has_role(session_user, oid,
    CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END))
"""
_OWNER_OF_TABLES: Final = "SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = to_regclass($1)"
_MAY_MAKE_TABLES: Final = "SELECT has_schema_privilege($1, current_schema(), 'CREATE')"
_WHERE: Final = """
SELECT quote_ident(session_user), quote_ident(current_schema()), quote_ident(current_database())
"""
_UNGRANTED: Final = """
SELECT format('%I.%I', relnamespace::regnamespace, relname) FROM pg_class
WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p', 'v')
    AND relowner = $1::text::regrole AND NOT has_table_privilege($2::text, oid, 'SELECT')
"""
_RIGHTS: Final = {WRITER: "SELECT, INSERT, UPDATE, DELETE", READER: "SELECT"}


async def may_take(connection: Connection, name: str) -> bool:
    """Whether the role exists and this login may become it."""
    return bool(await connection.fetchval(_MAY_TAKE, name))


async def make_roles(connection: Connection) -> str:
    """Make the three roles as far as the login may. Returns the name of the role that owns, or will own, the tables."""
    for name in ROLE_NAMES.values():
        if not await may_take(connection, name):
            await _attempt(connection, f"CREATE ROLE {name} NOLOGIN")
            await _attempt(connection, f"GRANT {name} TO CURRENT_USER")
    schema = await _schema(connection)
    for name, right in ((OWNER, "USAGE, CREATE"), (WRITER, "USAGE"), (READER, "USAGE")):
        await _attempt(connection, f"GRANT {right} ON SCHEMA {schema} TO {name}")
    return await _owner(connection)


async def _owner(connection: Connection) -> str:
    present: str | None = await connection.fetchval(_OWNER_OF_TABLES, MIGRATIONS_TABLE)
    if present is not None:
        return present
    if await may_take(connection, OWNER) and await connection.fetchval(_MAY_MAKE_TABLES, OWNER):
        return OWNER
    login: str = await connection.fetchval("SELECT session_user::text")
    return login


async def lacking(connection: Connection) -> str | None:
    """Return one line: which right the login lacks, and how to grant it; None when nothing is lacking.

    Since version 15 only the owner of a database may make tables in its schema `public` unless others are allowed to.
    """
    await connection.execute("RESET ROLE")
    row = await connection.fetchrow(_WHERE)
    assert row is not None, "a SELECT without FROM has one row"
    login, schema, database = row
    if schema is None:
        fix = f"a superuser run: ALTER ROLE {login} IN DATABASE {database} SET search_path = public"
        return f"database {database}: no schema to make tables in: as {fix}"
    owner = await _owner(connection)
    if owner != login and not await may_take(connection, owner):
        return f"database {database}: the tables of VTS belong to {owner}: as a superuser run: GRANT {owner} TO {login}"
    if await connection.fetchval(_MAY_MAKE_TABLES, owner):
        return None
    grants = f"GRANT USAGE, CREATE ON SCHEMA {schema} TO {owner}"
    return f"database {database}: {owner} may not make tables in schema {schema}: as the owner of it run: {grants}"


async def grant_future(connection: Connection, owner: str) -> None:
    """Let writer and reader use every table that the owner will make. Run before the migrations."""
    quoted = await connection.fetchval("SELECT quote_ident($1)", owner)
    head = f"ALTER DEFAULT PRIVILEGES FOR ROLE {quoted} IN SCHEMA {await _schema(connection)}"
    for name, rights in _RIGHTS.items():
        await _attempt(connection, f"{head} GRANT {rights} ON TABLES TO {name}")
    await _attempt(connection, f"{head} GRANT USAGE ON SEQUENCES TO {WRITER}")


async def grant_present(connection: Connection, owner: str) -> None:
    """Let roles that were made after the tables use them; a table that a role may read already is left as it is."""
    for name, rights in _RIGHTS.items():
        if await may_take(connection, name):
            for row in await connection.fetch(_UNGRANTED, owner, name):
                await _attempt(connection, f"GRANT {rights} ON {row[0]} TO {name}")


async def _schema(connection: Connection) -> str:
    name: str = await connection.fetchval("SELECT quote_ident(current_schema())")
    return name


async def _attempt(connection: Connection, statement: str) -> None:
    """Run a statement that the login may not be allowed, or that another process may have run a moment ago."""
    try:
        await connection.execute(statement)
    except (StoreMistake, BadData):
        return
