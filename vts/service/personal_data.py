"""What is kept about a person: exported as tables; erased from the journal first, then from the database."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from typing import Final

import trio

from vts.journal.journal import Journal
from vts.model.erasure import Erasure
from vts.model.faults import StoreUnavailable
from vts.query.export.personal_data import tables_of
from vts.query.export.stored_tables import Connect
from vts.query.export.table import Table
from vts.store.facts.erasing import erase_person

ERASE_TIMEOUT_S: Final = 300.0  # of one statement: it looks at every raw row
DRAIN_WITHIN_S: Final = 10.0


class PersonalData:
    """`connect_reader` and `connect_writer` open a session each; `key_of` returns the viewer key of a user.

    `refresh` is awaited after an erasure: it reads the changed catalog rows into this process.
    """

    def __init__(
        self,
        journal: Journal,
        key_of: Callable[[int], bytes],
        connect_reader: Connect,
        connect_writer: Connect,
        refresh: Callable[[], Awaitable[None]],
    ) -> None:
        self._journal = journal
        self._key_of = key_of
        self._connect_reader = connect_reader
        self._connect_writer = connect_writer
        self._refresh = refresh

    def tables(self, user_id: int) -> list[Table]:
        """Return what is kept about a person, as tables that are read row by row."""
        return tables_of(self._connect_reader, user_id, [self._key_of(user_id)])

    async def erase(self, user_id: int) -> dict[str, int]:
        """Remove a person; counts stay. Return how many rows of each table were changed.

        Raises StoreUnavailable and JournalFull: the caller sends the request again, and repeating it changes nothing.
        """
        erasure = Erasure(user_id, [self._key_of(user_id)], os.urandom)
        changed = {"journal": await self._journal.rewrite(erasure.record)}
        await all_drained(self._journal)  # else it stored such a record after the erasure
        connection = await self._connect_writer()
        try:
            changed |= await erase_person(connection, erasure)
        finally:
            await connection.close()
        await self._refresh()
        return changed


async def all_drained(journal: Journal) -> None:
    """Return when every record that is in the journal by now is in the database. Raises StoreUnavailable."""
    with trio.move_on_after(DRAIN_WITHIN_S) as scope:
        await journal.wait_drained(journal.last_seq)
    if scope.cancelled_caught:
        raise StoreUnavailable("the drain is behind: try again when it has caught up")
