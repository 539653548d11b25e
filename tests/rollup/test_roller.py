"""What the roller does to days: replaces them by a recount, once, whole, and only when nothing is lost."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable

import msgspec
import pytest
import trio

from tests.rollup.world import RAW_DAYS, Death, RolledSite
from tests.store.drained import DAY, recount
from vts.model import sketch
from vts.model.day import DAY_US, date_of
from vts.model.site_tally import SiteTally
from vts.model.site_tally import add as add_visits
from vts.model.tally import DIMENSIONS, OTHER, VALUES_KEPT, fold
from vts.query.post_load import post_facts
from vts.rollup import replace
from vts.rollup.days import read_days
from vts.rollup.recount import Recounted, prepare
from vts.rollup.recount import recount as count_anew
from vts.rollup.replace import Kept, Moving, Rolled, roll_day
from vts.rollup.retention import drop_day
from vts.rollup.roller import Roller
from vts.rollup.turn import try_turn
from vts.store.facts.artists import add_up
from vts.store.session import locks
from vts.store.session.connection import Connection, Database
from vts.store.session.faults import StoreUnavailable
from vts.store.session.pool import Readers

OWN = 77


@pytest.fixture
def world(database: Database) -> RolledSite:
    return RolledSite(database, random.Random(20260101))


async def crowd(world: RolledSite, views: int = 200) -> list:
    """Views of some posts and days by some viewers who come back, and events of the site."""
    keys = [world.chance.randbytes(16) for _ in range(40)]
    world.owners |= {1: 7, 2: 7, 3: 8}
    for post_id, owner_id in world.owners.items():
        await world.own(post_id, owner_id)
    return [
        world.view(
            world.chance.randrange(1, 6),
            DAY - world.chance.randrange(2),
            viewer_key=world.chance.choice(keys),
            channel=world.chance.choice([None, "all", "hashtag"]),
            local_weekday=world.chance.choice([None, 3, 4]),
        )
        for _ in range(views)
    ]


async def test_a_recount_is_what_the_drain_had_counted(world):
    views = await crowd(world)
    await world.drained(views[:120])
    await world.drained(views[120:])
    before = {table: await world.rows(table) for table in ("post_stats_daily", "artist_stats_daily")}
    await world.day_passes()
    outcomes = await world.roll()
    assert [(type(outcome), outcome.day) for outcome in outcomes] == [(Rolled, DAY - 1), (Rolled, DAY)]
    await world.assert_rolled(views)
    for table, rows in before.items():
        after = await world.rows(table)
        for whose, row in rows.items():
            for column in set(row) - {"breakdowns", "sketch", "sketch_authenticated", "rolled_at"}:
                assert after[whose][column] == row[column]
            assert json.loads(after[whose]["breakdowns"]) == json.loads(row["breakdowns"])
            assert sketch.union([after[whose]["sketch"], row["sketch"]]) == row["unique_viewers"]
            assert after[whose]["rolled_at"] is not None


async def test_a_recount_heals_counters_that_were_wrong(world):
    views = await crowd(world)
    await world.drained(views)
    await world.fetch(
        "UPDATE post_stats_daily SET total_views = 1, unique_viewers = 0, breakdowns = '{}', sketch = NULL"
    )
    await world.fetch("DELETE FROM post_stats_daily WHERE post_id = 2")
    await world.fetch("DELETE FROM artist_stats_daily")
    await world.day_passes()
    await world.roll()
    await world.assert_rolled(views)


async def test_many_viewers_are_estimated_and_an_estimate_never_falls_by_its_error(world):
    await world.drained([world.view(number % 2 + 1, authenticated=False) for number in range(2_600)])
    await world.fetch("UPDATE post_stats_daily SET unique_viewers = unique_viewers + 9 WHERE post_id = 1")
    await world.fetch("UPDATE post_stats_daily SET unique_viewers = unique_viewers * 2 WHERE post_id = 2")
    before = await world.rows()
    await world.day_passes()
    await world.roll()
    after = await world.rows()
    assert after[1]["unique_viewers"] == 1_309
    assert after[2]["unique_viewers"] == 1_300
    assert before[0]["unique_viewers"] <= after[0]["unique_viewers"] <= 2_600 * 1.03


def crowd_that_is_overestimated() -> list[bytes]:
    """Viewers of whom a sketch, and a union, says that they are more."""
    for seed in range(100):
        chance = random.Random(seed)
        keys = [chance.randbytes(16) for _ in range(2_000)]
        stored, viewers = sketch.grown(None, map(sketch.number_of, keys))
        if viewers > len(keys) and sketch.union([stored]) > len(keys):
            return keys
    raise AssertionError("some sketches say too much")


async def test_a_day_never_has_more_viewers_than_views(world):
    """Neither for the drain, nor the roll-up, nor the adding up of an artist, nor for an answer over several days."""
    keys = crowd_that_is_overestimated()
    views = [world.view(viewer_key=key, authenticated=True) for key in keys]
    world.owners[1] = OWN
    await world.own(1, OWN)
    await world.drained([*views, *(msgspec.structs.replace(world.visit(), viewer_key=key) for key in keys)])
    connection = await world.database.connect("writer")
    readers = Readers(world.database)
    for step in ("drained", "added up", "rolled up"):
        if step == "added up":
            async with connection.transaction():
                await add_up(connection, DAY, [OWN])
        if step == "rolled up":
            await world.day_passes()
            await world.roll()
        for table, whose in (("post_stats_daily", 0), ("post_stats_daily", 1), ("artist_stats_daily", OWN)):
            row = (await world.rows(table))[whose]
            assert (row["unique_viewers"], row["unique_viewers_authenticated"]) == (2_000, 2_000), (step, table)
        assert (await world.rows("site_stats_daily"))[0]["unique_visitors"] == 2_000, step
        assert (await post_facts(readers, 1, DAY - 1, DAY)).unique_viewers == [2_000, 2_000], step
    readers.close()
    await connection.close()


async def test_rolling_twice_changes_nothing(world):
    await world.drained([*await crowd(world), world.visit(), world.visit("error")])
    await world.day_passes()
    await world.roll()
    before = await world.everything()
    assert await world.roll() == []
    connection = await world.database.connect("writer")
    await prepare(connection)
    assert await try_turn(connection)
    for day in (DAY - 1, DAY):
        await roll_day(connection, day, lambda: world.now_us)
    await connection.close()
    assert await world.everything() == before


async def test_events_of_the_site_are_recounted(world):
    visits = [world.visit(page=world.chance.choice(["/recent", "/p/[post]"])) for _ in range(60)]
    visits += [world.visit(kind) for kind in ("signup", "upload", "upload", "api_call")]
    visits += [world.visit("error", error_type=kind) for kind in ("timeout", "timeout", None)]
    await world.drained(visits)
    before = (await world.rows("site_stats_daily"))[0]
    await world.fetch("UPDATE site_stats_daily SET page_views = 2, errors_authenticated = 0, breakdowns = '{}'")
    await world.day_passes()
    await world.roll()
    after = (await world.rows("site_stats_daily"))[0]
    tally = SiteTally()
    add_visits(tally, visits)
    assert json.loads(after.pop("breakdowns")) == json.loads(before.pop("breakdowns")) == tally.breakdowns
    assert after.pop("rolled_at") is not None
    assert sketch.union([after.pop("sketch"), before.pop("sketch")]) == before["unique_visitors"] == 60
    for column in set(after) - {"sketch_authenticated"}:
        assert after[column] == before[column]


async def test_a_closed_day_keeps_the_largest_values_and_the_rest_as_other(world):
    domains = [f"site{n:03}.example" for n in range(VALUES_KEPT + 30)] + [OTHER]
    views = [
        world.view(referrer_domain=domain, country_code=None, playlist_id=number)
        for number, domain in enumerate(domains, 1)
        for _ in range(1 + number % 5)
    ]
    await world.drained(views)
    await world.day_passes()
    await world.roll()
    expected = recount(views)
    for dimension in ("referrer", "playlist"):
        fold(expected[dimension])
    for whose in (0, 1):
        assert json.loads((await world.rows())[whose]["breakdowns"]) == expected


async def test_values_are_written_as_json(world):
    strange = ['"quoted"', "back\\slash", "new\nline", "日本.example"]
    views = [world.view(referrer_domain=domain) for domain in strange]
    await world.drained(views)
    await world.day_passes()
    await world.roll()
    await world.assert_rolled(views)


async def test_every_dimension_of_the_model_is_recounted(world):
    view = world.view(
        country_code="BR", referrer_domain="a.example", local_hour=1, local_weekday=2, play_order=2, channel="all",
        playlist_id=5,
    )  # fmt: skip
    await world.drained([view])
    await world.day_passes()
    await world.roll()
    assert list(json.loads((await world.rows())[1]["breakdowns"])) == list(DIMENSIONS)


async def test_late_rows_make_a_day_dirty_and_it_is_rolled_again_ten_minutes_later(world):
    views = await crowd(world)
    await world.drained(views)
    await world.day_passes()
    await world.roll()
    late = [world.view(), world.view(9)]
    await world.drained(late)
    await world.assert_rolled(views + late)  # right before it is rolled, since the drain counts
    await world.day_passes(0, minutes=9)
    assert await world.roll() == []
    assert world.roller.waiting == 1
    await world.day_passes(0, minutes=1)
    assert [outcome.day for outcome in await world.roll()] == [DAY]
    await world.assert_rolled(views + late)
    assert (world.roller.waiting, world.roller.age_s()) == (0, 0)


async def test_views_of_authors_who_were_not_known_are_taken_out(world):
    player = world.chance.randbytes(16)
    signed, on_player = {"viewer_user_id": OWN, "authenticated": True}, {"player_key": player}
    theirs = [world.view(1, **signed), world.view(1, **on_player), world.view(2, **signed)]
    others = [world.view(1), world.view(3, **signed), world.view(3, **on_player), world.view(1, viewer_user_id=5)]
    await world.own_player(player, None)
    await world.drained(theirs + others)
    await world.day_passes()
    for post_id in (1, 2):
        await world.own(post_id, OWN)
    await world.own_player(player, OWN)
    (outcome,) = await world.roll()
    assert (outcome.views, outcome.left_out) == (4, 3)
    await world.assert_rolled(others, {1: OWN})
    assert set(await world.rows()) == {0, 1, 3}
    await world.drained([world.view(2)])
    await world.day_passes(0, minutes=10)
    assert isinstance((await world.roll())[0], Rolled)


async def test_a_day_of_authors_alone_is_empty(world):
    world.owners[1] = OWN  # the drain has counted for the artist, too
    await world.drained([world.view(1, viewer_user_id=OWN)])
    await world.day_passes()
    await world.own(1, OWN)
    await world.roll()
    assert (await world.rows(), await world.rows("artist_stats_daily")) == ({}, {})


async def test_a_content_that_changes_hands_loses_no_view(world):
    """15 views of a content of user 7, 10 of them by user 8: it passes to 8, and to 9, and 15 are displayed."""
    await world.own(1, 7)
    views = [world.view(1, viewer_user_id=8) for _ in range(10)] + [world.view(1) for _ in range(5)]
    await world.drained(views)
    await world.own(1, 8)
    await world.day_passes()
    assert [(outcome.views, outcome.left_out) for outcome in await world.roll()] == [(15, 0)]
    await world.own(1, 9)
    late = world.view(2)
    await world.drained([late])  # marks the day
    await world.day_passes(0, minutes=10)
    assert [(outcome.views, outcome.left_out) for outcome in await world.roll()] == [(16, 0)]
    await world.assert_rolled([*views, late], {1: 9})


async def test_a_first_owner_who_becomes_known_late_reopens_rolled_days_that_have_views_of_theirs(world):
    """No late row has to come for it, and the rolling again, as often as one likes, gives the same."""
    theirs = [world.view(1, viewer_user_id=OWN), world.view(1, DAY - 1, viewer_user_id=OWN)]
    others = [world.view(1), world.view(2, DAY - 2), world.view(2, viewer_user_id=OWN)]
    await world.drained(theirs + others)
    await world.day_passes()
    assert [outcome.day for outcome in await world.roll()] == [DAY - 2, DAY - 1, DAY]
    await world.own(1, OWN)
    await world.day_passes(0, minutes=10)
    assert [(outcome.day, outcome.left_out) for outcome in await world.roll()] == [(DAY - 1, 1), (DAY, 1)]
    await world.assert_rolled(others, {1: OWN})
    await world.own(1, 8)
    await world.day_passes(0, minutes=10)
    assert await world.roll() == []
    late = world.view(3)
    await world.drained([late])
    await world.day_passes(0, minutes=10)
    assert [(outcome.day, outcome.left_out) for outcome in await world.roll()] == [(DAY, 1)]
    await world.assert_rolled([*others, late], {1: 8})


async def test_a_player_that_gets_its_first_owner_late_takes_out_what_it_showed_of_that_owner(world):
    player, sold = world.chance.randbytes(16), world.chance.randbytes(16)
    for key in (player, sold):
        await world.own_player(key, None)
    await world.own(1, OWN)
    await world.own(2, OWN)
    world.now_us = DAY * DAY_US
    await world.own(3, OWN)
    await world.own(3, 8)  # before any roll-up: the player shows what is not its owner's any more
    world.now_us += DAY_US
    theirs = [world.view(1, player_key=player), world.view(2, player_key=player)]
    others = [
        world.view(1, player_key=sold),
        world.view(3, player_key=player),
        world.view(1, viewer_user_id=8, player_key=player),
    ]
    await world.drained(theirs + others)
    await world.day_passes()
    await world.roll()
    await world.own_player(sold, 5)
    await world.own_player(sold, OWN)
    await world.own_player(player, OWN)
    await world.own_player(player, 5)
    await world.day_passes(0, minutes=10)
    assert [(outcome.day, outcome.left_out) for outcome in await world.roll()] == [(DAY, 2)]
    await world.assert_rolled(others, {1: OWN, 2: OWN, 3: 8})


async def test_a_day_whose_author_becomes_known_just_before_its_rows_go_is_rolled_again_first(world):
    theirs, others = [world.view(1, viewer_user_id=OWN)], [world.view(1)]
    await world.drained(theirs + others)
    await world.day_passes(RAW_DAYS)
    await world.roll()
    await world.day_passes(1)
    await world.own(1, OWN)
    connection = await world.database.connect("owner")
    assert not await drop_day(connection, DAY, world.now_us)
    await connection.close()
    await world.roll()
    assert await world.partitions() == []
    await world.assert_rolled(others, {1: OWN})


async def test_contents_that_had_an_owner_before_first_owners_were_noted_lose_nothing(world):
    """As the migration leaves them: known from the beginning, and no longer the first owner's."""
    player = world.chance.randbytes(16)
    views = [world.view(1, viewer_user_id=OWN), world.view(1, player_key=player)]
    await world.drained(views)
    await world.fetch(
        "UPDATE content SET owner_id = $1, first_owner_id = $1, owner_known_at = '-infinity', "
        "first_owner_until = '-infinity'", OWN,
    )  # fmt: skip
    await world.own_player(player, None)
    await world.day_passes()
    await world.own_player(player, OWN)
    await world.own(1, OWN)
    await world.roll()
    await world.assert_rolled(views, {1: OWN})


