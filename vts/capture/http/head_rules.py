"""What may pass the door, decided from the head of a request alone, and which way it goes."""

from __future__ import annotations

import base64
import binascii
import re
from enum import Enum, auto
from typing import Final
from urllib.parse import unquote_to_bytes

from vts.capture.http.fault import HttpFault, bad, too_large
from vts.capture.http.limits import Limits
from vts.capture.http.reader import Head
from vts.capture.http.request import METHODS, CaptureHead, Route, route_of

LIVE_PATH: Final = b"/live"
BULK_PATHS: Final = frozenset(
    (b"/api/content", b"/api/players", b"/analytics/events", b"/api/import/daily", b"/api/import/views")
)
_HANDED_METHODS: Final = frozenset((b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS"))
_ABSOLUTE: Final = re.compile(rb"https?://[^/?#]+", re.IGNORECASE)
_HOST: Final = re.compile(rb"[A-Za-z0-9._~!$&'()*+;=:\[\]%-]*")
_WEBSOCKET_VERSION: Final = b"13"  # RFC 6455, section 4.1


class Lane(Enum):
    """Which way a request goes."""

    CAPTURE = auto()
    PREFLIGHT = auto()
    LIVE = auto()
    HAND_OVER = auto()


def judge(head: Head, limits: Limits, peer: str) -> None:
    """Complete a head: path, framing, lane and the bound of its body. Raises `HttpFault`."""
    _version(head)
    _host(head)
    _target(head)
    _framing(head)
    _connection(head)
    head.lane = _lane(head, peer)
    head.body_max = _body_max(head, limits)
    if head.length > head.body_max:
        raise too_large(f"body: more than {head.body_max} bytes")


def _version(head: Head) -> None:
    if head.version not in ("1.1", "1.0"):
        raise HttpFault(505, "http_version", "request: only HTTP/1.1 and HTTP/1.0 are spoken here")


def _host(head: Head) -> None:
    hosts = head.values(b"host")
    if len(hosts) > 1 or (not hosts and head.version == "1.1"):
        raise bad("Host: exactly one is needed")
    if hosts and not _HOST.fullmatch(hosts[0].strip()):
        raise bad("Host: not a valid name")


def _target(head: Head) -> None:
    """Split the target. The absolute form, which proxies send, becomes the form that the origin sees."""
    if match := _ABSOLUTE.match(head.target):
        head.target = head.target[match.end() :]
        head.target = head.target if head.target.startswith(b"/") else b"/" + head.target
    if not head.target.startswith(b"/") or b"#" in head.target:
        raise bad("target: a path is expected")
    head.path, _, head.query = head.target.partition(b"?")


def _framing(head: Head) -> None:
    """Read how the body is framed. llhttp has refused both lengths at once, a second one, and what is no number."""
    codings = head.values(b"transfer-encoding")
    if codings and head.version == "1.0":
        raise bad("Transfer-Encoding: not in HTTP/1.0")
    if codings and (len(codings) > 1 or codings[0].strip().lower() != b"chunked"):
        raise HttpFault(501, "transfer_encoding", "Transfer-Encoding: only chunked is understood")
    head.chunked = bool(codings)
    lengths = head.values(b"content-length")
    head.length = int(lengths[0]) if lengths else 0


def _connection(head: Head) -> None:
    tokens = head.tokens(b"connection")
    head.keep_alive = b"close" not in tokens if head.version == "1.1" else b"keep-alive" in tokens
    head.is_plain = head.keep_alive and head.version == "1.1" and head.method != b"HEAD"
    expectations = head.tokens(b"expect")
    if expectations - {b"100-continue"}:
        raise HttpFault(417, "expectation_failed", "Expect: only 100-continue is understood")
    head.expects_continue = bool(expectations) and head.version == "1.1" and (head.chunked or head.length > 0)


def _lane(head: Head, peer: str) -> Lane:
    if head.values(b"upgrade") and (head.upgrade or head.tokens(b"upgrade") - {b"websocket"}):
        _upgrade(head)
        return Lane.LIVE
    if head.upgrade:  # CONNECT
        raise _unknown_method()
    if head.path == LIVE_PATH:
        raise HttpFault(426, "upgrade_required", "Upgrade: a WebSocket is spoken here", (("Upgrade", "websocket"),))
    path = _decoded(head.path)
    route = route_of(path)
    if route is None:
        return _handed(head)
    return _capture(head, route, path, peer)


def _decoded(path: bytes) -> bytes:
    """Undo percent-encoding, as the web application does for its own paths: both spellings name one route."""
    return unquote_to_bytes(path) if b"%" in path else path


def _handed(head: Head) -> Lane:
    if head.method not in _HANDED_METHODS:
        raise _unknown_method()
    return Lane.HAND_OVER


def _capture(head: Head, route: Route, path: bytes, peer: str) -> Lane:
    if head.method == b"OPTIONS":
        return Lane.PREFLIGHT
    if head.method not in METHODS[route]:
        allowed = ", ".join(method.decode() for method in (*METHODS[route], b"OPTIONS"))
        raise HttpFault(405, "method_not_allowed", f"method: {allowed} here", (("Allow", allowed),))
    method, query = head.method.decode("ascii"), head.query.decode("ascii")
    text = path.decode("utf-8", "replace")  # of a decoded path; what is no UTF-8 is no content's number either
    head.capture = CaptureHead(route, method, text, query, peer).read(head.headers)
    return Lane.CAPTURE


def _upgrade(head: Head) -> None:
    """Let only a well-formed WebSocket handshake (RFC 6455, section 4.2.1) for the live counts pass."""
    if head.tokens(b"upgrade") != {b"websocket"}:
        raise bad("Upgrade: only websocket is understood")
    if head.path != LIVE_PATH:
        raise HttpFault(404, "not_found", "Upgrade: no WebSocket here")
    if head.method != b"GET" or head.version != "1.1" or head.chunked or head.length:
        raise bad("Upgrade: a WebSocket opens with a GET of HTTP/1.1 without a body")
    if head.values(b"sec-websocket-version") != [_WEBSOCKET_VERSION]:
        raise HttpFault(
            426, "websocket_version", "Sec-WebSocket-Version: 13 is spoken here", (("Sec-WebSocket-Version", "13"),)
        )
    keys = head.values(b"sec-websocket-key")
    if len(keys) != 1 or not _is_key(keys[0]):
        raise bad("Sec-WebSocket-Key: one of 16 bytes in base64 is needed")


def _is_key(value: bytes) -> bool:
    try:
        return len(base64.b64decode(value, validate=True)) == 16
    except binascii.Error:
        return False


def _body_max(head: Head, limits: Limits) -> int:
    is_batch = (head.capture is not None and head.capture.route is Route.VIEW) or head.path in BULK_PATHS
    return limits.batch_body_max_bytes if is_batch else limits.body_max_bytes


def _unknown_method() -> HttpFault:
    return HttpFault(501, "unknown_method", "request: unknown method")
