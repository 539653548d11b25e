"""What a connection needs of the part that carries its bytes."""

from __future__ import annotations

import socket
import struct
from typing import Final, Protocol

import trio

_RESET: Final = struct.pack("ii", 1, 0)
_USUAL: Final = struct.pack("ii", 0, 0)


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

    def reset_on_close(self, *, on: bool) -> None:
        """Let the connection end with a reset (TCP RST), also by a kill; with False as usual again."""
        ...


def set_reset_on_close(connection: socket.socket | trio.socket.SocketType, *, on: bool) -> None:
    """Let the kernel reset a connection when its socket is closed, also when the process is killed."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET if on else _USUAL)
