"""Answers name contents, users and comments as their hosts do: numbers of texts become those texts again. Pure.

No count and no time of an answer reaches 2^53, so a larger integer is an id, and one of the range of hashed texts is a
reference, wherever in an answer it stands as a value. A key is an id in the breakdowns by content alone: in all others
(pages, referrers, types of errors) clients choose the keys, and 19 digits there are a text of theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeVar

from vts.model.reference import EXACT_MAX, is_hashed

T = TypeVar("T")

REFS: Final = {
    "post_id": "post_ref",
    "owner_id": "owner_ref",
    "user_id": "user_ref",
    "viewer_user_id": "viewer_user_ref",
    "comment_id": "comment_ref",
    "stream_id": "stream_ref",
    "playlist_id": "playlist_ref",
    "current_post_id": "current_post_ref",
}
"""In tables: the column of an id, and that of its text beside it."""

TWIN: Final = "_authenticated"
ID_BREAKDOWNS: Final = frozenset({"views_by_playlist", "views_by_post"})
"""The breakdowns of answers whose keys are ids, without their twins."""


def has_id_keys(name: Any) -> bool:
    """Whether the keys of the breakdown with this name are ids; of a `_authenticated` twin likewise."""
    return isinstance(name, str) and name.removesuffix(TWIN) in ID_BREAKDOWNS


def references_in(body: Any) -> set[int]:
    """Return the numbers of texts in an answer (dicts, lists, tuples, scalars; keys of breakdowns by id, too)."""
    found: set[int] = set()
    _collect(body, found)
    return found


def named(body: Any, texts: Mapping[int, str]) -> Any:
    """Return the answer with texts in the place of their numbers, and no integer beyond 2^53 - 1.

    Such an integer, and a number whose text is gone, becomes a string of digits.
    """
    match body:
        case bool() | None | str() | float():
            return body
        case int():
            return body if -EXACT_MAX <= body <= EXACT_MAX else texts.get(body, str(body))
        case Mapping():
            return {
                key: named(named_keys(value, texts, int.__add__) if _is_id_breakdown(key, value) else value, texts)
                for key, value in body.items()
            }
        case list() | tuple():
            return [named(value, texts) for value in body]
        case _:
            return body


def references_in_keys(counts: Iterable[Any]) -> set[int]:
    """Return the numbers of texts among the keys of a breakdown by id."""
    return {number for number in map(_number, counts) if number is not None}


def named_keys(counts: Mapping[Any, T], texts: Mapping[int, str], add: Callable[[T, T], T]) -> dict[Any, T]:
    """Return a breakdown by id with texts in the place of their numbers. Counts of keys that become one are added."""
    merged: dict[Any, T] = {}
    for key, count in counts.items():
        shown = named_key(key, texts)
        merged[shown] = add(merged[shown], count) if shown in merged else count
    return merged


def named_key(key: Any, texts: Mapping[int, str]) -> Any:
    """Return a key of a breakdown by id with the text in the place of its number, if it is one."""
    number = _number(key)
    return key if number is None else texts.get(number, key if isinstance(key, str) else str(key))


def _collect(body: Any, found: set[int]) -> None:
    match body:
        case bool() | None | str() | float():
            pass
        case int():
            if is_hashed(body):
                found.add(body)
        case Mapping():
            for key, value in body.items():
                if _is_id_breakdown(key, value):
                    found.update(references_in_keys(value))
                _collect(value, found)
        case list() | tuple():
            for value in body:
                _collect(value, found)


def _is_id_breakdown(name: Any, value: Any) -> bool:
    return has_id_keys(name) and isinstance(value, Mapping) and all(isinstance(count, int) for count in value.values())


def _number(key: Any) -> int | None:
    """Return the number of a text that a key is, None for any other key."""
    if isinstance(key, str):
        if len(key) != 19 or not (key.isascii() and key.isdigit()):  # all numbers of texts have 19 digits
            return None
        key = int(key)
    return key if isinstance(key, int) and is_hashed(key) else None
