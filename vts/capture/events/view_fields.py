"""Which fields a web client may give for a view, and how each is decoded and checked. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Protocol

import msgspec

from vts.capture.fields import (
    NUL_ESCAPE,
    Ignored,
    Name,
    PlaylistName,
    Text,
    bad_field,
    decode,
    known_value,
    refuse_nul,
)
from vts.model.view import CHANNELS, VIEW_SOURCES, VIEW_TYPES

REFERRER_MAX_CHARS: Final = 4096  # browsers cut it there (Referrer Policy, section 8.3)

Referrer = Annotated[str, msgspec.Meta(max_length=REFERRER_MAX_CHARS)]


class _Fields(msgspec.Struct, kw_only=True, gc=False):
    event_id: Text | None = None
    view_type: Any = None
    source: Any = None
    referrer: Referrer | None = None
    channel: Any = None
    channel_context: Text | None = None
    playlist_id: PlaylistName | None = None
    play_order: Any = None
    local_datetime: Text | None = None
    local_timezone: Text | None = None
    # Read for services only: another client may use these names for something else, so they are not checked here.
    client_ip: Any = None
    user_agent: Any = None
    user_id: Any = None


class View(_Fields, kw_only=True, gc=False):
    """One event of `POST /api/view`."""

    post_id: Name


class PostView(_Fields, kw_only=True, gc=False):
    """The body of `POST /api/post/{id}/view`; everything is optional."""

    intent: Any = None


class OnBehalf(msgspec.Struct, frozen=True, gc=False):
    """The visitor on whose behalf a service reports."""

    client_ip: Text | None = None
    user_agent: Annotated[str, msgspec.Meta(max_length=REFERRER_MAX_CHARS)] | None = None
    user_id: Name | None = None

    def __bool__(self) -> bool:
        return not (self.client_ip is None and self.user_agent is None and self.user_id is None)


INTENTS: Final = {"view": "intentional", "impression": "listing"}
_VIEW_TYPES: Final = frozenset(VIEW_TYPES)
_SOURCES: Final = frozenset(VIEW_SOURCES)
_CHANNELS: Final = frozenset(CHANNELS)

_view_decoder = msgspec.json.Decoder(View)
_post_view_decoder = msgspec.json.Decoder(PostView)
_views_decoder = msgspec.json.Decoder(list[View])
_raw_items = msgspec.json.Decoder(list[msgspec.Raw])


def parse_view(body: bytes) -> View:
    """Decode one event. Raises BadField."""
    view = decode(_view_decoder, body)
    if NUL_ESCAPE in body:
        _refuse_nul(view)
    return view


def parse_views(array: bytes) -> list[View] | None:
    """Decode a JSON array in one call, for half of what its items cost one by one.

    None when something is wrong with it: then each item has to be decoded for itself.
    """
    try:
        return None if NUL_ESCAPE in array else _views_decoder.decode(array)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def parse_post_view(body: bytes) -> PostView:
    """Decode the fields of a view whose content is in the path; an empty body has none. Raises BadField."""
    if not body.strip():
        return PostView()
    view = decode(_post_view_decoder, body)
    if NUL_ESCAPE in body:
        _refuse_nul(view)
    return view


def parse_query(fields: Mapping[str, str]) -> View:
    """Decode one event from the query of the pixel. Raises BadField."""
    values: dict[str, Any] = dict(fields)
    if values.get("play_order", "").isdecimal():
        values["play_order"] = int(values["play_order"][:2])
    try:
        view = msgspec.convert(values, View, strict=False)
    except msgspec.ValidationError as fault:
        raise bad_field(fault) from None
    _refuse_nul(view)
    return view


def split_array(body: bytes) -> list[msgspec.Raw]:
    """Return the items of a JSON array, undecoded. Raises BadField when it is none."""
    return decode(_raw_items, body)


class HasOnBehalf(Protocol):
    """The fields in which a service names a visitor; not checked yet."""

    client_ip: Any
    user_agent: Any
    user_id: Any


def on_behalf_of(fields: HasOnBehalf) -> OnBehalf:
    """Return on whose behalf a service reports. Raises BadField."""
    try:
        return msgspec.convert(
            {"client_ip": fields.client_ip, "user_agent": fields.user_agent, "user_id": fields.user_id}, OnBehalf
        )
    except msgspec.ValidationError as fault:
        raise bad_field(fault) from None


def view_type_of(fields: View | PostView, default: str, ignored: Ignored) -> str:
    """Return how the view came about."""
    return known_value("view_type", fields.view_type, _VIEW_TYPES, ignored) or default


def intent_of(fields: PostView, unknown: str, ignored: Ignored) -> str:
    """Return how a view by an application's own client came about: by `view_type`, else by `intent`.

    `unknown` is the view type of an intent that is given and not known.
    """
    if fields.intent is None:
        return view_type_of(fields, "intentional", ignored)
    intent = known_value("intent", fields.intent, INTENTS, ignored)
    return view_type_of(fields, INTENTS[intent] if intent else unknown, ignored)


def source_of(fields: View | PostView, default: str, ignored: Ignored) -> str:
    """Return where the view happened."""
    return known_value("source", fields.source, _SOURCES, ignored) or default


def channel_of(fields: View | PostView, ignored: Ignored) -> str | None:
    """Return by which channel the content was found."""
    return known_value("channel", fields.channel, _CHANNELS, ignored)


def _refuse_nul(fields: _Fields) -> None:
    """Raise BadField for NUL, which msgspec accepts and PostgreSQL does not; in JSON it is always escaped."""
    for field in fields.__struct_fields__:
        value = getattr(fields, field)
        if isinstance(value, str):
            refuse_nul(field, value)
