"""How many connections the direct endpoint has, and which of them are still in their handshake."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import trio


class OpenConnections:
    """The count includes connections whose CONNECT is not accepted yet."""

    __slots__ = ("_empty", "_handshakes", "count")

    def __init__(self) -> None:
        self.count = 0
        self._handshakes: set[trio.CancelScope] = set()
        self._empty = trio.Event()

    def close_one(self) -> None:
        """Note that a connection has ended."""
        self.count -= 1
        if not self.count:
            self._empty.set()

    async def wait_until_none(self) -> None:
        """Wait for the last one. Call it when no more can come."""
        if self.count:
            self._empty = trio.Event()
            await self._empty.wait()

    @contextmanager
    def handshake(self, scope: trio.CancelScope) -> Iterator[None]:
        """Note that a handshake runs in a scope."""
        self._handshakes.add(scope)
        try:
            yield
        finally:
            self._handshakes.discard(scope)

    def cancel_handshakes(self) -> None:
        """Cancel the handshakes that run."""
        for scope in self._handshakes:
            scope.cancel()
