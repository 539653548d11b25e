"""How the bytes of a connection are moved that is a Trio stream (TLS, or a system without epoll): by its own task."""

from __future__ import annotations

import trio

from vts.capture.http.connection import Connection, DoorContext
from vts.capture.http.line import set_reset_on_close

RECEIVE_BYTES = 32 * 1024


class StreamLine:
    """The same connection as in the pump, carried by a Trio stream."""

    def __init__(self, context: DoorContext, stream: trio.abc.Stream, peer: str) -> None:
        self._context = context
        self._stream = stream
        self._unsent = b""
        self._kept = b""  # read while an answer was on its way: pipelined requests
        self._awake = trio.Event()
        self._endless = trio.Event()  # the client's end of the connection is to be noticed
        self._reading = trio.CancelScope()
        self.connection = Connection(context, self, peer)

    def write(self, data: bytes) -> None:
        """Keep what is to be sent; `run` sends it."""
        self._unsent += data

    def wake(self) -> None:
        """Let `run` look at the connection again."""
        self._awake.set()
        if self.connection.end is not None:
            self._reading.cancel()

    def is_overdue(self, now: float) -> bool:
        """Whether the wait for the client has been too long."""
        return self.connection.deadline < now

    def expire(self, now: float) -> None:
        """End the wait."""
        self.connection.expire()

    async def run(self) -> None:
        """Serve until the connection has ended and all is sent."""
        connection = self.connection
        while connection.end is None:
            data = await self._receive()
            if connection.end is None:
                connection.receive(data) if data else connection.lose()
            await self._flush()
            while connection.busy and connection.end is None:
                await self._answer()
                await self._flush()

    async def flushed(self) -> None:
        """Send what was written."""
        await self._flush()

    def notice_end(self) -> None:
        """Let the answer under way end with the client."""
        self._endless.set()

    def reset_on_close(self, *, on: bool) -> None:
        """Let the connection end with a reset (TCP RST), also by a kill."""
        stream = self._stream.transport_stream if isinstance(self._stream, trio.SSLStream) else self._stream
        assert isinstance(stream, trio.SocketStream)
        set_reset_on_close(stream.socket, on=on)

    async def _answer(self) -> None:
        if self.connection.work is None:
            await self._awake.wait()
        else:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._notice_end)
                await self.connection.perform()
                nursery.cancel_scope.cancel()
        self._awake = trio.Event()

    async def _notice_end(self) -> None:
        """Read beside an endless answer. What a client pipelines is kept, one piece of it; then nothing is noticed."""
        await self._endless.wait()
        self._endless = trio.Event()
        if not self._kept:
            self._kept = await self._read()
        if not self._kept:
            self.connection.lose()

    async def _receive(self) -> bytes:
        """Return what arrives; nothing at the end of the stream, or when the connection has ended meanwhile."""
        kept, self._kept = self._kept, b""
        if kept:
            return kept
        with trio.CancelScope() as self._reading:
            return await self._read()
        return b""

    async def _read(self) -> bytes:
        try:
            return bytes(await self._stream.receive_some(RECEIVE_BYTES))
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return b""

    async def _flush(self) -> None:
        data, self._unsent = self._unsent, b""
        if not data:
            return
        try:
            with trio.fail_after(self._context.limits.write_timeout_s):
                await self._stream.send_all(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError, trio.TooSlowError):
            self.connection.lose()
