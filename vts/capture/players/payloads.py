"""What players say: topics and payloads (SPEC section 3). Pure.

A device writes "" where it knows nothing, so empty text means absent everywhere. An unknown value of an enumeration
becomes None and is named in `unknown`; anything else that is out of range is a `BadPayload`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Any, Final, Literal, NamedTuple, TypeVar

import msgspec

from vts.model import identity
from vts.model.reaction import EMOJI_MAX_CHARS
from vts.model.unsaid import what_and_where
from vts.model.view import CHANNELS, PLAY_ORDERS, POST_ID_MAX

INTENTS: Final = {"artwork": "intentional", "intentional": "intentional", "channel": "listing", "automated": "listing"}
REQUEST_ID_MAX_CHARS: Final = 128  # a UUID is 36; longer than any counter or nonce of a device
TEXT_MAX_CHARS: Final = 255  # a hashtag, a sqid, a time, a zone
_REPEATED: Final = "/view"  # how topics end that a player publishes to again and again
KEYS_MAX: Final = 16_384  # keys whose text is kept with its bytes, 4 MB; reading one anew costs 1 µs

T = TypeVar("T")
Kind = Literal["view", "request", "status"]
_KIND_OF: Final[dict[tuple[str, int], Kind]] = {("view", 1): "view", ("status", 1): "status", ("request", 2): "request"}

PostId = Annotated[int, msgspec.Meta(ge=1, le=POST_ID_MAX)]
PlaylistId = Annotated[int, msgspec.Meta(ge=0, le=POST_ID_MAX)]
Text = Annotated[str, msgspec.Meta(max_length=TEXT_MAX_CHARS)]


class BadPayload(ValueError):
    """A payload that cannot be understood; the text names the field, never the value."""


class Address(NamedTuple):
    """What a topic says: who speaks (16 bytes, and as written), and about what."""

    kind: Kind
    key: bytes
    key_text: str
    request_id: str | None


class Topics:
    """The topics below one prefix."""

    __slots__ = ("_address", "_base", "filters")

    def __init__(self, prefix: str) -> None:
        self._address = lru_cache(KEYS_MAX)(self._read)
        self._base = f"{prefix}/player/" if prefix else "player/"
        self.filters = tuple(self._base + "+/" + tail for tail in ("view", "request/+", "status"))

    def parse(self, topic: str) -> Address | None:
        """Return what a topic of a player addresses, None when it is no such topic."""
        return self._address(topic) if topic.endswith(_REPEATED) else self._read(topic)

    def _read(self, topic: str) -> Address | None:
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
        return Address(kind, key, key_text, request_id)

    def view_ack(self, key_text: str) -> str:
        """Return where a player hears what became of its view."""
        return f"{self._base}{key_text}/view/ack"

    def response(self, key_text: str, request_id: str) -> str:
        """Return where a player hears the answer to its request."""
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


class _View(msgspec.Struct, kw_only=True, gc=False):
    post_id: PostId
    player_key: Text | None = None
    event_id: Text | None = None
    timestamp: Text | None = None
    timezone: Text | None = None
    intent: Any = None
    play_order: Any = None
    channel: Any = None
    channel_user_sqid: Text | int | None = None
    channel_hashtag: Text | None = None
    playlist_id: PlaylistId | None = None
    country: Any = None
    request_ack: bool | None = False


class _Submit(msgspec.Struct, kw_only=True, gc=False):
    """`submit_view` says the same things under other names."""

    post_id: PostId
    event_id: Text | None = None
    view_intent: Any = None
    local_datetime: Text | None = None
    local_timezone: Text | None = None
    play_order: Any = None
    channel: Any = None
    channel_user_sqid: Text | int | None = None
    channel_hashtag: Text | None = None
    playlist_id: PlaylistId | None = None
    country: Any = None


class _Head(msgspec.Struct, kw_only=True, gc=False):
    request_id: Text | int | None = None
    request_type: Text | None = None
    player_key: Text | None = None


class _React(msgspec.Struct, kw_only=True, gc=False):
    post_id: PostId
    emoji: Text | None = None


class _WantsAck(msgspec.Struct, gc=False):
    request_ack: bool = False


class PlayerStatus(msgspec.Struct, kw_only=True, frozen=True):
    """What a player says of itself."""

    player_key: Text | None = None
    status: Text | None = None
    current_post_id: PostId | None = None
    firmware_version: Text | None = None


class PlayerView(msgspec.Struct, frozen=True, gc=False):
    """A view as a player said it, checked; times are still text, since they need enrichment."""

    post_id: int
    view_type: str | None
    event_id: bytes | None
    time: str | None
    timezone: str | None
    play_order: int | None
    channel: str | None
    channel_context: str | None
    playlist_id: int | None
    country: str | None
    named_player: str | None
    wants_ack: bool
    unknown: tuple[str, ...]


class ReactionRequest(msgspec.Struct, frozen=True, gc=False):
    """`submit_reaction` or `revoke_reaction`; an emoji that is none is None."""

    post_id: int
    emoji: str | None
    op: Literal["add", "remove"]


class UnknownRequest(msgspec.Struct, frozen=True, gc=False):
    """A request of a type that nobody here knows."""


class PlayerRequest(msgspec.Struct, frozen=True, gc=False):
    """A request, and the player that its payload names."""

    named_player: str | None
    body: PlayerView | ReactionRequest | UnknownRequest


_view_decoder = msgspec.json.Decoder(_View)
_submit_decoder = msgspec.json.Decoder(_Submit)
_head_decoder = msgspec.json.Decoder(_Head)
_react_decoder = msgspec.json.Decoder(_React)
_status_decoder = msgspec.json.Decoder(PlayerStatus)
_wants_ack_decoder = msgspec.json.Decoder(_WantsAck)


def parse_view(payload: bytes) -> PlayerView:
    """Read a `view` payload. Raises BadPayload."""
    said = _decode(_view_decoder, payload)
    when = (said.timestamp, said.timezone)
    return _view(said, said.intent, when, said.player_key, bool(said.request_ack))


def parse_request(payload: bytes, request_id: str) -> PlayerRequest:
    """Read a `request/{request_id}` payload. Raises BadPayload."""
    head = _decode(_head_decoder, payload)
    if head.request_id not in (None, "", request_id) and str(head.request_id) != request_id:
        raise BadPayload("request_id is not that of the topic")
    return PlayerRequest(head.player_key or None, _request_body(payload, head))


def parse_status(payload: bytes) -> PlayerStatus:
    """Read a `status` payload. Raises BadPayload."""
    return _decode(_status_decoder, payload)


def wants_ack(payload: bytes) -> bool:
    """Whether the sender of an unusable view waits for an answer all the same."""
    try:
        return _decode(_wants_ack_decoder, payload).request_ack
    except BadPayload:
        return False


def _request_body(payload: bytes, head: _Head) -> PlayerView | ReactionRequest | UnknownRequest:
    match head.request_type:
        case "submit_view":
            said = _decode(_submit_decoder, payload)
            when = (said.local_datetime, said.local_timezone)
            return _view(said, said.view_intent, when, head.player_key, True)
        case "submit_reaction" | "revoke_reaction":
            react = _decode(_react_decoder, payload)
            op: Literal["add", "remove"] = "add" if head.request_type == "submit_reaction" else "remove"
            return ReactionRequest(react.post_id, react.emoji if _is_emoji(react.emoji) else None, op)
        case _:
            return UnknownRequest()


def _decode(decoder: msgspec.json.Decoder[T], payload: bytes) -> T:
    try:
        return decoder.decode(payload)
    except msgspec.ValidationError as fault:
        what, path = what_and_where(fault)
        raise BadPayload(f"{path}: {what}" if path else what) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise BadPayload("the payload is not JSON") from None
    except RecursionError:
        raise BadPayload("the payload is nested too deeply") from None


def _view(
    said: _View | _Submit, intent: object, when: tuple[str | None, str | None], named: str | None, wants_ack: bool
) -> PlayerView:
    if any(text is not None and "\0" in text for text in when):
        raise BadPayload("the time or its zone has a NUL character")
    unknown: list[str] = []
    channel = _known("channel", said.channel, CHANNELS, unknown)
    return PlayerView(
        post_id=said.post_id,
        view_type=INTENTS[word] if (word := _known("intent", intent, INTENTS, unknown)) else None,
        event_id=_event_id(said.event_id),
        time=when[0] or None,
        timezone=when[1] or None,
        play_order=_play_order(said.play_order, unknown),
        channel=channel,
        channel_context=_context(channel, said),
        playlist_id=said.playlist_id or None,
        country=_country(said.country, unknown),
        named_player=named or None,
        wants_ack=wants_ack,
        unknown=tuple(unknown),
    )


def _known(field: str, value: object, words: Any, unknown: list[str]) -> str | None:
    if value is None or value == "":
        return None
    if isinstance(value, str) and value in words:
        return value
    unknown.append(field)
    return None


def _play_order(value: object, unknown: list[str]) -> int | None:
    if value is None:
        return None
    if type(value) is int and value in PLAY_ORDERS:
        return value
    unknown.append("play_order")
    return None


def _country(value: object, unknown: list[str]) -> str | None:
    if value is None or value == "":
        return None
    if isinstance(value, str) and len(value) == 2 and value.isascii() and value.isalpha():
        return value.upper()
    unknown.append("country")
    return None


def _context(channel: str | None, said: _View | _Submit) -> str | None:
    """Return whose channel, or which hashtag, a view came by."""
    if channel == "by_user":
        context = str(said.channel_user_sqid) if said.channel_user_sqid not in (None, "") else ""
    elif channel == "hashtag":
        context = (said.channel_hashtag or "").removeprefix("#")
    else:
        return None
    if "\0" in context:
        raise BadPayload("channel context has a NUL character")
    return context or None


def _event_id(text: str | None) -> bytes | None:
    if not text:
        return None
    try:
        event_id = identity.parse(text)
    except ValueError:
        raise BadPayload("event_id is not a UUID") from None
    if identity.version(event_id) not in (4, 7):
        raise BadPayload("event_id is not a UUID of version 4 or 7")
    return event_id


def _is_emoji(text: str | None) -> bool:
    """Whether a text can be one emoji: short, printable, without spaces, not plain ASCII."""
    if not text or len(text) > EMOJI_MAX_CHARS or text.isascii():
        return False
    return not any(mark.isspace() or mark < " " for mark in text)
