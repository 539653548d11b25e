"""`vts db`: the schema of the database that the settings describe."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import click
import trio

from config.settings import Settings
from vts.cli.common import database_of
from vts.store.schema import migrate as schema
from vts.store.session.connection import Database, asyncpg_loop


def migrate(settings: Settings) -> None:
    """Apply what is missing and say so."""

    async def work(database: Database) -> None:
        applied = await schema.migrate(database)
        for one in applied:
            click.echo(f"applied {one.number:04} {one.name}")
        if not applied:
            click.echo("nothing to do")

    _with_database(settings, work)


def status(settings: Settings) -> None:
    """Say which migrations are applied, and which are not. Raises BadStart for a newer schema."""

    async def work(database: Database) -> None:
        found = await schema.status(database)
        for one in schema.migrations():
            click.echo(f"{one.number:04} {one.name}: {'pending' if one in found.pending else 'applied'}")
        schema.refuse_newer(found)

    _with_database(settings, work)


def _with_database(settings: Settings, work: Callable[[Database], Awaitable[None]]) -> None:
    database = database_of(settings)

    async def inside() -> None:
        async with asyncpg_loop():
            await work(database)

    trio.run(inside)
