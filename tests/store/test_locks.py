"""Each advisory lock and each channel has one meaning, and its number or name stands in one place."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

from vts.model.content import ContentRow
from vts.model.imports import DailyRow
from vts.rollup import analytics
from vts.rollup.analytics_actor import refresh_catalog
from vts.store.drain.counting import lock_days
from vts.store.facts.catalog import upsert_contents
from vts.store.facts.history_import import Ticket, import_daily
from vts.store.peers.viewer_key_check import announce, viewer_key_name
from vts.store.session import channels, locks
from vts.store.session.connection import Database

ROOT = Path(locks.__file__).parents[3]
MIGRATIONS = ROOT / "vts" / "store" / "schema" / "migrations"
SOURCES = [
    path for room in ("vts", "supervisors") for path in (ROOT / room).rglob("*") if path.suffix in (".py", ".sql")
]
DAY = 20_454


def register(module: object) -> list[object]:
    return [value for name, value in vars(module).items() if name.isupper()]


def test_no_two_locks_have_one_number() -> None:
    whole = ("MIGRATE",)
    halves = [value for name, value in vars(locks).items() if name.isupper() and name not in whole]
    assert len(set(halves)) == len(halves) >= 8


def test_numbers_and_names_stand_in_the_registers_only() -> None:
    words = [str(value) for value in (*register(locks), *register(channels))]
    written = re.compile("|".join(rf"(?<![\w.]){word}(?![\w.])" for word in words))
    taken = re.compile(r"advisory_\w*lock\w*\(\s*\d|pg_notify\(\s*'|LISTEN ")
    assert len(SOURCES) > 300
    for path in SOURCES:
        if path.parent == MIGRATIONS or path.name in ("locks.py", "channels.py"):
            continue
        statements = "\n".join(line for line in path.read_text().splitlines() if "lock" in line or "notify" in line)
        assert not taken.search(statements), path
        assert not written.search(statements), path


def test_a_migration_takes_the_numbers_of_the_register() -> None:
    text = "\n".join(path.read_text() for path in MIGRATIONS.glob("*.sql"))
    assert set(re.findall(r"PERFORM pg_advisory\w*\((\d+)", text)) == {str(locks.PARTITIONS)}


async def test_what_others_hold_is_not_taken_for_other_viewer_keys(database: Database) -> None:
    """An import, an analysis, a count of the catalog and a drain are under way in all of twenty starts."""
    ours = viewer_key_name(b"a secret that all processes share", 0, "agent")
    busy = [await database.connect("writer") for _ in range(4)]
    imported, analysing, counted, drained = busy
    await upsert_contents(counted, [ContentRow(post_id=1, kind="artwork")])
    row = DailyRow(post_id=1, day=dt.date(2020, 1, 1), views=1)
    async with (
        imported.transaction(),
        analysing.transaction(),
        counted.transaction(),
        drained.transaction(),
    ):
        await import_daily(imported, Ticket("an-import", "daily", bytes(32)), [row], [], lambda post_id: None)
        await analytics.roll_day(analysing, DAY)
        assert await refresh_catalog(counted)
        await lock_days(drained, [DAY])
        for _ in range(20):
            started = await database.connect("reader")
            assert await announce(started, ours) == 0
            await started.close()
    for session in busy:
        await session.close()
