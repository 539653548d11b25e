"""A database of the schema of version 0.1.0, with the rows of a database of today's schema.

The migrations of that version make the tables; of every row come the columns that they have.
"""

from __future__ import annotations

import asyncio
import io
from typing import Final

import asyncpg
import trio

from tests.support.postgres import Server
from vts.store.schema.migrate import migrate, migrations
from vts.store.session.connection import MIGRATIONS_TABLE, asyncpg_loop

LAST: Final = 8  # the migrations of version 0.1.0
LEFT_OUT: Final = (MIGRATIONS_TABLE, "audit_log")  # the first says what it is; of the other no answer speaks

_COLUMNS: Final = """
SELECT table_name, array_agg(column_name::text ORDER BY ordinal_position) FROM information_schema.columns
JOIN pg_class ON relname = table_name AND relnamespace = current_schema()::regnamespace AND NOT relispartition
WHERE table_schema = current_schema() AND table_name <> ALL($1::text[]) AND is_generated = 'NEVER'
    AND relkind IN ('r', 'p')
GROUP BY table_name
"""
_PARTITIONS: Final = """
SELECT child.relname, parent.relname, pg_get_expr(child.relpartbound, child.oid), pg_get_userbyid(parent.relowner)
FROM pg_inherits JOIN pg_class AS child ON child.oid = inhrelid JOIN pg_class AS parent ON parent.oid = inhparent
WHERE child.relispartition AND child.relkind = 'r'
"""


def make_old(server: Server, old: str, today: str) -> None:
    """Make the database `old` of the schema of 0.1.0 and fill it with the rows of the database `today`."""

    async def make() -> None:
        async with asyncpg_loop():
            await server.execute(f"CREATE DATABASE {old}")
            await migrate(server.database(old), migrations()[:LAST])

    trio.run(make)
    asyncio.run(_copy(server.url(today), server.url(old)))


async def _copy(source_url: str, target_url: str) -> None:
    source, target = await asyncpg.connect(source_url), await asyncpg.connect(target_url)
    try:
        for child, parent, bound, owner in await source.fetch(_PARTITIONS):
            await target.execute(f'SET ROLE "{owner}"')
            await target.execute(f"CREATE TABLE IF NOT EXISTS {child} PARTITION OF {parent} {bound}")
        await target.execute("RESET ROLE")
        there = dict(await source.fetch(_COLUMNS, list(LEFT_OUT)))
        for table, columns in await target.fetch(_COLUMNS, list(LEFT_OUT)):
            both = [name for name in columns if name in there[table]]
            rows = io.BytesIO()
            names = ", ".join(both)
            await source.copy_from_query(f"SELECT {names} FROM {table}", output=rows, format="binary")
            rows.seek(0)
            await target.execute(f"DELETE FROM {table}")
            await target.copy_to_table(table, source=rows, columns=both, format="binary")
    finally:
        await source.close()
        await target.close()
