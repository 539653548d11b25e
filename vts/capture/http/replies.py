"""Which bytes a reply is sent as: status line, headers, body. The most frequent reply is framed in advance."""

from __future__ import annotations

from collections.abc import Iterable
from email.utils import formatdate
from http import HTTPStatus
from typing import Final

import msgspec

from vts.capture.http.fault import HttpFault
from vts.capture.http.head import Head
from vts.capture.http.origins import ANY_PAGE, preflight_headers
from vts.capture.http.request import CaptureReply

CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
# 1 × 1, transparent: the smallest GIF that every mail client draws.
GIF: Final = bytes.fromhex("47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b")
ACCEPTED_ONE: Final = CaptureReply(202, b'{"accepted":1,"dropped":{}}')
PIXEL: Final = CaptureReply(200, GIF, "image/gif", (("Cache-Control", "no-store"),))
PREFLIGHT_METHODS: Final = "GET, HEAD, POST, OPTIONS"

_encode = msgspec.json.encode
_WITHOUT_BODY: Final = (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)
_STATUS: Final = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n" for status in HTTPStatus}


def error_reply(status: int, code: str, text: str, headers: tuple[tuple[str, str], ...] = ()) -> CaptureReply:
    """Return an error in the one shape that errors have."""
    return CaptureReply(status, _encode({"error": text, "error_code": code}), headers=headers)


def preflight_reply(head: Head) -> CaptureReply:
    """Return the answer to a browser that asks whether a page of another origin may send what it is about to send."""
    return CaptureReply(
        204, headers=preflight_headers(PREFLIGHT_METHODS, head.values(b"access-control-request-headers"))
    )


def fault_reply(fault: HttpFault) -> CaptureReply:
    """Return the answer to a request that was refused for its form."""
    return error_reply(fault.status, fault.code, fault.text, fault.headers)


class Framer:
    """Turns replies into bytes. `tick` has to be called with the time now and then, since every answer has a date."""

    def __init__(self) -> None:
        self._date = ""
        self._accepted_one = b"", b""
        self.tick(0.0)

    def tick(self, now_s: float) -> None:
        """Set the time (seconds since the epoch) for the `Date` of what is framed from now on."""
        self._date = formatdate(now_s, usegmt=True)
        before, _, behind = self.frame(ACCEPTED_ONE, None).partition(ANY_PAGE)
        self._accepted_one = before, behind

    def accepted_one(self, cors: bytes) -> bytes:
        """Return the bytes of `ACCEPTED_ONE` with the lines for the request's page between those framed in advance."""
        before, behind = self._accepted_one
        return before + cors + behind

    def frame(self, reply: CaptureReply, head: Head | None, *, cors: bytes = ANY_PAGE, close: bool = False) -> bytes:
        """Return the bytes of a reply. `head` is the request's, None when there is none that could be read.

        `cors` are the lines for the request's page.
        """
        lines = [_STATUS[reply.status], f"Date: {self._date}\r\n", cors.decode("latin-1")]
        if reply.status not in _WITHOUT_BODY:
            lines.append(f"Content-Type: {reply.content_type}\r\nContent-Length: {len(reply.body)}\r\n")
        lines += [f"{name}: {value}\r\n" for name, value in reply.headers]
        lines += [_connection_line(head, close=close), "\r\n"]
        body = b"" if head is not None and head.method == b"HEAD" else reply.body
        return "".join(lines).encode("latin-1") + body

    def start(self, status: int, lines: Iterable[bytes], head: Head, *, close: bool) -> bytes:
        """Return the head of an application's answer. `lines` are its header lines, `head` is the request's."""
        opening = _STATUS.get(status) or f"HTTP/1.1 {status} \r\n"
        closing = _connection_line(head, close=close)
        return f"{opening}Date: {self._date}\r\n".encode() + b"".join(lines) + f"{closing}\r\n".encode()


def _connection_line(head: Head | None, *, close: bool) -> str:
    """Return what the client needs to be told about its connection: HTTP/1.1 keeps it unless told, 1.0 closes it."""
    if close:
        return "Connection: close\r\n"
    return "Connection: keep-alive\r\n" if head is not None and head.version == "1.0" else ""
