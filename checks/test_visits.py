"""Visits over random histories against a model: late rows, roll-ups again and again, days that lose their raw rows."""

from __future__ import annotations

import random
from collections import defaultdict

import pytest

from tests.rollup.visit_model import analysed, model, some_page_view, stored_visits
from tests.rollup.world import RAW_DAYS, RolledSite
from tests.support.postgres import database, empty_database, postgres_server  # noqa: F401
from vts.model.day import day_of, day_of_date
from vts.model.site import SiteEvent
from vts.store.session.connection import Database


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_any_history_is_what_a_model_counts(database: Database, seed: int) -> None:  # noqa: F811
    """Page views come in any order, on any raw day; days are rolled up, and dropped with their rows."""
    world = RolledSite(database, chance := random.Random(seed))
    kept: dict[int, list[SiteEvent]] = defaultdict(list)
    frozen: dict[int, list[int]] = {}
    for _ in range(16):
        today = day_of(world.now_us)
        days = [today - n for n in range(RAW_DAYS) if today - n not in frozen]
        new = [some_page_view(world, chance.choice(days)) for _ in range(chance.randrange(1, 12))]
        await world.drained(new)
        for event in new:
            kept[event.event_day].append(event)
        match chance.randrange(4):
            case 0:
                await world.day_passes(chance.randrange(1, RAW_DAYS))
                await world.roll()
                dropped = await world.fetch("SELECT day FROM rollup_days WHERE dropped_at IS NOT NULL")
                frozen |= {day: model(kept[day]) for day in map(day_of_date, (row[0] for row in dropped))}
            case 1:
                await world.day_passes(0, minutes=11)
                await world.roll()
        await analysed(world)
        await analysed(world)
        assert await stored_visits(world) == {day: model(events) for day, events in kept.items()} | frozen
    assert frozen, "no day was dropped"
