"""What everyone may follow without a token: public contents, in places of their own."""

from __future__ import annotations

from functools import partial

import pytest
import trio
from trio.testing import MockClock
from trio_websocket import ConnectionClosed

from tests.live.scripted import OWNER, CommittedViews, next_message, running, silent, viewer
from tests.live.test_websocket import connected, hear, say
from vts.catalog.memory import MemoryCatalog
from vts.live import public
from vts.live.hub import NotFollowed
from vts.live.public import ASKS_MAX, PublicBounds
from vts.live.topics import Topic, is_open_in
from vts.model.content import Content
from vts.model.faults import TooManyClients
from vts.model.principal import Principal

OPEN = {42, 43, 44}


def only_owners(principal: Principal | None, topic: Topic) -> bool:
    return principal == OWNER


followers = partial(running, may_see=only_owners, is_open=OPEN.__contains__)


async def test_everyone_sees_views_and_no_unique_viewers(autojump_clock: MockClock) -> None:
    world = CommittedViews()
    async with followers(world) as hub:
        with hub.admitted("a", is_public=True) as anyone, hub.admitted("b", OWNER) as owner:
            await hub.subscribe(anyone, None, "post:042")
            await hub.subscribe(owner, OWNER, "post:42")
            for reader in (anyone, owner):
                assert (await next_message(reader))["topic"] == "post:42"
            hub.on_committed(world.commit((42, viewer(1)), (42, viewer(1))))
            shown, whole = await next_message(anyone), await next_message(owner)
            assert set(shown) == {"topic", "epoch", "seq", "views", "views_today", "viewers_now", "at"}
            assert (shown["seq"], shown["views"], shown["views_today"], shown["viewers_now"]) == (2, 2, 2, 1)
            assert whole == shown | {"unique_viewers_today": 1}
            assert world.asked["counts"] == 1  # both forms are of one question


@pytest.mark.parametrize(
    "name", ["post:1", "stream:42", "artist:7", "site", "top", "player:" + "0b6d8a3e-5f0c-4d5b-9b07-2f6a4c1d9e11"]
)
async def test_nothing_else_is_followed_and_the_connection_lives_on(name: str, autojump_clock: MockClock) -> None:
    async with followers(CommittedViews()) as hub:
        with hub.admitted("a", is_public=True) as reader:
            with pytest.raises(NotFollowed) as why:
                await hub.subscribe(reader, None, name)
            assert (why.value.code, why.value.topic) == ("forbidden", name)
            await hub.subscribe(reader, None, "post:42")
            assert (await next_message(reader))["views"] == 0


async def test_what_a_page_of_this_machine_sees_is_not_for_everyone(autojump_clock: MockClock) -> None:
    async with running(CommittedViews(), may_see=lambda principal, topic: True, is_open=OPEN.__contains__) as hub:
        with hub.admitted("a", is_public=True) as reader, hub.admitted("b") as own_page:
            await hub.subscribe(own_page, None, "top")
            for name in ("top", "post:1"):
                with pytest.raises(NotFollowed):
                    await hub.subscribe(reader, None, name)


async def test_a_user_follows_public_contents_of_others_likewise(autojump_clock: MockClock) -> None:
    other = Principal(8, frozenset(("user",)))
    async with followers(CommittedViews()) as hub:
        with hub.admitted("a", other) as reader:
            await hub.subscribe(reader, other, "post:42")
            assert "unique_viewers_today" not in await next_message(reader)
            await hub.subscribe(reader, OWNER, "post:42")  # as if the content had become the user's
            assert "unique_viewers_today" in await next_message(reader)
            assert await silent(reader, 5)
            hub.unsubscribe(reader, "post:42")
            assert reader.topics == {}


async def test_a_content_that_is_no_longer_public_ends_its_topic(autojump_clock: MockClock) -> None:
    still_open = set(OPEN)
    async with running(CommittedViews(), may_see=only_owners, is_open=still_open.__contains__) as hub:
        with hub.admitted("a", is_public=True) as reader, hub.admitted("b", OWNER) as owner:
            for name in ("post:42", "post:43"):
                await hub.subscribe(reader, None, name)
                await next_message(reader)
            await hub.subscribe(owner, OWNER, "post:42")
            await next_message(owner)
            still_open.remove(42)
            ended = await next_message(reader)
            assert (ended["topic"], ended["error_code"]) == ("post:42", "forbidden")
            assert list(reader.topics) == ["post:43"]
            assert await silent(owner, 5)
            with pytest.raises(NotFollowed):
                await hub.subscribe(reader, None, "post:42")
            still_open.add(42)
            await hub.subscribe(reader, None, "post:42")
            assert (await next_message(reader))["seq"] == 1


def test_public_is_what_the_count_is_public_of() -> None:
    catalog = MemoryCatalog()
    said = {"kind": "artwork", "private": False, "deleted": False, "provisional": False}
    contents = {
        1: Content(owner_id=7, **said),
        2: Content(owner_id=7, **said | {"private": True}),
        3: Content(owner_id=7, **said | {"deleted": True}),
        4: Content(owner_id=None, **said | {"provisional": True}),
    }
    catalog.apply(contents.items(), [])
    assert [is_open_in(catalog)(number) for number in (1, 2, 3, 4, 5)] == [True, False, False, True, False]


async def test_pages_take_no_place_of_the_dashboards(autojump_clock: MockClock) -> None:
    bounds = PublicBounds(clients_max=3, clients_per_address=2, topics_max=2)
    async with followers(CommittedViews(), clients_max=1, clients_per_address=1, public=bounds) as hub:
        with hub.admitted("a", is_public=True), hub.admitted("a", is_public=True) as reader:
            with pytest.raises(TooManyClients) as why, hub.admitted("a", is_public=True):
                pass
            assert why.value.of_address
            third, fourth = (hub.admitted(address, is_public=True) for address in "bc")
            with third, pytest.raises(TooManyClients) as why, fourth:
                pass
            assert not why.value.of_address
            with hub.admitted("a", OWNER):
                assert (hub.clients, hub.public_clients) == (3, 2)
            for name in ("post:42", "post:43"):
                await hub.subscribe(reader, None, name)
            with pytest.raises(NotFollowed) as not_followed:
                await hub.subscribe(reader, None, "post:44")
            assert not_followed.value.code == "too_many_topics"
        assert (hub.clients, hub.public_clients) == (0, 0)


async def test_all_public_followers_together_are_bounded(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(public, "TOPICS_ALL_MAX", 2)
    async with followers(CommittedViews()) as hub:
        with hub.admitted("a", is_public=True) as reader, hub.admitted("b", OWNER) as owner:
            for name in ("post:42", "post:43", "post:42"):
                await hub.subscribe(reader, None, name)
            with pytest.raises(NotFollowed) as why:
                await hub.subscribe(reader, None, "post:44")
            assert why.value.code == "unavailable"
            await hub.subscribe(owner, OWNER, "post:44")
            assert (await next_message(owner))["topic"] == "post:44"
            hub.unsubscribe(reader, "post:42")
            await trio.sleep(60)
            await hub.subscribe(reader, None, "post:44")


async def test_a_public_connection_names_so_many_topics(autojump_clock: MockClock) -> None:
    async with followers(CommittedViews()) as hub, connected(hub, principal=None, is_public=True) as socket:
        await say(socket, "subscribe", "post:42")
        await hear(socket)
        for _ in range(ASKS_MAX // 100):
            await say(socket, "unsubscribe", *["post:43"] * 100)
        with pytest.raises(ConnectionClosed) as closed:
            await hear(socket)
        assert closed.value.reason.code == 1008
