"""What must be displayed, kept the plain way: a list of all that was acknowledged, counted anew for every question.

It knows nothing of the product but the names in its answers. A view is displayed once it was drained; a roll-up leaves
out those of a content's first owner from before that owner was known, as long as the day's raw rows are kept.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Hashable, Iterable
from typing import Any

import msgspec

DAY_US = 86_400_000_000
SITE = 0
BREAKDOWNS = ("country", "device", "type", "source", "channel", "play_order", "referrer", "hour_local", "playlist")

Owners = list[tuple[int, int | None]]
"""Who owned a thing from when on, the first entry being how it was made."""


class Seen(msgspec.Struct, kw_only=True):
    """A view. `viewer` is what identifies a person; `facts` are the values under which it counts."""

    post_id: int
    at_us: int
    viewer: Hashable
    user: int | None = None
    player: bytes | None = None
    facts: dict[str, str] = {}
    counts: bool = True

    @property
    def day(self) -> int:
        return self.at_us // DAY_US

    @property
    def signed(self) -> bool:
        return self.user is not None


class Imported(msgspec.Struct, kw_only=True):
    """A day of a content as another system counted it: [all, authenticated]."""

    post_id: int
    day: int
    views: tuple[int, int]
    viewers: tuple[int, int]
    country: str | None = None


class Visit(msgspec.Struct, kw_only=True):
    """An event of the site."""

    at_us: int
    kind: str
    viewer: Hashable


class Ledger:
    def __init__(self, raw_days: int) -> None:
        self.raw_days = raw_days
        self.waiting: list[Seen | Visit] = []
        self.copied: list[int] = []  # days of copies that wait: they bring the day's partition, and nothing in it
        self.views: list[Seen] = []
        self.visits: list[Visit] = []
        self.imported: list[Imported] = []
        self.owners: dict[int, Owners] = defaultdict(list)
        self.players: dict[bytes, Owners] = defaultdict(list)
        self.deleted: set[int] = set()
        self.days: set[int] = set()
        self.dropped: set[int] = set()
        self.emptied: set[int] = set()  # days whose only rows were undone: they are days all the same
        self.left_out = 0

    def owner(self, post_id: int) -> int | None:
        return self.owners[post_id][-1][1] if self.owners[post_id] else None

    def drained(self) -> None:
        for one in self.waiting:
            self.days.add(one.at_us // DAY_US)
            if isinstance(one, Seen):
                self.views.append(one)
            else:
                self.visits.append(one)
        self.days.update(self.copied)
        self.waiting, self.copied = [], []

    def rolled(self, now_us: int) -> None:
        """Every closed day with raw rows was rolled up, and the oldest lost their raw rows."""
        closed = (now_us - 60_000_000) // DAY_US
        for view in self.views:
            if view.day < closed and view.day not in self.dropped:
                view.counts = not self.is_early(view)
        self.left_out = sum(not view.counts for view in self.views)
        self.dropped |= {day for day in self.emptied.union(self.days) if day < now_us // DAY_US - self.raw_days}

    def is_early(self, view: Seen) -> bool:
        """Whether it is the first owner's, from before that was known."""
        first, since_us, until_us = _first(self.owners[view.post_id])
        if first is None:
            return False
        if view.user is not None or view.player is None:
            return view.user == first and view.at_us < since_us
        history = self.players[view.player]
        of_player, known_us, _ = _first(history)
        came_with_it = history[0][1] is not None
        return of_player == first and not came_with_it and view.at_us < min(known_us, until_us)

    # ---- answers

    def of_post(self, post_id: int, first: int, last: int) -> dict[str, Any]:
        """Answer for a content, or for the whole site."""
        views = [view for view in self.displayed() if post_id in (SITE, view.post_id)]
        rows = [row for row in self.imported if post_id in (SITE, row.post_id) and row.post_id != SITE]
        viewers = [row for row in self.imported if row.post_id == post_id]
        return _answer(views, rows, viewers, first, last)

    def of_artist(self, owner: int, first: int, last: int) -> dict[str, Any]:
        mine = {post_id for post_id in self.owners if self.owner(post_id) == owner}
        views = [view for view in self.displayed() if view.post_id in mine]
        rows = [row for row in self.imported if row.post_id in mine]
        return {"total_posts": len(mine - self.deleted)} | _answer(views, rows, [], first, last)

    def of_visits(self, first: int, last: int) -> dict[str, int]:
        seen = [one for one in self.visits if first <= one.at_us // DAY_US <= last]
        names = {"page_views": "page_view", "signups": "signup", "posts": "upload", "errors": "error"}
        counts = {name: sum(one.kind == kind for one in seen) for name, kind in names.items()}
        return counts | {"unique_visitors": len({one.viewer for one in seen if one.kind == "page_view"})}

    def totals(self, posts: Iterable[int], today: int) -> dict[int, tuple[int, int, int]]:
        """Views of all time, of today, and unique viewers of today, of those that have any."""
        found = {}
        for post_id in posts:
            mine = [view for view in self.displayed() if post_id in (SITE, view.post_id)]
            rows = [row for row in self.imported if row.post_id != SITE and post_id in (SITE, row.post_id)]
            now = [view for view in mine if view.day == today]
            whole = len(mine) + sum(row.views[0] for row in rows)
            if whole:
                found[post_id] = whole, len(now), len({view.viewer for view in now})
        return found

    def displayed(self) -> list[Seen]:
        return [view for view in self.views if view.counts]


def _first(history: Owners) -> tuple[int | None, int, int]:
    """Return the first owner, since when that is known, and when the thing passed on."""
    since_us, until_us, first = 0, 1 << 62, None
    for at_us, owner in history:
        if first is None and owner is not None:
            first, since_us = owner, at_us
        elif first is not None and owner != first:
            until_us = at_us
            break
    return first, since_us, until_us


def _answer(views: list[Seen], rows: list[Imported], viewers: list[Imported], first: int, last: int) -> dict[str, Any]:
    views = [view for view in views if first <= view.day <= last]
    rows = [row for row in rows if first <= row.day <= last]
    viewers = [row for row in viewers if first <= row.day <= last]
    body: dict[str, Any] = {}
    for who, suffix in ((0, ""), (1, "_authenticated")):
        mine = [view for view in views if view.signed or not who]
        fields = _counted(mine, rows, viewers, who) | {
            "daily_views": [_day(mine, rows, viewers, who, day) for day in range(first, last + 1)]
        }
        body |= {name + suffix: value for name, value in fields.items()}
    return body


def _counted(views: list[Seen], rows: list[Imported], viewers: list[Imported], who: int) -> dict[str, Any]:
    total = len(views) + sum(row.views[who] for row in rows)
    imported = sum(_imported(views, rows, viewers, who, day) for day in {row.day for row in viewers})
    spans = [view.at_us for view in views]
    for row in rows:
        spans += [row.day * DAY_US, (row.day + 1) * DAY_US - 1] if row.views[who] else []
    return {
        "total_views": total,
        "unique_viewers": min(total, len({view.viewer for view in views}) + imported),
        "unique_viewers_imported": imported,
        **{f"views_by_{name}": _broken_down(name, views, rows, who) for name in BREAKDOWNS},
        "first_view_at": _time(min(spans)) if spans else None,
        "last_view_at": _time(max(spans)) if spans else None,
    }


def _imported(views: list[Seen], rows: list[Imported], viewers: list[Imported], who: int, day: int) -> int:
    """No day has more viewers than views, also with wrong imports."""
    said = sum(row.viewers[who] for row in viewers if row.day == day)
    return min(said, _views(views, rows, who, day))


def _views(views: list[Seen], rows: list[Imported], who: int, day: int) -> int:
    return sum(view.day == day for view in views) + sum(row.views[who] for row in rows if row.day == day)


def _day(views: list[Seen], rows: list[Imported], viewers: list[Imported], who: int, day: int) -> dict[str, Any]:
    total = _views(views, rows, who, day)
    seen = len({view.viewer for view in views if view.day == day}) + _imported(views, rows, viewers, who, day)
    return {"date": str(dt.date(1970, 1, 1) + dt.timedelta(day)), "views": total, "unique_viewers": min(total, seen)}


def _broken_down(name: str, views: list[Seen], rows: list[Imported], who: int) -> dict[str, int]:
    found: dict[str, int] = defaultdict(int)
    for view in views:
        if name in view.facts:
            found[view.facts[name]] += 1
    for row in rows if name == "country" else []:
        if row.country is not None and row.views[who]:
            found[row.country] += row.views[who]
    return dict(found)


def _time(at_us: int) -> dt.datetime:
    return dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(microseconds=at_us)
