"""Which sockets the HTTP listener opens, serves and closes.

A fault of a connection ends that connection only. `stop` closes the listeners and idle connections and answers what is
under way; when the supervisor cancels the door, every socket is closed at once.
"""

from __future__ import annotations

import resource
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import trio

from vts.capture.http.connection import DoorContext, DoorEvents, HandOver, Known
from vts.capture.http.endings import Endings, OnWebSocket, Stream
from vts.capture.http.limits import ByteBudget, Limits
from vts.capture.http.pump import PlainLine, Pump, available
from vts.capture.http.replies import Framer, error_reply
from vts.capture.http.request import Decide
from vts.capture.http.stream_line import StreamLine
from vts.capture.listening import listeners_at
from vts.capture.tls import ListenerTls
from vts.capture.vanished_peers import notice_silence
from vts.model.day import SECOND_US
from vts.model.ports import Clock

SWEEP_S: Final = 0.5  # how exact deadlines and the Date header are
EXPIRE_GROUP: Final = 32  # about 5 ms of work: an answer, a task woken, a lingering close
EXPIRE_PAUSE_S: Final = 0.01
# Our own files beside the clients' sockets: journal, database, broker, logs.
FILES_RESERVED: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Handlers:
    """What answers a request: capture, the live counts, or the web application."""

    decide: Decide
    hand_over: HandOver
    on_websocket: OnWebSocket
    known: Known = lambda verdict: None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenAddress:
    """Where the door listens; port 0 is any free one. With `tls` only HTTPS is served."""

    host: str = "127.0.0.1"
    port: int = 0
    tls: ListenerTls | None = None


