"""Which events a body holds: unpacked within bounds, split when it is a batch, and decoded. Pure."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from typing import Final

from vts.capture.events.view_fields import View, parse_view, parse_views, split_array
from vts.capture.fields import BadField
from vts.capture.http.fault import HttpFault, bad, too_large
from vts.capture.http.limits import Limits
from vts.capture.http.request import CaptureHead

_GZIP: Final = 31  # zlib's window bits for a gzip header
_JSON_SPACE: Final = b" \t\r\n"
_ND_TYPES: Final = ("application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines")
_ESCAPED_SURROGATE: Final = (b"\\ud", b"\\uD")


def unpacked(body: bytes, encoding: str | None, max_bytes: int) -> bytes:
    """Undo the `Content-Encoding`. Raises HttpFault for one that is unknown, broken or grows beyond the bound."""
    if encoding is None or encoding.strip().lower() in ("", "identity"):
        return body
    if encoding.strip().lower() not in ("gzip", "x-gzip"):
        raise HttpFault(
            415, "unsupported_encoding", "Content-Encoding: only gzip is understood", (("Accept-Encoding", "gzip"),)
        )
    inflater = zlib.decompressobj(_GZIP)
    try:
        plain = inflater.decompress(body, max_bytes + 1)
    except zlib.error:
        raise bad("body: not valid gzip") from None
    if len(plain) > max_bytes:
        raise too_large(f"body: more than {max_bytes} bytes after gunzip")
    if not inflater.eof or inflater.unused_data:
        raise bad("body: gzip is incomplete, or something follows it")
    return plain


def read_events(head: CaptureHead, body: bytes, limits: Limits) -> View | Sequence[View | BadField]:
    """Return the event of a body, or for an array or NDJSON its events, with the fault of each that is wrong.

    Raises BadField for a single event that is wrong, an empty batch, and an array that cannot be split; HttpFault for
    packing that is wrong, and for too many events.
    """
    body = plain_body(head, body, limits.batch_body_max_bytes)
    start = body.lstrip(_JSON_SPACE)
    items: Sequence[View | bytes] | None
    if start.startswith(b"["):
        items = parse_views(start) or _array_items(start)
    elif (items := _ndjson_lines(body, head.content_type)) is None:
        return parse_view(body)
    _check_size(items, limits)
    return [_view_or_fault(item) if isinstance(item, bytes) else item for item in items]


def read_items(head: CaptureHead, body: bytes, limits: Limits) -> bytes | list[bytes]:
    """Return a body that has one event, or for an array or NDJSON its items, undecoded.

    Raises BadField for an empty batch and an array that cannot be split; HttpFault as `read_events`.
    """
    if head.content_encoding is None and body[:1] == b"{" and b"\n" not in body:  # nearly every request
        if head.content_type is not None:
            _check_content_type(head.content_type)
        return body
    body = plain_body(head, body, limits.batch_body_max_bytes)
    start = body.lstrip(_JSON_SPACE)
    items = _array_items(start) if start.startswith(b"[") else _ndjson_lines(body, head.content_type)
    if items is None:
        return body
    _check_size(items, limits)
    return items


def plain_body(head: CaptureHead, body: bytes, max_bytes: int) -> bytes:
    """Return the body without its content encoding. Raises HttpFault, also for a character set that is not UTF-8."""
    if head.content_type is not None:
        _check_content_type(head.content_type)
    return body if head.content_encoding is None else unpacked(body, head.content_encoding, max_bytes)


def _check_content_type(content_type: str) -> None:
    """Refuse character sets other than UTF-8. The type itself is a hint: `sendBeacon` sends text/plain, curl a form."""
    if "charset" not in content_type.lower():
        return
    _, _, value = content_type.lower().partition("charset")
    if value.lstrip(" =").strip(' "').partition(";")[0].strip(' "') not in ("utf-8", "utf8", "us-ascii"):
        raise HttpFault(415, "unsupported_charset", "Content-Type: only UTF-8 is understood")


def _check_size(items: Sequence[object], limits: Limits) -> None:
    if not items:
        raise BadField("body: no events in it")
    if len(items) > limits.batch_max_events:
        raise HttpFault(413, "too_large", f"body: more than {limits.batch_max_events} events")


def _view_or_fault(item: bytes) -> View | BadField:
    try:
        return parse_view(item)
    except BadField as fault:
        return fault


def _ndjson_lines(body: bytes, content_type: str | None) -> list[bytes] | None:
    """Return the lines of NDJSON that are not blank, None when the body is a single event.

    `sendBeacon` cannot set this content type, so two lines that each begin an object are enough.
    """
    has_type = _has_ndjson_type(content_type)
    if b"\n" not in body:
        start = body.lstrip(_JSON_SPACE)
        return [start] if has_type and start else None
    if not has_type:
        first = [line for line in body.split(b"\n", 8) if line.strip(_JSON_SPACE)][:2]
        if len(first) < 2 or any(line.lstrip(_JSON_SPACE)[:1] != b"{" for line in first):
            return None
    return [line for line in (line.strip(_JSON_SPACE) for line in body.split(b"\n")) if line]


def _has_ndjson_type(content_type: str | None) -> bool:
    return content_type is not None and content_type.partition(";")[0].strip().lower() in _ND_TYPES


def _array_items(body: bytes) -> list[bytes]:
    try:
        return [bytes(item) for item in split_array(body)]
    except BadField:
        if not any(escape in body for escape in _ESCAPED_SURROGATE):
            raise
    return _array_with_surrogates(body)


def _array_with_surrogates(body: bytes) -> list[bytes]:
    """Split an array in which some item has a lone surrogate, so that only that item is refused.

    The standard library decodes such text; encoded as ASCII again, the item still has its surrogate.
    """
    try:
        items = json.loads(body)
        return [json.dumps(item, ensure_ascii=True).encode() for item in items]
    except (ValueError, RecursionError):
        raise BadField("body: not well-formed JSON") from None
