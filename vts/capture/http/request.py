"""Which paths are capture routes, and what the door and the capture decision give each other."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from enum import Enum, auto
from typing import Final

import msgspec

from vts.enrich.enrich import Visitor

POST_ID_MAX_DIGITS: Final = 19  # of an int64


class Route(Enum):
    """The capture routes."""

    VIEW = auto()  # POST /api/view
    POST_VIEW = auto()  # POST /api/post/{id}/view
    PIXEL = auto()  # GET /api/pixel.gif
    PLAYER_VIEW = auto()  # POST /player/events/view
    PAGE_VIEW = auto()  # POST /api/track/page-view
    HOST_EVENT = auto()  # POST /api/track/event
    PLAYBACK = auto()  # POST /analytics/events


_BY_PATH: Final = {
    b"/api/view": Route.VIEW,
    b"/api/pixel.gif": Route.PIXEL,
    b"/player/events/view": Route.PLAYER_VIEW,
    b"/api/track/page-view": Route.PAGE_VIEW,
    b"/api/track/event": Route.HOST_EVENT,
    b"/analytics/events": Route.PLAYBACK,
}
_POST_HEAD: Final = b"/api/post/"
_POST_TAIL: Final = b"/view"

METHODS: Final = {
    Route.VIEW: (b"POST",),
    Route.POST_VIEW: (b"POST",),
    Route.PIXEL: (b"GET", b"HEAD"),
    Route.PLAYER_VIEW: (b"POST",),
    Route.PAGE_VIEW: (b"POST",),
    Route.HOST_EVENT: (b"POST",),
    Route.PLAYBACK: (b"POST",),
}


def route_of(path: bytes) -> Route | None:
    """Return the capture route of a path, None for every path that is not one."""
    route = _BY_PATH.get(path)
    if route is None and path.startswith(_POST_HEAD) and path.endswith(_POST_TAIL):
        middle = path[len(_POST_HEAD) : -len(_POST_TAIL)]
        return Route.POST_VIEW if middle and b"/" not in middle else None
    return route


class CaptureHead:
    """The parts of a capture request's head that the decision reads.

    A keep-alive client sends the same head again and again, so the door makes one of these for all of them, and the
    visitors that were enriched from it are kept in `visitors`, by referrer. `peer` is the address of the socket; header
    values are text.
    """

    __slots__ = (
        "agent",
        "authorization",
        "cf_country",
        "content_encoding",
        "content_type",
        "forwarded_for",
        "method",
        "path",
        "peer",
        "player_key",
        "query",
        "referer",
        "route",
        "visitors",
    )

    def __init__(self, route: Route, method: str, path: str, query: str, peer: str) -> None:
        self.route = route
        self.method = method
        self.path = path
        self.query = query
        self.peer = peer
        self.agent: str | None = None
        self.authorization: str | None = None
        self.content_encoding: str | None = None
        self.content_type: str | None = None
        self.cf_country: str | None = None
        self.player_key: str | None = None
        self.referer: str | None = None
        self.forwarded_for: list[str] = []
        self.visitors: dict[str | None, Visitor] = {}

    def read(self, headers: Iterable[tuple[bytes, bytes]]) -> CaptureHead:
        """Read header lines whose names are lower case. Returns itself."""
        for name, value in headers:
            if name == b"x-forwarded-for":
                self.forwarded_for.append(value.decode("latin-1"))
            elif (field := _FIELDS.get(name)) is not None:
                setattr(self, field, value.decode("latin-1"))
        return self


_FIELDS: Final = {
    b"user-agent": "agent",
    b"authorization": "authorization",
    b"content-encoding": "content_encoding",
    b"content-type": "content_type",
    b"cf-ipcountry": "cf_country",
    b"referer": "referer",
    b"x-player-key": "player_key",
}


class CaptureReply(msgspec.Struct, frozen=True, gc=False):
    """An answer before it is framed. `headers` are lines of their own; the door adds CORS and length."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()


Answer = Callable[[CaptureReply], None]
"""Takes the reply to one request."""
AwaitedReply = Callable[[], Awaitable[CaptureReply]]
"""Returns the reply to one request when it is there."""
Decide = Callable[[CaptureHead, bytes, Answer], AwaitedReply | None]
"""Decides one capture request. It calls back exactly once, maybe before it returns; or it returns what the connection's
task has to await, and does not call back.
"""
