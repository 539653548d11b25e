"""`vts rollup`: roll days up by hand, beside the roller of a running process or without one."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from functools import partial
from typing import assert_never

import click
import trio
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeElapsedColumn

from config.settings import Settings
from vts.cli.common import database_of
from vts.model.day import date_of, day_of, day_of_date
from vts.rollup.days import FIRST_DAY, Day, read_days
from vts.rollup.recount import OnProgress, prepare
from vts.rollup.replace import Kept, Moving, Outcome, Rolled, roll_day
from vts.rollup.roller import DAY_TIMEOUT_S
from vts.rollup.turn import ANSWER_S, Turn, in_turn
from vts.store.schema.migrate import migrations, refuse_newer, status
from vts.store.session.connection import Connection, Database, asyncpg_loop


def run(settings: Settings, first: dt.date | None, last: dt.date | None, dry_run: bool, wait_s: float) -> None:
    """Roll up every closed day from `first` to `last` that has its raw rows, rolled before or not; or only say so.

    Raises an error when another roll-up goes on for longer than `wait_s`.
    """
    database = database_of(settings)

    async def inside() -> str | None:
        async with asyncpg_loop():
            return await _roll(Database(url=database.url, schema=len(migrations())), first, last, dry_run, wait_s)

    if problem := trio.run(inside):
        raise click.ClickException(problem)


def now_us() -> int:
    """Microseconds since the epoch."""
    return time.time_ns() // 1000


async def _roll(
    database: Database, first: dt.date | None, last: dt.date | None, dry_run: bool, wait_s: float
) -> str | None:
    """Return why nothing was done, None when all is well. Raises StoreUnavailable."""
    refuse_newer(await status(database))
    async with AsyncExitStack() as stack:
        connection = await database.connect("writer", command_timeout_s=DAY_TIMEOUT_S, name="vts rollup")
        stack.push_async_callback(connection.close)
        today = day_of(now_us())
        days = await read_days(
            connection,
            first=FIRST_DAY if first is None else day_of_date(first),
            before=today if last is None else min(today, day_of_date(last) + 1),
            remembered=True,
        )
        if dry_run or not any(day.can_roll for day in days):
            _plan(days)
            return None
        done = await in_turn(
            partial(database.connect, "writer", command_timeout_s=ANSWER_S, name="vts rollup"),
            partial(_roll_days, connection, days),
            wait_s=wait_s,
            on_wait=lambda: click.echo(f"a roll-up is going on: this one waits for it, at most {wait_s:.0f} s"),
        )
        return None if done else "another roll-up is still going on: try again later, or wait longer (--wait)"


def _plan(days: Sequence[Day]) -> None:
    for day in days:
        click.echo(f"{date_of(day.day)}  {day.views:>12,} views  {_intention(day)}")
    if not days:
        click.echo("no closed day in this range has raw rows")


def _intention(day: Day) -> str:
    if day.dropped:
        return "stays: its raw rows are gone"
    if not day.has_rows:
        return "stays: it has no raw rows"
    if day.rolled_us is None:
        return "to roll up"
    return "to roll up again: rows came in since" if day.dirty else "to roll up again: nothing has changed"


async def _roll_days(connection: Connection, days: Sequence[Day], turn: Turn) -> bool:
    await prepare(connection)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        for day in days:
            if not day.can_roll:
                click.echo(f"{date_of(day.day)}  {_intention(day)}")
                continue
            task = progress.add_task(str(date_of(day.day)), total=1.0)
            outcome = await roll_day(connection, day.day, now_us, _bar(progress, task), turn)
            if isinstance(outcome, Rolled):
                progress.update(task, completed=1.0)
            click.echo(f"{date_of(day.day)}  {_result(outcome)}")
    return True


def _bar(progress: Progress, task: TaskID) -> OnProgress:
    return lambda share: progress.update(task, completed=share)


def _result(outcome: Outcome) -> str:
    match outcome:
        case Rolled(_, views, left_out, took_s):
            authors = f", {left_out:,} of authors left out" if left_out else ""
            return f"{views:,} views{authors}, {took_s:.1f} s"
        case Kept(_, displayed, found):
            return f"stays as it is displayed: {displayed:,} were counted, raw rows of {found:,} are left"
        case Moving():
            return "rows keep coming in: it is right as it is, try again later"
        case _:
            assert_never(outcome)
