"""Which values the fields of an event may have, the same for web clients and players: ids, texts, known values. Pure.

An unknown value of an enumeration becomes None and its field is passed to `ignored`; everything else that is out of
range is a `BadField`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container
from typing import Annotated, Final, TypeVar

import msgspec

from vts.model import identity
from vts.model.content import KINDS
from vts.model.decode_faults import what_and_where
from vts.model.reference import (
    TEXT_MAX_CHARS as NAME_MAX_CHARS,
)
from vts.model.reference import (
    BadReference,
    NoReferenceKey,
    References,
    ReferenceText,
    Texts,
    as_number,
    content_text,
    number_of,
    plain_text,
)
from vts.model.view import PLAY_ORDERS, POST_ID_MAX

NUL_ESCAPE: Final = b"\\u0000"  # how JSON writes NUL, always
TEXT_MAX_CHARS: Final = 255  # a hashtag, a sqid, a time, a zone

Ignored = Callable[[str], None]
"""Called with the name of a field whose value is unknown."""
NameText = Annotated[str, msgspec.Meta(min_length=1, max_length=NAME_MAX_CHARS)]
Name = Annotated[int, msgspec.Meta(ge=1, le=POST_ID_MAX)] | NameText
"""How a client names a content or a user; `content_number` and `user_number` read it."""
PlaylistName = Annotated[int, msgspec.Meta(ge=0, le=POST_ID_MAX)] | NameText
"""The same for a playlist, where 0 is none."""
Text = Annotated[str, msgspec.Meta(max_length=TEXT_MAX_CHARS)]

T = TypeVar("T")
_PLAY_ORDERS: Final = frozenset(PLAY_ORDERS)
_MISSING: Final = re.compile(r"Object missing required field `(\w+)`")


class BadField(ValueError):
    """An event cannot be decoded, or a field of it is out of range. The text names the field, never its value."""


def known_value(field: str, value: object, values: Container[str], ignored: Ignored) -> str | None:
    """Return the value of an enumeration, None when it is absent or not one of `values`."""
    if value is None:
        return None
    if isinstance(value, str) and value in values:
        return value
    ignored(field)
    return None


def play_order_of(value: object, ignored: Ignored) -> int | None:
    """Return the order of a playlist or channel, None when it is absent or unknown."""
    if value is None:
        return None
    if type(value) is int and value in _PLAY_ORDERS:
        return value
    ignored("play_order")
    return None


def content_number(
    field: str, name: int | str, references: References | None, *, default_kind: str | None = None
) -> tuple[int, Texts]:
    """Return the number of a content and the text that it stands for, if any.

    `default_kind` completes a text without a kind. Raises BadField, and NoReferenceKey for a text while `references` is
    None.
    """
    try:
        number = number_of(name) if isinstance(name, int) else as_number(name)
        if number is not None:
            return number, ()
        text = content_text(str(name), KINDS, default_kind=default_kind)
    except BadReference as fault:
        raise BadField(f"{field}: {fault}") from None
    if references is None:
        raise NoReferenceKey
    number = references.content(text)
    return number, (ReferenceText(number, text),)


def user_number(field: str, name: int | str, references: References | None) -> tuple[int, Texts]:
    """Return the number of a user and the text that it stands for, if any. Raises as `content_number`."""
    try:
        number = number_of(name) if isinstance(name, int) else as_number(name)
        if number is not None:
            return number, ()
        text = plain_text(str(name))
    except BadReference as fault:
        raise BadField(f"{field}: {fault}") from None
    if references is None:
        raise NoReferenceKey
    number = references.user(text)
    return number, (ReferenceText(number, text),)


def event_id_of(text: str) -> bytes:
    """Return the client's own event id as 16 bytes. Raises BadField unless it is a UUID of version 4 or 7."""
    try:
        event_id = identity.parse(text)
    except ValueError:
        raise BadField("event_id: not a UUID") from None
    if identity.version(event_id) not in (4, 7):
        raise BadField("event_id: a UUID of version 4 or 7 is expected")
    return event_id


def refuse_nul(field: str, text: str | None) -> None:
    """Raise BadField for a NUL character, which JSON can hold and PostgreSQL cannot store."""
    if text is not None and "\0" in text:
        raise BadField(f"{field}: has a NUL character")


def json_text(field: str, value: object, max_bytes: int) -> str:
    """Return a value as JSON. Raises BadField for more than `max_bytes` of it and for a NUL character in it."""
    text = msgspec.json.encode(value)
    if len(text) > max_bytes:
        raise BadField(f"{field}: more than {max_bytes} bytes")
    if NUL_ESCAPE in text:
        raise BadField(f"{field}: has a NUL character")
    return text.decode()


def decode(decoder: msgspec.json.Decoder[T], body: bytes | msgspec.Raw) -> T:
    """Decode JSON into a struct. Raises BadField that names the field, or `body` for the whole."""
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as fault:
        raise bad_field(fault) from None
    except UnicodeDecodeError:
        raise BadField("body: not UTF-8") from None
    except msgspec.DecodeError:
        raise BadField("body: not well-formed JSON, or text with a lone surrogate") from None
    except RecursionError:
        raise BadField("body: nested too deeply") from None


def bad_field(fault: msgspec.ValidationError) -> BadField:
    """Turn msgspec's text, which holds types, bounds and a path but no value, into `field: what is wrong`."""
    what, field = what_and_where(fault)
    if found := _MISSING.search(what):
        return BadField(f"{found[1]}: is missing")
    return BadField(f"{field or 'body'}: {what[:1].lower()}{what[1:].replace('`', '')}")