async def test_an_artist_has_the_contents_that_are_theirs_now(world):
    world.owners |= {1: 7, 2: 8}
    for post_id, owner_id in world.owners.items():
        await world.own(post_id, owner_id)
    views = [world.view(1), world.view(2), world.view(2)]
    await world.drained(views)
    await world.own(1, 8)
    await world.day_passes()
    await world.roll()
    await world.assert_rolled(views, {1: 8, 2: 8})


async def test_today_is_left_alone_and_yesterday_until_the_journals_are_drained(world):
    await world.drained([world.view()])
    assert await world.roll() == []
    world.now_us = (DAY + 1) * DAY_US + 59 * 1_000_000
    assert await world.roll() == []
    world.now_us += 1_000_000
    assert [outcome.day for outcome in await world.roll()] == [DAY]


async def test_after_downtime_all_days_are_caught_up_oldest_first(world):
    await world.drained([world.view(day=day) for day in (DAY, DAY - 2, DAY - 1)])
    await world.day_passes(2)
    assert [outcome.day for outcome in await world.roll()] == [DAY - 2, DAY - 1, DAY]
    assert await world.fetch("SELECT day FROM rollup_watermark WHERE name = 'days'") == [(date_of(DAY),)]


async def test_old_raw_rows_are_dropped_and_the_day_stays(world):
    views = [world.view(day=DAY - n) for n in range(3)]
    await world.drained([*views, world.visit()])
    await world.day_passes(RAW_DAYS)
    await world.roll()
    assert await world.partitions() == [DAY]
    await world.day_passes(1)
    await world.roll()
    assert await world.partitions() == []
    await world.assert_rolled(views)
    kept = await world.fetch("SELECT count(*) FROM rollup_days WHERE dropped_at IS NOT NULL AND views = 1")
    assert kept == [(3,)]
    assert await world.fetch("SELECT relname FROM pg_class WHERE relname ~ '_events_[0-9]{8}$'") == []


