"""Values of a request's head: what was sent, and what was decided from it."""

from __future__ import annotations

from enum import Enum, auto

import msgspec

from vts.capture.http.request import CaptureHead

Header = tuple[bytes, bytes]


class Lane(Enum):
    """Which part of the server answers a request."""

    CAPTURE = auto()
    PREFLIGHT = auto()
    LIVE = auto()
    HAND_OVER = auto()


class Head(msgspec.Struct, frozen=True, gc=False):
    """A request line and its headers. Header names are lower case, `version` is "1.1" or the like.

    `upgrade` is llhttp's: the connection changes its protocol after this head.
    """

    method: bytes
    target: bytes
    version: str
    headers: tuple[Header, ...]
    upgrade: bool

    def values(self, name: bytes) -> list[bytes]:
        """Return the values of a header, in the order of its lines."""
        return [value for known, value in self.headers if known == name]

    def tokens(self, name: bytes) -> set[bytes]:
        """Return the comma-separated words of a header, in lower case."""
        return {token.strip().lower() for token in b",".join(self.values(name)).split(b",")} - {b""}


class BodyFraming(msgspec.Struct, frozen=True, gc=False):
    """How the body is sent. `length` is that of Content-Length, 0 without one; `max_bytes` is the bound."""

    length: int
    chunked: bool
    expects_continue: bool
    max_bytes: int


class HeadVerdict(msgspec.Struct, frozen=True, gc=False):
    """An accepted head and what follows from it. Its target is a path and a query, never an absolute URL.

    `capture` is there for the capture lane only. `is_plain`: HTTP/1.1, keep-alive, and an answer with a body, so that
    the reply that is framed in advance fits. `cors` are the lines that let the request's page read the answer.
    """

    head: Head
    lane: Lane
    path: bytes
    query: bytes
    framing: BodyFraming
    keep_alive: bool
    is_plain: bool
    cors: bytes
    capture: CaptureHead | None
