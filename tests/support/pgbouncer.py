"""A real PgBouncer before a test's PostgreSQL: its own configuration, a free port, and ended by its id."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.ports import free_port, is_open
from tests.support.waiting import BOUND_S, wait_until
from vts.store.server.layout import unprivileged
from vts.store.server.spawn import launch_command


@contextmanager
def pooled(folder: Path, server_socket: Path, pool_mode: str) -> Iterator[str]:
    """Run PgBouncer in a mode; yield the address of a database behind it, with `{}` in the place of the name."""
    folder.mkdir()
    folder.chmod(0o755)
    port = free_port()
    (folder / "users").write_text('"vts" ""\n')
    lines = (
        "[databases]",
        f"* = host={server_socket}",
        "[pgbouncer]",
        "listen_addr = 127.0.0.1",
        f"listen_port = {port}",
        "unix_socket_dir =",
        "auth_type = trust",
        f"auth_file = {folder / 'users'}",
        f"pool_mode = {pool_mode}",
    )
    (folder / "pgbouncer.ini").write_text("\n".join(lines) + "\n")
    program = shutil.which("pgbouncer", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin:/opt/homebrew/bin")
    assert program, "the checks need pgbouncer; `make check` installs it"
    user = unprivileged() if os.geteuid() == 0 else None  # like PostgreSQL it does not run as root
    with (folder / "log").open("wb") as log:
        command = launch_command([program, folder / "pgbouncer.ini"], user, signal.SIGKILL)
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        wait_until(lambda: process.poll() is not None or is_open(port), pause_s=0.02)
        assert process.poll() is None, (folder / "log").read_text()
        yield f"postgresql://vts@127.0.0.1:{port}/{{}}"
    finally:
        process.terminate()
        process.wait(BOUND_S)
