"""The ids of one request: each is read into its number, and the texts among them are kept. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from vts.model.content import KINDS
from vts.model.reference import (
    BadReference,
    NoReferenceKey,
    References,
    ReferenceTaken,
    as_number,
    content_text,
    is_hashed,
    number_of,
    plain_text,
)

CONTENT_FIELDS: Final = ("post_id",)
USER_FIELDS: Final = ("owner_id", "user_id")
COMMENT_FIELDS: Final = ("comment_id",)
OF_TEXTS: Final = "must be a positive integer outside 2^61 to 2^62, or a text"
ID_FIELDS: Final = (*CONTENT_FIELDS, *USER_FIELDS, *COMMENT_FIELDS)


class BadId(BadReference):
    """An id of a row is neither a number nor a text of the right form. The message begins with the field."""


class Names:
    """Reads ids. A text of digits is a number. `texts` are the others that were read so far, by their numbers."""

    def __init__(self, references: References | None) -> None:
        self._references = references
        self.texts: dict[int, str] = {}

    def content(self, value: int | str, *, default_kind: str | None = None) -> int:
        """Return the number of a content. Raises BadReference, NoReferenceKey and ReferenceTaken, as all of these do.

        `default_kind` completes a text without a kind.
        """
        return self._number(
            value, lambda text: content_text(text, KINDS, default_kind=default_kind), lambda made: made.content
        )

    def user(self, value: int | str) -> int:
        """Return the number of a user."""
        return self._number(value, plain_text, lambda made: made.user)

    def comment(self, value: int | str) -> int:
        """Return the number of a comment."""
        return self._number(value, plain_text, lambda made: made.comment)

    def read(self, field: str, value: int | str) -> int:
        """Return the number of an id by the name of its field, one of ID_FIELDS. Raises BadId, too."""
        try:
            if field in CONTENT_FIELDS:
                return self.content(value)
            return self.user(value) if field in USER_FIELDS else self.comment(value)
        except BadReference as fault:
            raise BadId(f"{field}: {fault}") from None

    def numbers_in(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return a row of JSON with numbers in the place of texts; other values stay for the decoder to judge."""
        ids = {name: row[name] for name in ID_FIELDS if name in row}
        refuse_hashed(ids.items())
        return {**row, **{name: self.read(name, value) for name, value in ids.items() if isinstance(value, str)}}

    def _number(
        self,
        value: int | str,
        spelled: Callable[[str], str],
        hashed: Callable[[References], Callable[[str], int]],
    ) -> int:
        if isinstance(value, int):
            return number_of(value)
        plain = as_number(value)
        if plain is not None:
            return plain
        text = spelled(value)
        if self._references is None:
            raise NoReferenceKey
        number = hashed(self._references)(text)
        if self.texts.setdefault(number, text) != text:
            raise ReferenceTaken(text)
        return number


def texts_for(row: object, texts: Mapping[int, str]) -> dict[int, str]:
    """Return the texts of the ids of one row."""
    ids = {getattr(row, name, None) for name in ID_FIELDS}
    return {number: text for number, text in texts.items() if number in ids}


def refuse_hashed(ids: Iterable[tuple[str, object]]) -> None:
    """Raise BadId for a number that stands for a text: those are made of texts alone. `ids`: (field, value)."""
    for field, value in ids:
        if isinstance(value, int) and is_hashed(value):
            raise BadId(f"{field}: {OF_TEXTS}")