async def test_a_day_with_late_rows_is_not_dropped_before_it_is_rolled_again(world):
    await world.drained([world.view()])
    await world.day_passes(RAW_DAYS)
    await world.roll()
    await world.drained([world.view()])
    await world.day_passes(1)
    connection = await world.database.connect("owner")
    assert not await drop_day(connection, DAY, world.now_us)
    await connection.close()
    assert await world.partitions() == [DAY]
    await world.roll()
    assert await world.partitions() == []


async def test_rows_for_a_dropped_day_merge_and_their_partition_goes_again(world):
    views = [world.view(), world.view()]
    await world.drained(views)
    await world.day_passes(RAW_DAYS + 1)
    await world.roll()
    assert await world.partitions() == []
    views.append(world.view())
    await world.drained(views[-1:])
    assert await world.partitions() == [DAY]
    assert await world.roll() == []
    assert await world.partitions() == []
    await world.assert_rolled(views)


async def test_a_day_whose_raw_rows_are_not_all_there_stays_as_it_is_displayed(world):
    views = [world.view(n) for n in (1, 2, 3)]
    await world.drained(views)
    await world.fetch("DELETE FROM view_events WHERE post_id = 2")
    await world.day_passes()
    assert await world.roll() == [Kept(DAY, 3, 2)]
    await world.assert_rolled(views)
    await world.drained([world.view(2)])
    await world.day_passes(0, minutes=10)
    assert await world.roll() == []
    assert (await world.rows())[2]["total_views"] == 2


