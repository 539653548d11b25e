"""An import is undone: all counts are those of a database that never had it, also when others came before or after."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from typing import Any

import pytest

from tests.store.drained import DAY, event
from vts.model import sketch
from vts.model.day import date_of
from vts.model.imports import DailyRow
from vts.model.view import ViewEvent
from vts.store.drain.batch import Dates
from vts.store.drain.counting import count_views, lock_days
from vts.store.facts.history_import import Applied, Ticket, import_daily, import_views
from vts.store.facts.undo_import import NoSuchImport, NotRecorded, Undone, undo_import
from vts.store.schema.partitions import make_days
from vts.store.session.connection import Connection, Database

LONG_AGO = DAY - 100
DAYS = [LONG_AGO, LONG_AGO + 1]
RAW = [LONG_AGO + 50, LONG_AGO + 51]
POSTS = [7, 8, 9]
TABLES = {
    "post_stats_daily": "post_id, day",
    "artist_stats_daily": "owner_id, day",
    "imported_site_days": "day",
    "imported_events": "post_id, event_id",
    "imports": "import_id",
    "import_parts": "day, post_id, import_id",
    "view_events": "post_id, event_id",
}
NOT_COMPARED = {"rolled_at", "imported_at", "key_version", "dropped_at"}


def owner_of(post_id: int) -> int | None:
    return {7: 70, 8: 70, 9: 90}.get(post_id)


Import = tuple[Ticket, Sequence[DailyRow] | Sequence[ViewEvent]]


async def apply(connection: Connection, one: Import) -> Applied:
    ticket, rows = one
    if ticket.kind == "daily":
        return await import_daily(connection, ticket, rows, [], owner_of)  # type: ignore[arg-type]
    old = [view for view in rows if view.event_day in DAYS]  # type: ignore[union-attr]
    recent = [view for view in rows if view.event_day in RAW]  # type: ignore[union-attr]
    applied = await import_views(connection, ticket, old, [], owner_of, recent=recent)  # type: ignore[arg-type]
    return Applied(applied.imported + applied.recent, applied.repeated)


def counters(chance: random.Random, name: str) -> Import:
    rows = []
    for post_id in chance.sample([0, *POSTS], chance.randint(1, 4)):
        for day in chance.sample(DAYS, chance.randint(1, 2)):
            views = chance.randint(2, 40)
            signed = chance.randint(0, views)
            country = chance.choice(["BR", "DE", "JP"])
            rows.append(
                DailyRow(
                    post_id=post_id,
                    day=date_of(day),
                    views=views,
                    views_authenticated=signed,
                    unique_viewers=chance.randint(1, views),
                    breakdowns={"country": {country: [views // 2, min(signed, views // 2)]}, "device": {"tv": 1}},
                )
            )
    return Ticket(name, "daily", name.encode()), rows


def views(chance: random.Random, name: str, known: list[ViewEvent]) -> Import:
    days = [*DAYS, *RAW]
    made = [event(chance, post_id=chance.choice(POSTS), day=chance.choice(days)) for _ in range(chance.randint(1, 9))]
    again = chance.sample(known, min(len(known), 2))  # which another import brought before
    known += made
    return Ticket(name, "views", name.encode()), [*made, *again]


async def state(connection: Connection) -> dict[str, Any]:
    return {
        table: [_shown(row) for row in await connection.fetch(f"SELECT * FROM {table} ORDER BY {order}")]
        for table, order in TABLES.items()
    }


def _shown(row: Any) -> dict[str, Any]:
    shown = {name: value for name, value in row.items() if name not in NOT_COMPARED}
    for name, value in shown.items():
        if name.startswith("sketch") and (value is None or isinstance(value, bytes)):
            shown[name] = sketch.count(value)
        if name.endswith("breakdowns"):
            shown[name] = json.loads(value)
    return shown


async def fresh(database: Database) -> Connection:
    connection = await database.connect("owner")
    await connection.execute(f"TRUNCATE content, rollup_days, {', '.join(TABLES)}")
    await connection.execute(
        "INSERT INTO content (post_id, owner_id, revision) SELECT p, CASE WHEN p < 9 THEN 70 ELSE 90 END, 1"
        " FROM unnest($1::bigint[]) AS p",
        POSTS,
    )
    await make_days(connection, map(date_of, RAW))
    return connection


async def count_late(connection: Connection, events: Sequence[ViewEvent]) -> None:
    """As the drain does for views out of an old journal."""
    async with connection.transaction():
        await lock_days(connection, DAYS)
        await count_views(connection, events, Dates(), owner_of)


@pytest.mark.parametrize("turn", range(6))
async def test_what_is_left_is_as_if_the_import_had_never_come(database: Database, turn: int) -> None:
    seed = random.randrange(2**32)
    print("seed", seed, turn)
    chance = random.Random(seed)
    before = [event(chance, post_id=chance.choice(POSTS), day=chance.choice(DAYS)) for _ in range(3)]
    imports: list[Import] = []
    for number in range(6):
        if chance.random() < 0.5:
            imports.append(counters(chance, f"c{number}"))
        else:
            imports.append(views(chance, f"v{number}", []))
    kept = [one for one in imports if chance.random() < 0.5]
    gone = [one for one in imports if one not in kept]
    chance.shuffle(gone)

    connection = await fresh(database)
    if turn % 2:
        await count_late(connection, before)
    for one in imports:
        await apply(connection, one)
    for ticket, rows in gone:
        undone = await undo_import(connection, ticket.import_id)
        assert (undone.kind, undone.rows) == (ticket.kind, len(rows))
    left = await state(connection)

    await fresh(database)
    if turn % 2:
        await count_late(connection, before)
    for one in kept:
        await apply(connection, one)
    assert left == await state(connection)


async def test_views_that_came_late_stay(database: Database) -> None:
    chance = random.Random(4)
    connection = await fresh(database)
    imported, late = ([event(chance, post_id=7, day=LONG_AGO) for _ in range(n)] for n in (5, 3))
    row = DailyRow(post_id=7, day=date_of(LONG_AGO), views=10, unique_viewers=8)
    await apply(connection, (Ticket("v", "views", b"v"), imported))
    await apply(connection, (Ticket("c", "daily", b"c"), [row]))
    await count_late(connection, late)
    assert await undo_import(connection, "v") == Undone("views", 5, 5, 5, 0, 1)
    assert await undo_import(connection, "c") == Undone("daily", 1, 10, 0, 0, 1)
    for table in ("post_stats_daily", "artist_stats_daily"):
        for left in await connection.fetch(f"SELECT * FROM {table}"):
            assert (left["total_views"], left["unique_viewers"], left["unique_viewers_imported"]) == (3, 3, 0)
            assert sum(n for n, _ in json.loads(left["breakdowns"])["device"].values()) == 3


async def test_what_clients_sent_on_a_raw_day_stays_and_the_day_is_rolled_up_again(database: Database) -> None:
    chance = random.Random(6)
    connection = await fresh(database)
    sent = [event(chance, post_id=7, day=RAW[0]) for _ in range(4)]
    await apply(connection, (Ticket("sent", "views", b"s"), sent))
    await connection.execute("UPDATE imported_events SET import_id = NULL")  # as if clients had sent them
    await connection.execute("DELETE FROM imports")
    await connection.execute("DELETE FROM import_parts")
    alone = await state(connection)
    both = [*sent[:2], *(event(chance, post_id=7, day=RAW[0]) for _ in range(3))]
    assert (await apply(connection, (Ticket("v", "views", b"v"), both))).imported == 3
    await undo_import(connection, "v")
    assert await state(connection) == alone
    rolled = await connection.fetch("SELECT post_id FROM post_stats_daily WHERE rolled_at IS NOT NULL")
    dropped = await connection.fetchval("SELECT count(*) FROM rollup_days WHERE dropped_at IS NOT NULL")
    assert (rolled, dropped) == ([], 0)


async def test_an_import_is_undone_once_and_may_come_again(database: Database) -> None:
    chance = random.Random(5)
    connection = await fresh(database)
    nothing = await state(connection)
    known: list[ViewEvent] = []
    for one in (counters(chance, "c"), views(chance, "v", known), views(chance, "w", known)):
        applied = await apply(connection, one)
        full = await state(connection)
        await undo_import(connection, one[0].import_id)
        assert await state(connection) == nothing
        with pytest.raises(NoSuchImport):
            await undo_import(connection, one[0].import_id)
        assert await apply(connection, one) == applied
        assert await state(connection) == full
        await undo_import(connection, one[0].import_id)


async def test_an_import_of_an_earlier_version_is_not_undone(database: Database) -> None:
    connection = await fresh(database)
    await connection.execute("INSERT INTO imports (import_id, kind, digest, imported) VALUES ('old', 'daily', '', 3)")
    with pytest.raises(NotRecorded):
        await undo_import(connection, "old")
    assert await connection.fetchval("SELECT count(*) FROM imports") == 1
