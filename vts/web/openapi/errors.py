"""How a refusal looks: one shape, and the responses that are the same for every operation."""

from __future__ import annotations

from typing import Final

from vts.capture.http.limits import Limits
from vts.capture.http.reader import HEADER_LINES_MAX
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

_SHIPPED: Final = Limits()  # an operator may set others
_KIB: Final = 1024
_TEXTS: Final = {
    400: "What was sent cannot be read or is out of range. The text names the field and what is allowed.",
    401: "No token, or one that is not good; with Basic, an unknown player or a wrong credential.",
    403: "The token is good, but what is asked for is somebody else's.",
    404: "There is no such thing.",
    405: "This path has other methods.",
    408: f"The request did not arrive in time ({_SHIPPED.header_timeout_s:.0f} s for headers, "
    f"{_SHIPPED.body_timeout_s:.0f} s for a body).",
    413: f"Larger than allowed: bodies {_SHIPPED.body_max_bytes // _KIB} KiB, of bulk routes "
    f"{_SHIPPED.batch_body_max_bytes // _KIB} KiB, {_SHIPPED.gunzip_max_bytes // _KIB} KiB after gunzip.",
    415: "Only UTF-8 and gzip are understood.",
    417: "`Expect` knows only `100-continue`.",
    421: "The Host that was asked for is not a name of this service (live counts, sign-in, requests with a session).",
    426: "A WebSocket is spoken here.",
    431: f"Headers of more than {_SHIPPED.header_max_bytes // _KIB} KiB or {HEADER_LINES_MAX} lines.",
    500: "A fault of ours. It is logged, and nothing that was acknowledged is touched by it.",
    501: "A method or transfer coding that is not understood; a format that is not installed (`format_not_installed`).",
    503: "Not possible right now: the database does not answer, the journal is full, or too many ask. Try again.",
    505: "Only HTTP/1.1 and HTTP/1.0 are spoken here.",
}
_HEADERS: Final = {401: CHALLENGE, 405: ALLOW, 503: RETRY_AFTER}


def refusal(status: int, description: str = "") -> Json:
    """Describe an error of the one shape."""
    return answer(description or _TEXTS[status], {JSON: ref("Error")}, _HEADERS.get(status))


RESPONSES: Final[dict[str, Json]] = {str(status): refusal(status) for status in _TEXTS}
