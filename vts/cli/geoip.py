"""`vts geoip`: which country file is in use, and how it is replaced under a running VTS."""

from __future__ import annotations

import datetime as dt
import os
import signal
import tempfile
import time
from pathlib import Path

import click

from config.load import countries_file, data_dir, own_countries_file
from config.settings import Settings
from vts.cli.common import running_pid
from vts.enrich.country_file import OLD_AFTER_S, CountryFile, NoCountryFile, examine, plain


def status(settings: Settings) -> int:
    """Print what the country file is; return 1 when it cannot be used, else 0."""
    path = countries_file(settings)
    click.echo(f"file: {path}")
    try:
        found = examine(path)
    except (NoCountryFile, OSError) as fault:
        click.echo(f"FAULT: countries are unknown: {_why(fault)}", err=True)
        return 1
    _show(found)
    return 0


def update(settings: Settings, file: Path) -> None:
    """Put a country file in the place of the one in use, and have the running VTS read it. Raises ClickException."""
    target = own_countries_file(settings)
    try:
        content = plain(file.read_bytes())
        with tempfile.TemporaryDirectory(prefix="vts-geoip-") as folder:
            copy = Path(folder) / "country.mmdb"
            copy.write_bytes(content)
            found = examine(copy)
    except (NoCountryFile, OSError) as fault:
        raise click.ClickException(f"{file}: {_why(fault)}; the former file stays in force") from None
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o711)
    _replace(target, content)
    click.echo(f"file: {target}")
    _show(found)
    pid = running_pid(data_dir(settings))
    if pid is None:
        click.echo("no VTS runs in this data folder; the next start reads it")
        return
    os.kill(pid, signal.SIGHUP)
    click.echo(f"VTS (process {pid}) reads it now")


def _replace(target: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    part = target.with_name(f"{target.name}.part")
    with part.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(target)


def _show(found: CountryFile) -> None:
    age_s = time.time() - found.built_s
    built = dt.datetime.fromtimestamp(found.built_s, dt.UTC).date()
    click.echo(f"type: {found.kind}\nbuilt: {built}, {max(0, age_s) / 86_400:.0f} days ago\nnodes: {found.nodes:,}")
    for address, code in found.lookups.items():
        click.echo(f"lookup: {address} {code or 'unknown'}")
    if age_s > OLD_AFTER_S:
        click.echo("warning: older than 90 days; put a newer one in its place: `vts geoip update FILE`", err=True)


def _why(fault: Exception) -> str:
    return fault.strerror or type(fault).__name__ if isinstance(fault, OSError) else str(fault)
