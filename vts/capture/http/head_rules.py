"""Which requests are accepted and which part of the server answers them, decided from the head alone. Pure."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final
from urllib.parse import unquote_to_bytes

import msgspec

from vts.capture.http.fault import HttpFault, bad, too_large
from vts.capture.http.head import BodyFraming, Head, HeadVerdict, Lane
from vts.capture.http.limits import Limits
from vts.capture.http.origins import origin_lines
from vts.capture.http.request import METHODS, CaptureHead, Route, route_of

LIVE_PATH: Final = b"/live"
BULK_PATHS: Final = frozenset(
    (
        *(b"/api/content", b"/api/content/sync", b"/api/players", b"/api/reactions", b"/api/comments"),
        *(b"/api/import/daily", b"/api/import/site", b"/api/import/views"),
        *(b"/api/import/site-stats", b"/api/import/site-events", b"/api/import/playback"),
        *(b"/api/import/viewing-history", b"/api/import/provider-stats"),
    )
)
BATCH_ROUTES: Final = frozenset((Route.VIEW, Route.PAGE_VIEW, Route.HOST_EVENT, Route.PLAYBACK))
HEADER_LINES_MAX: Final = 128  # a browser sends about 15, a chain of proxies as many again
_HANDED_METHODS: Final = frozenset((b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS"))
_ABSOLUTE: Final = re.compile(rb"https?://[^/?#]+", re.IGNORECASE)
_HOST: Final = re.compile(rb"[A-Za-z0-9._~!$&'()*+;=:\[\]%-]*")
_WEBSOCKET_VERSION: Final = b"13"  # RFC 6455, section 4.1


def head_verdict(head: Head, limits: Limits, peer: str) -> HeadVerdict:
    """Return what follows from a head, before a byte of the body is read. `peer` is the socket's address.

    Raises HttpFault for a head that breaks the protocol or a bound.
    """
    _check_size(head, limits.header_max_bytes)
    _check_version(head)
    _check_host(head)
    head = _with_origin_target(head)
    path, _, query = head.target.partition(b"?")
    chunked, length = _framing(head)
    keep_alive, expects_continue = _connection(head)
    lane, capture = _lane(head, path, query, peer, has_body=chunked or length > 0)
    max_bytes = _body_max_bytes(path, capture, limits)
    if length > max_bytes:
        raise too_large(f"body: more than {max_bytes} bytes")
    waits = expects_continue and head.version == "1.1" and (chunked or length > 0)
    framing = BodyFraming(length, chunked, waits, max_bytes)
    is_plain = keep_alive and head.version == "1.1" and head.method != b"HEAD"
    return HeadVerdict(head, lane, path, query, framing, keep_alive, is_plain, origin_lines(head), capture)


def _check_size(head: Head, max_bytes: int) -> None:
    size = len(head.target) + sum(len(name) + len(value) + 4 for name, value in head.headers)
    if size > max_bytes:
        raise HttpFault(431, "headers_too_large", f"headers: more than {max_bytes} bytes")
    if len(head.headers) > HEADER_LINES_MAX:
        raise HttpFault(431, "headers_too_large", f"headers: more than {HEADER_LINES_MAX} lines")


def _check_version(head: Head) -> None:
    if head.version not in ("1.1", "1.0"):
        raise HttpFault(505, "http_version", "request: only HTTP/1.1 and HTTP/1.0 are spoken here")


def _check_host(head: Head) -> None:
    hosts = head.values(b"host")
    if len(hosts) > 1 or (not hosts and head.version == "1.1"):
        raise bad("Host: exactly one is needed")
    if hosts and not _HOST.fullmatch(hosts[0].strip()):
        raise bad("Host: not a valid name")


def _with_origin_target(head: Head) -> Head:
    """Return the head with a path as its target: proxies send the absolute form (RFC 9112, section 3.2.2)."""
    target = head.target
    if match := _ABSOLUTE.match(target):
        target = target[match.end() :]
        target = target if target.startswith(b"/") else b"/" + target
        head = msgspec.structs.replace(head, target=target)
    if not target.startswith(b"/") or b"#" in target:
        raise bad("target: a path is expected")
    return head


def _framing(head: Head) -> tuple[bool, int]:
    """Return whether the body is chunked, and its length.

    llhttp has refused both at once, a second length, and a length that is no number.
    """
    codings = head.values(b"transfer-encoding")
    if codings and head.version == "1.0":
        raise bad("Transfer-Encoding: not in HTTP/1.0")
    if codings and (len(codings) > 1 or codings[0].strip().lower() != b"chunked"):
        raise HttpFault(501, "transfer_encoding", "Transfer-Encoding: only chunked is understood")
    lengths = head.values(b"content-length")
    return bool(codings), int(lengths[0]) if lengths else 0


def _connection(head: Head) -> tuple[bool, bool]:
    """Return whether the connection is kept after the answer, and whether the client expects `100 Continue`."""
    tokens = head.tokens(b"connection")
    expectations = head.tokens(b"expect")
    if expectations - {b"100-continue"}:
        raise HttpFault(417, "expectation_failed", "Expect: only 100-continue is understood")
    keep_alive = b"close" not in tokens if head.version == "1.1" else b"keep-alive" in tokens
    return keep_alive, bool(expectations)


def _lane(head: Head, path: bytes, query: bytes, peer: str, *, has_body: bool) -> tuple[Lane, CaptureHead | None]:
    if head.values(b"upgrade") and (head.upgrade or head.tokens(b"upgrade") - {b"websocket"}):
        _check_upgrade(head, path, has_body=has_body)
        return Lane.LIVE, None
    if head.upgrade:  # CONNECT
        raise _unknown_method()
    if path == LIVE_PATH:
        raise HttpFault(426, "upgrade_required", "Upgrade: a WebSocket is spoken here", (("Upgrade", "websocket"),))
    # Both spellings of a path name one route: the web application decodes its own paths, too.
    path = unquote_to_bytes(path) if b"%" in path else path
    route = route_of(path)
    if route is not None:
        return _capture(head, route, path, query, peer)
    if head.method not in _HANDED_METHODS:
        raise _unknown_method()
    return Lane.HAND_OVER, None


def _capture(head: Head, route: Route, path: bytes, query: bytes, peer: str) -> tuple[Lane, CaptureHead | None]:
    if head.method == b"OPTIONS":
        return Lane.PREFLIGHT, None
    if head.method not in METHODS[route]:
        allowed = ", ".join(method.decode() for method in (*METHODS[route], b"OPTIONS"))
        raise HttpFault(405, "method_not_allowed", f"method: {allowed} here", (("Allow", allowed),))
    text = path.decode("utf-8", "replace")  # bytes that are no UTF-8 are no content's number either
    capture = CaptureHead(route, head.method.decode("ascii"), text, query.decode("ascii"), peer)
    return Lane.CAPTURE, capture.read(head.headers)


def _check_upgrade(head: Head, path: bytes, *, has_body: bool) -> None:
    """Accept only a well-formed WebSocket handshake (RFC 6455, section 4.2.1) for the live counts."""
    if head.tokens(b"upgrade") != {b"websocket"}:
        raise bad("Upgrade: only websocket is understood")
    if path != LIVE_PATH:
        raise HttpFault(404, "not_found", "Upgrade: no WebSocket here")
    if head.method != b"GET" or head.version != "1.1" or has_body:
        raise bad("Upgrade: a WebSocket opens with a GET of HTTP/1.1 without a body")
    if head.values(b"sec-websocket-version") != [_WEBSOCKET_VERSION]:
        raise HttpFault(
            426, "websocket_version", "Sec-WebSocket-Version: 13 is spoken here", (("Sec-WebSocket-Version", "13"),)
        )
    keys = head.values(b"sec-websocket-key")
    if len(keys) != 1 or not _is_websocket_key(keys[0]):
        raise bad("Sec-WebSocket-Key: one of 16 bytes in base64 is needed")


def _is_websocket_key(value: bytes) -> bool:
    try:
        return len(base64.b64decode(value, validate=True)) == 16
    except binascii.Error:
        return False


def _body_max_bytes(path: bytes, capture: CaptureHead | None, limits: Limits) -> int:
    is_batch = path in BULK_PATHS or (capture is not None and capture.route in BATCH_ROUTES)
    return limits.batch_body_max_bytes if is_batch else limits.body_max_bytes


def _unknown_method() -> HttpFault:
    return HttpFault(501, "unknown_method", "request: unknown method")