async def test_two_rollers_take_turns(world):
    await world.drained([world.view()])
    await world.day_passes()
    first = await world.database.connect("writer")
    assert await try_turn(first)
    assert await world.roll() == []
    assert world.roller.waiting == 1
    await first.close()
    other = world.another_roller()
    outcomes: list[object] = []

    async def roll(roller) -> None:
        outcomes.extend(await roller.look())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(roll, world.roller)
        nursery.start_soon(roll, other)
    assert len(outcomes) == 1


async def during_recounts(
    world: RolledSite, monkeypatch: pytest.MonkeyPatch, act: Callable[[int], object], times: int
) -> None:
    """Have `act` happen after each of the first recounts, before the day is put in place."""
    counted = 0

    async def recount_then_act(connection: Connection, day: int, *rest: object) -> Recounted:
        nonlocal counted
        found = await count_anew(connection, day)
        counted += 1
        if counted <= times:
            await act(counted)
        return found

    monkeypatch.setattr(replace, "recount", recount_then_act)


async def test_rows_that_come_during_the_recount_are_not_lost(world, monkeypatch):
    views = [world.view()]
    await world.drained(views)
    await world.day_passes()

    async def more(number: int) -> None:
        views.append(world.view(number))
        await world.drained(views[-1:])

    await during_recounts(world, monkeypatch, more, 2)
    assert [type(outcome) for outcome in await world.roll()] == [Rolled]
    await world.assert_rolled(views)


