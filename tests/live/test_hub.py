"""The hub on a clock that jumps: snapshots, changes, slow readers, outages, midnights, other processes."""

from __future__ import annotations

import msgspec
import pytest
import trio
from trio.testing import MockClock

from tests.live.scripted import HERE, OWNER, World, make_hub, player_viewer, running, silent, told, viewer
from vts.live.hub import NotFollowed
from vts.live.publisher import UNREAD_S
from vts.live.topics import Topic
from vts.model.day import DAY_US, day_of
from vts.model.faults import StoreUnavailable, TooManyClients
from vts.model.principal import Principal


def numbers(message: dict[str, int]) -> tuple[int, int, int, int]:
    return message["views"], message["views_today"], message["unique_viewers_today"], message["viewers_now"]


async def test_a_snapshot_then_changes(autojump_clock: MockClock) -> None:
    world = World()
    world.commit((42, viewer(1)), (42, viewer(2)), day=day_of(world.start_us) - 3)
    async with running(world) as hub:
        with hub.admitted("a") as reader:
            await hub.subscribe(reader, OWNER, "post:42")
            first = await told(reader)
            assert (first["topic"], first["seq"], numbers(first)) == ("post:42", 1, (2, 0, 0, 0))
            hub.on_committed(world.commit((42, viewer(1)), (42, viewer(1)), (42, viewer(3)), (43, viewer(4))))
            second = await told(reader)
            assert (second["epoch"], second["seq"], numbers(second)) == (first["epoch"], 2, (5, 3, 2, 2))
            assert second["at"].startswith("2024-10-04T12:00:0")
            assert world.asked["counts"] == 1


async def test_a_second_reader_gets_the_snapshot_without_a_query(autojump_clock: MockClock) -> None:
    world = World()
    async with running(world) as hub:
        with hub.admitted("a") as one, hub.admitted("a") as two:
            await hub.subscribe(one, OWNER, "post:1")
            hub.on_committed(world.commit((1, viewer(1))))
            while (await told(one))["views"] != 1:
                pass
            await hub.subscribe(two, OWNER, "post:1")
            assert numbers(await told(two, within_s=0.001)) == (1, 1, 1, 1)
            assert world.asked["counts"] == 1


async def test_at_most_four_changes_a_second_and_the_newest_wins(autojump_clock: MockClock) -> None:
    world = World()
    async with running(world) as hub:
        with hub.admitted("a") as reader:
            await hub.subscribe(reader, OWNER, "post:1")
            messages = [await told(reader)]

            async def flood() -> None:
                for number in range(1000):
                    hub.on_committed(world.commit((1, viewer(number))))
                    await trio.sleep(0.01)

            start_s = trio.current_time()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(flood)
                while messages[-1]["views"] < 1000:
                    messages.append(await told(reader))
            assert trio.current_time() - start_s == pytest.approx(10, abs=0.5)
            assert 35 <= len(messages) <= 43
            assert [message["seq"] for message in messages] == list(range(1, len(messages) + 1))
            assert messages[-1]["unique_viewers_today"] == 1000


async def test_a_first_change_after_quiet_is_told_at_once(autojump_clock: MockClock) -> None:
    world = World()
    async with running(world) as hub:
        with hub.admitted("a") as reader:
            await hub.subscribe(reader, OWNER, "post:1")
            await told(reader)
            await trio.sleep(10)
            hub.on_committed(world.commit((1, viewer(1))))
            await told(reader, within_s=0.001)


async def test_a_reader_that_sleeps_gets_the_newest_and_sees_no_gap(autojump_clock: MockClock) -> None:
    world = World()
    async with running(world) as hub:
        with hub.admitted("a") as quick, hub.admitted("b") as slow:
            for reader in (quick, slow):
                await hub.subscribe(reader, OWNER, "post:1")
                await told(reader)
            for number in range(1, 6):
                hub.on_committed(world.commit((1, viewer(number))))
                assert (await told(quick))["seq"] == number + 1
                await trio.sleep(1)
            late = await told(slow)
            assert (late["seq"], late["views"]) == (2, 5)
            hub.on_committed(world.commit((1, viewer(9))))
            assert (await told(slow))["seq"] == 3
            assert (await told(quick))["seq"] == 7
            assert await silent(slow, 2)


