"""The numbers of a followed topic, and how its text is written. Pure: the hub passes in commits, loads and the time.

A track takes totals as they are committed and loads as they arrive, in any order: totals of a day only grow, so of two
that disagree about the same day the larger is the newer; what was counted before today comes from loads alone.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from vts.live.board import Board, Reader
from vts.live.window import ViewerWindow
from vts.model.reference import EXACT_MAX

Counts = tuple[int, int, int]
"""(views of all time, views today, unique viewers today)"""

_encoder: Final = msgspec.json.Encoder()


class TopRow(msgspec.Struct, kw_only=True):
    """One of the most viewed public contents of today."""

    post_id: int
    title: str | None
    views: int
    views_today: int
    unique_viewers_today: int
    ref: str | None = None
    """The text that stands for the number, if it was named by one."""

    def shown(self, viewers_now: int) -> dict[str, Any]:
        """Return the row of a message. An integer that JavaScript would round is written as digits."""
        is_exact = self.post_id <= EXACT_MAX
        return {
            "post_id": self.ref or (self.post_id if is_exact else str(self.post_id)),
            "title": self.title,
            "views": self.views,
            "views_today": self.views_today,
            "unique_viewers_today": self.unique_viewers_today,
            "viewers_now": viewers_now,
        }


class Load(NamedTuple):
    """When a load was asked for: what was committed since is newer than its answer."""

    day: int
    changes: int


class Track:
    """One followed topic: its board, its numbers, and whether they must be asked for (again)."""

    def __init__(self, board: Board, now_here: Callable[[ViewerWindow], int], gap_s: float = 0.0) -> None:
        self.board = board
        self.day = -1
        self.stale = True
        self.loaded = False
        self.due_s = float("-inf")
        self.gap_s = gap_s
        self.now_here = now_here
        self._changes = 0
        self._before = 0
        self._today = 0
        self._unique = 0
        self._shown: tuple[int, ...] = ()

    def commit(self, views: int, unique: int) -> None:
        """Take the totals of today after a commit."""
        self._changes += 1
        self._today = max(self._today, views)
        self._unique = max(self._unique, unique)

    def turn(self, day: int) -> None:
        """Begin a day: today's counts are added to those of before."""
        if day == self.day:
            return
        self._before += self._today
        self._today = self._unique = 0
        self.day = day
        self.stale = True

    def ask(self) -> Load:
        """Note that the numbers are asked for."""
        self.stale = False
        return Load(self.day, self._changes)

    def load(self, asked: Load, counts: Counts) -> None:
        """Take the answer. One that was asked for before midnight and came after it is asked for again."""
        if asked.day != self.day:
            self.stale = True
            return
        views, today, unique = counts
        self._before = views - today
        overtaken = asked.changes != self._changes
        self._today = max(today, self._today) if overtaken else today
        self._unique = max(unique, self._unique) if overtaken else unique
        self.loaded = True

    def show(self, window: ViewerWindow, at_us: int) -> Sequence[Reader]:
        """Publish the numbers if they have changed. Return the readers to wake."""
        numbers = (self._before + self._today, self._today, self._unique, self.now_here(window))
        if not self.loaded or (numbers == self._shown and self.board.seq):
            return ()
        self._shown = numbers
        return self.board.publish(f'{self._fields(*numbers)},"at":"{at(at_us)}"')

    def _fields(self, views: int, today: int, unique: int, now: int) -> str:
        return f'"views":{views},"views_today":{today},"unique_viewers_today":{unique},"viewers_now":{now}'


class PublicTrack(Track):
    """A content's topic as everyone may see it: unique viewers are statistics, and those are the owner's."""

    def _fields(self, views: int, today: int, unique: int, now: int) -> str:
        return f'"views":{views},"views_today":{today},"viewers_now":{now}'


class ArtistTrack(Track):
    """An artist's topic. Unique viewers over several posts are no sum, so every change is asked for."""

    def __init__(self, board: Board, gap_s: float) -> None:
        self.posts: Collection[int] = ()
        super().__init__(board, lambda window: window.count_together(self.posts), gap_s)


class TopTrack:
    """The most viewed contents of today. The database says which they are; commits change their counts."""

    def __init__(self, board: Board, size: int, gap_s: float) -> None:
        self.board = board
        self.size = size
        self.stale = True
        self.loaded = False
        self.due_s = float("-inf")
        self.gap_s = gap_s
        self.day = -1
        self._rows: dict[int, TopRow] = {}
        self._since: dict[int, tuple[int, int]] | None = None
        self._shown: list[dict[str, Any]] | None = None

    def turn(self, day: int) -> None:
        """Begin a day: nothing is viewed yet."""
        if day != self.day:
            self.day = day
            self._rows = {}
            self.stale = True

    def commit(self, post_id: int, views: int, unique: int) -> None:
        """Take the totals of a content today. A content that may now be in the list makes it stale."""
        if self._since is not None:
            self._since[post_id] = (views, unique)
        row = self._rows.get(post_id)
        if row is not None:
            _raise(row, views, unique)
        elif len(self._rows) < self.size or views > min(row.views_today for row in self._rows.values()):
            self.stale = True

    def ask(self) -> Load:
        """Note that the list is asked for; what is committed from here on is newer than the answer."""
        self.stale = False
        self._since = {}
        return Load(self.day, 0)

    def load(self, asked: Load, rows: Sequence[TopRow]) -> None:
        """Take the answer."""
        since, self._since = self._since or {}, None
        if asked.day != self.day:
            self.stale = True
            return
        self._rows = {row.post_id: row for row in rows[: self.size]}
        for post_id, (views, unique) in since.items():
            if post_id in self._rows:
                _raise(self._rows[post_id], views, unique)
        self.loaded = True

    def show(self, window: ViewerWindow, at_us: int) -> Sequence[Reader]:
        """Publish the list if it has changed. Return the readers to wake."""
        ranked = sorted(self._rows.values(), key=lambda row: (-row.views_today, row.post_id))
        posts = [row.shown(window.count(row.post_id)) for row in ranked]
        if not self.loaded or (posts == self._shown and self.board.seq):
            return ()
        self._shown = posts
        return self.board.publish(f'"posts":{_encoder.encode(posts).decode()},"at":"{at(at_us)}"')


def _raise(row: TopRow, views: int, unique: int) -> None:
    row.views += max(0, views - row.views_today)
    row.views_today = max(views, row.views_today)
    row.unique_viewers_today = max(unique, row.unique_viewers_today)


def at(time_us: int) -> str:
    """Write a time as RFC 3339, to the millisecond."""
    return dt.datetime.fromtimestamp(time_us / 1_000_000, dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.") + (
        f"{time_us // 1000 % 1000:03d}Z"
    )
