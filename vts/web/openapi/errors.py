"""How a refusal looks: one shape, and the responses that are the same for every operation."""

from __future__ import annotations

from typing import Final

from vts.capture.http.head_rules import HEADER_LINES_MAX
from vts.capture.http.limits import Limits
from vts.web.openapi.builders import JSON, SECONDS, TEXT, Json, answer, array, obj, ref

RETRY_AFTER: Final[Json] = {
    "Retry-After": {"description": "Seconds to wait.", "required": True, "schema": {"type": "integer", "minimum": 1}}
}
CHALLENGE: Final[Json] = {
    "WWW-Authenticate": {"description": "`Bearer`, or `Basic` for players.", "required": True, "schema": TEXT}
}
ALLOW: Final[Json] = {"Allow": {"description": "The methods there are.", "required": True, "schema": TEXT}}

_ITEM: Final = obj({"index": {"type": "integer", "minimum": 0}, "error": TEXT, "error_code": {"const": "invalid"}})

SCHEMAS: Final[dict[str, Json]] = {
    "Error": {
        "type": "object",
        "description": "What is wrong and where; never a stack trace, never an echo of the input.",
        "properties": {"error": TEXT, "error_code": TEXT},
        "required": ["error", "error_code"],
        "additionalProperties": False,
    },
    "BatchError": obj(
        {
            "error": TEXT,
            "error_code": TEXT,
            "retry_after": SECONDS,
            "accepted": {"const": 0},
            "dropped": ref("Dropped"),
            "errors": array(_ITEM),
        },
        optional=("retry_after", "accepted", "dropped", "errors"),
        description="Nothing was accepted; a batch says of each event why.",
    ),
    "ItemError": _ITEM,
}

_KIB: Final = 1024
_TEXTS: Final = {
    400: "What was sent cannot be read or is out of range. The text names the field and what is allowed.",
    401: "No token, or one that is not good; with Basic, an unknown player or a wrong credential.",
    403: "The token is valid, but the content or account belongs to another user.",
    404: "There is no such thing.",
    405: "This path has other methods.",
    415: "Only UTF-8 and gzip are understood.",
    417: "`Expect` knows only `100-continue`.",
    421: "The Host that was asked for is not a name of this service (live counts, sign-in, requests with a session).",
    426: "A WebSocket is spoken here.",
    500: "A fault of ours. It is logged, and nothing that was acknowledged is touched by it.",
    501: "A method or transfer coding that is not understood; a format that is not installed (`format_not_installed`).",
    503: "Not possible right now: the database does not answer, the journal is full, or too many ask. Try again.",
    505: "Only HTTP/1.1 and HTTP/1.0 are spoken here.",
}
_HEADERS: Final = {401: CHALLENGE, 405: ALLOW, 429: RETRY_AFTER, 503: RETRY_AFTER}


def refusal(status: int, description: str = "") -> Json:
    """Describe an error of the one shape."""
    return answer(description or _TEXTS[status], {JSON: ref("Error")}, _HEADERS.get(status))


def responses(limits: Limits) -> dict[str, Json]:
    """Return the responses that are the same for every operation, by status. Sizes and times are those in force."""
    late = (
        f"The request did not arrive in time ({limits.header_timeout_s:g} s for headers, "
        f"{limits.body_timeout_s:g} s for a body)."
    )
    large = (
        f"Larger than allowed: bodies {size(limits.body_max_bytes)}, of bulk routes "
        f"{size(limits.batch_body_max_bytes)}, {size(limits.gunzip_max_bytes)} after gunzip; bulk "
        f"writes {size(limits.bulk_plain_max_bytes)} after gunzip and {limits.bulk_rows_max} rows, imports of views "
        f"{limits.import_views_max} rows."
    )
    head = f"Headers of more than {size(limits.header_max_bytes)} or {HEADER_LINES_MAX} lines."
    texts = _TEXTS | {408: late, 413: large, 431: head}
    return {str(status): refusal(status, text) for status, text in sorted(texts.items())}


def size(number: int) -> str:
    """Write a number of bytes as MiB or KiB where it is a whole number of them."""
    if number % _KIB**2 == 0:
        return f"{number // _KIB**2} MiB"
    return f"{number // _KIB} KiB" if number % _KIB == 0 else f"{number} bytes"
