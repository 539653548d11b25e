"""Visits in the answer about the site: time on site, pages of a visit, share of bounces. Pure.

What a visit is stands in `docs/api.md`; the days come from `visit_stats_daily`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from vts.model.tally import Pair
from vts.query.shape import WHO, total

UNKNOWN: Final[dict[str, None]] = dict.fromkeys(("visits", "pages_per_visit", "seconds_per_visit", "bounce_rate"))


class VisitDay(msgspec.Struct, frozen=True, kw_only=True):
    """The visits of a day, or of several; pairs [all, authenticated]. `page_views` are those of the visits."""

    visits: Pair
    page_views: Pair
    duration_ms: Pair
    bounces: Pair


def totals(days: Iterable[VisitDay]) -> dict[str, Sequence[Any]]:
    """Return the measures of several days together, as twins. Days that are not there are in none of them."""
    several = list(days)
    added = VisitDay(**{name: total(getattr(day, name) for day in several) for name in VisitDay.__struct_fields__})
    both = [_measures(added, who) for who in WHO]
    return {name: [one[name] for one in both] for name in UNKNOWN}


def of_day(day: VisitDay | None, page_views: int, who: int) -> Mapping[str, Any]:
    """Return the measures of one day; null where it had page views and its visits are not known."""
    if day is not None:
        return _measures(day, who)
    return UNKNOWN if page_views else UNKNOWN | {"visits": 0}


def _measures(day: VisitDay, who: int) -> dict[str, Any]:
    """A mean or a share of nothing is null."""
    visits = day.visits[who]
    return {
        "visits": visits,
        "pages_per_visit": _ratio(day.page_views[who], visits),
        "seconds_per_visit": _ratio(day.duration_ms[who] / 1000, visits),
        "bounce_rate": _ratio(day.bounces[who], visits),
    }


def _ratio(part: float, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None
