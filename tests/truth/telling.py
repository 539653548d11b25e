"""One story from its seed: a database, a folder, a simulated site, and what happens on it."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

import trio

from tests.support.postgres import Server
from tests.truth.simulated_site import DAY_US, SimulatedSite
from tests.truth.story import START, Story
from vts.store.session.connection import asyncpg_loop


async def told(server: Server, seed: int, days: int, steps_a_day: int, compare_every: int = 1) -> Story:
    """Tell a story; all answers are compared every so many evenings. Returns it when nothing was wrong."""
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="vts-truth-") as folder:
        async with asyncpg_loop(), server.fresh("migrated") as database, trio.open_nursery() as nursery:
            simulated = SimulatedSite(database, Path(folder), chance, START * DAY_US)
            await simulated.start(nursery)
            story = Story(simulated, chance, nursery)
            await story.tell(days, steps_a_day, compare_every)
            await simulated.close()
    return story
