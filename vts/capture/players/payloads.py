"""Which payloads of players can be read, and what their fields mean (docs/api.md, MQTT). Pure.

A device writes "" where it has no value, so empty text means absent everywhere. An unknown value of an enumeration
becomes None and its field is named in `unknown`; anything else that is out of range is a `BadField`.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import msgspec

from vts.capture.fields import (
    BadField,
    Name,
    Text,
    content_number,
    decode,
    event_id_of,
    known_value,
    play_order_of,
    refuse_nul,
)
from vts.model.presence import Status
from vts.model.reaction import EMOJI_MAX_CHARS
from vts.model.reference import TEXT_MAX_CHARS, NoReferenceKey, References
from vts.model.view import CHANNELS, POST_ID_MAX

PlaylistName = (
    Annotated[int, msgspec.Meta(ge=0, le=POST_ID_MAX)] | Annotated[str, msgspec.Meta(max_length=TEXT_MAX_CHARS)]
)
OFFLINE: Final = "offline"
INTENT: Final = "intent"  # the name of both fields in `PlayerView.unknown`
INTENTS: Final = {"artwork": "intentional", "intentional": "intentional", "channel": "listing", "automated": "listing"}
REQUEST_TYPES: Final = frozenset({"submit_view", "submit_reaction", "revoke_reaction"})


class ViewPayload(msgspec.Struct, kw_only=True, gc=False):
    """The payload of `view`."""

    post_id: Name
    player_key: Text | None = None
    event_id: Text | None = None
    timestamp: Text | None = None
    timezone: Text | None = None
    intent: Any = None
    play_order: Any = None
    channel: Any = None
    channel_user_sqid: Text | int | None = None
    channel_hashtag: Text | None = None
    playlist_id: PlaylistName | None = None
    country: Any = None
    request_ack: bool | None = False


class _SubmitViewPayload(msgspec.Struct, kw_only=True, gc=False):
    """The request `submit_view` has the fields of `view` under other names."""

    post_id: Name
    event_id: Text | None = None
    view_intent: Any = None
    local_datetime: Text | None = None
    local_timezone: Text | None = None
    play_order: Any = None
    channel: Any = None
    channel_user_sqid: Text | int | None = None
    channel_hashtag: Text | None = None
    playlist_id: PlaylistName | None = None
    country: Any = None


class _RequestTypePayload(msgspec.Struct, gc=False):
    """What says whose request it is; nothing else is read of a request that is not ours."""

    request_type: Any = None


class _RequestPayload(msgspec.Struct, kw_only=True, gc=False):
    """The fields of every request of ours."""

    request_id: Text | int | None = None
    request_type: Text | None = None
    player_key: Text | None = None


class _ReactionPayload(msgspec.Struct, kw_only=True, gc=False):
    post_id: Name
    emoji: Text | None = None


class _AckPayload(msgspec.Struct, gc=False):
    request_ack: bool = False


class _StatusPayload(msgspec.Struct, kw_only=True):
    """The payload of `status`."""

    player_key: Text | None = None
    status: Text | None = None
    current_post_id: Name | msgspec.UnsetType | None = msgspec.UNSET
    firmware_version: Text | msgspec.UnsetType | None = msgspec.UNSET


class PlayerStatus(msgspec.Struct, frozen=True, gc=False):
    """A status message that was checked, and the player that its payload names."""

    named_player: str | None
    body: Status


class PlayerView(msgspec.Struct, frozen=True, gc=False):
    """A player's view whose fields are checked; times and names of contents are as they came: they need more."""

    post_id: int | str
    view_type: str | None
    event_id: bytes | None
    time: str | None
    timezone: str | None
    play_order: int | None
    channel: str | None
    channel_context: str | None
    playlist_id: int | str | None
    country: str | None
    named_player: str | None
    wants_ack: bool
    unknown: tuple[str, ...]


class ReactionRequest(msgspec.Struct, frozen=True, gc=False):
    """`submit_reaction` or `revoke_reaction`; a text that is no emoji is None."""

    post_id: int | str
    emoji: str | None
    op: Literal["add", "remove"]


class ForeignRequest(msgspec.Struct, frozen=True, gc=False):
    """A request whose `request_type` is not one of ours, or which has none that can be read.

    `fault` says why it cannot be read, None for a request of another type.
    """

    fault: str | None = None


class PlayerRequest(msgspec.Struct, frozen=True, gc=False):
    """A request, and the player that its payload names."""

    named_player: str | None
    body: PlayerView | ReactionRequest


_view_decoder = msgspec.json.Decoder(ViewPayload)
_submit_view_decoder = msgspec.json.Decoder(_SubmitViewPayload)
_request_type_decoder = msgspec.json.Decoder(_RequestTypePayload)
_request_decoder = msgspec.json.Decoder(_RequestPayload)
_reaction_decoder = msgspec.json.Decoder(_ReactionPayload)
_status_decoder = msgspec.json.Decoder(_StatusPayload)
_ack_decoder = msgspec.json.Decoder(_AckPayload)


