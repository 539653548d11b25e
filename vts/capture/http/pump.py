"""How the bytes of all plain connections are moved: by one task.

A task per connection that waits in `receive_some`, as is usual with Trio, costs a checkpoint and two task switches for
each request, more than all the rest that a door does (docs/decisions.md has the figures). So the connections' sockets
are in an epoll of our own, and Trio waits for that one. What an event starts runs to its end without waiting.
"""

from __future__ import annotations

import os
import select
import socket
from contextlib import suppress
from math import inf
from time import perf_counter
from typing import Final

import trio

from vts.capture.http.connection import Connection, DoorContext
from vts.capture.http.line import set_reset_on_close

RECEIVE_BYTES: Final = 64 * 1024
EVENTS_PER_TURN: Final = 128
available: Final = hasattr(select, "epoll")
TURN_S: Final = 0.01  # then the other tasks run; what is still ready is reported again

# The descriptors are sockets that Trio has made non-blocking; these two calls are all that is made with them here.
_read = os.read
_write = os.write


class PlainLine:
    """A connection's socket in the pump. Its task waits in `run` for what the pump cannot do."""

    __slots__ = ("_flushed", "_pump", "_watched", "_while_busy", "connection", "fd", "flush_deadline", "turn", "unsent")

    def __init__(self, pump: Pump, context: DoorContext, fd: int, peer: str) -> None:
        self.fd = fd
        self.turn = trio.Event()  # the connection's task has something to do
        self.unsent = b""
        self.flush_deadline = inf  # until when the client must have taken `unsent`
        self._pump = pump
        self._watched = select.EPOLLIN
        self._while_busy = 0  # what is watched while nothing is read
        self._flushed: trio.Event | None = None  # that the connection's task waits for
        self.connection = Connection(context, self, peer)

    async def run(self) -> None:
        """Do the work of requests that needs a task; return when the connection has ended and the pump removed it."""
        while True:
            await self.turn.wait()
            self.turn = trio.Event()
            if self.connection.end is not None:
                return
            if self.connection.work is not None:
                await self.connection.perform()

    def on_event(self, events: int) -> None:
        """Handle an event of the socket."""
        if events & select.EPOLLOUT:
            self._flush()
        elif self.connection.busy:
            # The client has sent more, which can wait, or has gone, which ends the connection.
            if events & (select.EPOLLHUP | select.EPOLLERR | self._while_busy):
                self.connection.lose()
            else:
                self._watch(self._while_busy)
        else:
            self._receive()

    def write(self, data: bytes) -> None:
        """Send what the socket takes; the rest goes when it takes more."""
        if self.unsent:
            self.unsent += data
            return
        try:
            sent = _write(self.fd, data)
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError:
            self.connection.lose()
            return
        if sent < len(data):
            self.unsent = data[sent:]
            self._watch(select.EPOLLOUT | self._while_busy)
            self.flush_deadline = self._pump.flush_deadline()

    async def flushed(self) -> None:
        """Wait until the socket has taken what was written, or the connection has ended."""
        while self.unsent and self.connection.end is None:
            self._flushed = trio.Event()
            await self._flushed.wait()

    def notice_end(self) -> None:
        """Watch for the client's end of the connection until requests are read again."""
        self._while_busy = select.EPOLLRDHUP
        self._watch(self._while_busy | (select.EPOLLOUT if self.unsent else 0))

    def reset_on_close(self, *, on: bool) -> None:
        """Let the connection end with a reset (TCP RST), also by a kill."""
        lent = socket.socket(fileno=self.fd)
        try:
            set_reset_on_close(lent, on=on)
        finally:
            lent.detach()

    def is_overdue(self, now: float) -> bool:
        """Whether the wait for the client has been too long."""
        return self.connection.deadline < now or self.flush_deadline < now

    def expire(self, now: float) -> None:
        """End the wait."""
        if self.flush_deadline < now:
            self.unsent = b""
            self.connection.lose()
        else:
            self.connection.expire()

    def wake(self) -> None:
        """Read on, let the task run, or remove a connection that has ended."""
        connection = self.connection
        if connection.end is not None:
            self._pump.remove(self)
            self.turn.set()
            self._release()
        elif connection.work is not None:
            self.turn.set()
        elif self._watched != select.EPOLLIN and not self.unsent and not connection.busy:
            self._while_busy = 0
            self._watch(select.EPOLLIN)

    def _receive(self) -> None:
        try:
            data = _read(self.fd, RECEIVE_BYTES)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self.connection.lose()
            return
        if data:
            self.connection.receive(data)
        else:
            self.connection.lose()

    def _flush(self) -> None:
        data, self.unsent, self.flush_deadline = self.unsent, b"", inf
        self.write(data)
        if self.unsent:
            return
        self._release()
        if self.connection.busy:
            self._watch(
                self._while_busy
            )  # an empty send buffer would be reported at every turn until the reply is there
        self.wake()

    def _release(self) -> None:
        if self._flushed is not None:
            self._flushed.set()

    def _watch(self, events: int) -> None:
        if self.connection.end is None:
            self._watched = events
            self._pump.watch(self, events)


class Pump:
    """The task that serves the plain lines, and their epoll."""

    def __init__(self, context: DoorContext) -> None:
        self._context = context
        self._lines: dict[int, PlainLine] = {}
        self._epoll = select.epoll()

    async def run(self) -> None:
        """Serve until cancelled."""
        try:
            while True:
                await trio.lowlevel.wait_readable(self._epoll.fileno())
                self._turn()
        finally:
            self._epoll.close()

    def add(self, fd: int, peer: str) -> PlainLine:
        """Add a socket. The caller closes it, after `remove`."""
        line = PlainLine(self, self._context, fd, peer)
        self._lines[line.fd] = line
        self._epoll.register(line.fd, select.EPOLLIN)
        return line

    def remove(self, line: PlainLine) -> None:
        """Remove a line's socket: from now on the caller may close it or read from it."""
        if self._lines.get(line.fd) is line and not self._epoll.closed:
            del self._lines[line.fd]
            with suppress(OSError):  # the door has closed it already, when it was cancelled
                self._epoll.unregister(line.fd)

    def watch(self, line: PlainLine, events: int) -> None:
        """Set the events of a line that are to be reported."""
        self._epoll.modify(line.fd, events)

    def flush_deadline(self) -> float:
        """Return until when a client must have taken what is written now."""
        return self._context.now + self._context.limits.write_timeout_s

    def _turn(self) -> None:
        lines = self._lines
        until = perf_counter() + TURN_S
        for fd, events in self._epoll.poll(0, EVENTS_PER_TURN):
            line = lines.get(fd)
            if line is None:  # an earlier event of this turn has ended it
                continue
            try:
                line.on_event(events)
            except Exception as bug:
                self._context.events.on_bug(bug)
                line.connection.lose()
            if perf_counter() > until:
                break
