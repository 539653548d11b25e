"""How an application's answer is framed and sent: one request with its whole body, and the answer piece by piece.

The door read the request and the door frames the answer, so no second parser can disagree about where one ends (request
smuggling). An answer is whole when its end was sent; one that breaks off is never taken for a whole one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import Enum, auto
from typing import Final

import trio

from vts.capture.http.head import Head, Header, HeadVerdict
from vts.capture.http.line import Line
from vts.capture.http.replies import Framer

PIECE_MAX_BYTES: Final = 64 * 1024  # that one write deadline is for; as much of an answer is held for a slow client
EVENT_STREAM: Final = b"text/event-stream"
# Connection, framing and date are the door's (RFC 9110, section 7.6.1).
_OURS: Final = frozenset((b"connection", b"content-length", b"date", b"keep-alive", b"transfer-encoding", b"upgrade"))
_LINE_BREAK: Final = re.compile(rb"[\r\n\0]")
_LENGTH: Final = re.compile(rb"[0-9]{1,18}")


class ClientGone(OSError):
    """The client has left, or did not read in time: nothing more can be sent."""


class BadAnswer(Exception):
    """The application broke the order or the framing of an answer."""


class _End(Enum):
    """How the client finds the end of an answer."""

    NO_BODY = auto()
    LENGTH = auto()
    CHUNKED = auto()
    CLOSE = auto()  # HTTP/1.0 without a length


class Exchange:
    """One request and its answer. When the client leaves `gone` is set and the application's `call` is cancelled.

    `begun`: bytes of the answer may have been sent; `whole`: all were; `closes`: the connection ends behind it.
    """

    __slots__ = (
        "_end",
        "_framer",
        "_head_bytes",
        "_left",
        "_line",
        "begun",
        "body",
        "call",
        "closes",
        "gone",
        "peer",
        "secure",
        "verdict",
    )

    def __init__(
        self, verdict: HeadVerdict, body: bytes, peer: str, line: Line, framer: Framer, *, closes: bool, secure: bool
    ) -> None:
        self.verdict = verdict
        self.body = body
        self.peer = peer
        self.closes = closes
        self.secure = secure
        self.begun = False
        self.gone = trio.Event()
        self.call = trio.CancelScope()  # around the application's work
        self._line = line
        self._framer = framer
        self._head_bytes: bytes | None = None  # not sent yet
        self._end: _End | None = None
        self._left: int | None = 0  # bytes of the body that are due; None when its end was sent

    @property
    def whole(self) -> bool:
        """Whether the end of the answer was sent."""
        return self._left is None

    @property
    def ends_by_closing(self) -> bool:
        """Whether the client takes the end of the connection for the end of the answer."""
        return self._end is _End.CLOSE

    def lose(self) -> None:
        """End: the client has left."""
        self.gone.set()
        self.call.cancel()

    def begin(self, status: int, headers: Iterable[Header]) -> None:
        """Take status and headers of the answer; they leave with the first piece. Raises BadAnswer."""
        if self._end is not None:
            raise BadAnswer("an answer has one beginning")
        head, lines, length = self.verdict.head, [], None
        for name, value in headers:
            if _LINE_BREAK.search(name) or _LINE_BREAK.search(value):
                raise BadAnswer("a header of an answer has a line break")
            known = name.lower()
            if known == b"content-length":
                length = _length(value)
            elif known == b"connection":
                self.closes = self.closes or b"close" in value.lower()
            elif known not in _OURS:
                lines.append(name + b": " + value + b"\r\n")
            if known == b"content-type" and value.startswith(EVENT_STREAM):
                self._line.notice_end()
        self._end = _end_of(status, head, length)
        self._left = length if self._end is _End.LENGTH else 0
        if self._end is _End.CLOSE:
            self.closes = True
            self._line.reset_on_close(on=True)  # until it is whole: a client must not take its end for a whole answer
        if length is not None and (self._end is _End.LENGTH or head.method == b"HEAD") and status not in _BODILESS:
            lines.append(b"content-length: %d\r\n" % length)
        elif self._end is _End.CHUNKED:
            lines.append(b"transfer-encoding: chunked\r\n")
        self._head_bytes = self._framer.start(status, lines, head, close=self.closes)

    async def send(self, data: bytes, *, more: bool) -> None:
        """Send a piece of the body; without `more` it is the last.

        Waits while the client does not read. Raises ClientGone and BadAnswer.
        """
        is_first = self._head_bytes is not None
        framed = self._framed(data, more=more)
        for start in range(0, len(framed), PIECE_MAX_BYTES):
            if self.gone.is_set():
                raise ClientGone("the client has left")
            self.begun = True
            self._line.write(framed if len(framed) <= PIECE_MAX_BYTES else framed[start : start + PIECE_MAX_BYTES])
            await self._line.flushed()
            if start or not is_first:
                await trio.lowlevel.checkpoint()  # a client that reads fast must not keep the loop for itself
        if self.gone.is_set():
            raise ClientGone("the client has left")
        if not more:
            self._left = None
            if self._end is _End.CLOSE:
                self._line.reset_on_close(on=False)

    def _framed(self, data: bytes, *, more: bool) -> bytes:
        """Return a piece as it is sent, behind the head if it is the first."""
        end, left = self._end, self._left
        if end is None or left is None:
            raise BadAnswer("a piece of an answer before its beginning or behind its end")
        head, self._head_bytes = self._head_bytes or b"", None
        if end is _End.NO_BODY:
            return head
        if end is _End.LENGTH:
            self._left = left - len(data)
            if self._left < 0 or (self._left and not more):
                raise BadAnswer("the body of an answer has another length than its header says")
        if end is _End.CHUNKED:
            data = (b"%x\r\n%b\r\n" % (len(data), data) if data else b"") + (b"" if more else b"0\r\n\r\n")
        return head + data


_BODILESS: Final = (204, 304)


def _end_of(status: int, head: Head, length: int | None) -> _End:
    if not 200 <= status <= 599:
        raise BadAnswer("an answer has a status from 200 to 599")
    if head.method == b"HEAD" or status in _BODILESS:
        return _End.NO_BODY
    if length is not None:
        return _End.LENGTH
    return _End.CHUNKED if head.version == "1.1" else _End.CLOSE


def _length(value: bytes) -> int:
    if not _LENGTH.fullmatch(value):
        raise BadAnswer("the length of an answer is no number")
    return int(value)
