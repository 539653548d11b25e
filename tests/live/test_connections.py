"""Which connections and topics are admitted, and how they end."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock

from tests.live.scripted import OWNER, CommittedViews, make_hub, next_message, running, silent, viewer
from vts.live.hub import NotFollowed
from vts.live.publisher import UNREAD_S
from vts.live.topics import Topic
from vts.model.faults import StoreUnavailable, TooManyClients
from vts.model.principal import Principal
from vts.model.reference import ReferenceKey, References


def numbers(message: dict[str, int]) -> tuple[int, int, int, int]:
    return message["views"], message["views_today"], message["unique_viewers_today"], message["viewers_now"]


async def test_bounds_hold(autojump_clock: MockClock) -> None:
    world = CommittedViews()
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

    world = CommittedViews()
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
    world = CommittedViews()
    async with running(world) as hub:
        with hub.admitted("a") as reader:
            await hub.subscribe(reader, OWNER, "post:1")
            await next_message(reader)
            hub.on_committed(world.commit((1, viewer(1))))
            await trio.sleep(1)
            hub.unsubscribe(reader, "post:1")
            hub.unsubscribe(reader, "post:77")
            assert await silent(reader, 5)


async def test_stopping_ends_every_connection_and_admits_none(autojump_clock: MockClock) -> None:
    world = CommittedViews()
    hub = make_hub(world)
    async with trio.open_nursery() as nursery:
        await nursery.start(hub.run)
        with hub.admitted("a") as reader:
            hub.stop()
            assert await reader.next() is None
            with pytest.raises(TooManyClients), hub.admitted("a"):
                pass


async def test_topics_of_texts_are_followed_under_their_texts(autojump_clock: MockClock) -> None:
    names = References(ReferenceKey(b"k" * 32))
    blog, artist = names.content("blog:1"), names.user('A "b"')
    world = CommittedViews(owners={blog: artist}, references=names)
    async with running(world) as hub:
        with hub.admitted("a") as reader:
            for name in ("post:blog:1", 'artist:A "b"'):
                await hub.subscribe(reader, OWNER, name)
                assert (await next_message(reader))["topic"] == name
            hub.on_committed(world.commit((blog, viewer(1))))
            changed = [await next_message(reader) for _ in range(2)]
            assert {(one["topic"], one["views"]) for one in changed} == {("post:blog:1", 1), ('artist:A "b"', 1)}
            hub.unsubscribe(reader, "post:blog:1")
            hub.unsubscribe(reader, 'artist:A "b"')
            hub.on_committed(world.commit((blog, viewer(2))))
            assert await silent(reader, 5)


async def test_a_text_waits_for_the_catalog_and_a_number_does_not(autojump_clock: MockClock) -> None:
    async with running(CommittedViews()) as hub:
        with hub.admitted("a") as reader:
            await hub.subscribe(reader, OWNER, "post:1")
            with pytest.raises(NotFollowed) as why:
                await hub.subscribe(reader, OWNER, "post:blog:1")
            assert (why.value.code, why.value.topic) == ("unavailable", "post:blog:1")
