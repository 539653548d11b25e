"""`vts bench rollup`: one day rolled up, beside what PostgreSQL alone needs to group the same rows."""

from __future__ import annotations

import os
import time
from collections.abc import Awaitable, Callable

import click
import trio

from vts.cli.bench import dataset, private, usage
from vts.cli.bench.figures import BenchRun, Figures
from vts.cli.bench.report import BenchReport
from vts.model.day import day_of
from vts.rollup.recount import prepare
from vts.rollup.replace import roll_day
from vts.rollup.retention import drop_day
from vts.rollup.turn import wait_turn
from vts.store.session.connection import Connection, Database, asyncpg_loop

SAMPLE_S = 0.05

_DIMENSIONS = (
    "country_code", "device_type", "view_type", "view_source", "channel", "play_order", "referrer_domain",
    "playlist_id", "date_part('hour', created_at)", "local_hour", "local_weekday",
)  # fmt: skip
_GROUP_BY = f"""
SELECT count(*), sum(views), sum(signed) FROM (
    SELECT post_id, {", ".join(_DIMENSIONS)}, count(*) AS views, count(*) FILTER (WHERE authenticated) AS signed
    FROM view_events WHERE event_day = '1970-01-01'::date + $1::int
    GROUP BY GROUPING SETS ({", ".join(f"(post_id, {dimension})" for dimension in _DIMENSIONS)})) AS grouped
"""  # noqa: S608 - the words above


def measure(views: int) -> BenchReport:
    """Measure once, with a private VTS whose PostgreSQL has a day of so many views. Raises ClickException."""
    with private.folder() as folder, private.vts(folder) as target:
        assert target.database is not None, "it is ours"
        figures = trio.run(_measure, target.database, views)
    notes = ["plain: GROUPING SETS of the same dimensions by content, in the same database a moment before"]
    return BenchReport(load="rollup", options={"views": views}, runs=[BenchRun(figures=figures)], notes=notes)


async def _measure(url: str, views: int) -> Figures:
    async with asyncpg_loop():
        database = Database(url=lambda: url)
        writer = await database.connect("writer", command_timeout_s=dataset.TIMEOUT_S, name="vts bench")
        owner = await database.connect("owner", name="vts bench")
        try:
            return await _roll(writer, owner, views)
        finally:
            await writer.close()
            await owner.close()


async def _roll(writer: Connection, owner: Connection, views: int) -> Figures:
    day = day_of(_now_us()) - 1
    await wait_turn(writer)
    await dataset.fill_contents(writer)
    await dataset.fill_day(writer, day, views)
    await writer.execute("ANALYZE view_events")
    click.echo(f"{views:,} raw views are there", err=True)
    await prepare(writer)
    plain_s = await _took(lambda: writer.fetchrow(_GROUP_BY, day))
    before_mb = usage.resident_mb(os.getpid()) or 0.0
    peak_mb = before_mb
    async with trio.open_nursery() as nursery:

        async def watch() -> None:
            nonlocal peak_mb
            while True:
                await trio.sleep(SAMPLE_S)
                peak_mb = max(peak_mb, usage.resident_mb(os.getpid()) or 0.0)

        nursery.start_soon(watch)
        rolled_s = await _took(lambda: roll_day(writer, day, _now_us))
        nursery.cancel_scope.cancel()
    dropped_s = await _took(lambda: drop_day(owner, day, _now_us()))
    return {
        "plain GROUP BY, s": plain_s,
        "roll-up, s": rolled_s,
        "roll-up ÷ plain": rolled_s / plain_s,
        "memory added, MB": peak_mb - before_mb,
        "drop of the day, s": dropped_s,
    }


async def _took(call: Callable[[], Awaitable[object]]) -> float:
    started_s = time.perf_counter()
    await call()
    return time.perf_counter() - started_s


def _now_us() -> int:
    return time.time_ns() // 1000