def parse_view(payload: bytes) -> PlayerView:
    """Read a `view` payload. Raises BadField."""
    given = decode(_view_decoder, payload)
    refuse_nul("timestamp", given.timestamp)
    refuse_nul("timezone", given.timezone)
    when = (given.timestamp, given.timezone)
    return _view(given, given.intent, when, given.player_key, bool(given.request_ack))


def parse_request(payload: bytes, request_id: str) -> PlayerRequest | ForeignRequest:
    """Read a `request/{request_id}` payload. Raises BadField for a request of ours; whose it is comes first."""
    try:
        request_type = decode(_request_type_decoder, payload).request_type
    except BadField as fault:
        return ForeignRequest(str(fault))
    if not isinstance(request_type, str) or request_type not in REQUEST_TYPES:
        return ForeignRequest()
    request = decode(_request_decoder, payload)
    if request.request_id not in (None, "", request_id) and str(request.request_id) != request_id:
        raise BadField("request_id: not that of the topic")
    return PlayerRequest(request.player_key or None, _request_body(payload, request))


def parse_status(payload: bytes, references: References | None) -> PlayerStatus:
    """Read a `status` payload. Every word but `offline` means that the player is there.

    A text is kept as its number, and as nothing before there are `references`. Raises BadField.
    """
    given = decode(_status_decoder, payload)
    firmware, post_id = given.firmware_version, given.current_post_id
    if isinstance(firmware, str):
        refuse_nul("firmware_version", firmware)
        firmware = firmware or None
    if isinstance(post_id, int | str):
        try:
            post_id, _ = content_number("current_post_id", post_id, references)
        except NoReferenceKey:
            post_id = None
    online = given.status is None or given.status.lower() != OFFLINE
    return PlayerStatus(given.player_key or None, Status(online=online, post_id=post_id, firmware=firmware))


def wants_ack(payload: bytes) -> bool:
    """Whether the sender of an unusable view waits for an answer all the same."""
    try:
        return decode(_ack_decoder, payload).request_ack
    except BadField:
        return False


def _request_body(payload: bytes, request: _RequestPayload) -> PlayerView | ReactionRequest:
    if request.request_type == "submit_view":
        given = decode(_submit_view_decoder, payload)
        refuse_nul("local_datetime", given.local_datetime)
        refuse_nul("local_timezone", given.local_timezone)
        when = (given.local_datetime, given.local_timezone)
        return _view(given, given.view_intent, when, request.player_key, True)
    reaction = decode(_reaction_decoder, payload)
    op: Literal["add", "remove"] = "add" if request.request_type == "submit_reaction" else "remove"
    return ReactionRequest(reaction.post_id, reaction.emoji if _is_emoji(reaction.emoji) else None, op)


def _view(
    given: ViewPayload | _SubmitViewPayload,
    intent: object,
    when: tuple[str | None, str | None],
    named_player: str | None,
    wants_ack: bool,
) -> PlayerView:
    unknown: list[str] = []
    ignored = unknown.append
    channel = known_value("channel", _absent_if_empty(given.channel), CHANNELS, ignored)
    known_intent = known_value(INTENT, _absent_if_empty(intent), INTENTS, ignored)
    return PlayerView(
        post_id=given.post_id,
        view_type=INTENTS[known_intent] if known_intent else None,
        event_id=event_id_of(given.event_id) if given.event_id else None,
        time=when[0] or None,
        timezone=when[1] or None,
        play_order=play_order_of(given.play_order, ignored),
        channel=channel,
        channel_context=_channel_context(channel, given),
        playlist_id=given.playlist_id or None,
        country=_country(given.country, unknown),
        named_player=named_player or None,
        wants_ack=wants_ack,
        unknown=tuple(unknown),
    )


def _absent_if_empty(value: object) -> object:
    return None if value == "" else value


def _country(value: object, unknown: list[str]) -> str | None:
    if value is None or value == "":
        return None
    if isinstance(value, str) and len(value) == 2 and value.isascii() and value.isalpha():
        return value.upper()
    unknown.append("country")
    return None


def _channel_context(channel: str | None, given: ViewPayload | _SubmitViewPayload) -> str | None:
    """Return the user whose channel or reactions, or the hashtag, by which a content was found."""
    if channel in ("by_user", "reactions"):
        context = str(given.channel_user_sqid) if given.channel_user_sqid not in (None, "") else ""
    elif channel == "hashtag":
        context = (given.channel_hashtag or "").removeprefix("#")
    else:
        return None
    refuse_nul("channel_context", context)
    return context or None


def _is_emoji(text: str | None) -> bool:
    """Whether a text can be one emoji: short, printable, without spaces, not plain ASCII."""
    if not text or len(text) > EMOJI_MAX_CHARS or text.isascii():
        return False
    return not any(mark.isspace() or mark < " " for mark in text)