async def test_viewers_leave_after_five_minutes_without_a_commit(autojump_clock: MockClock) -> None:
    world = World()
    async with running(world) as hub:
        with hub.admitted("a") as reader:
            hub.on_committed(world.commit((1, viewer(1)), (1, viewer(2))))  # seen before anybody asks
            await hub.subscribe(reader, OWNER, "post:1")
            assert numbers(await told(reader)) == (2, 2, 2, 2)
            await trio.sleep(200)
            hub.on_committed(world.commit((1, viewer(2))))
            assert (await told(reader))["viewers_now"] == 2
            assert numbers(await told(reader, within_s=110)) == (3, 3, 2, 1)
            assert numbers(await told(reader, within_s=210)) == (3, 3, 2, 0)


async def test_a_restarted_hub_starts_an_epoch_with_a_snapshot_for_everyone(autojump_clock: MockClock) -> None:
    world = World()
    hub = make_hub(world)
    with hub.admitted("a") as reader:
        async with trio.open_nursery() as nursery:
            await nursery.start(hub.run)
            await hub.subscribe(reader, OWNER, "post:1")
            before = await told(reader)
            hub.on_committed(world.commit((1, viewer(1))))
            assert (await told(reader))["seq"] == 2
            nursery.cancel_scope.cancel()
        hub.on_committed(world.commit((1, viewer(2))))
        async with trio.open_nursery() as nursery:
            await nursery.start(hub.run)
            after = await told(reader)
            assert after["epoch"] != before["epoch"]
            assert (after["seq"], after["views"]) == (1, 2)
            nursery.cancel_scope.cancel()


async def test_a_database_that_is_away_delays_snapshots_and_nothing_else(autojump_clock: MockClock) -> None:
    world = World()
    async with running(world) as hub:
        with hub.admitted("a") as old, hub.admitted("a") as new:
            await hub.subscribe(old, OWNER, "post:1")
            await told(old)
            world.away = True
            await hub.subscribe(new, OWNER, "post:2")
            hub.on_committed(world.commit((1, viewer(1)), (2, viewer(1))))
            assert numbers(await told(old, within_s=0.5)) == (1, 1, 1, 1)
            assert await silent(new, 60)
            world.away = False
            assert numbers(await told(new, within_s=2)) == (1, 1, 1, 1)
            assert world.asked["counts"] < 80


async def test_another_process_is_heard_and_our_own_echo_is_not(autojump_clock: MockClock) -> None:
    world = World()
    async with running(world) as hub:
        with hub.admitted("a") as reader:
            await hub.subscribe(reader, OWNER, "post:1")
            await told(reader)
            committed = world.commit((1, viewer(1)), (1, viewer(2)))
            for payload in world.notices(committed, HERE):
                hub.on_notify(payload)
            assert await silent(reader, 5)
            for payload in world.notices(committed):
                hub.on_notify(payload)
            assert numbers(await told(reader, within_s=0.5)) == (2, 2, 2, 2)
            assert world.asked["counts"] == 1
            with pytest.raises(msgspec.MsgspecError):
                hub.on_notify("not a notice")


async def test_lost_notices_are_made_up_for(autojump_clock: MockClock) -> None:
    world = World()
    async with running(world) as hub:
        with hub.admitted("a") as reader:
            await hub.subscribe(reader, OWNER, "post:1")
            await told(reader)
            world.commit((1, viewer(1)))  # and the listening connection was down
            hub.resync()
            assert (await told(reader, within_s=1))["views"] == 1


async def test_a_late_view_counts_in_the_total_and_not_today(autojump_clock: MockClock) -> None:
    world = World()
    async with running(world) as hub:
        with hub.admitted("a") as reader:
            await hub.subscribe(reader, OWNER, "post:1")
            await told(reader)
            hub.on_committed(world.commit((1, viewer(1)), day=day_of(world.start_us) - 1))
            assert numbers(await told(reader)) == (1, 0, 0, 0)


