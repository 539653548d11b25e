"""A client's event that an import brings, too: undoing the import leaves what the client's acknowledgement promised."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Sequence

import msgspec
import pytest
import trio

from tests.store.drained import ListJournal, Told, drain_of, event, finish
from tests.store.test_undo_import import RAW, fresh, owner_of, state
from tests.support.waiting import until
from vts.model import identity
from vts.model.day import DAY_US, date_of
from vts.model.record import Event
from vts.model.site import PlaybackEvent, SiteEvent
from vts.model.view import ViewEvent
from vts.store.facts.history_import import Applied, Ticket, import_views
from vts.store.facts.import_site_stats import import_site_events
from vts.store.facts.import_tables import import_playback
from vts.store.facts.undo_import import undo_import
from vts.store.session.connection import Connection, Database

Connect = Callable[[], Awaitable[Connection]]

VIEWS = Ticket("v", "views", b"v")
SEED = 20261121


def chosen(count: int, **fields: object) -> list[ViewEvent]:
    chance = random.Random(SEED)
    return [event(chance, post_id=chance.choice([7, 8]), day=RAW[0], **fields) for _ in range(count)]


async def drained(connect: Connect, *events: Event) -> Told:
    journal, told = ListJournal(random.randbytes(16)), Told()
    journal.append(*events)  # type: ignore[arg-type]
    await finish(drain_of(connect, journal, told, owner_of=owner_of))
    return told


async def bring(connection: Connection, events: Sequence[ViewEvent], ticket: Ticket = VIEWS) -> Applied:
    return await import_views(connection, ticket, [], [], owner_of, recent=events)


async def left(connection: Connection) -> dict[str, object]:
    tables = await state(connection)
    del tables["imported_events"]  # what clients have stays known there
    return tables


@pytest.mark.parametrize("first", ["client", "import", "import and undo"])
async def test_undoing_leaves_what_a_client_sent(database: Database, connect: Connect, first: str) -> None:
    brought = chosen(6)
    sent = [*brought[:2], *chosen(8)[6:]]
    connection = await fresh(database)
    await drained(connect, *sent)
    alone = await left(connection)

    connection = await fresh(database)
    if first == "client":
        await drained(connect, *sent)
        assert (await bring(connection, brought)).recent == 4
        undone = await undo_import(connection, "v")
    elif first == "import":
        assert (await bring(connection, brought)).recent == 6
        told = await drained(connect, *sent)
        assert [commit.duplicates for commit in told.commits] == [2]
        undone = await undo_import(connection, "v")
    else:
        await bring(connection, brought)
        undone = await undo_import(connection, "v")
        await drained(connect, *sent)
    assert undone.views == (6 if first == "import and undo" else 4)
    assert await left(connection) == alone
    assert (await bring(connection, brought)).recent == 4  # the corrected file


async def test_the_counters_of_a_day_whose_rows_are_gone_keep_it_too(database: Database, connect: Connect) -> None:
    brought = chosen(6)
    connection = await fresh(database)
    await drained(connect, *brought[:2])
    alone = (await left(connection))["post_stats_daily"]
    connection = await fresh(database)
    await bring(connection, brought)
    await bring(connection, extra := chosen(9)[6:], Ticket("w", "views", b"w"))
    await drained(connect, *brought[:2])
    await connection.execute(f"DROP TABLE view_events_{date_of(RAW[0]):%Y%m%d}")
    await undo_import(connection, "v")
    assert (await undo_import(connection, "w")).views == len(extra)
    assert (await left(connection))["post_stats_daily"] == alone
    again = Ticket("again", "views", b"a")
    assert (await import_views(connection, again, brought, [], owner_of)).imported == 4  # two are the clients'


@pytest.mark.parametrize("step", [-1, 1])
async def test_an_id_without_a_day_is_kept_under_the_day_of_the_import(
    database: Database, connect: Connect, step: int
) -> None:
    (brought,) = chosen(1, version=4)
    day, at = brought.event_day + step, brought.created_at + step * DAY_US
    sent = msgspec.structs.replace(brought, event_day=day, created_at=at)
    connection = await fresh(database)
    await bring(connection, [brought])
    before = (await left(connection))["post_stats_daily"]
    told = await drained(connect, sent, *chosen(3)[1:])
    assert [commit.duplicates for commit in told.commits] == [1]
    assert (await undo_import(connection, "v")).views == 0
    rows = await connection.fetch("SELECT event_day FROM view_events WHERE event_id = $1", brought.event_id)
    assert [row[0] for row in rows] == [date_of(brought.event_day)]
    assert len(before) == 2 and sum(row["total_views"] for row in (await left(connection))["post_stats_daily"]) == 6


async def test_another_view_of_the_viewer_is_none_where_view_once_holds(database: Database, connect: Connect) -> None:
    (brought,) = chosen(1)
    sent = msgspec.structs.replace(brought, once=True)
    chance = random.Random(1)
    later = event(chance, post_id=sent.post_id, day=RAW[0], viewer_key=sent.viewer_key, once=True)
    connection = await fresh(database)
    await bring(connection, [brought])
    await drained(connect, sent)
    await undo_import(connection, "v")
    await drained(connect, later)
    rows = await connection.fetch("SELECT event_id FROM view_events")
    assert [row[0] for row in rows] == [sent.event_id]


async def test_a_drain_that_meets_an_undo_at_work_stores_the_event_again(database: Database, connect: Connect) -> None:
    """And the other way round, an undo waits for a drain that is about to take an event."""
    brought = chosen(4)
    connection = await fresh(database)
    await bring(connection, brought)
    look = await database.connect("owner")
    waiting = "SELECT EXISTS (SELECT FROM pg_locks JOIN pg_stat_activity USING (pid)"
    waiting += " WHERE NOT granted AND datname = current_database())"

    async def waits() -> bool:
        return bool(await look.fetchval(waiting))

    async with trio.open_nursery() as nursery, connection.transaction():
        await undo_import(connection, "v")
        nursery.start_soon(drained, connect, *brought[:2])
        await until(waits)
    assert await look.fetchval("SELECT count(*) FROM view_events") == 2
    await bring(connection, brought)
    holder = await connect()
    async with trio.open_nursery() as nursery, holder.transaction():
        await holder.execute("SELECT FROM imported_events WHERE event_id = $1 FOR UPDATE", brought[3].event_id)
        nursery.start_soon(undo_import, connection, "v")
        await until(waits)
        assert await look.fetchval("SELECT count(*) FROM view_events") == 4
        await holder.execute("UPDATE imported_events SET import_id = NULL WHERE event_id = $1", brought[3].event_id)
    rows = await look.fetch("SELECT event_id FROM view_events")
    assert {row[0] for row in rows} == {one.event_id for one in (*brought[:2], brought[3])}


def page(number: int, event_type: str = "page_view", authenticated: bool = False) -> SiteEvent:
    at = RAW[0] * DAY_US + number
    return SiteEvent(
        identity.version_7(at, bytes(9) + bytes([number])), RAW[0], event_type, bytes([number]) * 16, 1, None,
        authenticated, "BR", "desktop", None, None, f"/{number % 2}", None, None, at,
    )  # fmt: skip


async def test_page_views_and_host_events_stay_too(database: Database, connect: Connect) -> None:
    brought = [page(1), page(2, authenticated=True), page(3), page(4, "signup"), page(5)]
    sent = [brought[1], brought[3], page(6)]
    connection = await fresh(database)
    await connection.execute("TRUNCATE site_events, site_stats_daily")
    counted = "SELECT page_views, page_views_authenticated, signups, unique_visitors, unique_visitors_authenticated,"
    counted += " breakdowns::text FROM site_stats_daily"
    await drained(connect, *sent)
    alone = [tuple(row) for row in await connection.fetch(counted)]
    for dropped in (False, True):
        await connection.execute("TRUNCATE site_events, site_stats_daily, imported_events")
        ticket = Ticket(f"s{dropped}", "site_events", b"s")
        await import_site_events(connection, ticket, [], brought)
        await drained(connect, *sent)
        if dropped:
            await connection.execute(f"DROP TABLE site_events_{date_of(RAW[0]):%Y%m%d}")
            await connection.execute(f"DROP TABLE view_events_{date_of(RAW[0]):%Y%m%d}")
        assert (await undo_import(connection, ticket.import_id)).page_views == 3
        left_now = [tuple(row) for row in await connection.fetch(counted)]
        assert [sorted(map(str, row[:3])) for row in left_now] == [sorted(map(str, row[:3])) for row in alone]
        if not dropped:
            assert await connection.fetchval("SELECT count(*) FROM site_events") == 3
            assert [row[:5] for row in left_now] == [row[:5] for row in alone]


async def test_playback_stays_too(database: Database, connect: Connect) -> None:
    at = RAW[0] * DAY_US
    brought = [
        PlaybackEvent(
            5, RAW[0], identity.version_7(at, bytes([n]) * 10), bytes(16), 1, "play", 0.0, None, "tv", None, None, at
        )
        for n in range(3)
    ]
    connection = await fresh(database)
    assert (await import_playback(connection, Ticket("p", "playback", b"p"), [], brought)).recent == 3
    await drained(connect, brought[1])
    await undo_import(connection, "p")
    rows = await connection.fetch("SELECT event_id FROM playback_events")
    assert [row[0] for row in rows] == [brought[1].event_id]
