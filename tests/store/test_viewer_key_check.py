"""Processes on one database see whose viewer keys are not theirs."""

from __future__ import annotations

import pytest

from vts.store.peers.viewer_key_check import kin_name, stand, strangers
from vts.store.session.connection import Database

SECRET = b"a secret that all processes share"
OURS = kin_name(SECRET, 0, "agent")


@pytest.mark.parametrize(
    "other", [(b"another secret of some other folder", 0, "agent"), (SECRET, 30, "agent"), (SECRET, 0, "address")]
)
def test_everything_that_makes_keys_is_in_the_name(other):
    assert kin_name(*other) != OURS == kin_name(SECRET, 0, "agent")
    assert 0 <= OURS < 2**31


async def test_strangers_are_seen_for_as_long_as_they_are_there(database: Database, postgres_server):
    theirs = kin_name(b"another secret of some other folder", 0, "agent")
    first, second, third = [await database.connect("reader") for _ in range(3)]
    assert await stand(first, OURS) == 0
    assert await stand(second, OURS) == 0
    assert await stand(third, theirs) == 2
    assert await strangers(first, OURS) == 1
    await third.close()
    assert await strangers(first, OURS) == 0
    async with postgres_server.fresh("migrated") as elsewhere:
        fourth = await elsewhere.connect("reader")
        assert await stand(fourth, theirs) == 0, "another database is another installation"
        await fourth.close()
    for connection in (first, second):
        await connection.close()
