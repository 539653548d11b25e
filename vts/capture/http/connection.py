"""In which order one client's requests are read and answered, and when its connection ends.

A connection decides and never waits; a line moves the bytes. It reads; or it is `busy` with one request, whose reply
comes by `_answered`; or it has ended, and `end` is the reason. While it is busy the line reads nothing, so pipelined
requests stay in the client's socket buffer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import Final, Protocol

from vts.capture.http.fault import HttpFault
from vts.capture.http.head import HeadVerdict, Lane
from vts.capture.http.limits import ByteBudget, Limits
from vts.capture.http.reader import RequestReader
from vts.capture.http.replies import ACCEPTED_ONE, CONTINUE, Framer, error_reply, fault_reply, preflight_reply
from vts.capture.http.request import AwaitedReply, CaptureReply, Decide


class Line(Protocol):
    """What carries a connection's bytes. Neither method waits."""

    def write(self, data: bytes) -> None:
        """Send, now or when the socket is writable."""
        ...

    def wake(self) -> None:
        """Look at the connection again: it can read on, has a reply to await, or has ended."""
        ...


@dataclass(frozen=True, slots=True)
class Closed:
    """The connection is to be closed. `unread`: the client may still be sending, so the close must linger."""

    unread: bool


@dataclass(frozen=True, slots=True)
class HandedOver:
    """Another part of the server answers this request; `rest` followed the head of an upgrade."""

    verdict: HeadVerdict
    body: bytes
    rest: bytes


End = Closed | HandedOver
GONE: Final = Closed(unread=False)
INTERNAL_ERROR: Final = error_reply(500, "internal_error", "internal error")


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorEvents:
    """What the door reports: the code of every refusal, and every exception that was contained."""

    on_refused: Callable[[str], None] = lambda code: None
    on_bug: Callable[[Exception], None] = lambda bug: None


@dataclass(slots=True, kw_only=True)
class DoorContext:
    """What all connections of a door share. `now` is the loop's time, a second old at most."""

    decide: Decide
    limits: Limits
    budget: ByteBudget
    framer: Framer
    events: DoorEvents
    now: float = 0.0
    closing: bool = False


