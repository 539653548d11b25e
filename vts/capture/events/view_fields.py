"""What web clients say of a view, decoded and checked field by field. Pure.

An unknown value of an enumeration becomes None and is reported to `ignored`; everything else that is out of range is a
`BadField`, whose text names the field and never repeats the value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, Protocol, TypeVar

import msgspec

from vts.model import identity
from vts.model.unsaid import what_and_where
from vts.model.view import CHANNELS, PLAY_ORDERS, POST_ID_MAX, VIEW_SOURCES, VIEW_TYPES

REFERRER_MAX_CHARS: Final = 4096  # browsers cut it there (Referrer Policy, section 8.3)
TEXT_MAX_CHARS: Final = 255  # a hashtag, a sqid, a time, a zone

Ignored = Callable[[str], None]
"""Told the name of a field whose value is unknown."""
PostId = Annotated[int, msgspec.Meta(ge=1, le=POST_ID_MAX)]
PlaylistId = Annotated[int, msgspec.Meta(ge=0, le=POST_ID_MAX)]
Text = Annotated[str, msgspec.Meta(max_length=TEXT_MAX_CHARS)]
Referrer = Annotated[str, msgspec.Meta(max_length=REFERRER_MAX_CHARS)]

T = TypeVar("T")


class BadField(ValueError):
    """An event cannot be understood. The text is `field: what is wrong`."""


class _Fields(msgspec.Struct, kw_only=True, gc=False):
    event_id: Text | None = None
    view_type: Any = None
    source: Any = None
    referrer: Referrer | None = None
    channel: Any = None
    channel_context: Text | None = None
    playlist_id: PlaylistId | None = None
    play_order: Any = None
    local_datetime: Text | None = None
    local_timezone: Text | None = None
    # Heeded from services only, so that nobody else's fields of these names are in the way.
    client_ip: Any = None
    user_agent: Any = None
    user_id: Any = None


class View(_Fields, kw_only=True, gc=False):
    """One event of `POST /api/view`."""

    post_id: PostId


class PostView(_Fields, kw_only=True, gc=False):
    """The body of `POST /api/post/{id}/view`; everything is optional."""

    intent: Any = None


class Reported(msgspec.Struct, frozen=True, gc=False):
    """The visitor on whose behalf a service reports."""

    client_ip: Text | None = None
    user_agent: Annotated[str, msgspec.Meta(max_length=REFERRER_MAX_CHARS)] | None = None
    user_id: PostId | None = None

    def __bool__(self) -> bool:
        return not (self.client_ip is None and self.user_agent is None and self.user_id is None)


INTENTS: Final = {"view": "intentional", "impression": "listing"}
_VIEW_TYPES: Final = frozenset(VIEW_TYPES)
_SOURCES: Final = frozenset(VIEW_SOURCES)
_CHANNELS: Final = frozenset(CHANNELS)
_PLAY_ORDERS: Final = frozenset(PLAY_ORDERS)

_view_decoder = msgspec.json.Decoder(View)
_post_view_decoder = msgspec.json.Decoder(PostView)
_views_decoder = msgspec.json.Decoder(list[View])
_raw_items = msgspec.json.Decoder(list[msgspec.Raw])
_NUL_ESCAPE: Final = b"\\u0000"


def parse_view(body: bytes | msgspec.Raw) -> View:
    """Read one event. Raises BadField."""
    return _checked(decode(_view_decoder, body), bytes(body))


def parse_views(array: bytes) -> list[View] | None:
    """Read a JSON array in one go, for half of what its items cost one by one.

    None when something is wrong with it: then each item has to be looked at.
    """
    try:
        return None if _NUL_ESCAPE in array else _views_decoder.decode(array)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def parse_post_view(body: bytes) -> PostView:
    """Read the fields of a view whose content is in the path; an empty body has none. Raises BadField."""
    return _checked(decode(_post_view_decoder, body), body) if body.strip() else PostView()


def parse_query(fields: Mapping[str, str]) -> View:
    """Read one event from the query of the pixel. Raises BadField."""
    said: dict[str, Any] = dict(fields)
    if said.get("play_order", "").isdecimal():
        said["play_order"] = int(said["play_order"][:2])
    try:
        view = msgspec.convert(said, View, strict=False)
    except msgspec.ValidationError as fault:
        raise BadField(_explain(fault)) from None
    _refuse_nul(view)
    return view


def split_array(body: bytes) -> list[msgspec.Raw]:
    """Return the items of a JSON array, undecoded. Raises BadField when it is none."""
    return decode(_raw_items, body)


def reported_by_service(said: OnBehalf) -> Reported:
    """Return on whose behalf a service speaks. Raises BadField."""
    try:
        return msgspec.convert(
            {"client_ip": said.client_ip, "user_agent": said.user_agent, "user_id": said.user_id}, Reported
        )
    except msgspec.ValidationError as fault:
        raise BadField(_explain(fault)) from None


class HasEventId(Protocol):
    """What has an id that the client gave."""

    event_id: str | None


class OnBehalf(Protocol):
    """What a service may say of somebody else; not checked yet."""

    client_ip: Any
    user_agent: Any
    user_id: Any


def event_id_of(said: HasEventId) -> bytes | None:
    """Return the client's own id as 16 bytes. Raises BadField unless it is a UUID of version 4 or 7."""
    if said.event_id is None:
        return None
    try:
        event_id = identity.parse(said.event_id)
    except ValueError:
        raise BadField("event_id: not a UUID") from None
    if identity.version(event_id) not in (4, 7):
        raise BadField("event_id: a UUID of version 4 or 7 is expected")
    return event_id


