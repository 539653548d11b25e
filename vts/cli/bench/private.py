"""A VTS of our own for one benchmark: its own folder, a free port, no limits, and removed afterwards."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import click
import msgspec

from vts.cli.bench import children
from vts.cli.bench.target import Target

READY_WITHIN_S: Final = 120.0
TOKEN_TTL: Final = "1d"  # noqa: S105 -- a lifetime, no secret
POLL_S: Final = 0.02
LOG_CHARS: Final = 4_000

UNLIMITED: Final = {
    "VTS_HTTP__PORT": "0",
    "VTS_HTTP__TRUSTED_PROXIES": "127.0.0.1/32",  # so that the generator can be many viewers
    "VTS_LIMITS__WEB_PER_MINUTE": "0",
    "VTS_LIMITS__PLAYER_INTERVAL_S": "0",
    "VTS_LIMITS__PLAYER_PER_MINUTE": "1000000000",
    "VTS_LIVE__CLIENTS_PER_ADDRESS": "10000",
}
"""One machine plays every viewer and player, so what limits a single one of them is off."""


@contextmanager
def folder() -> Iterator[Path]:
    """Make a folder that the embedded PostgreSQL's own user can pass through, and remove it afterwards."""
    path = Path(tempfile.mkdtemp(prefix="vts-bench-"))
    path.chmod(0o711)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextmanager
def vts(where: Path, settings: Mapping[str, str] | None = None) -> Iterator[Target]:
    """Run a VTS over a folder of its own. Raises ClickException with its log when it does not start."""
    environment = environment_of(where, settings or {})
    log, ready = where / "vts.log", where / "ready.json"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "vts", "serve", "--ready-file", str(ready)],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
        )
    try:
        urls = _wait_ready(process, ready, log)
        token = _token(environment)
        yield Target(
            url=urls["http"],
            token=token,
            pid=process.pid,
            database=urls.get("database"),
            mqtt=urls.get("mqtt", ""),
        )
    finally:
        children.end(process)


def environment_of(where: Path, settings: Mapping[str, str]) -> dict[str, str]:
    """Return the process's whole environment. Nothing of the caller's VTS leaks in but where the database shall be."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("VTS_") and k != "PORT"}
    return kept | UNLIMITED | {"VTS_DATA__DIR": str(where / "data")} | dict(settings)


def _wait_ready(process: subprocess.Popen[bytes], ready: Path, log: Path) -> dict[str, str]:
    deadline = time.monotonic() + READY_WITHIN_S
    while not ready.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            said = log.read_text(errors="replace")[-LOG_CHARS:]
            raise click.ClickException(f"the private VTS did not start:\n{said}")
        time.sleep(POLL_S)
    return msgspec.json.decode(ready.read_bytes(), type=dict[str, str])


def _token(environment: Mapping[str, str]) -> str:
    command = [sys.executable, "-m", "vts", "token", "--service", "--ttl", TOKEN_TTL]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise click.ClickException(done.stderr)
    return done.stdout.strip()
