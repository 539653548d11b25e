"""Which topics are a player's, and what each of them is for. Pure."""

from __future__ import annotations

from functools import lru_cache
from typing import Final, Literal, NamedTuple

REQUEST_ID_MAX_CHARS: Final = 128  # a UUID is 36; longer than any counter or nonce of a device
KEYS_MAX: Final = 16_384  # keys whose text is kept with its bytes, 4 MB; reading one anew costs 1 µs
_REPEATED: Final = "/view"  # how topics end to which a player publishes again and again

MessageKind = Literal["view", "request", "status"]
_KIND_OF: Final[dict[tuple[str, int], MessageKind]] = {
    ("view", 1): "view",
    ("status", 1): "status",
    ("request", 2): "request",
}


class TopicAddress(NamedTuple):
    """A topic that was read: what the message is, and whose (16 bytes, and as written)."""

    kind: MessageKind
    key: bytes
    key_text: str
    request_id: str | None


class Topics:
    """The topics below one prefix."""

    __slots__ = ("_base", "_repeated", "filters")

    def __init__(self, prefix: str) -> None:
        self._repeated = lru_cache(KEYS_MAX)(self._read)
        self._base = f"{prefix}/player/" if prefix else "player/"
        self.filters = tuple(self._base + "+/" + tail for tail in ("view", "request/+", "status"))

    def parse(self, topic: str) -> TopicAddress | None:
        """Read a topic to which players publish; None for any other."""
        return self._repeated(topic) if topic.endswith(_REPEATED) else self._read(topic)

    def _read(self, topic: str) -> TopicAddress | None:
        if not topic.startswith(self._base):
            return None
        key_text, *tail = topic[len(self._base) :].split("/")
        key = parse_key(key_text)
        kind = _KIND_OF.get((tail[0], len(tail))) if tail else None
        if key is None or kind is None:
            return None
        request_id = tail[1] if kind == "request" else None
        if request_id is not None and not _is_request_id(request_id):
            return None
        return TopicAddress(kind, key, key_text, request_id)

    def view_ack(self, key_text: str) -> str:
        """Return the topic of the answers to a player's views."""
        return f"{self._base}{key_text}/view/ack"

    def response(self, key_text: str, request_id: str) -> str:
        """Return the topic of the answer to a player's request."""
        return f"{self._base}{key_text}/response/{request_id}"

    def split(self, pattern: str) -> tuple[str, str] | None:
        """Return the player's level of a topic or filter and all that follows it, None outside the players' topics."""
        if not pattern.startswith(self._base):
            return None
        key_text, _, tail = pattern[len(self._base) :].partition("/")
        return key_text, tail


@lru_cache(KEYS_MAX)
def parse_key(text: str) -> bytes | None:
    """Read a player key: a UUID of any version and variant in its 36-character form, in either case."""
    if len(text) != 36 or text[8] != "-" or text[13] != "-" or text[18] != "-" or text[23] != "-":
        return None
    try:
        key = bytes.fromhex(text.replace("-", ""))
    except ValueError:
        return None
    return key if len(key) == 16 else None


def _is_request_id(text: str) -> bool:
    return 0 < len(text) <= REQUEST_ID_MAX_CHARS and text.isprintable() and "+" not in text and "#" not in text
