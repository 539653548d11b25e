"""A model of visits that follows their definition in docs/api.md, and random page views for it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from tests.rollup.world import RAW_DAYS, RolledSite
from vts.model import identity
from vts.model.day import DAY_US, HOUR_US, MINUTE_US, day_of, day_of_date
from vts.model.site import SiteEvent
from vts.rollup.analytics_actor import refresh

ANA, BOB, EVE = (bytes([n]) * 16 for n in (1, 2, 3))
MEASURES = ("visits", "page_views", "duration_ms", "bounces")


def seen_at(world: RolledSite, who: bytes, at_us: int, **fields: Any) -> SiteEvent:
    event_id = identity.version_7(at_us, world.chance.randbytes(10))
    event = world.visit(day=day_of(at_us))
    return replace(event, viewer_key=who, created_at=at_us, event_id=event_id, **fields)


async def analysed(world: RolledSite) -> None:
    connection = await world.database.connect("writer")
    await refresh(connection, day_of(world.now_us), RAW_DAYS)
    await connection.close()


async def stored_visits(world: RolledSite) -> dict[int, list[int]]:
    """The visits of all days: for each measure that of all and that of the authenticated."""
    columns = ", ".join(f"{name}, {name}_authenticated" for name in MEASURES)
    rows = await world.fetch(f"SELECT day, {columns} FROM visit_stats_daily")
    return {day_of_date(day): measured for day, *measured in rows}


def some_page_view(world: RolledSite, day: int) -> SiteEvent:
    """One of a crowded hour, often exactly half an hour or a day's edge away from others."""
    chance = world.chance
    at_us = day * DAY_US + chance.choice([0, 9 * HOUR_US, DAY_US - HOUR_US]) + chance.randrange(0, 60, 5) * MINUTE_US
    at_us += chance.choice([0, 0, 1000])
    who, signed = chance.choice([(ANA, True), (BOB, False), (EVE, False), (EVE, True)])
    return seen_at(world, who, at_us, authenticated=signed)


def model(events: Sequence[SiteEvent]) -> list[int]:
    """Count visits as the documentation says them: all, then authenticated, for each measure."""
    both = [visits_of(events), visits_of([event for event in events if event.authenticated])]
    return [
        measured[place]
        for place in range(len(MEASURES))
        for measured in (
            [
                len(visits),
                sum(len(visit) for visit in visits),
                sum(visit[-1] - visit[0] for visit in visits) // 1000,
                sum(len(visit) == 1 for visit in visits),
            ]
            for visits in both
        )
    ]


def visits_of(events: Sequence[SiteEvent]) -> list[list[int]]:
    times: dict[bytes, list[int]] = defaultdict(list)
    for event in events:
        times[event.viewer_key].append(event.created_at)
    visits: list[list[int]] = []
    for seen in times.values():
        last = None
        for at in sorted(seen):
            if last is None or at - last > 30 * MINUTE_US:
                visits.append([])
            visits[-1].append(at)
            last = at
    return visits
