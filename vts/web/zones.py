"""In which time zone the days of a question are: UTC, or the zone that it names, for the whole site the site's."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import cache, partial
from typing import Any, Final

from quart import Request

from vts.enrich.timezones import TimeZones
from vts.query.shape import worked_out
from vts.query.zone_days import HourRow, Zone, ZoneDays, in_zone, zone_days
from vts.query.zone_days_load import Counted
from vts.web.answers import Problem

UTC: Final = "UTC"

HourRows = Callable[[Counted, int, int, int], Awaitable[list[HourRow]]]


@cache
def _time_zones() -> TimeZones:
    return TimeZones()


class Zones:
    """The zones there are, and that of the site."""

    def __init__(self, site: str = UTC) -> None:
        self._site = site

    def asked(self, asked: Request) -> Zone | None:
        """Return the zone that a question names, None for none. Raises Problem 400 for one that is unknown."""
        name = asked.args.get("tz")
        return None if name is None else self._named(name)

    def of_site(self, asked: Request) -> Zone | None:
        """Return the zone of a question about the site: the one that it names, else the site's, if it is not UTC."""
        zone = self.asked(asked)
        return self._named(self._site) if zone is None and self._site != UTC else zone

    def _named(self, name: str) -> Zone:
        rules = _time_zones().zone(name)
        if rules is None:
            raise Problem(400, "tz: a name of an IANA time zone is expected, like Europe/Berlin")
        return Zone(name, rules)


async def views_in_zone(
    body: dict[str, Any], zone: Zone | None, days: tuple[int, int], hour_rows: HourRows, counted: Counted, name: int
) -> dict[str, Any]:
    """Return the answer about a content or an artist with the days of a zone. Raises StoreUnavailable."""
    if zone is None:
        return body
    rows = await hour_rows(counted, name, *days)
    work = partial(_views_in_zone, body, zone, days, rows)
    return await worked_out(len(rows), work)


async def site_hours(zone: Zone | None, days: tuple[int, int], hour_rows: HourRows) -> dict[str, tuple[str, ZoneDays]]:
    """Return what the site's days of a zone counted: views and page views. Raises StoreUnavailable."""
    if zone is None:
        return {}
    pages, views = await hour_rows("page_views", 0, *days), await hour_rows("post", 0, *days)
    page_days, view_days = await worked_out(len(views), lambda: (zone_days(pages, zone), zone_days(views, zone)))
    return {"page_views": ("page_views", page_days), "views": ("total_views", view_days)}


def _views_in_zone(body: dict[str, Any], zone: Zone, days: tuple[int, int], rows: list[HourRow]) -> dict[str, Any]:
    return in_zone(body, zone, days, "daily_views", {"views": ("total_views", zone_days(rows, zone))})
