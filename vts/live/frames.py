"""The frames of a client, and the frames that report an error."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from vts.live.board import Frame

FRAME_MAX_BYTES: Final = 4096  # a subscription to a hundred topics
TOPICS_MAX: Final = 100  # in one frame, and per connection: more is an export


class BadFrame(ValueError):
    """The frame is not one of the protocol."""


class Ask(msgspec.Struct, frozen=True, forbid_unknown_fields=False):
    """`{"op":"subscribe","topics":["post:42"]}`."""

    op: Literal["subscribe", "unsubscribe"]
    topics: list[str]


HEARTBEAT: Final = Frame('{"op":"heartbeat"}')
"""What a reader gets after 5 s without a change: only data tells a page that a quiet line is alive."""

_decoder: Final = msgspec.json.Decoder(Ask)
_encoder: Final = msgspec.json.Encoder()


def read(message: str | bytes, max_bytes: int = FRAME_MAX_BYTES) -> Ask:
    """Read one frame. Raises BadFrame, whose text names what is expected and repeats nothing of the frame."""
    if isinstance(message, bytes):
        raise BadFrame("a text frame is expected")
    if len(message) > max_bytes or len(message.encode("utf-8", "replace")) > max_bytes:
        raise BadFrame(f"a frame has at most {max_bytes} bytes")
    try:
        ask = _decoder.decode(message)
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        raise BadFrame('{"op":"subscribe"|"unsubscribe","topics":["post:42"]} is expected') from None
    if not 0 < len(ask.topics) <= TOPICS_MAX:
        raise BadFrame(f"topics: 1 to {TOPICS_MAX} are expected")
    return ask


def error(text: str, code: str, topic: str | None = None) -> Frame:
    """Return an error frame. `topic` is None when it is not about one; a name that is none is not echoed."""
    return Frame(_encoder.encode({"error": text, "error_code": code, "topic": topic}).decode())
