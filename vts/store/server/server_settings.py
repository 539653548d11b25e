"""Which settings the embedded server runs with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from vts.store.server.layout import Layout

SETTINGS: Final[Mapping[str, str]] = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "50",
    # A day's counters and the keys of today's partition fit: with 96 MB a day of five million views of version-4 ids
    # took twice as long to copy rows into as an empty one. What is not used is not taken.
    "shared_buffers": "256MB",
    "work_mem": "8MB",
    "maintenance_work_mem": "64MB",
    "huge_pages": "off",
    "jit": "off",
    "max_parallel_workers_per_gather": "1",
    "max_logical_replication_workers": "0",
    # Every commit is on disk before it is answered. A flood writes 25 MB of WAL a second, and whole pages for a while
    # after each checkpoint, so checkpoints must not come too often; a recovery stays below a minute.
    "synchronous_commit": "on",
    "max_wal_size": "1GB",
    "min_wal_size": "80MB",
    "checkpoint_timeout": "5min",
    "wal_compression": "on",
    "client_connection_check_interval": "2s",  # end the statement of a client that has disconnected
    "timezone": "UTC",
    "log_timezone": "UTC",
    # A log of one week, in a ring of seven files, without any row's values in it.
    "logging_collector": "on",
    "log_directory": "log",
    "log_filename": "postgresql-%a.log",
    "log_truncate_on_rotation": "on",
    "log_rotation_age": "1d",
    "log_rotation_size": "0",
    "log_checkpoints": "off",
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
}
_SINCE_18: Final = {"io_method": "sync"}  # no workers of their own for a database this small


def command_of(layout: Layout, more: Mapping[str, str]) -> list[str | Path]:
    """Return the command that runs the server, with `more` settings."""
    settings = {
        **SETTINGS,
        **(_SINCE_18 if layout.major >= 18 else {}),
        "unix_socket_directories": '"' + str(layout.socket).replace('"', '""') + '"',
        "hba_file": str(layout.home / "pg_hba.conf"),
        "ident_file": str(layout.home / "pg_ident.conf"),
        **more,
    }
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    return [layout.programs / "postgres", "-D", layout.data, *options]
