"""Any sequence of views, late views, roll-ups, deaths and drops against a ledger that never forgets."""

from __future__ import annotations

import random
from collections import defaultdict
from typing import NamedTuple

import msgspec
import pytest
import trio
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.rollup.world import Death, RolledSite
from tests.store.drained import assert_row
from tests.support.postgres import Server
from vts.model.day import day_of, day_of_date, us_of
from vts.model.view import ViewEvent
from vts.store.session.connection import asyncpg_loop

POSTS = (1, 2, 3)
DEATHS = ("INTO roll_totals", "FROM roll_viewers", "INTO post_stats", "INTO rollup_days", "COMMIT", "DROP TABLE")


class Views(NamedTuple):
    """Views of a day so many days ago: (post, viewer); viewer n is user n."""

    days_ago: int
    seen: list[tuple[int, int]]


class Own(NamedTuple):
    """The service tells whose a content is: user `owner`'s."""

    post_id: int
    owner: int


class Wait(NamedTuple):
    minutes: int


class Roll(NamedTuple):
    """Roll up and drop; die at a statement when one is named."""

    death: str | None


Step = Views | Own | Wait | Roll
VIEWS = st.builds(
    Views,
    st.sampled_from([0, 0, 1, 1, 2, 6]),
    st.lists(st.tuples(st.sampled_from(POSTS), st.integers(1, 4)), min_size=1, max_size=5),
)
STEPS = st.lists(
    st.one_of(
        VIEWS,
        VIEWS,
        st.builds(Own, st.sampled_from(POSTS), st.integers(1, 4)),
        st.builds(Wait, st.sampled_from([5, 10, 1_440, 1_440, 5 * 1_440])),
        st.builds(Roll, st.none()),
        st.builds(Roll, st.sampled_from(DEATHS)),
    ),
    min_size=5,
    max_size=16,
)


class Entry(msgspec.Struct):
    """A view that was acknowledged, whether it counts, and for whom."""

    view: ViewEvent
    counts: bool
    artist: int | None


class Ledger:
    """What has to be displayed, kept the plain way."""

    def __init__(self) -> None:
        self.entries: dict[int, list[Entry]] = defaultdict(list)
        self.rolled: dict[int, object] = {}
        self.known_us: dict[int, int] = {}

    def rolled_up(self, day: int, owners: dict[int, int]) -> None:
        """A roll-up leaves out authors from before they were known, and counts for those who own the contents now."""
        for entry in self.entries[day]:
            entry.artist = owners.get(entry.view.post_id)
            known_us = self.known_us.get(entry.view.post_id, 0)
            entry.counts = entry.view.viewer_user_id != entry.artist or entry.view.created_at >= known_us

    def displayed(self) -> tuple[dict[tuple[int, int], list[ViewEvent]], dict[tuple[int, int], list[ViewEvent]]]:
        posts, artists = defaultdict(list), defaultdict(list)
        for day, entries in self.entries.items():
            for entry in entries:
                if entry.counts:
                    posts[entry.view.post_id, day].append(entry.view)
                    posts[0, day].append(entry.view)
                    if entry.artist is not None:
                        artists[entry.artist, day].append(entry.view)
        return posts, artists


class Player:
    """Plays the steps, and compares after each of them."""

    def __init__(self, world: RolledSite, monkeypatch: pytest.MonkeyPatch) -> None:
        self.world = world
        self.ledger = Ledger()
        self.death = Death(monkeypatch)
        self.totals: dict[tuple[int, int], int] = {}

    async def play(self, step: Step) -> None:
        match step:
            case Views(days_ago, seen):
                await self._views(day_of(self.world.now_us) - days_ago, seen)
            case Own(post_id, owner):
                if post_id not in self.world.owners:
                    await self.world.own(post_id, owner)
                    self.world.owners[post_id] = owner
                    self.ledger.known_us[post_id] = self.world.now_us
            case Wait(minutes):
                await self.world.day_passes(0, minutes)
            case Roll(death):
                with self.death.at(death):
                    await self.world.roll()
                await self.world.alone()
                await self._note_rolled()
        await self.compare(falls=isinstance(step, Roll))

    async def _views(self, day: int, seen: list[tuple[int, int]]) -> None:
        views = [
            self.world.view(
                post_id, day, viewer_key=bytes([viewer]) * 16, viewer_user_id=viewer, authenticated=viewer > 1
            )
            for post_id, viewer in seen
        ]
        await self.world.drained([*views, *views[:1]])
        owners = self.world.owners
        self.ledger.entries[day] += [Entry(view, True, owners.get(view.post_id)) for view in views]

    async def _note_rolled(self) -> None:
        for date, rolled_at in await self.world.fetch("SELECT day, rolled_at FROM rollup_days"):
            day = day_of_date(date)
            if self.ledger.rolled.get(day) != us_of(rolled_at):
                self.ledger.rolled[day] = us_of(rolled_at)
                self.ledger.rolled_up(day, self.world.owners)

    async def compare(self, falls: bool) -> None:
        expected = dict(zip(("post_stats_daily", "artist_stats_daily"), self.ledger.displayed(), strict=True))
        for (table, groups), key in zip(expected.items(), ("post_id", "owner_id"), strict=True):
            rows = await self.world.fetch(f"SELECT {key} AS whose, t.* FROM {table} AS t")
            assert {(row["whose"], day_of_date(row["day"])) for row in rows} == set(groups)
            for row in rows:
                assert_row(row, groups[row["whose"], day_of_date(row["day"])])
        totals = {key: len(views) for key, views in expected["post_stats_daily"].items()}
        left_out = {(e.view.post_id, d) for d, entries in self.ledger.entries.items() for e in entries if not e.counts}
        for key, total in self.totals.items():
            fell = totals.get(key, 0) < total
            assert not fell or (falls and (key in left_out or (key[0] == 0 and any(d == key[1] for _, d in left_out))))
        self.totals = totals


async def play(server: Server, steps: list[Step]) -> None:
    async with asyncpg_loop(), server.fresh("migrated") as database:
        with pytest.MonkeyPatch.context() as monkeypatch:
            player = Player(RolledSite(database, random.Random(str(steps))), monkeypatch)
            for step in [*steps, Wait(10), Roll(None), Wait(5 * 1_440), Roll(None)]:
                await player.play(step)
        assert await player.world.partitions() == []


@settings(
    max_examples=6,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(STEPS)
@example([Views(0, [(1, 1)]), Views(0, [(1, 2)]), Own(1, 1), Views(0, [(1, 1), (1, 2)])])
def test_every_total_is_that_of_the_ledger_whatever_happens(postgres_server: Server, steps: list[Step]) -> None:
    trio.run(play, postgres_server, steps)
