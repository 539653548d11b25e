"""References: how others name contents, users and comments, and the number that VTS keeps for each. Pure.

A thing is named by a positive integer or by a text. A text becomes an integer of a range of its own, by a keyed hash
(BLAKE2b, RFC 7693), so that tables, counters and live topics work with 64-bit integers only. The key is secret: without
it, a client cannot search for two texts with one number. Among a million texts of an installation, two share a number
with a probability of 2e-7 (birthday bound, 61 bits); a content whose number is taken by another text is refused.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final, NewType

import msgspec

ReferenceKey = NewType("ReferenceKey", bytes)
"""32 random bytes of the installation, equal in all of its processes."""

KEY_BYTES: Final = 32
HASHED_MIN: Final = 1 << 61
HASHED_MAX: Final = (1 << 62) - 1
NUMBER_MAX: Final = (1 << 63) - 1
EXACT_MAX: Final = (1 << 53) - 1  # integers beyond it lose digits in JavaScript (RFC 8259, section 6)
TEXT_MAX_CHARS: Final = 128

_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_CONTENT: Final = re.compile(r"([a-z]+):([A-Za-z0-9._~-]+)")  # unreserved characters of RFC 3986, section 2.3
_INTEGER: Final = re.compile(r"-?\d+")  # digits of any script: what looks like a number is never a text
_NUMBER_MAX_DIGITS: Final = 19  # of an int64


class BadReference(ValueError):
    """A name that is neither a positive integer nor a text of the right form. The message says what is allowed."""


class ReferenceTaken(Exception):
    """The number of a text belongs to another text, which stays. The argument is the text that was refused."""


class NoReferenceKey(Exception):
    """A text has no number yet, since the key of the installation has not been loaded. Integers need none."""


class ReferenceText(msgspec.Struct, frozen=True, array_like=True, tag="t", gc=False):
    """The text of a number that other records of its journal entry hold; empty when it was erased."""

    number: int
    text: str


Texts = tuple[ReferenceText, ...]
"""The texts of the numbers that a report holds; those of integers have none."""


def is_hashed(number: int) -> bool:
    """Whether a number stands for a text. Such a number is refused when it comes from outside."""
    return HASHED_MIN <= number <= HASHED_MAX


def number_of(value: int) -> int:
    """Check an integer from outside. Raises BadReference."""
    if not 1 <= value <= NUMBER_MAX or is_hashed(value):
        raise BadReference("must be a positive integer outside 2^61 to 2^62, or a text")
    return value


def as_number(text: str) -> int | None:
    """Read a text that is written as an integer; None for every other text. Raises BadReference for a bad integer."""
    if not _INTEGER.fullmatch(text):
        return None
    return number_of(int(text) if text.isascii() and len(text) <= _NUMBER_MAX_DIGITS else 0)


def content_text(text: str, kinds: tuple[str, ...], *, default_kind: str | None = None) -> str:
    """Return the one spelling of a content's text `kind:id`: UUIDs are in lower case. Raises BadReference.

    `default_kind` completes a text without a kind.
    """
    if default_kind is not None and ":" not in text:
        text = f"{default_kind}:{text}"
    found = _CONTENT.fullmatch(text) if len(text) <= TEXT_MAX_CHARS else None
    if found is None or found[1] not in kinds:
        raise BadReference(
            f"must be a positive integer or kind:id with a kind of {', '.join(kinds)} and an id of letters, digits "
            f"and -._~, at most {TEXT_MAX_CHARS} characters together"
        )
    return f"{found[1]}:{found[2].lower()}" if _UUID.fullmatch(found[2]) else text


def plain_text(text: str) -> str:
    """Return the one spelling of a user's or comment's text: UUIDs are in lower case. Raises BadReference."""
    if not 1 <= len(text) <= TEXT_MAX_CHARS or not text.isprintable():
        raise BadReference(f"must be a positive integer or a text of 1 to {TEXT_MAX_CHARS} printable characters")
    return text.lower() if _UUID.fullmatch(text) else text


class References:
    """Gives texts their numbers, under the key of an installation."""

    def __init__(self, key: ReferenceKey) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError(f"the key of references has {KEY_BYTES} bytes")
        self._hash = hashlib.blake2b(digest_size=8, key=key)

    def content(self, text: str) -> int:
        """Return the number of a content's text, in its one spelling."""
        return self._number(text)

    def user(self, text: str) -> int:
        """Return the number of a user's text, in its one spelling."""
        return self._number(f"user:{text}")

    def comment(self, text: str) -> int:
        """Return the number of a comment's text, in its one spelling."""
        return self._number(f"comment:{text}")

    def _number(self, text: str) -> int:
        hashing = self._hash.copy()
        hashing.update(text.encode())
        return HASHED_MIN | int.from_bytes(hashing.digest(), "big") & HASHED_MIN - 1
