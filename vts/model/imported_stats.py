"""Rows of history beside views: the site's events of a day, who watched what, what providers count. Pure."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Final

import msgspec

from vts.model.imports import COUNT_MAX, FIRST_DATE, VALUES_MAX, BadRow, Count, Pairs, Value
from vts.model.site import EVENT_TYPES
from vts.model.site_tally import ERROR_DIMENSION, PAGE_DIMENSIONS
from vts.model.tally import Breakdowns
from vts.model.view import POST_ID_MAX

SECONDS_MAX: Final = 1e9  # thirty years
URL_MAX_CHARS: Final = 4096
COUNT_NAMES: Final = ("page_views", "signups", "uploads", "api_calls", "errors")
"""In the order of EVENT_TYPES."""
SITE_DIMENSIONS: Final = (*PAGE_DIMENSIONS, ERROR_DIMENSION)

Seconds = Annotated[float, msgspec.Meta(ge=0, le=SECONDS_MAX)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Word = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]

assert len(COUNT_NAMES) == len(EVENT_TYPES)


class SiteStatsRow(msgspec.Struct, frozen=True, kw_only=True):
    """A day of the whole site: what an exported `site_stats_daily` has. `breakdowns` as in `DailyRow`.

    page, country, device, referrer and hour_utc count page views, error_type counts errors.
    """

    day: dt.date
    page_views: Count = 0
    page_views_authenticated: Count = 0
    unique_visitors: Count = 0
    unique_visitors_authenticated: Count = 0
    unique_visitors_imported: Count = 0
    unique_visitors_imported_authenticated: Count = 0
    signups: Count = 0
    signups_authenticated: Count = 0
    uploads: Count = 0
    uploads_authenticated: Count = 0
    api_calls: Count = 0
    api_calls_authenticated: Count = 0
    errors: Count = 0
    errors_authenticated: Count = 0
    breakdowns: dict[str, dict[Value, Count | Pairs]] | None = None

    def counts(self) -> list[int]:
        """Return pairs of [all, authenticated]: events in the order of EVENT_TYPES, then visitors."""
        names = [name for one in COUNT_NAMES for name in (one, f"{one}_authenticated")]
        return [*(getattr(self, name) for name in names), *self.visitors()]

    def visitors(self) -> tuple[int, int]:
        """Return how many different visitors of pages: all, authenticated."""
        return (
            self.unique_visitors + self.unique_visitors_imported,
            self.unique_visitors_authenticated + self.unique_visitors_imported_authenticated,
        )

    def pairs(self) -> Breakdowns:
        """Return the breakdowns as they are stored."""
        return {
            dimension: {value: n if isinstance(n, list) else [n, 0] for value, n in values.items()}
            for dimension, values in (self.breakdowns or {}).items()
            if values
        }


def check_site_stats(row: SiteStatsRow) -> None:
    """Raise BadRow for a row that contradicts itself."""
    if row.day < FIRST_DATE:
        raise BadRow("day: before 1970")
    if not any(row.counts()):
        raise BadRow("page_views: at least one event is expected")
    for name in COUNT_NAMES:
        if getattr(row, f"{name}_authenticated") > getattr(row, name):
            raise BadRow(f"{name}_authenticated: more than {name}")
    every, signed = row.visitors()
    if every > row.page_views:
        raise BadRow("unique_visitors: more than page_views")
    if signed > min(every, row.page_views_authenticated):
        raise BadRow("unique_visitors_authenticated: more than unique_visitors or page_views_authenticated")
    for dimension, pairs in row.pairs().items():
        _check_breakdown(row, dimension, pairs)


def _check_breakdown(row: SiteStatsRow, dimension: str, pairs: dict[str, list[int]]) -> None:
    if dimension not in SITE_DIMENSIONS:
        raise BadRow(f"breakdowns: one of {', '.join(SITE_DIMENSIONS)} is expected")
    if len(pairs) > VALUES_MAX:
        raise BadRow(f"breakdowns.{dimension}: more than {VALUES_MAX} values")
    if any("\0" in value for value in pairs):
        raise BadRow(f"breakdowns.{dimension}: a value has a NUL character")
    if any(signed > n for n, signed in pairs.values()):
        raise BadRow(f"breakdowns.{dimension}: more authenticated than all")
    name = "errors" if dimension == ERROR_DIMENSION else "page_views"
    for place, most in enumerate((getattr(row, name), getattr(row, f"{name}_authenticated"))):
        if sum(pair[place] for pair in pairs.values()) > most:
            raise BadRow(f"breakdowns.{dimension}: adds up to more than {name}")


class HistoryRow(msgspec.Struct, frozen=True, kw_only=True):
    """That a user watched something: one of channel_id, vod_movie_id, vod_series_id, ref and post_id says what."""

    user_id: Annotated[int, msgspec.Meta(ge=1, le=POST_ID_MAX)]
    started_at: dt.datetime
    post_id: Annotated[int, msgspec.Meta(ge=1, le=POST_ID_MAX)] | None = None
    ref: int | str | None = None
    channel_id: int | str | None = None
    vod_movie_id: int | str | None = None
    vod_series_id: int | str | None = None
    ended_at: dt.datetime | None = None
    duration_seconds: Seconds = 0.0
    position_seconds: Seconds | None = None
    completed: bool = False
    stream_url: Annotated[str, msgspec.Meta(max_length=URL_MAX_CHARS)] | None = None


WATCHED: Final = {"channel_id": "channel", "vod_movie_id": "movie", "vod_series_id": "series"}
"""Field → kind of the content that it names."""


def check_history(row: HistoryRow) -> None:
    """Raise BadRow for a row that contradicts itself."""
    named = [name for name in ("post_id", "ref", *WATCHED) if getattr(row, name) is not None]
    if len(named) != 1:
        raise BadRow(f"{', '.join(WATCHED)}, ref: exactly one of them is expected")
    for name in ("started_at", "ended_at"):
        at: dt.datetime | None = getattr(row, name)
        if at is not None and (at.tzinfo is None or at.year < FIRST_DATE.year):
            raise BadRow(f"{name}: a time with its offset, not before 1970, is expected")
    if row.ended_at is not None and row.ended_at < row.started_at:
        raise BadRow("ended_at: before started_at")


class ProviderRow(msgspec.Struct, frozen=True, kw_only=True):
    """What the provider of a stream counts for a day of it. Names as in the answers about streams."""

    provider: Word
    stream_id: int | str
    day: dt.date
    views: Count | None = None
    unique_viewers: Count | None = None
    total_watch_seconds: Annotated[float, msgspec.Meta(ge=0, le=COUNT_MAX)] | None = None
    avg_watch_seconds: Seconds | None = None
    peak_concurrent_viewers: Count | None = None
    buffer_seconds: Annotated[float, msgspec.Meta(ge=0, le=COUNT_MAX)] | None = None
    buffer_ratio: Annotated[float, msgspec.Meta(ge=0)] | None = None
    error_rate: Share | None = None
    bandwidth_bytes: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)] | None = None
    top_countries: dict[Value, Count] = {}
    device_breakdown: dict[Value, Count] = {}


PROVIDED: Final = (
    "views",
    "unique_viewers",
    "total_watch_seconds",
    "avg_watch_seconds",
    "peak_concurrent_viewers",
    "buffer_seconds",
    "buffer_ratio",
    "error_rate",
    "bandwidth_bytes",
)


def check_provider(row: ProviderRow) -> None:
    """Raise BadRow for a row that says nothing or contradicts itself."""
    if row.day < FIRST_DATE:
        raise BadRow("day: before 1970")
    if all(getattr(row, name) is None for name in PROVIDED):
        raise BadRow(f"{', '.join(PROVIDED)}: at least one of them is expected")
    for name in ("top_countries", "device_breakdown"):
        values: dict[str, int] = getattr(row, name)
        if len(values) > VALUES_MAX:
            raise BadRow(f"{name}: more than {VALUES_MAX} values")
        if any("\0" in value for value in values):
            raise BadRow(f"{name}: a value has a NUL character")
