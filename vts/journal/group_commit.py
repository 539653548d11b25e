"""Group commit without timers: while one commit waits for the disk, the next group gathers in the mailbox.

The outcome of a commit reaches its entries from the writer thread's callback, not from `run`: a run that is cancelled
or crashes in the middle loses none, and the run after it finds those entries settled.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final, Protocol

import trio

from vts.journal.backlog import Backlog
from vts.journal.capacity import Capacity, not_now
from vts.journal.entry import BadRecord, Entry
from vts.journal.format import Written
from vts.journal.worker import Call
from vts.journal.writer_thread import WriterThread
from vts.model.faults import JournalFull
from vts.model.ports import Clock, Inbox, Outbox

GROUP_ENTRIES: Final = 256  # one commit: twice the connections of a busy site, 5 ms of encoding at one record each

OnCommit = Callable[[int, float], None]
"""(records, seconds from the start of the call to its outcome): the metrics of commit size and latency."""


class Box(Inbox[Entry], Outbox[Entry], Protocol):
    """The journal's mailbox, both ends."""


class GroupCommit:
    """Makes the entries of the mailbox durable, a group in one commit, and settles each exactly once."""

    def __init__(
        self,
        inbox: Box,
        writer: WriterThread,
        backlog: Backlog,
        capacity: Capacity,
        clock: Clock,
        on_commit: OnCommit | None,
    ) -> None:
        self._inbox = inbox
        self._writer = writer
        self._backlog = backlog
        self._capacity = capacity
        self._clock = clock
        self._on_commit = on_commit
        self._commit: Call[Written] | None = None

    async def run(self) -> None:
        """Commit until the mailbox is sealed and empty."""
        while True:
            await trio.lowlevel.checkpoint()  # entries that the doors submit in this turn join the group
            async with self._inbox.lease(GROUP_ENTRIES) as batch:
                if not batch:
                    return
                await self._commit_group([entry for entry in batch if not entry.settled])

    async def last_ended(self) -> None:
        """Return when no commit is under way, not even one of an earlier run: its entries are settled or in the box."""
        if self._commit is not None:
            await self._commit.over()

    async def _commit_group(self, entries: list[Entry]) -> None:
        if not entries:
            return
        if self._capacity.refusing:
            _settle(entries, not_now())
            return
        groups = [entry.records for entry in entries]
        on_done = partial(self._on_done, entries, trio.current_time())
        self._commit = self._writer.append(groups, self._clock(), self._backlog.drained.seq, on_done)
        try:
            await self._commit.wait()
        except BadRecord:
            for entry in entries:  # each in a commit of its own, so that only the bad one is refused
                await self._commit_group([entry])

    def _on_done(self, entries: list[Entry], started_s: float, call: Call[Written]) -> None:
        """Settle the entries, in the loop, also when no run is there. Entries left unsettled go back into the box."""
        match call.fault:
            case None:
                assert call.value is not None
                self._grow(call.value, started_s)
                _settle(entries, None)
            case JournalFull() as fault:
                self._capacity.refuse()
                self._nothing_written(call)
                _settle(entries, fault)
            case BadRecord() as fault if len(entries) == 1:
                self._nothing_written(call)
                _settle(entries, fault)
            case _:
                pass  # a bug, or a group with a bad record: raised where the run waits

    def _grow(self, written: Written, started_s: float) -> None:
        self._capacity.used_bytes = written.used_bytes
        self._backlog.grow(written)
        if self._on_commit is not None:
            self._on_commit(sum(len(records) for _, records in written.rows), trio.current_time() - started_s)

    def _nothing_written(self, call: Call[Written]) -> None:
        """Let the run go on: the fault belongs to the entries."""
        call.fault, call.value = None, Written([], self._capacity.used_bytes)


def _settle(entries: list[Entry], fault: Exception | None) -> None:
    """Settle all, also when a callback of one raises: an entry that is written must not go back into the box."""
    bug: Exception | None = None
    for entry in entries:
        try:
            entry.settle(fault)
        except Exception as error:
            bug = error
    if bug is not None:
        raise bug
