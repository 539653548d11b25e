"""What players hear: one verdict for each outcome, in the two shapes of SPEC section 3. Pure."""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

from vts.model.outcome import Accepted, Outcome, Reason


class Verdict(NamedTuple):
    """What a player hears: nothing went wrong, or an error of the closed list of SPEC section 5."""

    error_code: str | None = None
    error: str | None = None
    retry_after_s: float | None = None


SUCCESS: Final = Verdict()
_CODES: Final[dict[Reason, tuple[str, str] | None]] = {
    Reason.INVALID: ("invalid_request", "the request cannot be understood"),
    Reason.IDENTITY_MISMATCH: ("authentication_failed", "the payload names another player than the topic"),
    Reason.AUTHENTICATION_FAILED: ("authentication_failed", "unknown, unregistered or revoked player"),
    Reason.BOT: ("invalid_request", "automated clients are not counted"),
    Reason.TOO_LATE: ("invalid_request", "the time of the view is too far in the past"),
    Reason.DUPLICATE: None,
    Reason.RATE_LIMITED: ("rate_limited", "too many views; try again later"),
    Reason.NOT_FOUND: ("not_found", "no such content"),
    Reason.DELETED: ("deleted", "the content was deleted"),
    Reason.AUTHOR: None,
    Reason.UNAVAILABLE: ("unavailable", "views cannot be kept right now; try again later"),
}


def verdict_of(outcome: Outcome) -> Verdict:
    """Return what a player hears of its view."""
    if isinstance(outcome, Accepted):
        return SUCCESS
    told = _CODES[outcome.reason]
    if told is None:
        return SUCCESS
    code, text = told
    return Verdict(code, outcome.detail or text, outcome.retry_after_s)


def encode_ack(verdict: Verdict) -> bytes:
    """Write a `view/ack` payload: absent values are left out."""
    said: dict[str, object] = {"success": verdict.error_code is None}
    if verdict.error_code is not None:
        said |= {"error": verdict.error, "error_code": verdict.error_code}
    if verdict.retry_after_s is not None:
        said["retry_after"] = round(verdict.retry_after_s, 3)
    return msgspec.json.encode(said)


def encode_response(request_id: str, verdict: Verdict) -> bytes:
    """Write a `response/{request_id}` payload: absent values are null."""
    retry_after = None if verdict.retry_after_s is None else round(verdict.retry_after_s, 3)
    return msgspec.json.encode(
        {
            "request_id": request_id,
            "success": verdict.error_code is None,
            "error": verdict.error,
            "error_code": verdict.error_code,
            "retry_after": retry_after,
        }
    )
