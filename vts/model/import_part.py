"""What an import added to a day's row of counters, and what the row is without it. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import NamedTuple

from vts.model import sketch, tally
from vts.model.imported_site import replace
from vts.model.tally import Breakdowns

BEFORE = ""  # the import_id under which a row is kept as it was before its first import

Times = tuple[dt.datetime | None, dt.datetime | None, dt.datetime | None, dt.datetime | None]
"""First and last view; first and last authenticated view."""
Sketches = tuple[bytes | None, bytes | None]
NO_TIMES: Times = (None, None, None, None)


class Part(NamedTuple):
    """What one import added to one day of a content (post_id 0: the site's views; -1: its page views and events).

    `counts` are pairs of [all, authenticated], one after another: views and imported viewers.
    """

    post_id: int
    day: dt.date
    counts: list[int]
    breakdowns: Breakdowns
    times: Times = NO_TIMES
    sketches: Sketches = (None, None)


class Removal(NamedTuple):
    """What is taken out of a row: counts as in `Part`; `present` stands in the place of the breakdowns in `former`."""

    counts: Sequence[int]
    former: Breakdowns
    present: Breakdowns
    has_viewers: bool


class Rest(NamedTuple):
    """What is known of a row besides the import: its sum of views, its times, and the sketches of its viewers."""

    views: int
    times: Times
    sketches: tuple[Sequence[bytes], Sequence[bytes]]


class DayRow(NamedTuple):
    """A row of daily counters; its fields are pairs of [all, authenticated]."""

    views: tuple[int, int]
    viewers: tuple[int, int]
    imported: tuple[int, int]
    times: Times
    breakdowns: Breakdowns
    sketches: Sketches


def without(row: DayRow, removal: Removal, rest: Rest) -> DayRow:
    """Return a row without an import. `row.breakdowns` are changed.

    Views that came later, and are in no import, are a part of the row, too. Then its times stay, and so do its viewers:
    a sketch gives none back.
    """
    views = _less(row.views, removal.counts[:2])
    imported = _less(row.imported, removal.counts[2:])
    replace(row.breakdowns, removal.former, removal.present)
    for values in row.breakdowns.values():
        tally.fold(values)
    is_known = views[0] <= rest.views
    times = row.times if not is_known or rest.times[0] is None else rest.times
    if not views[1]:
        times = (*times[:2], None, None)
    sketches, viewers = row.sketches, row.viewers
    if is_known and removal.has_viewers:
        sketches, viewers = united(rest.sketches)
    viewers = min(viewers[0], views[0]), min(viewers[1], views[1])
    return DayRow(views, viewers, imported, times, row.breakdowns, sketches)


def united(parts: tuple[Sequence[bytes], Sequence[bytes]]) -> tuple[Sketches, tuple[int, int]]:
    """Return the union of sketches, and how many viewers it has: of all, of the authenticated."""
    unions = (sketch.Union(), sketch.Union())
    for whole, stored in zip(unions, parts, strict=True):
        for one in stored:
            whole.add(one)
    (every, n), (signed, n_signed) = unions[0].result(), unions[1].result()
    return (every, signed), (n, n_signed)


def _less(pair: tuple[int, int], taken: Sequence[int]) -> tuple[int, int]:
    return max(0, pair[0] - taken[0]), max(0, pair[1] - taken[1])
