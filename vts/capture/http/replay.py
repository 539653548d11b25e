"""Which bytes the live counts read of a connection: the handshake as the door read it, then the client's.

The handshake is written from the head that was accepted, never from the client's bytes, so no two parsers can read two
different requests out of it.
"""

from __future__ import annotations

from typing import Final

import trio

from vts.capture.http.head import Head

# Hop-by-hop or about framing (RFC 9110, section 7.6.1): the door has applied these itself.
_APPLIED: Final = frozenset(
    (b"connection", b"content-length", b"expect", b"keep-alive", b"te", b"trailer", b"transfer-encoding", b"upgrade")
)


def handshake_bytes(head: Head) -> bytes:
    """Return a WebSocket handshake as it was accepted."""
    lines = [head.method + b" " + head.target + b" HTTP/1.1\r\n"]
    lines += [name + b": " + value + b"\r\n" for name, value in head.headers if name not in _APPLIED]
    return b"".join(lines) + b"connection: Upgrade\r\nupgrade: websocket\r\n\r\n"


class ReplayStream(trio.abc.Stream):
    """A stream that begins with bytes that were read from it before. The owner of the stream below closes that."""

    def __init__(self, stream: trio.abc.Stream, replay: bytes, write_timeout_s: float) -> None:
        self._stream = stream
        self._replay = replay
        self._write_timeout_s = write_timeout_s
        self._closed = False
        self._receiving: trio.CancelScope | None = None
        transport = stream.transport_stream if isinstance(stream, trio.SSLStream) else stream
        assert isinstance(transport, trio.SocketStream)
        self.socket = transport.socket
        # For code that writes to the kernel itself: None where TLS lies in between.
        self.clear_socket = transport.socket if transport is stream else None

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Return the replayed bytes, then what the client sends."""
        if self._closed:
            raise trio.ClosedResourceError
        if self._replay:
            await trio.lowlevel.checkpoint()
            size = max_bytes or len(self._replay)
            data, self._replay = self._replay[:size], self._replay[size:]
            return data
        with trio.CancelScope() as self._receiving:
            return await self._receive(max_bytes)
        raise trio.ClosedResourceError  # by `aclose` in another task

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send. After the deadline a client that does not read is cut off: frameworks send under a shield."""
        if self._closed:
            raise trio.ClosedResourceError
        with trio.move_on_after(self._write_timeout_s) as deadline:
            await self._stream.send_all(data)
        if deadline.cancelled_caught:
            self._end()
            raise trio.BrokenResourceError("the client does not read")

    async def wait_send_all_might_not_block(self) -> None:
        """Wait until sending makes sense."""
        await self._stream.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        """Send and receive no more; a task that is receiving gets ClosedResourceError."""
        self._end()
        await trio.lowlevel.checkpoint()

    def _end(self) -> None:
        self._closed = True
        if self._receiving is not None:
            self._receiving.cancel()

    async def _receive(self, max_bytes: int | None) -> bytes:
        return bytes(await self._stream.receive_some(max_bytes))


class HandshakeStream(ReplayStream):
    """A stream that begins with a WebSocket handshake. Frames that came with it are received once it is answered.

    wsproto reads frames before its answer as a part of the handshake, and would not parse them until more come.
    """

    def __init__(self, stream: trio.abc.Stream, handshake: bytes, frames: bytes, write_timeout_s: float) -> None:
        super().__init__(stream, handshake, write_timeout_s)
        self._frames = frames
        self._answered = trio.Event()

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send; the first thing that is sent is the answer."""
        await super().send_all(data)
        self._answered.set()

    async def _receive(self, max_bytes: int | None) -> bytes:
        await self._answered.wait()
        if self._frames:
            frames, self._frames = self._frames, b""
            return frames
        return await super()._receive(max_bytes)
