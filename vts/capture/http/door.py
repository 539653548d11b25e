"""The door: our listener. It answers capture requests itself, hands every other one over, and owns every socket.

Whatever goes wrong with a connection ends with that connection. `stop` lets go of the listeners and of whoever is
idle, and finishes what is under way; when its supervisor cancels it, every socket is closed at once.
"""

from __future__ import annotations

import resource
from collections.abc import Callable, Sequence
from typing import Final

import trio

from vts.capture.http.connection import DoorContext, Receive
from vts.capture.http.endings import Endings, HandOver, OnWebSocket, Stream
from vts.capture.http.limits import ByteBudget, Limits
from vts.capture.http.pump import PlainLine, Pump, available
from vts.capture.http.replies import Framer, error_reply
from vts.capture.http.stream_line import StreamLine
from vts.capture.listening import listeners_at
from vts.capture.tls import ListenerTls
from vts.capture.vanished_peers import notice_silence

SWEEP_S: Final = 0.5  # how exact deadlines and the Date header are
EXPIRE_GROUP: Final = 32  # about 5 ms of work: an answer, a task woken, a lingering close
EXPIRE_PAUSE_S: Final = 0.01
# Files of our own beside the clients' sockets: journal, database, broker, logs.
FILES_RESERVED: Final = 64


class Door:
    """An actor. `receive` is the beacon's, `hand_over` answers one other request, `on_websocket` has `/live`.

    `clock` gives microseconds since the epoch. `on_refused` hears the code of every refusal, `on_bug` every exception
    that was contained.
    """

    def __init__(
        self,
        *,
        receive: Receive,
        hand_over: HandOver,
        on_websocket: OnWebSocket,
        clock: Callable[[], int],
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ListenerTls | None = None,
        limits: Limits | None = None,
        on_refused: Callable[[str], None] = lambda code: None,
        on_bug: Callable[[Exception], None] = lambda bug: None,
    ) -> None:
        self.limits = limits or Limits()
        self.port = port  # the real one once the door is open, and again after a restart
        self.connections = 0
        self._host = host
        self._tls = tls
        self._clock = clock
        self._endings = Endings(hand_over, on_websocket, self.limits)
        self._context = DoorContext(
            receive=receive,
            limits=self.limits,
            budget=ByteBudget(self.limits.unfinished_max_bytes),
            framer=Framer(),
            on_refused=on_refused,
            on_bug=on_bug,
        )
        self._connections_max = min(self.limits.connections_max, _sockets_allowed())
        self._listening: trio.CancelScope | None = None
        self._lines: set[PlainLine | StreamLine] = set()
        self._streams: set[Stream] = set()
        self._empty = trio.Event()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Listen and serve until `stop`, then finish. Raises OSError when the address cannot be had."""
        listeners = await listeners_at(self._host, self.port, settings=("VTS_HTTP__HOST", "VTS_HTTP__PORT"))
        self.port = listeners[0].socket.getsockname()[1]
        for listener in listeners:
            notice_silence(listener)
        self._context.now = trio.current_time()
        async with trio.open_nursery() as connections, trio.open_nursery() as machinery:
            pump = Pump(self._context) if available and self._tls is None else None
            if pump is not None:
                machinery.start_soon(pump.run)
            machinery.start_soon(self._sweep)
            machinery.start_soon(self._close_all_when_cancelled)
            task_status.started()
            await self._listen(listeners, pump, connections)
            await self._finish()
            machinery.cancel_scope.cancel()

    def stop(self) -> None:
        """Take no more connections; answer what is under way with `Connection: close`."""
        self._context.closing = True
        if self._listening is not None:
            self._listening.cancel()
        for line in tuple(self._lines):
            line.connection.retire()

    async def _listen(self, listeners: list[trio.SocketListener], pump: Pump | None, connections: trio.Nursery) -> None:
        async def serve_plain(stream: trio.SocketStream) -> None:
            await self._serve(stream, stream, pump)

        async def serve_secure(stream: trio.SocketStream) -> None:
            assert self._tls is not None
            # The context of this moment: certificates are renewed while the door is open.
            secure = trio.SSLStream(stream, self._tls.context, server_side=True, https_compatible=True)
            await self._serve(secure, stream, None)

        with trio.CancelScope() as self._listening:
            if self._context.closing:
                self._listening.cancel()
            serve = serve_plain if self._tls is None else serve_secure
            await trio.serve_listeners(serve, listeners, handler_nursery=connections)

    async def _finish(self) -> None:
        while self.connections:
            self._empty = trio.Event()
            await self._empty.wait()

    async def _serve(self, stream: Stream, transport: trio.SocketStream, pump: Pump | None) -> None:
        """Serve one connection and contain whatever it brings."""
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
            self._context.on_bug(bug)
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
        self._context.on_refused("too_many_connections")
        if isinstance(stream, trio.SocketStream):
            reply = error_reply(503, "unavailable", "too many connections; try again", (("Retry-After", "1"),))
            with trio.move_on_after(self.limits.linger_s):
                await stream.send_all(self._context.framer.frame(reply, None, close=True))

    async def _sweep(self) -> None:
        """Keep the time that connections go by, and end the waits that have become too long."""
        while True:
            now = self._context.now = trio.current_time()
            self._context.framer.tick(self._clock() / 1_000_000)
            await self._expire([line for line in self._lines if line.is_overdue(now)])
            await trio.sleep(SWEEP_S)

    async def _expire(self, overdue: Sequence[PlainLine | StreamLine]) -> None:
        """See slow clients off in small groups: thousands at once would keep everybody else waiting."""
        for start in range(0, len(overdue), EXPIRE_GROUP):
            now = self._context.now = trio.current_time()
            for line in overdue[start : start + EXPIRE_GROUP]:
                if line.is_overdue(now):
                    line.expire(now)
            await trio.sleep(EXPIRE_PAUSE_S)

    async def _close_all_when_cancelled(self) -> None:
        """Close every socket when the door's time is up, whatever the others shield themselves with."""
        try:
            await trio.sleep_forever()
        finally:
            for stream in tuple(self._streams):
                transport = stream.transport_stream if isinstance(stream, trio.SSLStream) else stream
                transport.socket.close()

    def _report(self, group: BaseExceptionGroup[BaseException]) -> None:
        """Report the bugs of a group of exceptions and let the rest, a cancellation, go its way."""
        bugs, others = group.split(Exception)
        if bugs is not None and (real := bugs.split((trio.BrokenResourceError, trio.ClosedResourceError, OSError))[1]):
            self._context.on_bug(real)
        if others is not None:
            raise others


def _sockets_allowed() -> int:
    """Return how many sockets the limit of open files leaves for clients, at least one."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(1, soft - FILES_RESERVED) if soft != resource.RLIM_INFINITY else 1 << 30
