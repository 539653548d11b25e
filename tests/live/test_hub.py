"""The hub on a clock that jumps: snapshots, changes, slow readers, outages, midnights, other processes."""

from __future__ import annotations

import msgspec
import pytest
import trio
from trio.testing import MockClock

from tests.live.scripted import HERE, OWNER, CommittedViews, make_hub, next_message, running, silent, viewer
from vts.model.day import DAY_US, day_of


def numbers(message: dict[str, int]) -> tuple[int, int, int, int]:
    return message["views"], message["views_today"], message["unique_viewers_today"], message["viewers_now"]


async def test_a_snapshot_then_changes(autojump_clock: MockClock) -> None:
    world = CommittedViews()
    world.commit((42, viewer(1)), (42, viewer(2)), day=day_of(world.start_us) - 3)
    async with running(world) as hub:
        with hub.admitted("a") as reader:
            await hub.subscribe(reader, OWNER, "post:42")
            first = await next_message(reader)
            assert (first["topic"], first["seq"], numbers(first)) == ("post:42", 1, (2, 0, 0, 0))
            hub.on_committed(world.commit((42, viewer(1)), (42, viewer(1)), (42, viewer(3)), (43, viewer(4))))
            second = await next_message(reader)
            assert (second["epoch"], second["seq"], numbers(second)) == (first["epoch"], 2, (5, 3, 2, 2))
            assert second["at"].startswith("2024-10-04T12:00:0")
            assert world.asked["counts"] == 1


async def test_a_second_reader_gets_the_snapshot_without_a_query(autojump_clock: MockClock) -> None:
    world = CommittedViews()
    async with running(world) as hub:
        with hub.admitted("a") as one, hub.admitted("a") as two:
            await hub.subscribe(one, OWNER, "post:1")
            hub.on_committed(world.commit((1, viewer(1))))
            while (await next_message(one))["views"] != 1:
                pass
            await hub.subscribe(two, OWNER, "post:1")
            assert numbers(await next_message(two, within_s=0.001)) == (1, 1, 1, 1)
            assert world.asked["counts"] == 1


async def test_at_most_four_changes_a_second_and_the_newest_wins(autojump_clock: MockClock) -> None:
    world = CommittedViews()
    async with running(world) as hub:
        with hub.admitted("a") as reader:
            await hub.subscribe(reader, OWNER, "post:1")
            messages = [await next_message(reader)]

            async def flood() -> None:
                for number in range(1000):
                    hub.on_committed(world.commit((1, viewer(number))))
                    await trio.sleep(0.01)

            start_s = trio.current_time()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(flood)
                while messages[-1]["views"] < 1000:
                    messages.append(await next_message(reader))
            assert trio.current_time() - start_s == pytest.approx(10, abs=0.5)
            assert 35 <= len(messages) <= 43
            assert [message["seq"] for message in messages] == list(range(1, len(messages) + 1))
            assert messages[-1]["unique_viewers_today"] == 1000


async def test_a_first_change_after_quiet_is_sent_at_once(autojump_clock: MockClock) -> None:
    world = CommittedViews()
    async with running(world) as hub:
        with hub.admitted("a") as reader:
            await hub.subscribe(reader, OWNER, "post:1")
            await next_message(reader)
            await trio.sleep(10)
            hub.on_committed(world.commit((1, viewer(1))))
            await next_message(reader, within_s=0.001)


async def test_a_reader_that_sleeps_gets_the_newest_and_sees_no_gap(autojump_clock: MockClock) -> None:
    world = CommittedViews()
    async with running(world) as hub:
        with hub.admitted("a") as quick, hub.admitted("b") as slow:
            for reader in (quick, slow):
                await hub.subscribe(reader, OWNER, "post:1")
                await next_message(reader)
            for number in range(1, 6):
                hub.on_committed(world.commit((1, viewer(number))))
                assert (await next_message(quick))["seq"] == number + 1
                await trio.sleep(1)
            late = await next_message(slow)
            assert (late["seq"], late["views"]) == (2, 5)
            hub.on_committed(world.commit((1, viewer(9))))
            assert (await next_message(slow))["seq"] == 3
            assert (await next_message(quick))["seq"] == 7
            assert await silent(slow, 2)


async def test_viewers_leave_after_five_minutes_without_a_commit(autojump_clock: MockClock) -> None:
    world = CommittedViews()
    async with running(world) as hub:
        with hub.admitted("a") as reader:
            hub.on_committed(world.commit((1, viewer(1)), (1, viewer(2))))  # seen before anybody asks
            await hub.subscribe(reader, OWNER, "post:1")
            assert numbers(await next_message(reader)) == (2, 2, 2, 2)
            await trio.sleep(200)
            hub.on_committed(world.commit((1, viewer(2))))
            assert (await next_message(reader))["viewers_now"] == 2
            assert numbers(await next_message(reader, within_s=110)) == (3, 3, 2, 1)
            assert numbers(await next_message(reader, within_s=210)) == (3, 3, 2, 0)


async def test_a_restarted_hub_starts_an_epoch_with_a_snapshot_for_everyone(autojump_clock: MockClock) -> None:
    world = CommittedViews()
    hub = make_hub(world)
    with hub.admitted("a") as reader:
        async with trio.open_nursery() as nursery:
            await nursery.start(hub.run)
            await hub.subscribe(reader, OWNER, "post:1")
            before = await next_message(reader)
            hub.on_committed(world.commit((1, viewer(1))))
            assert (await next_message(reader))["seq"] == 2
            nursery.cancel_scope.cancel()
        hub.on_committed(world.commit((1, viewer(2))))
        async with trio.open_nursery() as nursery:
            await nursery.start(hub.run)
            after = await next_message(reader)
            assert after["epoch"] != before["epoch"]
            assert (after["seq"], after["views"]) == (1, 2)
            nursery.cancel_scope.cancel()


