"""How a connection ends: another part of the server answers its last request, then the client can read to the end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import trio

from vts.capture.http.connection import Closed, End, HandedOver
from vts.capture.http.head import Head, HeadVerdict, Lane
from vts.capture.http.limits import Limits
from vts.capture.http.replay import HandshakeStream, handshake_bytes

LINGER_MAX_BYTES: Final = 1024 * 1024

Stream = trio.SocketStream | trio.SSLStream[trio.SocketStream]
HandOver = Callable[[Head, bytes, Stream], Awaitable[None]]
"""Answers one request (its head, its whole body) on a stream that the door closes."""


@dataclass(frozen=True, slots=True)
class LiveRequest:
    """A well-formed WebSocket handshake for the live counts. Header names are lower case."""

    path: str
    query: str
    headers: tuple[tuple[str, str], ...]
    peer: str
    secure: bool

    def header(self, name: str) -> str | None:
        """Return the first value of a header."""
        return next((value for known, value in self.headers if known == name), None)


OnWebSocket = Callable[[LiveRequest, trio.abc.Stream], Awaitable[None]]
"""Serves a WebSocket; the stream begins with the handshake, for `trio_websocket.wrap_server_stream`."""


@dataclass(frozen=True, slots=True)
class Endings:
    """Performs how a connection ends."""

    hand_over: HandOver
    on_websocket: OnWebSocket
    limits: Limits

    async def finish(self, end: End | None, stream: Stream, peer: str) -> None:
        """Serve a request that was handed over, then read what the client still sends. The stream is not closed."""
        if isinstance(end, HandedOver):
            if end.verdict.lane is Lane.LIVE:
                await self._serve_live(end, stream, peer)
            else:
                await self.hand_over(end.verdict.head, end.body, stream)
        if not isinstance(end, Closed) or end.unread:
            await self._linger(stream)

    async def _serve_live(self, end: HandedOver, stream: Stream, peer: str) -> None:
        request = _live_request(end.verdict, peer, isinstance(stream, trio.SSLStream))
        opening = HandshakeStream(stream, handshake_bytes(end.verdict.head), end.rest, self.limits.write_timeout_s)
        await self.on_websocket(request, opening)

    async def _linger(self, stream: Stream) -> None:
        """Read on for a moment: closing with unread bytes makes the kernel drop our last answer (RFC 9112, 9.6)."""
        unread = LINGER_MAX_BYTES
        with trio.move_on_after(self.limits.linger_s):
            if isinstance(stream, trio.SocketStream):
                await stream.send_eof()
            while unread > 0 and (data := await stream.receive_some()):
                unread -= len(data)


def _live_request(verdict: HeadVerdict, peer: str, secure: bool) -> LiveRequest:
    headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in verdict.head.headers)
    return LiveRequest(verdict.path.decode("ascii"), verdict.query.decode("ascii"), headers, peer, secure)