def view_type_of(said: _Fields, default: str, ignored: Ignored) -> str:
    """Return how the view came about."""
    return _known("view_type", said.view_type, _VIEW_TYPES, ignored) or default


def intent_of(said: PostView, ignored: Ignored) -> str:
    """Return how a view by an application's own client came about: by `view_type`, else by `intent`."""
    intent = _known("intent", said.intent, INTENTS, ignored)
    return view_type_of(said, INTENTS[intent] if intent else "intentional", ignored)


def source_of(said: _Fields, default: str, ignored: Ignored) -> str:
    """Return where the view happened."""
    return _known("source", said.source, _SOURCES, ignored) or default


def channel_of(said: _Fields, ignored: Ignored) -> str | None:
    """Return by which channel the content was found."""
    return _known("channel", said.channel, _CHANNELS, ignored)


def play_order_of(said: _Fields, ignored: Ignored) -> int | None:
    """Return the order of a playlist or channel."""
    value = said.play_order
    if value is None:
        return None
    if type(value) is int and value in _PLAY_ORDERS:
        return value
    ignored("play_order")
    return None


def _known(field: str, value: object, words: Any, ignored: Ignored) -> str | None:
    if value is None:
        return None
    if isinstance(value, str) and value in words:
        return value
    ignored(field)
    return None


F = TypeVar("F", bound=_Fields)


def _checked(said: F, body: bytes) -> F:
    """Refuse NUL, which msgspec lets pass and PostgreSQL does not."""
    if _NUL_ESCAPE in body:
        _refuse_nul(said)
    return said


def _refuse_nul(said: _Fields) -> None:
    for field in said.__struct_fields__:
        value = getattr(said, field)
        if isinstance(value, str) and "\0" in value:
            raise BadField(f"{field}: has a NUL character")


def decode(decoder: msgspec.json.Decoder[T], body: bytes | msgspec.Raw) -> T:
    """Read JSON into a struct. Raises BadField that names the field."""
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as fault:
        raise BadField(_explain(fault)) from None
    except UnicodeDecodeError:
        raise BadField("body: not UTF-8") from None
    except msgspec.DecodeError:
        raise BadField("body: not well-formed JSON, or text with a lone surrogate") from None
    except RecursionError:
        raise BadField("body: nested too deeply") from None


_MISSING: Final = re.compile(r"Object missing required field `(\w+)`")


def _explain(fault: msgspec.ValidationError) -> str:
    """Turn msgspec's text, which holds types, bounds and a path but no value, into `field: what is wrong`."""
    what, field = what_and_where(fault)
    if found := _MISSING.search(what):
        return f"{found[1]}: is missing"
    return f"{field or 'body'}: {what[:1].lower()}{what[1:].replace('`', '')}"