async def test_midnight_moves_today_into_the_total(autojump_clock: MockClock) -> None:
    world = World(start_us=20_001 * DAY_US - 10_000_000)
    async with running(world) as hub:
        with hub.admitted("a") as reader:
            await hub.subscribe(reader, OWNER, "post:1")
            await told(reader)
            hub.on_committed(world.commit((1, viewer(1))))
            assert numbers(await told(reader)) == (1, 1, 1, 1)
            assert numbers(await told(reader, within_s=15)) == (1, 0, 0, 1)
            hub.on_committed(world.commit((1, viewer(1))))
            assert numbers(await told(reader)) == (2, 1, 1, 1)


async def test_what_is_loaded_across_midnight_counts_no_day_twice(autojump_clock: MockClock) -> None:
    """The question is asked before midnight; the database has a view of the new day when it answers."""
    world, midnight_s = World(start_us=20_001 * DAY_US - 2_000_000), trio.current_time() + 2.0
    world.commit((1, viewer(1)))
    notices: list[str] = []
    async with running(world) as hub:
        with hub.admitted("a") as reader:
            await hub.subscribe(reader, OWNER, "post:1")
            assert numbers(await told(reader))[:2] == (1, 1)
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
                    shown.append(numbers(await told(reader, within_s=10))[:2])
            assert max(shown) == shown[-1] == (2, 1), shown


async def test_a_late_viewer_heard_of_from_another_process_leaves_in_time(autojump_clock: MockClock) -> None:
    world = World()
    async with running(world) as hub:
        with hub.admitted("a") as reader:
            await hub.subscribe(reader, OWNER, "post:1")
            await told(reader)
            start_s, committed = trio.current_time(), world.commit((1, viewer(1)))
            assert numbers(await told(reader, within_s=120)) == (1, 1, 1, 0)  # loaded; its process tells late
            await trio.sleep_until(start_s + 240)
            for payload in world.notices(committed):
                hub.on_notify(payload)
            assert numbers(await told(reader, within_s=1)) == (1, 1, 1, 1)
            assert numbers(await told(reader, within_s=62)) == (1, 1, 1, 0)


async def test_the_site_counts_every_post(autojump_clock: MockClock) -> None:
    world = World()
    async with running(world) as hub:
        with hub.admitted("a") as reader:
            await hub.subscribe(reader, OWNER, "site")
            await told(reader)
            hub.on_committed(world.commit((1, viewer(1)), (2, viewer(1)), (3, viewer(2))))
            assert numbers(await told(reader)) == (3, 3, 2, 2)


async def test_a_post_and_a_stream_of_one_number_share_the_query(autojump_clock: MockClock) -> None:
    world = World()
    async with running(world) as hub:
        with hub.admitted("a") as reader:
            await hub.subscribe(reader, OWNER, "post:5")
            await hub.subscribe(reader, OWNER, "stream:5")
            assert {(await told(reader))["topic"] for _ in range(2)} == {"post:5", "stream:5"}
            hub.on_committed(world.commit((5, viewer(1))))
            assert {(await told(reader))["topic"] for _ in range(2)} == {"post:5", "stream:5"}
            assert world.asked["counts"] == 1


async def test_an_artist_sees_all_posts_and_each_viewer_once(autojump_clock: MockClock) -> None:
    world = World(owners={1: 7, 2: 7, 3: 8})
    async with running(world) as hub:
        with hub.admitted("a") as reader:
            await hub.subscribe(reader, OWNER, "artist:7")
            assert numbers(await told(reader)) == (0, 0, 0, 0)
            hub.on_committed(world.commit((1, viewer(1)), (2, viewer(1)), (3, viewer(2))))
            assert numbers(await told(reader)) == (2, 2, 1, 1)
            for number in range(100):
                hub.on_committed(world.commit((1, viewer(number))))
                await trio.sleep(0.05)
            assert world.asked["artist_counts"] <= 9


async def test_a_player_is_followed_here_and_through_other_processes(autojump_clock: MockClock) -> None:
    world = World()
    name = "player:0189fd1a-6d2f-7c00-8000-00000000002a"
    key = bytes.fromhex(name[7:].replace("-", ""))
    async with running(world) as hub:
        with hub.admitted("a") as reader:
            await hub.subscribe(reader, OWNER, name)
            await told(reader)
            hub.on_committed(world.commit((1, player_viewer(key)), player_key=key))
            while numbers(await told(reader)) != (1, 1, 1, 1):
                pass
            for payload in world.notices(world.commit((2, player_viewer(key)), player_key=key)):
                hub.on_notify(payload)
            assert (await told(reader, within_s=2))["views"] == 2


