"""A Mosquitto of our own for one benchmark: on loopback, without files, and gone afterwards."""

from __future__ import annotations

import getpass
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import click

from vts.cli.bench import children

START_S: Final = 10.0
POLL_S: Final = 0.02
PLACES: Final = "/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin:/opt/homebrew/sbin"
IN_FLIGHT: Final = 400  # as in config/mosquitto/mosquitto.conf; the default of 20 would be what is measured


@contextmanager
def mosquitto(folder: Path) -> Iterator[int]:
    """Run a broker without authentication that drops nothing; give its port. Raises ClickException."""
    program = shutil.which("mosquitto") or shutil.which("mosquitto", path=PLACES)
    if program is None:
        raise click.ClickException(
            "mosquitto is not installed (Debian: apt-get install mosquitto); `vts bench mqtt-direct` needs no broker"
        )
    port = _free_port()
    config, log = folder / "mosquitto.conf", folder / "mosquitto.log"
    config.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n"
        f"max_inflight_messages {IN_FLIGHT}\nuser {getpass.getuser()}\n"
    )
    with log.open("wb") as out:
        process = subprocess.Popen([program, "-c", str(config)], stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    try:
        _wait_listening(process, port, log)
        yield port
    finally:
        children.end(process)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_listening(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_S
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if process.poll() is not None or time.monotonic() > deadline:
            raise click.ClickException(f"mosquitto did not start:\n{log.read_text(errors='replace')}")
        time.sleep(POLL_S)
