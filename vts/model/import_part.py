"""What an import added to a day's row of counters, and what the row is without it. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from vts.model import sketch, tally
from vts.model.day import date_of, datetime_of
from vts.model.imported_site import replace
from vts.model.site import EVENT_TYPES, SiteEvent
from vts.model.site_tally import SiteTally
from vts.model.site_tally import add as add_events
from vts.model.tally import SITE, Breakdowns, Increments, Tally, add, gather, regrouped
from vts.model.view import ViewEvent

SITE_EVENTS: Final = -1  # in the place of a post_id: page views and host events

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


def united(parts: tuple[Sequence[bytes | None], Sequence[bytes | None]]) -> tuple[Sketches, tuple[int, int]]:
    """Return the union of sketches, and how many viewers it has: of all, of the authenticated."""
    unions = (sketch.Union(), sketch.Union())
    for whole, stored in zip(unions, parts, strict=True):
        for one in stored:
            whole.add(one)
    (every, n), (signed, n_signed) = unions[0].result(), unions[1].result()
    return (every, signed), (n, n_signed)


def _less(pair: tuple[int, int], taken: Sequence[int]) -> tuple[int, int]:
    return max(0, pair[0] - taken[0]), max(0, pair[1] - taken[1])


def view_parts(events: Iterable[ViewEvent]) -> list[Part]:
    """Return the parts of views that are counted one by one: of each content's days, and of the site's."""
    increments: Increments = {}
    gather(increments, events)
    increments |= regrouped(increments, lambda post_id: SITE)
    parts = []
    for (post_id, day), increment in increments.items():
        one = Tally()
        add(one, increment)
        seen, _ = sketch.grown(None, increment.viewers)
        signed = [viewer for viewer, is_signed in zip(increment.viewers, increment.signed, strict=True) if is_signed]
        times = (one.first_us, one.last_us, one.first_authenticated_us, one.last_authenticated_us)
        first, last, first_signed, last_signed = (None if at is None else datetime_of(at) for at in times)
        parts.append(
            Part(
                post_id,
                date_of(day),
                [one.views, one.views_authenticated, 0, 0],
                one.breakdowns,
                (first, last, first_signed, last_signed),
                (seen, sketch.grown(None, signed)[0] if signed else None),
            )
        )
    return parts


def site_parts(events: Iterable[SiteEvent]) -> list[Part]:
    """Return the parts of page views and host events that are counted one by one."""
    by_day: dict[int, list[SiteEvent]] = {}
    for event in events:
        by_day.setdefault(event.event_day, []).append(event)
    return [_site_part(day, some) for day, some in by_day.items()]


def _site_part(day: int, events: Sequence[SiteEvent]) -> Part:
    one = SiteTally()
    add_events(one, events)
    pages = [event for event in events if event.event_type == "page_view"]
    every = [sketch.number_of(event.viewer_key) for event in pages]
    signed = [sketch.number_of(event.viewer_key) for event in pages if event.authenticated]
    counts = [number for name in EVENT_TYPES for number in one.counts[name]]
    sketches = (sketch.grown(None, every)[0] if every else None, sketch.grown(None, signed)[0] if signed else None)
    return Part(SITE_EVENTS, date_of(day), [*counts, 0, 0], one.breakdowns, sketches=sketches)


def reduced(part: Part, moved: Part) -> Part:
    """Return a part without events that are no longer the import's. Its times and viewers stay: they are bounds."""
    breakdowns = {name: {value: [*pair] for value, pair in values.items()} for name, values in part.breakdowns.items()}
    replace(breakdowns, moved.breakdowns, {})
    counts = [max(0, known - less) for known, less in zip(part.counts, moved.counts, strict=True)]
    return part._replace(counts=counts, breakdowns=breakdowns)


def before_with(before: Part | None, moved: Part) -> Part:
    """Return the part of `BEFORE` with events that an import had added to the row; None where there was no row."""
    known = Part(moved.post_id, moved.day, [0], {}) if before is None else before
    first, last, first_signed, last_signed = (
        pick((at for at in pair if at is not None), default=None)
        for pick, pair in zip((min, max, min, max), zip(known.times, moved.times, strict=True), strict=True)
    )
    every, signed = zip(known.sketches, moved.sketches, strict=True)
    sketches, _ = united((every, signed))
    counts = [known.counts[0] + moved.counts[0], *known.counts[1:]]
    return Part(moved.post_id, moved.day, counts, {}, (first, last, first_signed, last_signed), sketches)
