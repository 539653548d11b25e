"""Processes on one database see whose viewer keys are not theirs."""

from __future__ import annotations

import pytest

from vts.store.peers.viewer_key_check import announce, others_with_other_keys, viewer_key_name
from vts.store.session.connection import Database

SECRET = b"a secret that all processes share"
OURS = viewer_key_name(SECRET, 0, "agent")


@pytest.mark.parametrize(
    "other", [(b"another secret of some other folder", 0, "agent"), (SECRET, 30, "agent"), (SECRET, 0, "address")]
)
def test_everything_that_makes_keys_is_in_the_name(other):
    assert viewer_key_name(*other) != OURS == viewer_key_name(SECRET, 0, "agent")
    assert 0 <= OURS < 2**31


async def test_processes_with_other_keys_are_counted_while_they_run(database: Database, postgres_server):
    theirs = viewer_key_name(b"another secret of some other folder", 0, "agent")
    first, second, third = [await database.connect("reader") for _ in range(3)]
    assert await announce(first, OURS) == 0
    assert await announce(second, OURS) == 0
    assert await announce(third, theirs) == 2
    assert await others_with_other_keys(first, OURS) == 1
    await third.close()
    assert await others_with_other_keys(first, OURS) == 0
    async with postgres_server.fresh("migrated") as elsewhere:
        fourth = await elsewhere.connect("reader")
        assert await announce(fourth, theirs) == 0, "another database is another installation"
        await fourth.close()
    for connection in (first, second):
        await connection.close()