async def test_the_top_follows_who_climbs_in(autojump_clock: MockClock) -> None:
    world = World(hidden={99})
    for post_id in range(1, 12):
        world.commit(*[(post_id, viewer(n)) for n in range(20 - post_id)])
    async with running(world) as hub:
        with hub.admitted("a") as reader:
            await hub.subscribe(reader, None, "top")
            first = await told(reader)
            assert [row["post_id"] for row in first["posts"]] == list(range(1, 11))
            assert first["posts"][0] == {
                "post_id": 1,
                "title": "post 1",
                "views": 19,
                "views_today": 19,
                "unique_viewers_today": 19,
                "viewers_now": 0,
            }
            hub.on_committed(world.commit((2, viewer(50)), (2, viewer(51))))
            second = await told(reader)
            assert [row["post_id"] for row in second["posts"]][:2] == [2, 1]
            assert (second["seq"], second["posts"][0]["viewers_now"], world.asked["top"]) == (2, 2, 1)
            await trio.sleep(2)
            hub.on_committed(world.commit(*[(11, viewer(n)) for n in range(60)]))
            third = await told(reader, within_s=1.5)
            assert [row["post_id"] for row in third["posts"]][:2] == [11, 2]
            for _ in range(100):
                hub.on_committed(world.commit(*[(99, viewer(n)) for n in range(5)]))  # private: never shown
                await trio.sleep(0.1)
            assert world.asked["top"] <= 15


async def test_bounds_hold(autojump_clock: MockClock) -> None:
    world = World()
    async with running(world, clients_max=3, clients_per_address=2) as hub:
        with hub.admitted("a"):
            with hub.admitted("a"), pytest.raises(TooManyClients, match="address"), hub.admitted("a"):
                pass
            with hub.admitted("b"), hub.admitted("c"), pytest.raises(TooManyClients), hub.admitted("d"):
                pass
            with hub.admitted("a") as reader:
                for number in range(1, 101):
                    await hub.subscribe(reader, OWNER, f"post:{number}")
                with pytest.raises(NotFollowed) as why:
                    await hub.subscribe(reader, OWNER, "post:101")
                assert why.value.code == "too_many_topics"
                await hub.subscribe(reader, OWNER, "post:100")
                hub.unsubscribe(reader, "post:1")
                await hub.subscribe(reader, OWNER, "post:101")
        assert (hub.clients, hub.topics) == (0, 101)
        await trio.sleep(UNREAD_S + 2)
        assert hub.topics == 0
        assert hub._connections._addresses == {}


async def test_topics_that_may_not_be_followed(autojump_clock: MockClock) -> None:
    async def may_see(principal: Principal | None, topic: Topic) -> bool:
        if topic.name == "post:3":
            raise StoreUnavailable("scripted")
        return topic.name == "post:1"

    world = World()
    async with running(world, may_see=may_see) as hub:
        with hub.admitted("a") as reader:
            await hub.subscribe(reader, OWNER, "post:1")
            for name, code, topic in [
                ("post:2", "forbidden", "post:2"),
                ("post:3", "unavailable", "post:3"),
                ("nonsense", "invalid_topic", None),
            ]:
                with pytest.raises(NotFollowed) as why:
                    await hub.subscribe(reader, OWNER, name)
                assert (why.value.code, why.value.topic) == (code, topic)


async def test_unsubscribed_is_silent(autojump_clock: MockClock) -> None:
    world = World()
    async with running(world) as hub:
        with hub.admitted("a") as reader:
            await hub.subscribe(reader, OWNER, "post:1")
            await told(reader)
            hub.on_committed(world.commit((1, viewer(1))))
            await trio.sleep(1)
            hub.unsubscribe(reader, "post:1")
            hub.unsubscribe(reader, "post:77")
            assert await silent(reader, 5)


async def test_stopping_lets_everyone_go_and_nobody_in(autojump_clock: MockClock) -> None:
    world = World()
    hub = make_hub(world)
    async with trio.open_nursery() as nursery:
        await nursery.start(hub.run)
        with hub.admitted("a") as reader:
            hub.stop()
            assert await reader.next() is None
            with pytest.raises(TooManyClients), hub.admitted("a"):
                pass
