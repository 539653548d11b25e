"""Live counts over a WebSocket: one conversation, with a deadline for every wait."""

from __future__ import annotations

import math
import os
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import msgspec
import trio
from trio_websocket import ConnectionClosed, WebSocketConnection, WebSocketRequest
from wsproto.connection import ConnectionState
from wsproto.events import CloseConnection

from vts.live.board import Frame, Reader
from vts.live.frames import FRAME_MAX_BYTES, HEARTBEAT, Ask, BadFrame, error, read
from vts.live.hub import Hub, NotFollowed
from vts.live.public import ASKS_MAX
from vts.model.faults import TooManyClients
from vts.model.principal import Principal

MESSAGE_MAX_CHARS: Final = 64 * 1024
"""For the library that wraps the stream. Up to here a frame that is too long is answered; beyond, it ends the
connection (1009): to skip it we would have to read it."""

NORMAL: Final = 1000
GOING_AWAY: Final = 1001
POLICY: Final = 1008
TRY_AGAIN_LATER: Final = 1013
CLOSE_S: Final = 1.0  # for the closing handshake; then the connection is cut
PING_BUSY_S: Final = 5.0
"""Between heartbeats; and between pings while data is sent: a kernel buffers megabytes for one that does not read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadlines:
    """How long a peer may take, in seconds. `write_s` is also the time for a pong."""

    write_s: float = 10.0
    ping_s: float = 20.0
    frame_max_bytes: int = FRAME_MAX_BYTES


async def serve(
    request: WebSocketRequest,
    hub: Hub,
    principal: Principal | None,
    *,
    address: str,
    is_public: bool = False,
    deadlines: Deadlines | None = None,
) -> None:
    """Accept the upgrade and talk until either side ends it. `vts.live.upgrade` has allowed the request.

    `address` counts connections per client and is not kept longer. `is_public`: the client has no token. Too many
    connections are refused with HTTP 503, too many of one client with 429.
    """
    deadlines = deadlines or Deadlines()
    try:
        with hub.admitted(address, principal, is_public=is_public) as reader:
            with trio.move_on_after(deadlines.write_s) as deadline:
                connection = await request.accept()
            if not deadline.cancelled_caught:
                _answer_violations(connection)
                asks_left = ASKS_MAX if is_public else math.inf
                await _Conversation(connection, hub, reader, principal, deadlines, asks_left).run()
    except TooManyClients as why:
        status, code = (429, "rate_limited") if why.of_address else (503, "unavailable")
        body = msgspec.json.encode({"error": str(why), "error_code": code})
        headers = [(b"content-type", b"application/json"), (b"retry-after", b"5")]
        with trio.move_on_after(deadlines.write_s):
            await request.reject(status, extra_headers=headers, body=body)
    except ConnectionClosed:
        pass  # the client left during the upgrade


def _answer_violations(connection: WebSocketConnection) -> None:
    """Send a close frame to a peer that breaks the protocol (RFC 6455, section 7.1.7).

    The library closes then as if the peer had closed: without a frame, so that a client sees an abnormal end (1006).
    """
    close = connection._close_web_socket

    async def send_and_close(code: int, reason: str | None = None) -> None:
        if connection._wsproto.state is ConnectionState.OPEN:  # neither side has sent a close frame
            with suppress(ConnectionClosed), trio.move_on_after(CLOSE_S):
                await connection._send(CloseConnection(code=code, reason=reason))
        await close(code, reason)

    connection._close_web_socket = send_and_close  # type: ignore[method-assign]


class _Conversation:
    """Three tasks: read the frames of the client, write changes, and ping.

    Frames are framed once for all readers and written under the library's own lock. A whole, uncompressed frame leaves
    no trace in the library's protocol state, so the library can be bypassed.
    """

    __slots__ = (
        "_asks_left",
        "_code",
        "_connection",
        "_deadlines",
        "_hub",
        "_principal",
        "_reader",
        "_reason",
        "_scope",
        "_sent",
        "_socket",
    )

    def __init__(
        self,
        connection: WebSocketConnection,
        hub: Hub,
        reader: Reader,
        principal: Principal | None,
        deadlines: Deadlines,
        asks_left: float,
    ) -> None:
        """`asks_left`: how many topics the client may name before the connection is closed (1008)."""
        self._asks_left = asks_left
        self._connection = connection
        self._hub = hub
        self._reader = reader
        self._principal = principal
        self._deadlines = deadlines
        self._scope = trio.CancelScope()
        self._sent = False
        self._socket = _clear_socket(connection._stream)
        self._code = NORMAL
        self._reason: str | None = None

    async def run(self) -> None:
        try:
            with self._scope:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._write_changes)
                    nursery.start_soon(self._ping)
                    await self._read_frames()
        finally:
            with trio.move_on_after(CLOSE_S, shield=True):
                await self._connection.aclose(self._code, self._reason)

    async def _read_frames(self) -> None:
        while True:
            try:
                message = await self._connection.get_message()
            except ConnectionClosed:
                return self._end(NORMAL, None)
            try:
                ask = read(message, self._deadlines.frame_max_bytes)
            except BadFrame as fault:
                self._asks_left -= 1
                await self._send(error(str(fault), "invalid_request"))
            else:
                self._asks_left -= len(ask.topics)
                await self._apply(ask)
            if self._asks_left < 0:
                return self._end(POLICY, "too many topics were named; connect again")

    async def _apply(self, ask: Ask) -> None:
        for name in ask.topics:
            try:
                if ask.op == "unsubscribe":
                    self._hub.unsubscribe(self._reader, name)
                else:
                    await self._hub.subscribe(self._reader, self._principal, name)
            except NotFollowed as why:
                await self._send(error(str(why), why.code, why.topic))

    async def _write_changes(self) -> None:
        while (frame := await self._reader.next()) is not None:
            await self._send(frame)
            self._sent = True
        if self._reader.expired:
            self._end(POLICY, "the token has ended")
        self._end(GOING_AWAY, "closing")

    async def _ping(self) -> None:
        """Ping the peer: often while data is sent, seldom while none is; then it gets a heartbeat instead."""
        quiet_s = 0.0
        pause_s = min(PING_BUSY_S, self._deadlines.ping_s)
        while True:
            await trio.sleep(pause_s)
            quiet_s += pause_s
            if not self._sent:
                if self._reader.topics:
                    await self._send(HEARTBEAT)
                if quiet_s < self._deadlines.ping_s:
                    continue
            quiet_s, self._sent = 0.0, False
            try:
                with trio.move_on_after(self._deadlines.write_s) as deadline:
                    await self._connection.ping()
            except ConnectionClosed:
                return self._end(NORMAL, None)
            if deadline.cancelled_caught:
                return self._end(TRY_AGAIN_LATER, "no answer to a ping")

    async def _send(self, frame: Frame) -> None:
        data = frame.websocket
        try:
            sent = self._send_now(data)
            if sent == len(data):
                return None
            with trio.move_on_after(self._deadlines.write_s) as deadline:
                await self._send_rest(data, sent)
        except (ConnectionClosed, OSError):
            return self._end(NORMAL, None)
        if deadline.cancelled_caught:
            self._end(TRY_AGAIN_LATER, "too slow")
        return None

    def _send_now(self, data: bytes) -> int:
        """Give the kernel what it takes at once, without a trip through the scheduler. Returns how much that was.

        A frame that was begun keeps the lock: `_send_rest` ends it.
        """
        connection = self._connection
        if connection.closed is not None:
            raise ConnectionClosed(connection.closed)
        if self._socket is None or connection._stream_lock.locked():
            return 0
        try:
            sent = os.write(self._socket.fileno(), data)
        except BlockingIOError:
            return 0
        if 0 < sent < len(data):
            connection._stream_lock.acquire_nowait()
        return sent

    async def _send_rest(self, data: bytes, sent: int) -> None:
        connection = self._connection
        if not sent:
            await connection._stream_lock.acquire()
        try:
            await connection._stream.send_all(data[sent:])
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            raise ConnectionClosed(connection.closed) from None
        finally:
            connection._stream_lock.release()

    def _end(self, code: int, reason: str | None) -> None:
        """End the conversation. The first reason is sent to the peer."""
        if not self._scope.cancel_called:
            self._code, self._reason = code, reason
            self._scope.cancel()


def _clear_socket(stream: trio.abc.Stream) -> trio.socket.SocketType | None:
    """The socket below an unencrypted stream. A door's own stream names it `clear_socket`."""
    if isinstance(stream, trio.SocketStream):
        return stream.socket
    return getattr(stream, "clear_socket", None)
