"""Bytes in, judged requests out: HTTP/1.1 and 1.0 as `httptools` (llhttp, strict) reads them, and no more than is safe.

A reader knows no socket and no clock. What llhttp lets pass and our rules do not, `judge` refuses once the head is
whole.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

import httptools

from vts.capture.http.fault import HttpFault, bad, too_large
from vts.capture.http.limits import ByteBudget, Limits
from vts.capture.http.request import CaptureHead

HEADER_LINES_MAX: Final = 128  # a browser sends about 15, a chain of proxies as many again
KNOWN_HEADS_MAX: Final = 3  # a client's views differ in the digits of a number, and so in Content-Length
HEAD_END: Final = b"\r\n\r\n"
H2_PREFACE: Final = b"PRI * HTTP/2"

Header = tuple[bytes, bytes]


class Head:
    """A request line and its headers (names in lower case), and what the judge made of them."""

    __slots__ = (
        "body_max",
        "capture",
        "chunked",
        "expects_continue",
        "headers",
        "is_plain",
        "keep_alive",
        "lane",
        "length",
        "method",
        "path",
        "query",
        "target",
        "upgrade",
        "version",
    )

    def __init__(self, method: bytes, target: bytes, version: str, headers: list[Header], upgrade: bool) -> None:
        self.method = method
        self.target = target
        self.version = version
        self.headers = headers
        self.upgrade = upgrade
        self.path = target
        self.query = b""
        self.length = 0
        self.chunked = False
        self.keep_alive = True
        self.is_plain = False  # HTTP/1.1, keep-alive, and an answer with a body: the common case
        self.expects_continue = False
        self.body_max = 0
        self.lane: object = None
        self.capture: CaptureHead | None = None

    def values(self, name: bytes) -> list[bytes]:
        """Return the values of a header, in the order of its lines."""
        return [value for known, value in self.headers if known == name]

    def tokens(self, name: bytes) -> set[bytes]:
        """Return the comma-separated words of a header, in lower case."""
        return {token.strip().lower() for token in b",".join(self.values(name)).split(b",")} - {b""}


class _Stop(Exception):
    """Raised through llhttp to stop it; `RequestReader.fault` says why."""


class RequestReader:
    """Reads the requests of one connection. `judge` completes a head or raises `HttpFault`.

    `ready` holds whole requests in order; `fault`, when set, comes after them and is the last word. `rest` is what
    followed the head of an upgrade.
    """

    def __init__(self, judge: Callable[[Head], None], limits: Limits, budget: ByteBudget) -> None:
        self.ready: deque[tuple[Head, bytes]] = deque()
        self.fault: HttpFault | None = None
        self.rest = b""
        self.finished = False
        self._judge = judge
        self._limits = limits
        self._budget = budget
        self._parser: httptools.HttpRequestParser | None = httptools.HttpRequestParser(self)
        self._begun = False
        self._head: Head | None = None
        self._url = b""
        self._headers: list[Header] = []
        self._pieces: list[bytes] = []
        self._body_bytes = 0
        self._unread_bytes = 0
        # Heads that came with their whole bodies in one piece, by the size of that.
        self._known: dict[int, tuple[Head, bytes]] = {}

    @property
    def partial(self) -> bool:
        """Whether a request has begun and not ended."""
        return self._begun

    @property
    def in_body(self) -> bool:
        """Whether the head is read and its body is not."""
        return self._head is not None

    @property
    def wants_continue(self) -> bool:
        """Whether the client waits for `100 Continue` before it sends its body. Asked once, then false."""
        wants = self._head is not None and self._head.expects_continue and not self._body_bytes
        if wants and self._head is not None:
            self._head.expects_continue = False
        return wants

    def repeated(self, data: bytes) -> tuple[Head, bytes] | None:
        """Return head and body when `data` is one whole request whose head is known, else None.

        The same bytes at the same place mean the same to llhttp and to the judge, so neither is asked again.
        """
        known = self._known.get(len(data))
        if known is None or self._begun or not data.startswith(known[1]):
            return None
        return known[0], data[len(known[1]) :]

    def feed(self, data: bytes) -> None:
        """Read what has arrived. Never raises: see `ready` and `fault`."""
        if self.fault is not None or self.finished or self._parser is None:
            return
        at_boundary, was_in_body, waiting = not self._begun, self.in_body, len(self.ready)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self.rest = data[upgrade.args[0] :]
            self.finished = True
        except httptools.HttpParserError as error:
            if self.fault is None and not self.finished:
                self.fault = _fault_of(error, data if at_boundary else b"")
        else:
            self._bound(len(data), was_in_body, len(self.ready) - waiting)
            if at_boundary and not self._begun and len(self.ready) - waiting == 1:
                self._learn(data)

    def forget(self) -> None:
        """Read no more. The parser holds on to this reader, and an unfinished body to its room."""
        self._parser = None
        self._let_go_of_body()

    def _learn(self, data: bytes) -> None:
        """Know this head again, if nothing stands around it and its body: a CRLF may (RFC 9112, section 2.2)."""
        head, body = self.ready[-1]
        is_whole = data.find(HEAD_END) + len(HEAD_END) + len(body) == len(data)
        if is_whole and not head.chunked and head.keep_alive and not head.upgrade:
            if len(self._known) >= KNOWN_HEADS_MAX:
                del self._known[next(iter(self._known))]
            self._known[len(data)] = head, data[: len(data) - len(body)]

    def _bound(self, fed: int, was_in_body: bool, completed: int) -> None:
        """Count bytes that no callback has seen whole: an unfinished head, the framing of chunks."""
        if self.in_body:
            self._unread_bytes += fed if was_in_body else 0
            if self._unread_bytes > 2 * self._body_bytes + self._limits.header_max_bytes:
                self.fault = bad("body: more chunk framing than content")
        else:
            self._unread_bytes = 0 if completed else self._unread_bytes + fed
            if self._unread_bytes > self._limits.header_max_bytes:
                self.fault = HttpFault(
                    431, "headers_too_large", f"headers: more than {self._limits.header_max_bytes} bytes"
                )

    # What llhttp calls, in this order.

    def on_message_begin(self) -> None:
        """A request line begins."""
        self._begun = True
        self._url = b""
        self._headers = []

    def on_url(self, part: bytes) -> None:
        """A part of the target."""
        self._url += part

    def on_header(self, name: bytes, value: bytes) -> None:
        """One whole header line, or a trailer, which nobody here needs."""
        if self._head is None:
            self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """The head is whole: judge it before a byte of its body is read."""
        parser = self._parser
        assert parser is not None
        head = Head(parser.get_method(), self._url, parser.get_http_version(), self._headers, parser.should_upgrade())
        try:
            self._check_size(head)
            self._judge(head)
        except HttpFault as fault:
            self._stop(fault)
        self._head = head
        self._unread_bytes = 0

    def on_body(self, part: bytes) -> None:
        """A part of the body, out of its framing."""
        head = self._head
        assert head is not None
        if self._body_bytes + len(part) > head.body_max:
            self._stop(too_large(f"body: more than {head.body_max} bytes"))
        if not self._budget.take(len(part)):
            self._stop(HttpFault(503, "unavailable", "body: too many at once; try again", (("Retry-After", "1"),)))
        self._body_bytes += len(part)
        self._pieces.append(part)

    def on_message_complete(self) -> None:
        """The request is whole."""
        head = self._head
        assert head is not None
        body = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self.ready.append((head, body))
        self.finished = not head.keep_alive
        self._head = None
        self._begun = False
        self._unread_bytes = 0
        self._let_go_of_body()

    def _let_go_of_body(self) -> None:
        self._budget.give(self._body_bytes)
        self._body_bytes = 0
        self._pieces = []

    def _check_size(self, head: Head) -> None:
        size = len(head.target) + sum(len(name) + len(value) + 4 for name, value in head.headers)
        if size > self._limits.header_max_bytes:
            raise HttpFault(431, "headers_too_large", f"headers: more than {self._limits.header_max_bytes} bytes")
        if len(head.headers) > HEADER_LINES_MAX:
            raise HttpFault(431, "headers_too_large", f"headers: more than {HEADER_LINES_MAX} lines")

    def _stop(self, fault: HttpFault) -> None:
        self.fault = fault
        raise _Stop


def _fault_of(error: httptools.HttpParserError, opening: bytes) -> HttpFault:
    """Say what llhttp found. Its texts are fixed and hold nothing of the input."""
    if opening.startswith(H2_PREFACE):
        return HttpFault(505, "http_version", "request: HTTP/2 is not spoken here")
    if isinstance(error, httptools.HttpParserInvalidMethodError):
        return HttpFault(501, "unknown_method", "request: unknown method")
    if isinstance(error, httptools.HttpParserInvalidURLError):
        return bad("target: not a valid URL")
    return bad(f"request: {error}")
