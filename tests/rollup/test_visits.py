"""Visits to the site's pages: worked examples, late rows, days without raw rows, and what a model counts."""

from __future__ import annotations

import random
from typing import Any

import pytest
from msgspec.structs import replace

from tests.rollup.visit_model import ANA, BOB, EVE, analysed, model, seen_at, some_page_view, stored_visits
from tests.rollup.world import RAW_DAYS, RolledSite
from tests.store.drained import DAY
from vts.model.day import DAY_US, date_of, datetime_of, day_of
from vts.model.site import SiteEvent
from vts.query.export.answer_tables import tables_in
from vts.query.site import answer
from vts.query.site_load import site_facts
from vts.store.session.connection import Database
from vts.store.session.pool import Readers

TWINS = ("", "_authenticated")


@pytest.fixture
def world(database: Database) -> RolledSite:
    return RolledSite(database, random.Random(20260102))


def page_view(world: RolledSite, who: bytes, time: str, day: int = DAY, **fields: Any) -> SiteEvent:
    hours, minutes, seconds = (float(part) for part in time.split(":"))
    at_us = day * DAY_US + round(((hours * 60 + minutes) * 60 + seconds) * 1e6)
    return seen_at(world, who, at_us, **{"authenticated": False, **fields})


async def asked(world: RolledSite, days: int = 1) -> dict[str, Any]:
    today = day_of(world.now_us)
    facts = await site_facts(Readers(world.database), today - days + 1, today, today)
    return answer(facts, limit=10, player_of=lambda key: None, now_us=world.now_us, lag_s=0.0)


def said(body: dict[str, Any], twin: str = "") -> tuple[Any, ...]:
    return tuple(body[name + twin] for name in ("visits", "pages_per_visit", "seconds_per_visit", "bounce_rate"))


async def test_the_worked_example(world: RolledSite) -> None:
    """Ana, signed in, has two visits, Bob one page, Eve one visit before midnight and one after it."""
    await world.drained(
        [
            page_view(world, ANA, "09:00:00", authenticated=True),
            page_view(world, ANA, "09:10:00", authenticated=True),
            page_view(world, ANA, "09:40:00", authenticated=True),  # 30 min after: the same visit
            page_view(world, ANA, "10:10:00.001", authenticated=True),  # a moment longer: another one
            page_view(world, BOB, "09:05:00"),
            page_view(world, EVE, "23:58:00", DAY - 1),
            page_view(world, EVE, "23:59:00", DAY - 1),
            page_view(world, EVE, "00:01:00"),
            page_view(world, EVE, "00:02:30"),
            replace(world.visit("signup"), viewer_key=ANA, authenticated=True),  # no page view
        ]
    )
    before = await asked(world)
    assert said(before) == (0, None, None, None) and before["daily_trend"][0]["visits"] is None
    assert before["analytics_lag_seconds"] == 20 * 3600  # since the hour of the first page view
    await analysed(world)
    body = await asked(world)
    # Ana 3 pages in 2,400 s, and 1; Bob 1; Eve 2 in 90 s.
    assert said(body) == (4, 1.75, 622.5, 0.5)
    assert said(body, "_authenticated") == (2, 2.0, 1200.0, 0.5)
    assert body["analytics_lag_seconds"] == 0.0
    both = await asked(world, 3)
    assert said(both) == (5, 1.8, 510.0, 0.4)
    assert [said(day) for day in both["daily_trend"]] == [(0, None, None, None), (1, 2.0, 60.0, 0.0), said(body)]
    assert said(both["daily_trend_authenticated"][1]) == (0, None, None, None)
    table = tables_in(both)["daily_trend"]
    places = [[column.name for column in table.columns].index(f"seconds_per_visit{twin}") for twin in TWINS]
    assert [[row[place] for place in places] for row in table.rows] == [[None, None], [60.0, None], [622.5, 1200.0]]


async def test_a_late_page_view_joins_two_visits_also_on_a_day_that_was_rolled_up(world: RolledSite) -> None:
    await world.drained([page_view(world, ANA, "10:00:00"), page_view(world, ANA, "10:40:00")])
    await world.day_passes()
    await world.roll()
    assert said(await asked(world, 2)) == (2, 1.0, 0.0, 1.0)
    await world.drained([page_view(world, ANA, "10:20:00")])
    await analysed(world)
    assert said(await asked(world, 2)) == (1, 3.0, 2400.0, 0.0)
    await world.day_passes(0, minutes=11)
    await world.roll()
    assert said(await asked(world, 2)) == (1, 3.0, 2400.0, 0.0)


async def test_days_without_raw_page_views_keep_what_they_had_or_say_nothing(world: RolledSite) -> None:
    """Of history that was imported, and of days before visits were computed, only page views are known."""
    await world.drained([page_view(world, ANA, "10:00:00"), page_view(world, ANA, "10:01:00")])
    await world.fetch(
        "INSERT INTO site_stats_daily SELECT (jsonb_populate_record(one, jsonb_build_object('day', $1::date))).* "
        "FROM site_stats_daily AS one",
        date_of(DAY - 3),
    )
    await world.fetch("INSERT INTO rollup_days (day, dropped_at) VALUES ($1, $2)", date_of(DAY - 3), datetime_of(0))
    await analysed(world)
    body = await asked(world, 4)
    assert [day["page_views"] for day in body["daily_trend"]] == [2, 0, 0, 2]
    assert [day["visits"] for day in body["daily_trend"]] == [None, 0, 0, 1]
    assert (said(body), body["analytics_lag_seconds"]) == ((1, 2.0, 60.0, 0.0), 0.0)
    await world.day_passes(RAW_DAYS + 1)
    await world.roll()
    assert await world.partitions() == []
    await world.drained([page_view(world, ANA, "10:02:00")])  # is merged into the counts of the day alone
    await analysed(world)
    body = await asked(world, RAW_DAYS + 2)
    assert (body["page_views"], said(body), body["analytics_lag_seconds"]) == (3, (1, 2.0, 60.0, 0.0), 0.0)


async def test_any_day_is_what_a_model_counts(world: RolledSite) -> None:
    events = [some_page_view(world, DAY - n) for n in (0, 1) for _ in range(150)]
    await world.drained(events)
    await analysed(world)
    by_day = {day: [event for event in events if event.event_day == day] for day in (DAY - 1, DAY)}
    assert await stored_visits(world) == {day: model(seen) for day, seen in by_day.items()}
