"""A line to a server that can be cut: WebSockets too, which a browser's own offline switch leaves open."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import trio

LOST = (OSError, trio.BrokenResourceError, trio.ClosedResourceError)


class Line:
    """Carries bytes between its own port of loopback and that of the server, unless it is cut."""

    def __init__(self, port: int) -> None:
        self._server_port = port
        self._open: set[trio.CancelScope] = set()
        self._silences = 0
        self.is_cut = False
        self.is_silent = False
        self.port = 0

    @property
    def http(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def cut(self) -> None:
        """Close every connection, and each new one at once."""
        self.is_cut = True
        for scope in self._open:
            scope.cancel()

    def silence(self) -> None:
        """Swallow all bytes from now on, and close nothing. Connections of such a time stay dead after it."""
        self.is_silent = True
        self._silences += 1

    def mend(self) -> None:
        """Carry new connections again."""
        self.is_cut = self.is_silent = False

    async def serve(self, client: trio.SocketStream) -> None:
        """Carry one connection until an end closes it."""
        async with client:
            if self.is_cut:
                return
            with suppress(*LOST):
                async with await trio.open_tcp_stream("127.0.0.1", self._server_port) as server:
                    async with trio.open_nursery() as nursery:
                        self._open.add(nursery.cancel_scope)
                        nursery.start_soon(self._carry, client, server, nursery.cancel_scope)
                        nursery.start_soon(self._carry, server, client, nursery.cancel_scope)
                    self._open.discard(nursery.cancel_scope)

    async def _carry(self, one: trio.SocketStream, other: trio.SocketStream, scope: trio.CancelScope) -> None:
        silences = self._silences - self.is_silent
        with suppress(*LOST):
            async for data in one:
                if self._silences == silences:
                    await other.send_all(data)
        scope.cancel()


@asynccontextmanager
async def line_to(port: int) -> AsyncIterator[Line]:
    """Open a line to a port of loopback."""
    line = Line(port)
    async with trio.open_nursery() as nursery:
        [listener] = await trio.open_tcp_listeners(0, host="127.0.0.1")
        line.port = listener.socket.getsockname()[1]
        nursery.start_soon(trio.serve_listeners, line.serve, [listener])
        yield line
        nursery.cancel_scope.cancel()
