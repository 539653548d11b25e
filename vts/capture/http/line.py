"""What a connection needs of the part that carries its bytes."""

from __future__ import annotations

from typing import Protocol


class Line(Protocol):
    """What carries a connection's bytes. Only `flushed` waits."""

    def write(self, data: bytes) -> None:
        """Send, now or when the socket is writable."""
        ...

    def wake(self) -> None:
        """Look at the connection again: it can read on, has work for its task, or has ended."""
        ...

    async def flushed(self) -> None:
        """Wait until the client has taken what was written, or the connection has ended. For the connection's task."""
        ...

    def notice_end(self) -> None:
        """From now on, until it reads again, end the connection when the client sends no more."""
        ...
