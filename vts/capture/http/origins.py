"""Which pages may read an answer: the CORS headers for the origin of a request. Pure.

Capture and public counts answer every origin, with credentials: they use no cookies, so a page learns and does nothing
with a visitor's browser that it could not do without it. Other routes answer `http.allowed_origins` only.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from vts.capture.http.head import Head

# A host name has 253 characters, a scheme of browsers and of app frameworks below 30.
ORIGIN_MAX_CHARS: Final = 300
# Browsers sort and join the names of the headers that a script sets; scripts set a few.
REQUESTED_HEADERS_MAX_CHARS: Final = 1024
# What a client gets that names no headers in its preflight: those that ours read.
HEADERS: Final = "Authorization, Content-Type, Content-Encoding, X-Player-Key"
# Chromium keeps a preflight for at most 7,200 s, Firefox for 86,400 s.
PREFLIGHT_S: Final = 86_400

# RFC 6454, section 6.2, as browsers write it: `null` for sandboxed frames and local files, no path; a scheme of an
# application (`capacitor://localhost`, `chrome-extension://…`) is an origin like every other.
_ORIGIN: Final = re.compile(r"null|[a-z][a-z0-9+.-]*://(?:[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?|file://")
_NAMES: Final = re.compile(
    rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+(?:[ \t]*,[ \t]*[!#$%&'*+.^_`|~0-9A-Za-z-]+)*"
)  # RFC 9110, 5.6.2

ANY_PAGE: Final = b"Access-Control-Allow-Origin: *\r\n"


def is_origin(text: str) -> bool:
    """Whether the value of an Origin header is one origin, so that it can be repeated in an answer."""
    return len(text) <= ORIGIN_MAX_CHARS and _ORIGIN.fullmatch(text) is not None


def origin_of(head: Head) -> bytes | None:
    """Return the origin of a request; None without one, and for what is no single origin."""
    values = head.values(b"origin")
    return values[0] if len(values) == 1 and is_origin(values[0].decode("latin-1")) else None


def origin_lines(head: Head) -> bytes:
    """Return the header lines that let the page of a request read the answer, each with its CRLF.

    Without an Origin, or with one that cannot be repeated safely, every page may read it, without credentials.
    """
    origin = origin_of(head)
    if origin is None:
        return ANY_PAGE
    return b"Access-Control-Allow-Origin: " + origin + b"\r\nAccess-Control-Allow-Credentials: true\r\nVary: Origin\r\n"


def preflight_headers(methods: str, requested: Sequence[bytes]) -> tuple[tuple[str, str], ...]:
    """Return the headers of the answer to a preflight, beside those of `origin_lines`.

    `requested` are the values of Access-Control-Request-Headers: what a script sets is allowed, since `*` means nothing
    where credentials are allowed.
    """
    names = b", ".join(requested).strip()
    safe = len(names) <= REQUESTED_HEADERS_MAX_CHARS and _NAMES.fullmatch(names)
    return (
        ("Access-Control-Allow-Methods", methods),
        ("Access-Control-Allow-Headers", names.decode("ascii") if safe else HEADERS),
        ("Access-Control-Max-Age", str(PREFLIGHT_S)),
    )
