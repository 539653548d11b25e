"""In which order one client's requests are read and answered, and when its connection ends.

A connection decides; a line moves the bytes. It reads; or it is `busy` with one request, whose reply comes by
`_answered`, or whose answer an application sends (`Exchange`) in the connection's task; or it has ended, and `end` is
the reason. While it is busy the line reads nothing, so pipelined requests stay in the client's socket buffer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from math import inf
from typing import Final

from vts.capture.http.exchange import BadAnswer, ClientGone, Exchange
from vts.capture.http.fault import HttpFault
from vts.capture.http.head import HeadVerdict, Lane
from vts.capture.http.limits import ByteBudget, Limits
from vts.capture.http.line import Line
from vts.capture.http.reader import RequestReader
from vts.capture.http.replies import ACCEPTED_ONE, CONTINUE, Framer, error_reply, fault_reply, preflight_reply
from vts.capture.http.request import AwaitedReply, CaptureReply, Decide


@dataclass(frozen=True, slots=True)
class Closed:
    """The connection is to be closed. `unread`: the client may still be sending, so the close must linger."""

    unread: bool


@dataclass(frozen=True, slots=True)
class BrokenOff:
    """The connection is to be reset: its end would be taken for the end of an answer that is not whole."""


@dataclass(frozen=True, slots=True)
class Upgraded:
    """The live counts take the connection over; `rest` followed the head of the upgrade."""

    verdict: HeadVerdict
    rest: bytes


End = Closed | BrokenOff | Upgraded
HandOver = Callable[[Exchange], Awaitable[None]]
"""Lets the application answer one request. Raises what the application does not catch."""
Work = Callable[[], Awaitable[None]]
GONE: Final = Closed(unread=False)
INTERNAL_ERROR: Final = error_reply(500, "internal_error", "internal error")


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorEvents:
    """What the door reports: the code of every refusal, and every exception that was contained."""

    on_refused: Callable[[str], None] = lambda code: None
    on_bug: Callable[[Exception], None] = lambda bug: None


Known = Callable[[HeadVerdict], CaptureReply | None]
"""The answer to a request that the application need not be asked for; None where it must."""


@dataclass(slots=True, kw_only=True)
class DoorContext:
    """What all connections of a door share. `now` is the loop's time, a second old at most."""

    decide: Decide
    hand_over: HandOver
    limits: Limits
    budget: ByteBudget
    framer: Framer
    events: DoorEvents
    known: Known = lambda verdict: None
    secure: bool = False  # TLS
    now: float = 0.0
    closing: bool = False


class Connection:
    """The protocol side of one connection. `deadline` is when its wait ends, in the loop's time."""

    __slots__ = (
        "_context",
        "_exchange",
        "_inside",
        "_line",
        "_peer",
        "_reader",
        "_timed_part",
        "_verdict",
        "_write",
        "busy",
        "deadline",
        "end",
        "work",
    )

    def __init__(self, context: DoorContext, line: Line, peer: str) -> None:
        self.busy = False
        self.end: End | None = None
        self.work: Work | None = None  # for the connection's task to perform
        self.deadline = context.now + context.limits.header_timeout_s
        self._context = context
        self._line = line
        self._write = line.write
        self._peer = peer
        self._exchange: Exchange | None = None  # that an application answers
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
        elif verdict.lane is Lane.LIVE:
            self._finish(Upgraded(verdict, self._reader.rest))
        elif (reply := self._context.known(verdict)) is not None:
            self._verdict = verdict
            self._answered(reply)
        else:
            self._hand_over(verdict, body)

    def _capture(self, verdict: HeadVerdict, body: bytes) -> None:
        self._verdict = verdict
        self.busy = True
        self.deadline = inf  # from here on the client waits for us
        assert verdict.capture is not None
        awaited = self._context.decide(verdict.capture, body, self._answered)
        if awaited is not None:
            self.work = partial(self._await_reply, awaited)
            self._line.wake()

    async def perform(self) -> None:
        """Do what the request under way needs a task for. Called by the connection's task when there is `work`."""
        work, self.work = self.work, None
        assert work is not None
        try:
            await work()
        except Exception as bug:
            self._contain(bug)

    async def _await_reply(self, awaited: AwaitedReply) -> None:
        self._answered(await awaited())

    def _hand_over(self, verdict: HeadVerdict, body: bytes) -> None:
        """Let the application answer this request, in the connection's task."""
        context = self._context
        self._verdict = verdict
        self.busy = True
        self.deadline = inf
        closes = context.closing or not verdict.keep_alive
        exchange = Exchange(verdict, body, self._peer, self._line, context.framer, closes=closes, secure=context.secure)
        self._exchange = exchange
        self.work = partial(self._let_answer, exchange)
        self._line.wake()

    async def _let_answer(self, exchange: Exchange) -> None:
        try:
            with exchange.call:
                await self._context.hand_over(exchange)
            if not exchange.whole and not exchange.gone.is_set():
                raise BadAnswer("the application ended before its answer")
        except Exception as fault:
            bug = fault.split(ClientGone)[1] if isinstance(fault, ExceptionGroup) else fault
            if bug is not None and not isinstance(bug, ClientGone):
                self._break_off(exchange, bug)
        finally:
            self._exchange = None
        if self.end is None:
            self._answered_whole(exchange)

    def _break_off(self, exchange: Exchange, bug: Exception) -> None:
        """End the connection of an answer that has a beginning and no end; without a beginning it is a 500."""
        if not exchange.begun:
            self._contain(bug)
            return
        self._context.events.on_bug(bug)
        self._finish(BrokenOff() if exchange.ends_by_closing else Closed(unread=True))

    def _answered_whole(self, exchange: Exchange) -> None:
        """Read on behind an answer of the application, or close where that was said."""
        self.busy = False
        if exchange.closes or self._context.closing:
            self._finish(Closed(unread=True))
        else:
            self._go_on()

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
            if self._exchange is not None:
                self._exchange.lose()
            self._line.wake()