async def test_a_small_day_that_keeps_moving_is_counted_under_the_lock_at_last(world, monkeypatch):
    views = [world.view()]
    await world.drained(views)
    await world.day_passes()

    async def more(number: int) -> None:
        views.append(world.view(number))
        await world.drained(views[-1:])

    monkeypatch.setattr(replace, "LOCKED_MAX_S", math.inf)  # small on a busy machine, too
    await during_recounts(world, monkeypatch, more, 3)
    assert [type(outcome) for outcome in await world.roll()] == [Rolled]
    await world.assert_rolled(views)


async def test_a_large_day_that_keeps_moving_is_left_for_ten_minutes(world, monkeypatch):
    views = [world.view()]
    await world.drained(views)
    await world.day_passes()

    async def more(number: int) -> None:
        views.append(world.view(number))
        await world.drained(views[-1:])

    await during_recounts(world, monkeypatch, more, 3)
    monkeypatch.setattr(replace, "LOCKED_MAX_S", 0.0)
    assert [type(outcome) for outcome in await world.roll()] == [Moving]
    await world.assert_rolled(views)
    assert await world.roll() == []
    await world.day_passes(0, minutes=10)
    assert [type(outcome) for outcome in await world.roll()] == [Rolled]


async def test_a_content_that_changes_hands_during_the_recount_is_the_new_owners(world, monkeypatch):
    await world.own(1, 7)
    views = [world.view()]
    await world.drained(views)
    await world.day_passes()

    async def give_away(number: int) -> None:
        await world.own(1, 8)

    await during_recounts(world, monkeypatch, give_away, 1)
    await world.roll()
    await world.assert_rolled(views, {1: 8})