class Door:
    """An actor. `clock` gives microseconds since the epoch."""

    def __init__(
        self,
        *,
        handlers: Handlers,
        clock: Clock,
        address: ListenAddress | None = None,
        limits: Limits | None = None,
        events: DoorEvents | None = None,
    ) -> None:
        self.limits = limits or Limits()
        self._address = address or ListenAddress()
        self.port = self._address.port  # the real one once the door is open, and again after a restart
        self.connections = 0
        self._clock = clock
        self._endings = Endings(handlers.on_websocket, self.limits)
        self._context = DoorContext(
            decide=handlers.decide,
            hand_over=handlers.hand_over,
            known=handlers.known,
            secure=self._address.tls is not None,
            limits=self.limits,
            budget=ByteBudget(self.limits.unfinished_max_bytes),
            framer=Framer(),
            events=events or DoorEvents(),
        )
        self._connections_max = min(self.limits.connections_max, _sockets_allowed())
        self._listening: trio.CancelScope | None = None
        self._lines: set[PlainLine | StreamLine] = set()
        self._streams: set[Stream] = set()
        self._empty = trio.Event()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Listen and serve until `stop`, then finish. Raises OSError when the address cannot be listened on."""
        listeners = await listeners_at(self._address.host, self.port, settings=("VTS_HTTP__HOST", "VTS_HTTP__PORT"))
        self.port = listeners[0].socket.getsockname()[1]
        for listener in listeners:
            notice_silence(listener)
        self._context.now = trio.current_time()
        async with trio.open_nursery() as connections, trio.open_nursery() as machinery:
            pump = Pump(self._context) if available and self._address.tls is None else None
            if pump is not None:
                machinery.start_soon(pump.run)
            machinery.start_soon(self._sweep)
            machinery.start_soon(self._close_all_when_cancelled)
            task_status.started()
            await self._listen(listeners, pump, connections)
            await self._finish()
            machinery.cancel_scope.cancel()

    def stop(self) -> None:
        """Accept no more connections; answer what is under way with `Connection: close`."""
        self._context.closing = True
        if self._listening is not None:
            self._listening.cancel()
        for line in tuple(self._lines):
            line.connection.retire()

    async def _listen(self, listeners: list[trio.SocketListener], pump: Pump | None, connections: trio.Nursery) -> None:
        async def serve_plain(stream: trio.SocketStream) -> None:
            await self._serve(stream, stream, pump)

        async def serve_secure(stream: trio.SocketStream) -> None:
            assert self._address.tls is not None
            # The context as it is now: certificates are renewed while the door is open.
            secure = trio.SSLStream(stream, self._address.tls.context, server_side=True, https_compatible=True)
            await self._serve(secure, stream, None)

        with trio.CancelScope() as self._listening:
            if self._context.closing:
                self._listening.cancel()
            serve = serve_plain if self._address.tls is None else serve_secure
            await trio.serve_listeners(serve, listeners, handler_nursery=connections)

    async def _finish(self) -> None:
        while self.connections:
            self._empty = trio.Event()
            await self._empty.wait()

    async def _serve(self, stream: Stream, transport: trio.SocketStream, pump: Pump | None) -> None:
        """Serve one connection and contain its faults."""
        self.connections += 1
        self._streams.add(stream)
        try:
            peer = transport.socket.getpeername()[0]
            if self.connections > self._connections_max:
                await self._turn_away(stream)
            elif pump is not None:
                await self._serve_plain(stream, transport.socket.fileno(), peer, pump)
            else:
                await self._serve_stream(stream, peer)
        except (trio.BrokenResourceError, trio.ClosedResourceError, OSError):
            pass  # the client has gone
        except BaseExceptionGroup as group:
            self._report(group)
        except Exception as bug:
            self._context.events.on_bug(bug)
        finally:
            self._streams.discard(stream)
            self.connections -= 1
            if not self.connections:
                self._empty.set()

    async def _serve_plain(self, stream: Stream, fd: int, peer: str, pump: Pump) -> None:
        line = pump.add(fd, peer)
        self._lines.add(line)
        try:
            await line.run()
        finally:
            pump.remove(line)
            self._lines.discard(line)
        if line.unsent:
            with trio.move_on_after(self.limits.write_timeout_s):
                await stream.send_all(line.unsent)
        await self._endings.finish(line.connection.end, stream, peer)

    async def _serve_stream(self, stream: Stream, peer: str) -> None:
        if isinstance(stream, trio.SSLStream):
            with trio.move_on_after(self.limits.header_timeout_s) as handshake:
                await stream.do_handshake()
            if handshake.cancelled_caught:
                return
        line = StreamLine(self._context, stream, peer)
        self._lines.add(line)
        try:
            await line.run()
        finally:
            self._lines.discard(line)
        await self._endings.finish(line.connection.end, stream, peer)

    async def _turn_away(self, stream: Stream) -> None:
        self._context.events.on_refused("too_many_connections")
        if isinstance(stream, trio.SocketStream):
            reply = error_reply(503, "unavailable", "too many connections; try again", (("Retry-After", "1"),))
            with trio.move_on_after(self.limits.linger_s):
                await stream.send_all(self._context.framer.frame(reply, None, close=True))

    async def _sweep(self) -> None:
        """Update the time that connections use, and end the waits that have become too long."""
        while True:
            now = self._context.now = trio.current_time()
            self._context.framer.tick(self._clock() / SECOND_US)
            await self._expire([line for line in self._lines if line.is_overdue(now)])
            await trio.sleep(SWEEP_S)

    async def _expire(self, overdue: Sequence[PlainLine | StreamLine]) -> None:
        """End the waits of slow clients in small groups: thousands at once would delay every other connection."""
        for start in range(0, len(overdue), EXPIRE_GROUP):
            now = self._context.now = trio.current_time()
            for line in overdue[start : start + EXPIRE_GROUP]:
                if line.is_overdue(now):
                    line.expire(now)
            await trio.sleep(EXPIRE_PAUSE_S)

    async def _close_all_when_cancelled(self) -> None:
        """Close every socket when the door is cancelled, also those of tasks that are shielded."""
        try:
            await trio.sleep_forever()
        finally:
            for stream in tuple(self._streams):
                transport = stream.transport_stream if isinstance(stream, trio.SSLStream) else stream
                transport.socket.close()

    def _report(self, group: BaseExceptionGroup[BaseException]) -> None:
        """Report the bugs of a group of exceptions and raise the rest, which is a cancellation."""
        bugs, others = group.split(Exception)
        if bugs is not None and (real := bugs.split((trio.BrokenResourceError, trio.ClosedResourceError, OSError))[1]):
            self._context.events.on_bug(real)
        if others is not None:
            raise others


def _sockets_allowed() -> int:
    """Return how many sockets the limit of open files leaves for clients, at least one."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(1, soft - FILES_RESERVED) if soft != resource.RLIM_INFINITY else 1 << 30
