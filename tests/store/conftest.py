"""PostgreSQL for the store's tests, and the sessions that most of them want."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial

import pytest

from tests.support.postgres import database, empty_database, postgres_server  # noqa: F401
from vts.store.session.connection import Connection, Database


@pytest.fixture
async def connect(database: Database) -> Callable[[], Awaitable[Connection]]:  # noqa: F811
    return partial(database.connect, "writer")


@pytest.fixture
async def look(database: Database) -> AsyncIterator[Connection]:  # noqa: F811
    """A reader's session."""
    connection = await database.connect("reader")
    yield connection
    await connection.close()
