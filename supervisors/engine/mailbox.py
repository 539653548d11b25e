"""Bounded queues whose items survive a crash of the reader: a leased item is removed only when the lease succeeds."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Generic, TypeVar

import trio

from vts.model.ports import MailboxFull

T = TypeVar("T")


class Mailbox(Generic[T]):
    """A bounded queue with one receiver. The tree owns it, so its items outlive the actor that reads them."""

    __slots__ = ("_capacity", "_items", "_receiver", "_sealed", "_senders")

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._items: deque[T] = deque()
        self._receiver = trio.lowlevel.ParkingLot()
        self._senders = trio.lowlevel.ParkingLot()
        self._sealed = False

    def __len__(self) -> int:
        return len(self._items)

    def put_nowait(self, item: T) -> None:
        """Add an item. Raises MailboxFull when the mailbox is full or sealed."""
        if self._sealed or len(self._items) >= self._capacity:
            raise MailboxFull
        self._items.append(item)
        if self._receiver:
            self._receiver.unpark()

    async def put(self, item: T) -> None:
        """Wait for room and add an item. Raises MailboxFull when the mailbox is sealed."""
        await trio.lowlevel.checkpoint()
        while not self._sealed and len(self._items) >= self._capacity:
            await self._senders.park()
        self.put_nowait(item)

    def seal(self) -> None:
        """Refuse further items. Those inside are still leased; then the receiver gets an empty lease."""
        self._sealed = True
        self._receiver.unpark_all()
        self._senders.unpark_all()

    @asynccontextmanager
    async def lease(self, limit: int) -> AsyncIterator[list[T]]:
        """Wait for an item and lease up to `limit` of them. An exception in the block puts them back, in order.

        An empty list means sealed and empty. No checkpoint follows the removal, so a cancellation loses no item.
        """
        await trio.lowlevel.checkpoint()
        while not self._items and not self._sealed:
            await self._receiver.park()
        batch = [self._items.popleft() for _ in range(min(limit, len(self._items)))]
        try:
            yield batch
        except BaseException:
            self._items.extendleft(reversed(batch))
            raise
        self._senders.unpark(count=len(batch))
