"""Counters of a day as another system kept them: a row's rules, and what it adds up to. Pure."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Final

import msgspec

from vts.model.tally import DIMENSIONS, SITE, Breakdowns
from vts.model.view import POST_ID_MAX

COUNT_MAX: Final = 10**15  # sums of a thousand of them still fit into 64 bits
VALUE_MAX_CHARS: Final = 255
VALUES_MAX: Final = 1_000  # of one breakdown; a hundred are kept
FIRST_DATE: Final = dt.date(1970, 1, 1)

Count = Annotated[int, msgspec.Meta(ge=0, le=COUNT_MAX)]
Value = Annotated[str, msgspec.Meta(min_length=1, max_length=VALUE_MAX_CHARS)]
Pairs = Annotated[list[Count], msgspec.Meta(min_length=2, max_length=2)]


class BadRow(ValueError):
    """A row contradicts itself. The text is `field: what is wrong`."""


class DailyRow(msgspec.Struct, frozen=True, kw_only=True):
    """One content's day. `breakdowns` are {"country": {"BR": 3}}, or [all, authenticated] in place of a count.

    post_id 0 is the whole site; a row of it may leave out its views and give the unique viewers alone.
    `total_views` and its twin are what an exported `post_stats_daily` calls views; its viewers are those counted there
    and, apart, those that it had imported itself.
    """

    post_id: Annotated[int, msgspec.Meta(ge=0, le=POST_ID_MAX)]
    day: dt.date
    views: Count = 0
    views_authenticated: Count = 0
    total_views: Count | None = None
    total_views_authenticated: Count | None = None
    unique_viewers: Count | None = None
    unique_viewers_authenticated: Count | None = None
    unique_viewers_imported: Count = 0
    unique_viewers_imported_authenticated: Count = 0
    first_view_at: dt.datetime | None = None
    last_view_at: dt.datetime | None = None
    breakdowns: dict[str, dict[Value, Count | Pairs]] | None = None

    def __post_init__(self) -> None:
        for name in ("views", "views_authenticated"):
            exported = getattr(self, f"total_{name}")
            if exported is not None and not getattr(self, name):
                msgspec.structs.force_setattr(self, name, exported)
        if self.breakdowns is not None:
            msgspec.structs.force_setattr(self, "breakdowns", _paired(self.breakdowns))

    @property
    def viewers(self) -> tuple[int, int]:
        """How many different viewers: all, authenticated; 0 where it is not known."""
        return (
            (self.unique_viewers or 0) + self.unique_viewers_imported,
            (self.unique_viewers_authenticated or 0) + self.unique_viewers_imported_authenticated,
        )

    def span(self) -> tuple[dt.datetime, dt.datetime]:
        """Return the first and the last view's time; where they are not known, the ends of the day."""
        start = dt.datetime.combine(self.day, dt.time(), dt.UTC)
        return self.first_view_at or start, self.last_view_at or start + dt.timedelta(days=1, microseconds=-1)

    def pairs(self) -> Breakdowns:
        """Return the breakdowns as they are stored. They are the row's own: not to be changed."""
        paired: Any = self.breakdowns or {}  # since `__post_init__`
        return {dimension: values for dimension, values in paired.items() if values}


def _paired(breakdowns: dict[str, dict[str, int | list[int]]]) -> dict[str, dict[str, list[int]]]:
    return {
        dimension: {value: n if isinstance(n, list) else [n, 0] for value, n in values.items()}
        for dimension, values in breakdowns.items()
    }


class SiteRow(DailyRow, frozen=True, kw_only=True):
    """One day of the whole site, as `site_views_daily` leaves. It needs no post_id, and takes no content's."""

    post_id: Annotated[int, msgspec.Meta(ge=SITE, le=SITE)] = SITE


def check(row: DailyRow) -> None:
    """Raise BadRow for a row that contradicts itself."""
    if row.day < FIRST_DATE:
        raise BadRow("day: before 1970")
    if row.post_id == SITE and not row.views and any(row.viewers) and not row.breakdowns:
        return
    if not row.views:
        raise BadRow("views: at least 1 is expected")
    if row.views_authenticated > row.views:
        raise BadRow("views_authenticated: more than views")
    all_viewers, signed_viewers = row.viewers
    if all_viewers > row.views:
        raise BadRow("unique_viewers: more than views")
    if signed_viewers > min(row.views_authenticated, all_viewers):
        raise BadRow("unique_viewers_authenticated: more than views_authenticated or unique_viewers")
    _check_span(row)
    for dimension, pairs in row.pairs().items():
        _check_breakdown(row, dimension, pairs)


def _check_span(row: DailyRow) -> None:
    for field in ("first_view_at", "last_view_at"):
        when: dt.datetime | None = getattr(row, field)
        if when is not None and (when.tzinfo is None or when.astimezone(dt.UTC).date() != row.day):
            raise BadRow(f"{field}: not a time (with its offset) of this UTC day")
    first, last = row.span()
    if first > last:
        raise BadRow("first_view_at: after last_view_at")


def _check_breakdown(row: DailyRow, dimension: str, pairs: dict[str, list[int]]) -> None:
    if dimension not in DIMENSIONS:
        raise BadRow(f"breakdowns: one of {', '.join(DIMENSIONS)} is expected")
    if len(pairs) > VALUES_MAX:
        raise BadRow(f"breakdowns.{dimension}: more than {VALUES_MAX} values")
    if any("\0" in value for value in pairs):
        raise BadRow(f"breakdowns.{dimension}: a value has a NUL character")
    views = signed = 0
    for pair in pairs.values():
        if pair[1] > pair[0]:
            raise BadRow(f"breakdowns.{dimension}: more authenticated views than views")
        views += pair[0]
        signed += pair[1]
    if views > row.views or signed > row.views_authenticated:
        raise BadRow(f"breakdowns.{dimension}: adds up to more than the views")
