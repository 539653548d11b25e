"""How a connection ends: the live counts take it over, or the client can read to the end, or it is reset."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import trio

from vts.capture.http.connection import BrokenOff, Closed, End, Upgraded
from vts.capture.http.head import HeadVerdict
from vts.capture.http.limits import Limits
from vts.capture.http.replay import HandshakeStream, handshake_bytes

LINGER_MAX_BYTES: Final = 1024 * 1024

Stream = trio.SocketStream | trio.SSLStream[trio.SocketStream]


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

    on_websocket: OnWebSocket
    limits: Limits

    async def finish(self, end: End | None, stream: Stream, peer: str) -> None:
        """Serve a WebSocket, then read what the client still sends. Only a connection that is reset is closed here."""
        if isinstance(end, BrokenOff):
            await trio.aclose_forcefully(stream)  # with TLS no end of that either
            return
        if isinstance(end, Upgraded):
            await self._serve_live(end, stream, peer)
        if not isinstance(end, Closed) or end.unread:
            await self._linger(stream)

    async def _serve_live(self, end: Upgraded, stream: Stream, peer: str) -> None:
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
