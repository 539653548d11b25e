"""`vts doctor`: checks everything that VTS depends on, and prints a remedy for each fault."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click
import trio

from config.load import countries_file, data_dir
from config.settings import Settings
from supervisors.tree.clock import now_us
from supervisors.tree.secrets import viewer_key_name_of
from supervisors.tree.visitor_keys import load_key
from vts.capture.mqtt.broker.address import broker_of
from vts.cli.common import NoDatabase, database_of, ready_urls, secrets_of
from vts.cli.mistakes import EXIT_CANNOT
from vts.journal.check import check
from vts.model.faults import BadStart
from vts.store.drain.held import held
from vts.store.peers.broker_lock import holder, installation_of, session_name
from vts.store.peers.viewer_key_check import OTHER_KEYS, others_with_other_keys
from vts.store.schema.checks import UNUSABLE, Finding, disk, examine
from vts.store.server.layout import home_of
from vts.store.server.orphans import orphans
from vts.store.session.connection import Database, asyncpg_loop
from vts.store.session.faults import StoreMistake, StoreUnavailable

BROKER_S: Final = 5.0
FOLDER: Final = "data folder"
SIGNS: Final = {"ok": "ok      ", "warning": "warning ", "fault": "FAULT   "}
EARLIEST_S: Final = 1_780_000_000  # mid 2026: a clock before that has never been set


def run(settings: Settings) -> int:
    """Print one line for each finding; return 2 when VTS cannot use its data folder or database, 1 when something else
    is broken, else 0.
    """
    findings = [*_local(settings), *trio.run(_remote, settings)]
    for finding in findings:
        advice = f" -> {finding.advice}" if finding.advice else ""
        click.echo(f"{SIGNS[finding.level]} {finding.name}: {finding.message}{advice}")
    faults = {finding.name for finding in findings if finding.level == "fault"}
    return EXIT_CANNOT if faults & (UNUSABLE | {FOLDER}) else min(len(faults), 1)


def _local(settings: Settings) -> Iterator[Finding]:
    yield Finding("settings", "ok", "all settings can be read")
    folder = data_dir(settings)
    try:
        secrets_of(settings)
        at = folder if settings.database.url else home_of(folder)
        if settings.privacy.rotate_days and not settings.privacy.viewer_secret:
            load_key(folder / "visitors.key")
        yield Finding(
            FOLDER, "ok", f"{folder} can be written{'' if folder in (at, at.parent) else f', database in {at}'}"
        )
        yield disk(folder)
    except BadStart as fault:
        yield Finding(FOLDER, "fault", str(fault))
    yield _journal(folder / "journal.sqlite")
    countries = countries_file(settings)
    if not countries.is_file():
        yield Finding("countries", "warning", f"{countries} is missing", "unset VTS_GEOIP__FILE, or put the file there")
    if time.time() < EARLIEST_S:
        yield Finding("clock", "fault", "the clock of this machine is not set", "start a time service")
    if settings.http.host not in ("127.0.0.1", "localhost", "::1") and not settings.http.tls_cert_file:
        advice = "set VTS_HTTP__TRUSTED_PROXIES to your proxy's network, or VTS_HTTP__TLS_CERT_FILE"
        if not settings.http.trusted_proxies:
            yield Finding("door", "warning", "open to the network, without TLS and without a trusted proxy", advice)
    for home, made_for in orphans():
        advice = f"remove {home} when {made_for} is not to come back"
        yield Finding("orphan", "warning", f"{home} is the database of {made_for}, which does not lead to it", advice)
    running = ready_urls(settings).get("http")
    yield Finding("process", "ok", f"last ready at {running}" if running else "never ready in this data folder yet")


def _journal(path: Path) -> Finding:
    """Every row proves itself, and nothing was set aside that waits for a decision."""
    if not path.exists():
        return Finding("journal", "ok", "none yet")
    report = check(path)
    if report.faults:
        advice = "stop VTS and run `vts journal repair`"
        return Finding("journal", "fault", f"{len(report.faults)} faults, the first: {report.faults[0]}", advice)
    if report.quarantine:
        advice = "`vts journal check` shows them, `vts journal discard` removes them"
        return Finding("journal", "warning", f"{len(report.quarantine)} rows or ranges were set aside", advice)
    return Finding("journal", "ok", f"{report.rows} rows, each proven")


async def _remote(settings: Settings) -> list[Finding]:
    findings = []
    try:
        database = database_of(settings)
    except NoDatabase:
        findings.append(Finding("database", "ok", "embedded; starts with `vts serve`"))
    else:
        async with asyncpg_loop():
            findings += await examine(database, now_us)
            findings.append(await _viewer_keys(settings, database))
            findings.append(await _held(database))
            if settings.mqtt.url and not settings.mqtt.share_group:
                findings.append(await _leader(settings, database))
    if settings.mqtt.url:
        findings.append(await _broker(settings))
    return findings


async def _held(database: Database) -> Finding:
    """No event waits for the operator to say whether it counts."""
    name = "held events"
    try:
        connection = await database.connect("reader")
        try:
            waiting = sum(day.events for day in await held(connection))
        finally:
            await connection.close()
    except (StoreUnavailable, StoreMistake) as fault:
        return Finding(name, "warning", f"could not be asked: {fault}")
    if waiting:
        advice = "`vts journal check` shows their days, `vts journal count` or `discard` settles them"
        return Finding(name, "warning", f"{waiting} events may have been counted before their day was closed", advice)
    return Finding(name, "ok", "none")


async def _viewer_keys(settings: Settings, database: Database) -> Finding:
    """The processes that run on this database know viewers as these settings do."""
    name = "viewer keys"
    try:
        connection = await database.connect("reader")
        try:
            others = await others_with_other_keys(connection, viewer_key_name_of(settings, secrets_of(settings)))
        finally:
            await connection.close()
    except (StoreUnavailable, StoreMistake, BadStart) as fault:
        return Finding(name, "warning", f"could not be compared: {fault}", "start `vts serve`, then ask again")
    if others:
        return Finding(name, "fault", f"{others} running processes {OTHER_KEYS[0]}", OTHER_KEYS[1])
    return Finding(name, "ok", "the same in every running process")


async def _leader(settings: Settings, database: Database) -> Finding:
    """Which process reads the broker; that none does is right while none runs."""
    name = "broker session"
    try:
        connection = await database.connect("reader")
        try:
            session = settings.mqtt.client_id or session_name(
                await installation_of(connection), settings.mqtt.topic_prefix
            )
            leader = await holder(connection, session)
        finally:
            await connection.close()
    except (StoreUnavailable, StoreMistake) as fault:
        return Finding(name, "warning", f"could not be asked: {fault}", "run `vts db migrate`, or start `vts serve`")
    return Finding(name, "ok", f"{session} is held by {leader}" if leader else f"{session} is held by no process")


async def _broker(settings: Settings) -> Finding:
    try:
        broker = broker_of(settings.mqtt.url, settings.mqtt.ca_file)
        with trio.fail_after(BROKER_S):
            stream = await broker.dial()
            await trio.aclose_forcefully(stream)
    except (OSError, trio.TooSlowError, trio.BrokenResourceError, BadStart) as fault:
        return Finding("broker", "fault", f"cannot be reached: {fault}", "check VTS_MQTT__URL and that the broker runs")
    return Finding("broker", "ok", f"{broker.host}:{broker.port} takes connections")