class Connection:
    """The protocol side of one connection. `deadline` is when its wait ends, in the loop's time."""

    __slots__ = (
        "_context",
        "_inside",
        "_line",
        "_reader",
        "_timed_part",
        "_verdict",
        "_write",
        "awaited_reply",
        "busy",
        "deadline",
        "end",
    )

    def __init__(self, context: DoorContext, line: Line, peer: str) -> None:
        self.busy = False
        self.end: End | None = None
        self.awaited_reply: AwaitedReply | None = None  # for the line's task to await
        self.deadline = context.now + context.limits.header_timeout_s
        self._context = context
        self._line = line
        self._write = line.write
        self._reader = RequestReader(context.limits, context.budget, peer)
        self._verdict: HeadVerdict | None = None  # of the request under way
        self._inside = False  # `receive` is on the stack and starts the next request itself
        self._timed_part = ""  # the part of a request that the deadline is for

    def receive(self, data: bytes) -> None:
        """Take bytes that have arrived. Call it only while the connection is neither `busy` nor ended."""
        self._inside = True
        try:
            repeated = self._reader.repeated(data)
            if repeated is not None:
                self._capture(*repeated)
            else:
                self._reader.feed(data)
            if not self.busy:
                self._advance()
        except Exception as bug:
            self._contain(bug)
        finally:
            self._inside = False

    def lose(self) -> None:
        """End: the client has gone, or sends nothing more. Replies that come later are dropped."""
        self._finish(GONE)

    def expire(self) -> None:
        """End a wait that was too long; a client in the middle of a request gets 408."""
        if self.busy or not self._reader.partial:
            self._finish(GONE)
        else:
            # Nothing is unread: what has come was read at once, and was too little.
            self._refuse(HttpFault(408, "timeout", f"{self._timed_part}: not complete in time"), unread=False)

    def retire(self) -> None:
        """The door closes: end now if no request is under way, else with the next reply."""
        if not self.busy and not self._reader.partial:
            self._finish(GONE)

    def _advance(self) -> None:
        """Start what is ready, one request at a time, until one is under way or none is left."""
        reader = self._reader
        while reader.ready and not self.busy and self.end is None:
            self._start(*reader.ready.popleft())
        if self.busy or self.end is not None:
            return
        if reader.fault is not None:
            self._refuse(reader.fault)
        else:
            self._wait()

    def _start(self, verdict: HeadVerdict, body: bytes) -> None:
        self._timed_part = ""
        if verdict.lane is Lane.CAPTURE:
            self._capture(verdict, body)
        elif verdict.lane is Lane.PREFLIGHT:
            self._verdict = verdict
            self._answered(preflight_reply(verdict.head))
        else:
            self._finish(HandedOver(verdict, body, self._reader.rest))

    def _capture(self, verdict: HeadVerdict, body: bytes) -> None:
        self._verdict = verdict
        self.busy = True
        self.deadline = inf  # from here on the client waits for us
        assert verdict.capture is not None
        self.awaited_reply = self._context.decide(verdict.capture, body, self._answered)
        if self.awaited_reply is not None:
            self._line.wake()

    async def await_reply(self) -> None:
        """Await the reply to the request under way, and send it."""
        awaited, self.awaited_reply = self.awaited_reply, None
        assert awaited is not None
        try:
            reply = await awaited()
        except Exception as bug:
            self._contain(bug)
        else:
            self._answered(reply)

    def _answered(self, reply: CaptureReply) -> None:
        """Send the reply to the request under way, and start the next."""
        if self.end is not None:
            return
        try:
            self.busy = False
            self._send(reply)
            if not self._inside:
                self._go_on()
        except Exception as bug:  # the caller has more outcomes to settle after this one
            self._contain(bug)

    def _go_on(self) -> None:
        """Start what was waiting for this reply. Replies that come at once are sent in `_advance`'s loop."""
        self._inside = True
        try:
            self._advance()
        finally:
            self._inside = False
        self._line.wake()

    def _send(self, reply: CaptureReply) -> None:
        verdict, context = self._verdict, self._context
        assert verdict is not None
        if reply is ACCEPTED_ONE and verdict.is_plain and not context.closing:
            self._write(context.framer.accepted_one(verdict.cors))
            return
        close = context.closing or not verdict.keep_alive
        self._write(context.framer.frame(reply, verdict.head, cors=verdict.cors, close=close))
        if close:
            self._finish(Closed(unread=True))

    def _wait(self) -> None:
        """Nothing is ready. A deadline is set once for a part, however many pieces the part comes in."""
        reader, context = self._reader, self._context
        if not reader.partial:
            self.deadline = context.now + context.limits.keep_alive_s
            return
        part = "body" if reader.in_body else "headers"
        if reader.take_continue():
            self._write(CONTINUE)
        if part != self._timed_part:
            self._timed_part = part
            timeout_s = context.limits.body_timeout_s if reader.in_body else context.limits.header_timeout_s
            self.deadline = context.now + timeout_s

    def _refuse(self, fault: HttpFault, *, unread: bool = True) -> None:
        self._context.events.on_refused(fault.code)
        self._write(self._context.framer.frame(fault_reply(fault), None, cors=self._reader.cors, close=True))
        self._finish(Closed(unread))

    def _contain(self, bug: Exception) -> None:
        """End this connection for a bug of ours; no other is affected."""
        self._context.events.on_bug(bug)
        if self.end is None:
            cors = self._verdict.cors if self._verdict is not None else self._reader.cors
            self._write(self._context.framer.frame(INTERNAL_ERROR, None, cors=cors, close=True))
            self._finish(Closed(unread=True))

    def _finish(self, end: End) -> None:
        if self.end is None:
            self.end = end
            self._reader.forget()
            self._line.wake()
