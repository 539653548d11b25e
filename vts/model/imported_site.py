"""How much of what was imported for one day of the site counts. Pure.

A day's views come in twice: in the rows of the contents and in the site's own row. Both are of the same views, so the
larger one counts, in any order and any number of parts.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from vts.model import tally
from vts.model.tally import Breakdowns


class DayViews(NamedTuple):
    """Views of a day, of them authenticated, and their breakdowns."""

    views: int = 0
    views_authenticated: int = 0
    breakdowns: Breakdowns = {}  # noqa: RUF012 -- never changed

    def plus(self, views: tuple[int, int], breakdowns: Breakdowns) -> DayViews:
        """Return the sum, of each breakdown the largest values as of every closed day."""
        merged: Breakdowns = {}
        for part in (self.breakdowns, breakdowns):
            tally.merge(merged, part)
        for values in merged.values():
            tally.fold(values)
        return DayViews(self.views + views[0], self.views_authenticated + views[1], merged)

    def minus(self, views: tuple[int, int], breakdowns: Breakdowns) -> DayViews:
        """Return what is left without something that was added."""
        left = {dimension: {value: [*pair] for value, pair in of.items()} for dimension, of in self.breakdowns.items()}
        replace(left, breakdowns, {})
        return DayViews(max(0, self.views - views[0]), max(0, self.views_authenticated - views[1]), left)


class SiteDay(NamedTuple):
    """A day by the contents' rows and by the site's rows."""

    contents: DayViews = DayViews()
    site: DayViews = DayViews()

    def counted(self) -> DayViews:
        """Return what the site's day has of it, besides what was counted here. More imports never make it less."""
        larger = self.site if self.site.views >= self.contents.views else self.contents
        signed = max(self.site.views_authenticated, self.contents.views_authenticated)
        return DayViews(larger.views, signed, larger.breakdowns)


NOTHING: Final = SiteDay()


def replace(into: Breakdowns, former: Breakdowns, present: Breakdowns) -> None:
    """Take the pairs of `former` out of `into`, where some may have been folded into `other`, and add `present`."""
    for dimension, values in former.items():
        known = into.get(dimension, {})
        for value, pair in values.items():
            _take(known, value, pair)
        into[dimension] = {value: pair for value, pair in known.items() if pair[0]}
    tally.merge(into, present)
    for dimension in [dimension for dimension, values in into.items() if not values]:
        del into[dimension]


def _take(values: tally.Breakdown, value: str, pair: tally.Pair) -> None:
    for who, count in enumerate(pair):
        left = count
        for place in (value, tally.OTHER):
            if place in values:
                taken = min(left, values[place][who])
                values[place][who] -= taken
                left -= taken
