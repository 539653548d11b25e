"""What each kind of topic shows: the site, streams, artists, players, the top."""

from __future__ import annotations

import trio
from trio.testing import MockClock

from tests.live.scripted import OWNER, CommittedViews, next_message, player_viewer, running, viewer


def numbers(message: dict[str, int]) -> tuple[int, int, int, int]:
    return message["views"], message["views_today"], message["unique_viewers_today"], message["viewers_now"]


async def test_the_site_counts_every_post(autojump_clock: MockClock) -> None:
    world = CommittedViews()
    async with running(world) as hub:
        with hub.admitted("a") as reader:
            await hub.subscribe(reader, OWNER, "site")
            await next_message(reader)
            hub.on_committed(world.commit((1, viewer(1)), (2, viewer(1)), (3, viewer(2))))
            assert numbers(await next_message(reader)) == (3, 3, 2, 2)


async def test_a_post_and_a_stream_of_one_number_share_the_query(autojump_clock: MockClock) -> None:
    world = CommittedViews()
    async with running(world) as hub:
        with hub.admitted("a") as reader:
            await hub.subscribe(reader, OWNER, "post:5")
            await hub.subscribe(reader, OWNER, "stream:5")
            assert {(await next_message(reader))["topic"] for _ in range(2)} == {"post:5", "stream:5"}
            hub.on_committed(world.commit((5, viewer(1))))
            assert {(await next_message(reader))["topic"] for _ in range(2)} == {"post:5", "stream:5"}
            assert world.asked["counts"] == 1


async def test_an_artist_sees_all_posts_and_each_viewer_once(autojump_clock: MockClock) -> None:
    world = CommittedViews(owners={1: 7, 2: 7, 3: 8})
    async with running(world) as hub:
        with hub.admitted("a") as reader:
            await hub.subscribe(reader, OWNER, "artist:7")
            assert numbers(await next_message(reader)) == (0, 0, 0, 0)
            hub.on_committed(world.commit((1, viewer(1)), (2, viewer(1)), (3, viewer(2))))
            assert numbers(await next_message(reader)) == (2, 2, 1, 1)
            for number in range(100):
                hub.on_committed(world.commit((1, viewer(number))))
                await trio.sleep(0.05)
            assert world.asked["artist_counts"] <= 9


async def test_a_player_is_followed_here_and_through_other_processes(autojump_clock: MockClock) -> None:
    world = CommittedViews()
    name = "player:0189fd1a-6d2f-7c00-8000-00000000002a"
    key = bytes.fromhex(name[7:].replace("-", ""))
    async with running(world) as hub:
        with hub.admitted("a") as reader:
            await hub.subscribe(reader, OWNER, name)
            await next_message(reader)
            hub.on_committed(world.commit((1, player_viewer(key)), player_key=key))
            while numbers(await next_message(reader)) != (1, 1, 1, 1):
                pass
            for payload in world.notices(world.commit((2, player_viewer(key)), player_key=key)):
                hub.on_notify(payload)
            assert (await next_message(reader, within_s=2))["views"] == 2


async def test_the_top_follows_who_climbs_in(autojump_clock: MockClock) -> None:
    world = CommittedViews(hidden={99})
    for post_id in range(1, 12):
        world.commit(*[(post_id, viewer(n)) for n in range(20 - post_id)])
    async with running(world) as hub:
        with hub.admitted("a") as reader:
            await hub.subscribe(reader, None, "top")
            first = await next_message(reader)
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
            second = await next_message(reader)
            assert [row["post_id"] for row in second["posts"]][:2] == [2, 1]
            assert (second["seq"], second["posts"][0]["viewers_now"], world.asked["top"]) == (2, 2, 1)
            await trio.sleep(2)
            hub.on_committed(world.commit(*[(11, viewer(n)) for n in range(60)]))
            third = await next_message(reader, within_s=1.5)
            assert [row["post_id"] for row in third["posts"]][:2] == [11, 2]
            for _ in range(100):
                hub.on_committed(world.commit(*[(99, viewer(n)) for n in range(5)]))  # private: never shown
                await trio.sleep(0.1)
            assert world.asked["top"] <= 15
