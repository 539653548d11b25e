"""Where one request ends and the next begins: bytes in, requests out, HTTP/1.1 and 1.0 as llhttp reads them (strict).

A reader has no socket and no clock. What llhttp accepts and our rules do not is refused when the head is whole, by
`head_verdict`.
"""

from __future__ import annotations

from collections import deque
from typing import Final

import httptools

from vts.capture.http.fault import HttpFault, bad, too_large
from vts.capture.http.head import Head, Header, HeadVerdict, Lane
from vts.capture.http.head_rules import head_verdict
from vts.capture.http.limits import ByteBudget, Limits
from vts.capture.http.origins import ANY_PAGE, origin_lines

KNOWN_HEADS_MAX: Final = 3  # a client's views differ in the digits of a number, and so in Content-Length
HEAD_END: Final = b"\r\n\r\n"
H2_PREFACE: Final = b"PRI * HTTP/2"


class _Stop(Exception):
    """Raised through llhttp to stop it; `RequestReader.fault` is the reason."""


class RequestReader:
    """Reads the requests of one connection. `peer` is the address of its socket.

    `ready` holds whole requests in order; `fault`, when set, comes after them, and nothing is read behind it; `cors`
    are the lines for the page of the request that is at fault. `rest` is what followed the head of an upgrade.
    """

    def __init__(self, limits: Limits, budget: ByteBudget, peer: str) -> None:
        self.ready: deque[tuple[HeadVerdict, bytes]] = deque()
        self.fault: HttpFault | None = None
        self.rest = b""
        self.finished = False
        self.partial = False  # a request has begun and not ended
        self._limits = limits
        self._budget = budget
        self._peer = peer
        self._parser: httptools.HttpRequestParser | None = httptools.HttpRequestParser(self)
        self._verdict: HeadVerdict | None = None
        self._continue_sent = False
        self.cors = ANY_PAGE  # of the request that was read last
        self._url = b""
        self._headers: list[Header] = []
        self._pieces: list[bytes] = []
        self._body_bytes = 0
        self._unread_bytes = 0
        # Heads that came with their whole bodies in one piece, by the size of that.
        self._known: dict[int, tuple[HeadVerdict, bytes]] = {}

    @property
    def in_body(self) -> bool:
        """Whether the head is read and its body is not."""
        return self._verdict is not None

    def take_continue(self) -> bool:
        """Return whether `100 Continue` is due: the client waits for it with its body. True once for a request."""
        verdict = self._verdict
        if verdict is None or not verdict.framing.expects_continue or self._body_bytes or self._continue_sent:
            return False
        self._continue_sent = True
        return True

    def repeated(self, data: bytes) -> tuple[HeadVerdict, bytes] | None:
        """Return head and body when `data` is one whole capture request whose head is known, else None.

        The same bytes at the same place are the same to llhttp and to the rules, so neither is run again.
        """
        known = self._known.get(len(data))
        if known is None or self.partial or not data.startswith(known[1]):
            return None
        return known[0], data[len(known[1]) :]

    def feed(self, data: bytes) -> None:
        """Read what has arrived. Never raises: see `ready` and `fault`."""
        if self.fault is not None or self.finished or self._parser is None:
            return
        at_boundary, was_in_body, waiting = not self.partial, self.in_body, len(self.ready)
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
            if at_boundary and not self.partial and len(self.ready) - waiting == 1:
                self._remember(data)

    def forget(self) -> None:
        """Read no more: drop the parser, which refers back to this reader, and return an unfinished body's bytes."""
        self._parser = None
        self._drop_body()

    def _remember(self, data: bytes) -> None:
        """Keep a capture head for `repeated`, unless more than it and its body was sent: a CRLF (RFC 9112, 2.2)."""
        verdict, body = self.ready[-1]
        if verdict.lane is not Lane.CAPTURE:
            return
        is_whole = data.find(HEAD_END) + len(HEAD_END) + len(body) == len(data)
        if is_whole and not verdict.framing.chunked and verdict.keep_alive:
            if len(self._known) >= KNOWN_HEADS_MAX:
                del self._known[next(iter(self._known))]
            self._known[len(data)] = verdict, data[: len(data) - len(body)]

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
        self.partial = True
        self._continue_sent = False
        self.cors = ANY_PAGE
        self._url = b""
        self._headers = []

    def on_url(self, part: bytes) -> None:
        """A part of the target."""
        self._url += part

    def on_header(self, name: bytes, value: bytes) -> None:
        """One whole header line, or a trailer, which is dropped."""
        if self._verdict is None:
            self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """The head is whole: apply the rules before a byte of its body is read."""
        parser = self._parser
        assert parser is not None
        version, upgrade = parser.get_http_version(), parser.should_upgrade()
        head = Head(parser.get_method(), self._url, version, tuple(self._headers), upgrade)
        try:
            self._verdict = head_verdict(head, self._limits, self._peer)
        except HttpFault as fault:
            self.cors = origin_lines(head)
            self._stop(fault)
        else:
            self.cors = self._verdict.cors
        self._unread_bytes = 0

    def on_body(self, part: bytes) -> None:
        """A part of the body, out of its framing."""
        verdict = self._verdict
        assert verdict is not None
        if self._body_bytes + len(part) > verdict.framing.max_bytes:
            self._stop(too_large(f"body: more than {verdict.framing.max_bytes} bytes"))
        if not self._budget.take(len(part)):
            self._stop(HttpFault(503, "unavailable", "body: too many at once; try again", (("Retry-After", "1"),)))
        self._body_bytes += len(part)
        self._pieces.append(part)

    def on_message_complete(self) -> None:
        """The request is whole."""
        verdict = self._verdict
        assert verdict is not None
        body = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self.ready.append((verdict, body))
        self.finished = not verdict.keep_alive
        self._verdict = None
        self.partial = False
        self._unread_bytes = 0
        self._drop_body()

    def _drop_body(self) -> None:
        self._budget.give(self._body_bytes)
        self._body_bytes = 0
        self._pieces = []

    def _stop(self, fault: HttpFault) -> None:
        self.fault = fault
        raise _Stop


def _fault_of(error: httptools.HttpParserError, opening: bytes) -> HttpFault:
    """Return what llhttp found. Its texts are fixed and hold nothing of the input."""
    if opening.startswith(H2_PREFACE):
        return HttpFault(505, "http_version", "request: HTTP/2 is not spoken here")
    if isinstance(error, httptools.HttpParserInvalidMethodError):
        return HttpFault(501, "unknown_method", "request: unknown method")
    if isinstance(error, httptools.HttpParserInvalidURLError):
        return bad("target: not a valid URL")
    return bad(f"request: {error}")
