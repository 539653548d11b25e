"""How the web answers: JSON by msgspec, and one shape for every error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any, Final

import msgspec
from quart import Quart, Request, Response
from werkzeug.exceptions import HTTPException

from vts.model.faults import JournalFull, StoreUnavailable
from vts.model.names import ID_FIELDS, Names
from vts.model.reference import ReferenceTaken

RETRY_AFTER_S = 2
TAKEN_CODE: Final = "reference_taken"
CHALLENGE = {"WWW-Authenticate": "Bearer"}

# The last fields of the answers of `vts.query`.
_MOVING: Final = ("computed_at", "lag_seconds", "analytics_lag_seconds")

_encoder = msgspec.json.Encoder()

_CODES = {
    400: "invalid",
    401: "authentication_failed",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    408: "timeout",
    413: "too_large",
    415: "unsupported_media_type",
    429: "rate_limited",
}


_OF_THE_PAGE = ("Content-Type",)  # the framework's own error page, which is not sent


SECURITY_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
}
"""Of every answer."""


class Problem(Exception):
    """An answer that is an error: status, what and where, and its code."""

    def __init__(self, status: int, error: str, code: str | None = None, headers: dict[str, str] | None = None) -> None:
        super().__init__(error)
        self.status = status
        self.error = error
        self.code = code or _CODES.get(status, "error")
        self.headers = (CHALLENGE if status == 401 else {}) | (headers or {})


def catalog_not_loaded() -> Problem:
    """Return the answer to what needs the catalog before it is in memory."""
    return Problem(503, "the catalog is not loaded yet; try again", "unavailable", {"Retry-After": str(RETRY_AFTER_S)})


def store_unavailable() -> Problem:
    """Return the answer to what needs the database while that is away."""
    headers = {"Retry-After": str(RETRY_AFTER_S)}
    return Problem(503, "the database does not answer; try again", "unavailable", headers)


def sessions_not_loaded() -> Problem:
    """Return the answer to a session's cookie before it is known which sessions have ended."""
    headers = {"Retry-After": str(RETRY_AFTER_S)}
    return Problem(503, "the list of sessions is not loaded yet; try again", "unavailable", headers)


def reference_taken(fault: ReferenceTaken, rows: Sequence[object], names: Names) -> Problem:
    """Return the answer to a text whose number another text has. The text that came first stays."""
    taken = next((number for number, text in names.texts.items() if text == fault.args[0]), 0)
    where = (
        f"row {index}: {field}"
        for index, row in enumerate(rows)
        for field in ID_FIELDS
        if getattr(row, field, None) == taken
    )
    return Problem(409, f"{next(where, 'body')}: another text has its number; use another text", TAKEN_CODE)


def json_answer(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Encode a body as JSON."""
    answer = Response(_encoder.encode(body), status=status, content_type="application/json")
    answer.headers["Cache-Control"] = "no-store"
    answer.headers.update(headers or {})
    return answer


ASK_AGAIN: Final = "private, no-cache"


async def known_answer(asked: Request, body: Mapping[str, Any]) -> Response:
    """Encode the answer to a question as JSON, or 304 when the client has it (`If-None-Match`).

    What changes although nothing has happened stays out of the ETag: `computed_at`, and fractions of a second of lag.
    """
    text, tag = tagged(body)
    answer = Response(text, content_type="application/json")
    answer.headers["Cache-Control"] = ASK_AGAIN
    answer.set_etag(tag, weak=True)
    return await answer.make_conditional(asked)


def tagged(body: Mapping[str, Any]) -> tuple[bytes, str]:
    """Return a body as JSON, and the text of its ETag."""
    moving = {name: body[name] for name in _MOVING if name in body}
    steady = _encoder.encode({name: value for name, value in body.items() if name not in moving})
    lags = [int(value) for value in moving.values() if isinstance(value, float | int)]
    text = steady[:-1] + b"," + _encoder.encode(moving)[1:] if moving else steady
    return text, blake2b(steady + repr(lags).encode(), digest_size=12).hexdigest()


def problem_answer(fault: Problem) -> Response:
    """Answer an error as JSON."""
    return json_answer({"error": fault.error, "error_code": fault.code}, fault.status, fault.headers)


def install_error_answers(app: Quart) -> None:
    """Turn every fault into `{"error", "error_code"}`: never a stack trace, never an echo of the input."""

    @app.errorhandler(Problem)
    async def problem(fault: Problem) -> Response:
        return problem_answer(fault)

    @app.errorhandler(StoreUnavailable)
    async def unavailable(_: StoreUnavailable) -> Response:
        return problem_answer(store_unavailable())

    @app.errorhandler(JournalFull)
    async def refused(_: JournalFull) -> Response:
        headers = {"Retry-After": str(RETRY_AFTER_S)}
        return problem_answer(
            Problem(503, "the journal takes nothing at the moment; send it again", "unavailable", headers)
        )

    @app.errorhandler(HTTPException)
    async def http_fault(fault: HTTPException) -> Response:
        headers = {name: value for name, value in fault.get_headers() if name not in _OF_THE_PAGE}
        return problem_answer(Problem(fault.code or 500, fault.name.lower(), headers=headers))

    @app.errorhandler(Exception)
    async def bug(fault: Exception) -> Response:
        app.logger.error("request failed", exc_info=fault)
        return problem_answer(Problem(500, "internal error", "internal_error"))
