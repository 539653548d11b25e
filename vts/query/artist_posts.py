"""The list of an artist's contents: what it may be sorted by, how it is ranked, and its answer. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from vts.model.day import datetime_of
from vts.model.tally import Pair
from vts.query.ranges import BadRange
from vts.query.shape import range_of, with_twins

LIMIT_DEFAULT: Final = 50
LIMIT_MAX: Final = 500
POSTS_MAX: Final = 100  # of the list beside statistics: a page of a gallery; longer lists have a route of their own
OFFSET_MAX: Final = 2**31 - 1

OF_CATALOG: Final = ("post_id", "title", "created_at", "reactions", "comments")
"""What PostgreSQL sorts by itself."""
OF_RANGE: Final = ("views", "unique_viewers", "last_view_at")
"""What daily rows of the range say. `unique_viewers` sorts by the sum of each day's viewers: to sort by the viewers of
the whole range would take a union of sketches for every content. The numbers that are shown are those of the range."""
SORTS: Final = tuple(f"{sign}{name}" for name in (*OF_RANGE, *OF_CATALOG) for sign in ("", "-"))
SORT_DEFAULT: Final = "-views"

Numbers = NDArray[np.int64]
_STORED: Final = np.dtype(">i8")


class Asked(NamedTuple):
    """Which piece of the list: `sort` is one of `SORTS`, with a minus the largest first."""

    sort: str
    limit: int
    offset: int

    @property
    def field(self) -> str:
        """What is sorted by."""
        return self.sort.removeprefix("-")

    @property
    def descending(self) -> bool:
        """Whether the largest come first."""
        return self.sort.startswith("-")


class PostLine(msgspec.Struct, frozen=True, kw_only=True):
    """One content of the list. Times of first and last view: [all, authenticated]."""

    post_id: int
    title: str | None
    kind: str | None
    visibility: str
    created_at: dt.datetime | None
    views: Pair
    unique_viewers: Pair
    reactions: Pair
    comments: Pair
    first_view_at: Sequence[dt.datetime | None]
    last_view_at: Sequence[dt.datetime | None]


class ListFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of the list in its order, and how long the whole list is."""

    user_id: int
    from_day: int
    to_day: int
    asked: Asked
    total: int
    posts: list[PostLine]


def parse_asked(sort: str | None, limit: str | None, offset: str | None) -> Asked:
    """Return which piece is asked for. Raises BadRange that names the field and what is allowed."""
    if sort is not None and sort not in SORTS:
        raise BadRange(f"sort: one of {', '.join(SORTS)} is expected")
    return Asked(
        SORT_DEFAULT if sort is None else sort,
        _number("limit", limit, LIMIT_DEFAULT, 1, LIMIT_MAX),
        _number("offset", offset, 0, 0, OFFSET_MAX),
    )


def parse_posts(text: str | None) -> int:
    """Return how many contents are listed beside an artist's statistics, 0 for none. Raises BadRange."""
    return _number("posts", text, 0, 0, POSTS_MAX)


def _number(field: str, text: str | None, default: int, least: int, most: int) -> int:
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and least <= int(text) <= most):
        raise BadRange(f"{field}: must be {least} to {most}")
    return int(text)


def numbers(stored: bytes | None) -> Numbers:
    """Read numbers that lie side by side."""
    return np.frombuffer(stored or b"", _STORED).astype(np.int64)


class Ranking:
    """Adds up, or takes the latest of, what days say of an artist's contents, and sorts by it."""

    def __init__(self, posts: Numbers, *, latest: bool) -> None:
        """`posts` in ascending order."""
        self._posts = posts
        self._values = np.zeros(len(posts), np.int64)
        self._gather: np.ufunc = np.maximum if latest else np.add

    def take(self, posts: Numbers, values: Numbers) -> None:
        """Take what some days say. Contents that are not in the list are passed over; one may come several times."""
        if not len(self._posts):
            return
        places = np.searchsorted(self._posts, posts)
        places[places == len(self._posts)] = 0
        known = self._posts[places] == posts
        self._gather.at(self._values, places[known], values[known])

    def page(self, asked: Asked, *, nothing_last: bool) -> list[int]:
        """Return the contents of a page in their order, ties by number; with `nothing_last` those without any last."""
        keys = [self._posts, -self._values if asked.descending else self._values]
        if nothing_last:
            keys.append(self._values == 0)
        order = np.lexsort(keys)
        found: list[int] = self._posts[order[asked.offset : asked.offset + asked.limit]].tolist()
        return found


def answer(facts: ListFacts, *, now_us: int, lag_s: float) -> dict[str, Any]:
    """Return the JSON object of `GET /api/user/{id}/posts-stats`."""
    return {
        "user_id": facts.user_id,
        **range_of(facts.from_day, facts.to_day),
        "total": facts.total,
        "limit": facts.asked.limit,
        "offset": facts.asked.offset,
        "sort": facts.asked.sort,
        "posts": lines(facts),
        "computed_at": datetime_of(now_us),
        "lag_seconds": round(lag_s, 3),
    }


def lines(facts: ListFacts) -> list[dict[str, Any]]:
    """Return the contents of a list as answers show them."""
    return [_line(post) for post in facts.posts]


def _line(post: PostLine) -> dict[str, Any]:
    return {
        "post_id": post.post_id,
        "title": post.title,
        "kind": post.kind,
        "visibility": post.visibility,
        "created_at": post.created_at,
        **with_twins(
            {
                "total_views": post.views,
                "unique_viewers": post.unique_viewers,
                "total_reactions": post.reactions,
                "total_comments": post.comments,
                "first_view_at": post.first_view_at,
                "last_view_at": post.last_view_at,
            }
        ),
    }


LoadPosts = Callable[[int, int, int, Asked], Awaitable[ListFacts]]
"""(user id, first day, last day, which piece) → facts; raises StoreUnavailable."""