STEPS = (
    "CREATE TEMPORARY TABLE", "INTO roll_authors", "INTO roll_totals", "ANALYZE", "INTO roll_breakdowns",
    "INTO roll_viewers", "FROM roll_viewers", "analytics", f"pg_advisory_xact_lock({locks.DAY}",
    "owner_id IS DISTINCT FROM",
    "DELETE FROM post_stats", "INTO post_stats", "INTO artist_stats", "INTO site_stats", "INTO rollup_days", "COMMIT",
    "DROP TABLE", "UPDATE rollup_days",
)  # fmt: skip


async def test_every_day_is_whole_after_a_crash_in_any_step(world, monkeypatch):
    """One world for all steps: each time the roller dies a step later, and the next one finds it all to do again."""
    views = await crowd(world, 60)
    await world.drained([*views, world.visit()])
    await world.day_passes(RAW_DAYS + 1)
    death = Death(monkeypatch)
    for number, step in enumerate(STEPS):
        death.by_cancelling = number % 2 == 0
        before = await world.everything()
        with death.at(step):
            await world.roll()
        assert death.happened, f"nothing was done at {step}"
        await world.alone()
        assert await world.everything() == before or step in ("COMMIT", "DROP TABLE", "UPDATE rollup_days")
        await world.assert_rolled(views)
    await world.roll()
    await world.assert_rolled(views)
    assert await world.partitions() == []


async def test_the_actor_runs_until_it_is_stopped(autojump_clock):
    looked = trio.Event()

    async def connect() -> Connection:
        looked.set()
        raise StoreUnavailable("away")

    sessions = {"connect": connect, "connect_owner": connect, "connect_turn": connect}
    roller = Roller(**sessions, raw_days=7, clock=lambda: 0, chance=lambda: 0.5)
    async with trio.open_nursery() as nursery:
        await nursery.start(lambda task_status: roller.run(task_status=task_status))
        roller.stop()
    assert not looked.is_set()
    with pytest.raises(StoreUnavailable):
        await roller.run()


async def test_days_that_were_made_ahead_are_no_work(world):
    connection = await world.database.connect("writer")
    await connection.fetchval("SELECT make_day($1)", date_of(DAY))
    days = await read_days(connection, before=DAY + 1)
    await connection.close()
    assert [(day.day, day.views, day.is_open) for day in days] == [(DAY, 0, True)]
    await world.day_passes()
    assert [(outcome.day, outcome.views) for outcome in await world.roll()] == [(DAY, 0)]
    assert await world.roll() == []
