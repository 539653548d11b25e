"""`vts journal`: checks the journal, repairs it, and settles what was set aside."""

from __future__ import annotations

import secrets
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, TypeVar

import click
import trio

from config.load import data_dir
from config.settings import Settings
from vts.cli.common import database_of
from vts.cli.serve import own_folder
from vts.journal.check import JournalReport, check
from vts.journal.file import JournalFile
from vts.journal.format import RUN_BYTES
from vts.journal.quarantine import Quarantine
from vts.model.faults import BadStart, StoreUnavailable
from vts.store.drain.held import HeldDay, count_held, discard_held, held
from vts.store.schema.migrate import migrations
from vts.store.session.connection import Connection, Database, Role, asyncpg_loop

SHOWN: Final = 20  # faults, and lines of the quarantine
TIMEOUT_S: Final = 60.0
REPAIR: Final = "stop VTS and run `vts journal repair`; a start mends it, too"

T = TypeVar("T")


def path_of(settings: Settings) -> Path:
    """Return where the journal is."""
    return data_dir(settings) / "journal.sqlite"


def look(settings: Settings) -> int:
    """Print what the journal holds and what is wrong with it; return 1 for a fault, else 0."""
    report = _report(settings)
    click.echo(f"{report.rows} rows ({report.first} to {report.last}) with {report.records} records, each proven")
    for fault in report.faults[:SHOWN]:
        click.echo(f"FAULT {fault}")
    if report.faults:
        click.echo(f"{len(report.faults)} faults -> {REPAIR}")
    _show_quarantine(report)
    for day in _held(settings):
        click.echo(f"{day.events} events of {day.date} are held: they may have been counted before that day was closed")
        click.echo("  -> `vts journal count` counts them, `vts journal discard` removes them")
    return 1 if report.faults else 0


def repair(settings: Settings) -> None:
    """Make a damaged journal anew of its intact rows."""
    found = _report(settings)
    try:
        with own_folder(data_dir(settings)):
            file = JournalFile(path_of(settings), settings.journal.max_bytes)
            if found.faults:
                file.set_aside()
            opened = file.open_first(secrets.token_bytes(RUN_BYTES))
            file.close()
    except BadStart as fault:
        raise click.ClickException(str(fault)) from None
    for lost in opened.lost[:SHOWN]:
        click.echo(f"set aside: rows {lost.first} to {lost.last}: {lost.reason}")
    click.echo("the journal was mended" if found.faults else "the journal is sound")


def count(settings: Settings) -> None:
    """Count the events that are held."""
    click.echo(f"counted {_in_database(settings, 'writer', count_held)} events")


def discard(settings: Settings) -> None:
    """Remove the events that are held, what the quarantine shows, and the damaged files."""
    lines = Quarantine(path_of(settings).with_suffix(".quarantine")).discard()
    click.echo(f"removed {lines} entries of the quarantine")
    try:
        click.echo(f"removed {_in_database(settings, 'writer', discard_held)} events that were held")
    except click.ClickException as fault:
        click.echo(f"held events are as they were: {fault.message}")


def _report(settings: Settings) -> JournalReport:
    path = path_of(settings)
    try:
        return check(path)
    except OSError as fault:
        raise click.ClickException(f"{path}: {fault.strerror}") from None


def _show_quarantine(report: JournalReport) -> None:
    for line in report.quarantine[:SHOWN]:
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(line.found_at))
        click.echo(f"quarantine: rows {line.first} to {line.last}: {line.reason} (found {when} UTC)")
    if report.quarantine:
        click.echo(
            f"{len(report.quarantine)} entries in the quarantine -> `vts journal discard` once you have seen them"
        )
    for kept in report.damaged_files:
        click.echo(f"a damaged file is kept: {kept}")


def _held(settings: Settings) -> list[HeldDay]:
    try:
        return _in_database(settings, "reader", held)
    except click.ClickException as fault:
        click.echo(f"what the database holds back is not known: {fault.message}")
        return []


def _in_database(settings: Settings, role: Role, work: Callable[[Connection], Awaitable[T]]) -> T:
    database = Database(url=database_of(settings).url, schema=len(migrations()))

    async def inside() -> T | StoreUnavailable:
        async with asyncpg_loop():
            try:
                connection = await database.connect(role, command_timeout_s=TIMEOUT_S, name="vts journal")
            except StoreUnavailable as fault:
                return fault
            try:
                return await work(connection)
            except StoreUnavailable as fault:
                return fault
            finally:
                await connection.close()

    done = trio.run(inside)
    if isinstance(done, StoreUnavailable):
        raise click.ClickException(str(done))
    return done
