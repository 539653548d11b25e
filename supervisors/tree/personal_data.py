"""What is kept about a person, and how it goes: out of the journal first, then out of the database."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from typing import Final

import trio

from supervisors.tree.components import Components
from vts.model.erasure import Erasure
from vts.model.faults import StoreUnavailable
from vts.query.export.personal_data import tables_of
from vts.query.export.stored_tables import Connect
from vts.query.export.table import Table
from vts.store.facts.erasing import erase_person

ERASE_TIMEOUT_S: Final = 300.0  # of one statement: it looks at every raw row
DRAIN_WITHIN_S: Final = 10.0


class Persons:
    """`connect_reader` and `connect_writer` give a session each; `refresh` makes catalog changes known here."""

    def __init__(
        self,
        components: Components,
        connect_reader: Connect,
        connect_writer: Connect,
        refresh: Callable[[], Awaitable[None]],
    ) -> None:
        self._components = components
        self._connect_reader = connect_reader
        self._connect_writer = connect_writer
        self._refresh = refresh

    def tables(self, user_id: int) -> list[Table]:
        """Return what is kept about a person, as tables to be read."""
        return tables_of(self._connect_reader, user_id, self._keys(user_id))

    async def erase(self, user_id: int) -> dict[str, int]:
        """Take a person out; counts stay. Returns how many rows of each kind were changed.

        Raises StoreUnavailable and JournalFull: then it is to be done again, which harms nothing.
        """
        erasure = Erasure(user_id, self._keys(user_id), os.urandom)
        changed = {"journal": await self._components.journal.rewrite(erasure.record)}
        await self._await_drain()
        connection = await self._connect_writer()
        try:
            changed |= await erase_person(connection, erasure)
        finally:
            await connection.close()
        await self._refresh()
        return changed

    async def _await_drain(self) -> None:
        """What the drain had taken before the journal was changed must be stored, or it would be stored afterwards."""
        journal = self._components.journal
        with trio.move_on_after(DRAIN_WITHIN_S) as scope:
            await journal.wait_drained(journal.last_seq)
        if scope.cancelled_caught:
            raise StoreUnavailable("the drain is behind: try again when it has caught up")

    def _keys(self, user_id: int) -> list[bytes]:
        return [self._components.keys.user(user_id)]
