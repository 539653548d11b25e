"""Which reply a player gets for an outcome, in the two shapes of docs/api.md (MQTT). Pure."""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

from vts.model.outcome import Accepted, Outcome, Reason


class PlayerReply(NamedTuple):
    """Success, or an error of the closed list of docs/api.md."""

    error_code: str | None = None
    error: str | None = None
    retry_after_s: float | None = None


SUCCESS: Final = PlayerReply()
REPLIES: Final[dict[Reason, tuple[str, str] | None]] = {
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


def reply_to(outcome: Outcome) -> PlayerReply:
    """Return the reply to a view."""
    if isinstance(outcome, Accepted):
        return SUCCESS
    found = REPLIES[outcome.reason]
    if found is None:
        return SUCCESS
    code, text = found
    return PlayerReply(code, outcome.detail or text, outcome.retry_after_s)


def encode_ack(reply: PlayerReply) -> bytes:
    """Write a `view/ack` payload: absent values are left out."""
    fields: dict[str, object] = {"success": reply.error_code is None}
    if reply.error_code is not None:
        fields |= {"error": reply.error, "error_code": reply.error_code}
    if reply.retry_after_s is not None:
        fields["retry_after"] = round(reply.retry_after_s, 3)
    return msgspec.json.encode(fields)


def encode_response(request_id: str, reply: PlayerReply) -> bytes:
    """Write a `response/{request_id}` payload: absent values are null."""
    retry_after = None if reply.retry_after_s is None else round(reply.retry_after_s, 3)
    return msgspec.json.encode(
        {
            "request_id": request_id,
            "success": reply.error_code is None,
            "error": reply.error,
            "error_code": reply.error_code,
            "retry_after": retry_after,
        }
    )
