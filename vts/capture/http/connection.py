"""One client's requests, read in order and answered in order. It decides and never waits; a line moves the bytes.

The states are few: it reads; or it is `busy` with one request, whose answer comes by `_answered`; or it has ended, and
`end` says how. While it is busy the line reads nothing, so a client that pipelines waits in its own socket buffer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from math import inf
from typing import Final, Protocol

from vts.capture.http.fault import HttpFault
from vts.capture.http.head import HeadVerdict, Lane
from vts.capture.http.limits import ByteBudget, Limits
from vts.capture.http.reader import RequestReader
from vts.capture.http.replies import ACCEPTED_ONE, CONTINUE, PREFLIGHT, Framer, error_reply, fault_reply
from vts.capture.http.request import CaptureHead, CaptureReply

Errand = Callable[[], Awaitable[CaptureReply]]
Receive = Callable[[CaptureHead, bytes, Callable[[CaptureReply], None]], Errand | None]
"""The beacon's: judge one capture request. It calls back exactly once, maybe before it returns; or it returns an errand
that somebody must await, whose result is the reply.
"""


class Line(Protocol):
    """What carries a connection's bytes. Neither method waits."""

    def write(self, data: bytes) -> None:
        """Send, now or when the socket takes it."""
        ...

    def wake(self) -> None:
        """Look at the connection again: it can read on, or it has ended."""
        ...


@dataclass(frozen=True, slots=True)
class Closed:
    """Nothing more will be said. `unread`: the client may still be sending, so the close must linger."""

    unread: bool


@dataclass(frozen=True, slots=True)
class HandedOver:
    """The request is for somebody else, with the connection; `rest` followed the head of an upgrade."""

    verdict: HeadVerdict
    body: bytes
    rest: bytes


End = Closed | HandedOver
GONE: Final = Closed(unread=False)
INTERNAL_ERROR: Final = error_reply(500, "internal_error", "internal error")


@dataclass(slots=True, kw_only=True)
class DoorContext:
    """What all connections of a door share. `now` is the loop's time, a second old at most."""

    receive: Receive
    limits: Limits
    budget: ByteBudget
    framer: Framer
    on_refused: Callable[[str], None]
    on_bug: Callable[[Exception], None]
    now: float = 0.0
    closing: bool = False


class Connection:
    """The protocol side of one connection. `deadline` is when its wait is over, in the loop's time."""

    __slots__ = (
        "_awaited",
        "_context",
        "_inside",
        "_line",
        "_reader",
        "_verdict",
        "_write",
        "busy",
        "deadline",
        "end",
        "errand",
    )

    def __init__(self, context: DoorContext, line: Line, peer: str) -> None:
        self.busy = False
        self.end: End | None = None
        self.errand: Errand | None = None  # to be run by the line's task
        self.deadline = context.now + context.limits.header_timeout_s
        self._context = context
        self._line = line
        self._write = line.write
        self._reader = RequestReader(context.limits, context.budget, peer)
        self._verdict: HeadVerdict | None = None
        self._inside = False  # `receive` is on the stack and will go on by itself
        self._awaited = ""  # the part of a request that the deadline is for

    def receive(self, data: bytes) -> None:
        """Take what has arrived. Only while neither `busy` nor ended."""
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

    def receive_eof(self) -> None:
        """Take note that the client will send no more. What it sent whole has been answered."""
        self._finish(GONE)

    def lose(self) -> None:
        """The client is gone. An answer that still comes finds nobody."""
        self._finish(GONE)

    def expire(self) -> None:
        """The wait is over: tell whoever is in the middle of a request, and close."""
        if self.busy or not self._reader.partial:
            self._finish(GONE)
        else:
            # Nothing of it is unread: what has come was read at once, and so little that it was too slow.
            self._refuse(HttpFault(408, "timeout", f"{self._awaited}: not complete in time"), unread=False)

    def retire(self) -> None:
        """The door closes: end now if nothing is under way, else with the next answer."""
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
        self._awaited = ""
        if verdict.lane is Lane.CAPTURE:
            self._capture(verdict, body)
        elif verdict.lane is Lane.PREFLIGHT:
            self._verdict = verdict
            self._answered(PREFLIGHT)
        else:
            self._finish(HandedOver(verdict, body, self._reader.rest))

    def _capture(self, verdict: HeadVerdict, body: bytes) -> None:
        self._verdict = verdict
        self.busy = True
        self.deadline = inf  # from here on the client waits for us
        assert verdict.capture is not None
        self.errand = self._context.receive(verdict.capture, body, self._answered)
        if self.errand is not None:
            self._line.wake()

    async def run_errand(self) -> None:
        """Await what the request under way needs, and answer it."""
        errand, self.errand = self.errand, None
        assert errand is not None
        try:
            reply = await errand()
        except Exception as bug:
            self._contain(bug)
        else:
            self._answered(reply)

    def _answered(self, reply: CaptureReply) -> None:
        """Send the answer to the request under way, and go on with the next."""
        if self.end is not None:
            return
        try:
            self.busy = False
            self._send(reply)
            if not self._inside:
                self._go_on()
        except Exception as bug:  # whoever calls back settles others after us
            self._contain(bug)

    def _go_on(self) -> None:
        """Start what was waiting for this answer; its own answers, if they come at once, are a part of it."""
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
            self._write(context.framer.accepted_one)
        else:
            self._send_framed(reply, verdict)

    def _send_framed(self, reply: CaptureReply, verdict: HeadVerdict) -> None:
        close = self._context.closing or not verdict.keep_alive
        self._write(self._context.framer.frame(reply, verdict.head, close=close))
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
        if part != self._awaited:
            self._awaited = part
            timeout_s = context.limits.body_timeout_s if reader.in_body else context.limits.header_timeout_s
            self.deadline = context.now + timeout_s

    def _refuse(self, fault: HttpFault, *, unread: bool = True) -> None:
        self._context.on_refused(fault.code)
        self._write(self._context.framer.frame(fault_reply(fault), None, close=True))
        self._finish(Closed(unread))

    def _contain(self, bug: Exception) -> None:
        """A bug of ours costs this connection and no other."""
        self._context.on_bug(bug)
        if self.end is None:
            self._write(self._context.framer.frame(INTERNAL_ERROR, None, close=True))
            self._finish(Closed(unread=True))

    def _finish(self, end: End) -> None:
        if self.end is None:
            self.end = end
            self._reader.forget()
            self._line.wake()
