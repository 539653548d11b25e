"""Players' last status: what one or several processes heard, as `GET /api/players` shows it."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
import trio
import trio.lowlevel

from vts.model.content import PlayerRow
from vts.model.day import SECOND_US, datetime_of
from vts.model.presence import Presence, Status
from vts.query.players import PlayersAsked, players
from vts.store.facts.catalog import delete_player, upsert_players
from vts.store.facts.presence import PresenceActor, flush, forget_presence
from vts.store.session.connection import Connection, Database
from vts.store.session.faults import StoreUnavailable
from vts.store.session.pool import Readers

SILENCE_S = 180
SILENCE = dt.timedelta(seconds=SILENCE_S)
NOON_US = 1_766_404_800 * SECOND_US
KEYS = [UUID(int=n).bytes for n in (1, 2, 3)]
ONLINE, OFFLINE = Status(online=True), Status(online=False)


class Wall:
    """Three players of two owners, and processes that hear them. Times are seconds after noon."""

    def __init__(self, database: Database, writer: Connection) -> None:
        self.readers = Readers(database)
        self.writer = writer

    async def hear(self, *messages: tuple[float, Any], key: bytes = KEYS[0], process: Presence | None = None) -> None:
        """Have a process hear a player and write."""
        presence = Presence() if process is None else process
        for after, what in messages:
            if isinstance(what, Status):
                presence.said(key, what, at(after))
            elif what == "view":
                presence.viewed(key, at(after))
            else:
                presence.alive(key, at(after))
        await flush(self.writer, presence, SILENCE)

    async def ask(self, seconds: float = 0, **asked: Any) -> list[dict[str, Any]]:
        return await players(self.readers, PlayersAsked(**asked), at(seconds - SILENCE_S))

    async def first(self, seconds: float) -> tuple[str, float | None, float | None]:
        """Status, since when online, last seen."""
        row = (await self.ask(seconds))[0]
        return row["status"], after_noon(row["online_since"]), after_noon(row["last_seen_at"])


def at(after: float) -> int:
    return NOON_US + round(after * SECOND_US)


def after_noon(when: dt.datetime | None) -> float | None:
    return None if when is None else (when - datetime_of(NOON_US)).total_seconds()


@pytest.fixture
async def wall(database: Database) -> AsyncIterator[Wall]:
    writer = await database.connect("writer")
    owners = {1: 7, 2: 7, 3: 8}
    await upsert_players(writer, [PlayerRow(player_key=UUID(int=n), owner_id=owner) for n, owner in owners.items()])
    yield Wall(database, writer)
    await writer.close()


async def test_a_player_that_was_never_heard_of_is_offline(wall: Wall) -> None:
    rows = await wall.ask()
    assert [row["player_key"] for row in rows] == [str(UUID(bytes=key)) for key in KEYS]
    nothing = ("firmware_version", "current_post_id", "online_since", "last_seen_at", "last_view_at")
    assert all(row["status"] == "offline" and not any(row[name] for name in nothing) for row in rows)


async def test_the_last_status_is_kept_field_by_field(wall: Wall) -> None:
    await wall.hear((0, Status(online=True, post_id=42, firmware="2.1")))
    await wall.hear((5, "view"), (6, Status(online=True, post_id=43)))
    row = (await wall.ask(10))[0]
    assert (row["current_post_id"], row["firmware_version"], row["status"]) == (43, "2.1", "online")
    assert [after_noon(row[name]) for name in ("online_since", "last_seen_at", "last_view_at")] == [0, 6, 5]
    await wall.hear((7, Status(online=True, post_id=None)))
    assert (await wall.ask(10))[0]["current_post_id"] is None


async def test_silence_makes_offline_and_a_sign_begins_anew(wall: Wall) -> None:
    await wall.hear((0, ONLINE), (100, "view"))
    assert await wall.first(100 + SILENCE_S - 1) == ("online", 0, 100)
    assert await wall.first(100 + SILENCE_S) == ("offline", None, 100)
    await wall.hear((100 + SILENCE_S - 1, "ping"))
    assert await wall.first(300) == ("online", 0, 279)
    await wall.hear((1000, "ping"))
    assert await wall.first(1001) == ("online", 1000, 1000)


async def test_a_last_will_is_obeyed_until_the_player_does_something(wall: Wall) -> None:
    await wall.hear((0, ONLINE), (50, OFFLINE))
    assert await wall.first(51) == ("offline", None, 0)
    await wall.hear((52, "ping"))  # of a connection that is being closed
    assert await wall.first(53) == ("offline", None, 52)
    await wall.hear((60, "view"))
    assert await wall.first(61) == ("online", 60, 60)
    await wall.hear((70, OFFLINE), (70, ONLINE), (71, "view"))
    assert await wall.first(72) == ("online", pytest.approx(70, abs=0.001), 71)


async def test_of_several_processes_the_newest_receipt_counts(wall: Wall) -> None:
    late, early = Presence(), Presence()
    early.viewed(KEYS[0], at(5))
    early.said(KEYS[0], Status(online=False, post_id=1, firmware="1.0"), at(10))
    await wall.hear((20, Status(online=True, post_id=2, firmware="2.0")), (21, "view"), process=late)
    repeated = early.take()
    early.put_back(dict(repeated))
    await wall.hear(process=early)  # heard before, written after
    row = (await wall.ask(22))[0]
    assert (row["status"], row["current_post_id"], row["firmware_version"]) == ("online", 2, "2.0")
    assert [after_noon(row[name]) for name in ("online_since", "last_seen_at", "last_view_at")] == [20, 21, 21]
    early.put_back(repeated)  # a write of which nothing was heard is repeated
    await wall.hear(process=early)
    assert (await wall.ask(22))[0] == row


async def test_pages_and_filters(wall: Wall) -> None:
    await wall.hear((0, ONLINE), key=KEYS[1])
    await wall.hear((0, ONLINE), key=KEYS[2])

    async def keys(**asked: Any) -> list[int]:
        return [UUID(row["player_key"]).int for row in await wall.ask(**asked)]

    assert [await keys(limit=2), await keys(limit=2, after=KEYS[1])] == [[1, 2], [3]]
    assert [await keys(online=True), await keys(online=False)] == [[2, 3], [1]]
    assert [await keys(owner_id=7), await keys(owner_id=7, online=True), await keys(owner_id=9)] == [[1, 2], [2], []]


async def test_a_player_that_has_left_the_catalog_has_no_row(wall: Wall) -> None:
    async def stored() -> int:
        return int(await wall.writer.fetchval("SELECT count(*) FROM player_presence"))

    await wall.hear((0, ONLINE), key=b"of no player yet")
    assert await stored() == 0
    await wall.hear((0, ONLINE))
    await delete_player(wall.writer, KEYS[0])
    await forget_presence(wall.writer)
    assert await stored() == 0


async def test_what_cannot_be_written_is_written_later_and_the_rest_at_the_end(wall: Wall, database: Database) -> None:
    presence = Presence()
    connections: list[Connection] = []

    async def connect() -> Connection:
        connections.append(await database.connect("writer"))
        return connections[-1]

    presence.said(KEYS[0], ONLINE, at(0))
    broken = await database.connect("writer")
    broken.terminate()
    with pytest.raises(StoreUnavailable):
        await flush(broken, presence, SILENCE)
    assert len(presence) == 1
    actor = PresenceActor(presence, connect, SILENCE, every_s=3600)
    async with trio.open_nursery() as nursery:
        await nursery.start(actor.run)
        presence.viewed(KEYS[0], at(1))
        actor.stop()
    assert await wall.first(2) == ("online", 0, 1)
    assert len(connections) == 1 and connections[0].is_closed


async def test_without_players_there_is_no_session() -> None:
    async def connect() -> Connection:
        raise AssertionError("nothing is to be written")

    actor = PresenceActor(Presence(), connect, SILENCE, every_s=0)
    async with trio.open_nursery() as nursery:
        await nursery.start(actor.run)
        for _ in range(10):
            await trio.lowlevel.checkpoint()
        actor.stop()