async def test_a_database_that_is_away_delays_snapshots_and_nothing_else(autojump_clock: MockClock) -> None:
    world = CommittedViews()
    async with running(world) as hub:
        with hub.admitted("a") as old, hub.admitted("a") as new:
            await hub.subscribe(old, OWNER, "post:1")
            await next_message(old)
            world.away = True
            await hub.subscribe(new, OWNER, "post:2")
            hub.on_committed(world.commit((1, viewer(1)), (2, viewer(1))))
            assert numbers(await next_message(old, within_s=0.5)) == (1, 1, 1, 1)
            assert await silent(new, 60)
            world.away = False
            assert numbers(await next_message(new, within_s=2)) == (1, 1, 1, 1)
            assert world.asked["counts"] < 80


async def test_another_process_is_heard_and_our_own_echo_is_not(autojump_clock: MockClock) -> None:
    world = CommittedViews()
    async with running(world) as hub:
        with hub.admitted("a") as reader:
            await hub.subscribe(reader, OWNER, "post:1")
            await next_message(reader)
            committed = world.commit((1, viewer(1)), (1, viewer(2)))
            for payload in world.notices(committed, HERE):
                hub.on_notify(payload)
            assert await silent(reader, 5)
            for payload in world.notices(committed):
                hub.on_notify(payload)
            assert numbers(await next_message(reader, within_s=0.5)) == (2, 2, 2, 2)
            assert world.asked["counts"] == 1
            with pytest.raises(msgspec.MsgspecError):
                hub.on_notify("not a notice")


async def test_lost_notices_are_made_up_for(autojump_clock: MockClock) -> None:
    world = CommittedViews()
    async with running(world) as hub:
        with hub.admitted("a") as reader:
            await hub.subscribe(reader, OWNER, "post:1")
            await next_message(reader)
            world.commit((1, viewer(1)))  # and the listening connection was down
            hub.resync()
            assert (await next_message(reader, within_s=1))["views"] == 1


async def test_a_late_view_counts_in_the_total_and_not_today(autojump_clock: MockClock) -> None:
    world = CommittedViews()
    async with running(world) as hub:
        with hub.admitted("a") as reader:
            await hub.subscribe(reader, OWNER, "post:1")
            await next_message(reader)
            hub.on_committed(world.commit((1, viewer(1)), day=day_of(world.start_us) - 1))
            assert numbers(await next_message(reader)) == (1, 0, 0, 0)


async def test_midnight_moves_today_into_the_total(autojump_clock: MockClock) -> None:
    world = CommittedViews(start_us=20_001 * DAY_US - 10_000_000)
    async with running(world) as hub:
        with hub.admitted("a") as reader:
            await hub.subscribe(reader, OWNER, "post:1")
            await next_message(reader)
            hub.on_committed(world.commit((1, viewer(1))))
            assert numbers(await next_message(reader)) == (1, 1, 1, 1)
            assert numbers(await next_message(reader, within_s=15)) == (1, 0, 0, 1)
            hub.on_committed(world.commit((1, viewer(1))))
            assert numbers(await next_message(reader)) == (2, 1, 1, 1)


async def test_what_is_loaded_across_midnight_counts_no_day_twice(autojump_clock: MockClock) -> None:
    """The question is asked before midnight; the database has a view of the new day when it answers."""
    world, midnight_s = CommittedViews(start_us=20_001 * DAY_US - 2_000_000), trio.current_time() + 2.0
    world.commit((1, viewer(1)))
    notices: list[str] = []
    async with running(world) as hub:
        with hub.admitted("a") as reader:
            await hub.subscribe(reader, OWNER, "post:1")
            assert numbers(await next_message(reader))[:2] == (1, 1)
            world.on_counts = lambda: notices.extend(world.notices(world.commit((1, viewer(2)), day=20_001)))
            await trio.sleep_until(midnight_s - 0.005)
            hub.resync()
            await trio.sleep_until(midnight_s + 0.006)  # answered
            world.on_counts = lambda: None
            for payload in notices:
                hub.on_notify(payload)
            shown = []
            with trio.move_on_after(5):
                while True:
                    shown.append(numbers(await next_message(reader, within_s=10))[:2])
            assert max(shown) == shown[-1] == (2, 1), shown


async def test_a_late_viewer_heard_of_from_another_process_leaves_in_time(autojump_clock: MockClock) -> None:
    world = CommittedViews()
    async with running(world) as hub:
        with hub.admitted("a") as reader:
            await hub.subscribe(reader, OWNER, "post:1")
            await next_message(reader)
            start_s, committed = trio.current_time(), world.commit((1, viewer(1)))
            assert numbers(await next_message(reader, within_s=120)) == (1, 1, 1, 0)  # loaded; its process reports late
            await trio.sleep_until(start_s + 240)
            for payload in world.notices(committed):
                hub.on_notify(payload)
            assert numbers(await next_message(reader, within_s=1)) == (1, 1, 1, 1)
            assert numbers(await next_message(reader, within_s=62)) == (1, 1, 1, 0)
