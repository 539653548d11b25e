"""Which reply a web client gets for the outcomes of its events (the table in docs/api.md). Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from http import HTTPStatus
from math import ceil
from typing import Any, Final

import msgspec

from vts.capture.fields import BadField
from vts.capture.http.replies import ACCEPTED_ONE, GIF, PIXEL, error_reply
from vts.capture.http.request import CaptureReply, Route
from vts.model.outcome import ACCEPTED, Accepted, AcceptedPart, Outcome, Reason, Refused
from vts.model.site import PlaybackReport

RETRY_UNKNOWN_S: Final = 1.0  # for a refusal without a time

_encode = msgspec.json.encode
_dropped: Final = {reason: CaptureReply(202, _encode({"accepted": 0, "dropped": {reason: 1}})) for reason in Reason}
_NOT_COUNTED: Final = {
    Reason.NOT_FOUND: error_reply(404, "not_found", "post_id: no such content"),
    Reason.DELETED: error_reply(404, "deleted", "post_id: the content was deleted"),
}
_CREATED: Final = CaptureReply(201, ACCEPTED_ONE.body)
_NO_CONTENT: Final = CaptureReply(204)
_TEXTS: Final = {
    Reason.INVALID: "event: out of range",
    Reason.AUTHENTICATION_FAILED: "Authorization: unknown, unregistered or revoked player",
    Reason.IDENTITY_MISMATCH: "player_key: another player than the one that is signed in",
    Reason.RATE_LIMITED: "too many views; try again later",
    Reason.UNAVAILABLE: "events cannot be kept right now; try again later",
}


def reply_to_one(route: Route, outcome: Outcome) -> CaptureReply:
    """Return the answer to a request with one event."""
    if route is Route.PIXEL:
        return _pixel(outcome)
    if isinstance(outcome, Accepted):
        return ACCEPTED_ONE
    match outcome.reason:
        case Reason.INVALID:
            return error_reply(400, "invalid", outcome.detail or _TEXTS[outcome.reason])
        case Reason.AUTHENTICATION_FAILED | Reason.IDENTITY_MISMATCH:
            return unauthorized(_TEXTS[outcome.reason], "Basic")
        case Reason.RATE_LIMITED:
            return _later(429, outcome, {"accepted": 0, "dropped": {outcome.reason: 1}})
        case Reason.UNAVAILABLE:
            return _later(503, outcome, {})
        case Reason.NOT_FOUND | Reason.DELETED if route is Route.POST_VIEW:
            return _NOT_COUNTED[outcome.reason]
        case _:
            return _dropped[outcome.reason]


def by_status(reply: CaptureReply) -> CaptureReply:
    """Return a reply whose status says whether the view counted: 201, or 204 without a body; errors as they are."""
    if reply.status != HTTPStatus.ACCEPTED:
        return reply
    return _CREATED if reply is ACCEPTED_ONE else _NO_CONTENT


def reply_to_playback(report: PlaybackReport, outcome: Outcome) -> CaptureReply:
    """Return the answer to a request of a video player."""
    if isinstance(outcome, Accepted):
        if isinstance(outcome, AcceptedPart):
            return CaptureReply(202, _encode({"ingested": outcome.events, "dropped": outcome.dropped}))
        return CaptureReply(202, _encode({"ingested": len(report.events)}))
    if outcome.reason is Reason.NOT_FOUND:
        return error_reply(404, "not_found", "streamId: no such stream")
    return reply_to_one(Route.PLAYBACK, outcome)


def reply_to_batch(outcomes: Sequence[Outcome | BadField]) -> CaptureReply:
    """Return the answer to a batch. It is one entry of the journal, so all of it is unavailable or none."""
    if all(outcome is ACCEPTED for outcome in outcomes):
        return CaptureReply(202, b'{"accepted":%d,"dropped":{}}' % len(outcomes))
    dropped = Counter(outcome.reason for outcome in outcomes if isinstance(outcome, Refused))
    if Reason.UNAVAILABLE in dropped:
        return _later(503, _first(outcomes, Reason.UNAVAILABLE), {})
    del dropped[Reason.INVALID]
    errors = [error for index, outcome in enumerate(outcomes) if (error := _error_of(index, outcome)) is not None]
    tally: dict[str, Any] = {
        "accepted": sum(isinstance(outcome, Accepted) for outcome in outcomes),
        "dropped": dropped,
    }
    if errors:
        tally["errors"] = errors
    if len(errors) == len(outcomes):
        return CaptureReply(400, _encode({"error": "no event could be read", "error_code": "invalid"} | tally))
    if dropped[Reason.RATE_LIMITED] == len(outcomes):
        return _later(429, _first(outcomes, Reason.RATE_LIMITED), tally)
    return CaptureReply(202, _encode(tally))


def unauthorized(text: str, scheme: str) -> CaptureReply:
    """Return the answer to a bad token or credential."""
    challenge = f'{scheme} realm="vts"' if scheme == "Basic" else scheme
    return error_reply(401, "authentication_failed", text, (("WWW-Authenticate", challenge),))


def _pixel(outcome: Outcome) -> CaptureReply:
    if isinstance(outcome, Refused) and outcome.reason is Reason.UNAVAILABLE:
        later = ("Retry-After", _whole_seconds(outcome))
        return CaptureReply(503, GIF, PIXEL.content_type, (*PIXEL.headers, later))
    return PIXEL


def _later(status: int, refused: Refused, more: dict[str, Any]) -> CaptureReply:
    seconds = refused.retry_after_s or RETRY_UNKNOWN_S
    error = {"error": _TEXTS[refused.reason], "error_code": refused.reason, "retry_after": round(seconds, 3)}
    return CaptureReply(status, _encode(error | more), headers=(("Retry-After", _whole_seconds(refused)),))


def _whole_seconds(refused: Refused) -> str:
    return str(max(1, ceil(refused.retry_after_s or RETRY_UNKNOWN_S)))


def _first(outcomes: Sequence[Outcome | BadField], reason: Reason) -> Refused:
    return next(one for one in outcomes if isinstance(one, Refused) and one.reason is reason)


def _error_of(index: int, outcome: Outcome | BadField) -> dict[str, Any] | None:
    if isinstance(outcome, BadField):
        text = str(outcome)
    elif isinstance(outcome, Refused) and outcome.reason is Reason.INVALID:
        text = outcome.detail or _TEXTS[Reason.INVALID]
    else:
        return None
    return {"index": index, "error": text, "error_code": "invalid"}
