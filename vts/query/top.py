"""The most viewed contents of any days: what is asked for, how contents are ranked, and the answer. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal, NamedTuple, get_args

import numpy as np

from vts.model.content import KINDS, Kind
from vts.model.day import FIRST_DAY, date_of, datetime_of, day_of_date
from vts.query.artist_posts import Numbers, numbers
from vts.query.ranges import BadRange
from vts.query.shape import range_of

By = Literal["views", "viewers", "trend"]
BYS: Final[tuple[By, ...]] = get_args(By)
BY_DEFAULT: Final[By] = "views"
ROWS_MAX: Final = 40_000  # daily rows whose sketches are united for the contents that are shown: half a second


class Filters(NamedTuple):
    """Which contents are listed. `reader` is the user that asks, None for anyone; private contents of others are out.

    `reads_everything`: the asker may see every content.
    """

    kind: Kind | None = None
    category: str | None = None
    hashtag: str | None = None
    owner_id: int | None = None
    reader: int | None = None
    reads_everything: bool = False


class TopAsked(NamedTuple):
    """Days are inclusive numbers of UTC days; the first `limit` contents in the order of `by`."""

    first: int
    last: int
    by: By
    limit: int
    filters: Filters

    @property
    def before(self) -> tuple[int, int]:
        """The period of the same length before; the calendar begins with the year 1."""
        return max(FIRST_DAY, 2 * self.first - self.last - 1), self.first - 1


class TopLine(NamedTuple):
    """One content; `views_before` are those of the period before."""

    post_id: int
    title: str | None
    kind: str | None
    owner_id: int | None
    views: int
    unique_viewers: int
    views_before: int


def parse_by(text: str | None) -> By:
    """Return what is ranked by. Raises BadRange."""
    if text is not None and text not in BYS:
        raise BadRange(f"by: one of {', '.join(BYS)} is expected")
    return text or BY_DEFAULT


def check_size(first: int, last: int, limit: int) -> None:
    """Raise BadRange for so many contents of so many days that anyone could keep the database busy with them."""
    most = max(1, ROWS_MAX // (last - first + 1))
    if limit > most:
        raise BadRange(f"limit: must be 1 to {most} for so many days")


def parse_kind(text: str | None) -> Kind | None:
    """Return the kind that is asked for, None for all. Raises BadRange."""
    if text is not None and text not in KINDS:
        raise BadRange(f"kind: one of {', '.join(KINDS)} is expected")
    return text


class Edge(NamedTuple):
    """A sum of a month from its first day up to another one, which is added to a period or taken away from it."""

    month: dt.date
    upto: dt.date
    sign: int


def edges_of(first: int, last: int) -> Iterator[Edge]:
    """Give the sums of months that a range of days is made of: one a month, and the days before the first less."""
    if last < first:
        return
    start, end = date_of(first), date_of(last)
    month = start.replace(day=1)
    if month < start:
        yield Edge(month, date_of(first - 1), -1)
    while month <= end:
        following = (month + dt.timedelta(days=31)).replace(day=1)
        yield Edge(month, min(end, date_of(day_of_date(following) - 1)), 1)
        month = following


class Scores:
    """Views, daily viewers and views of the period before, by content; those that are not listed are passed over."""

    def __init__(self, posts: Numbers) -> None:
        """`posts` in ascending order."""
        self.posts = posts
        self.views, self.viewers, self.before = (np.zeros(len(posts), np.int64) for _ in range(3))
        self._known: tuple[bytes, Numbers, Any] | None = None

    def take(self, sign: int, is_asked: bool, posts: bytes, views: bytes, viewers: bytes | None) -> None:
        """Add a sum of some days to the range or to the period before, or take it away. No content is in it twice."""
        places, listed = self._places(posts)
        (self.views if is_asked else self.before)[places] += sign * numbers(views)[listed]
        if is_asked and viewers is not None:
            self.viewers[places] += sign * numbers(viewers)[listed]

    def _places(self, posts: bytes) -> tuple[Numbers, Any]:
        """Return the places of contents, and which of them are listed. Sums of one month are often of the same ones."""
        if self._known is None or self._known[0] != posts:
            found = numbers(posts)
            places = np.searchsorted(self.posts, found)
            places[places == len(self.posts)] = 0
            listed = self.posts[places] == found
            self._known = posts, places[listed], listed
        return self._known[1:]

    def page(self, by: By, limit: int) -> list[int]:
        """Return the places of the first contents that were viewed, ties by number."""
        score = {"views": self.views, "viewers": self.viewers, "trend": self.views - self.before}[by]
        viewed = np.flatnonzero(self.views > 0)
        if len(viewed) > 4 * limit:  # only those that reach the page need to be sorted
            least = np.partition(score[viewed], len(viewed) - limit)[len(viewed) - limit]
            viewed = viewed[score[viewed] >= least]
        order = np.lexsort((self.posts[viewed], -score[viewed]))
        found: list[int] = viewed[order[:limit]].tolist()
        return found


def answer(asked: TopAsked, lines: list[TopLine], *, now_us: int, lag_s: float) -> Mapping[str, Any]:
    """Return the JSON object of `GET /api/top`."""
    return {
        **range_of(asked.first, asked.last),
        "by": asked.by,
        "limit": asked.limit,
        "posts": [_line(line) for line in lines],
        "computed_at": datetime_of(now_us),
        "lag_seconds": round(lag_s, 3),
    }


def _line(line: TopLine) -> dict[str, Any]:
    return line._asdict() | {"trend": line.views - line.views_before}
