"""The PostgreSQL that VTS runs itself: made once, watched while it runs, ended with us, however we end.

The server is a direct child without a network port. One line of `pg_hba.conf` lets the user that runs VTS in over a
private socket, and nobody else.
"""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final

import trio

from vts.model.faults import BadStart, Outage, StoreUnavailable
from vts.store.server.layout import DATABASE, LOGIN, SUPERUSER, Layout, find_layout, write_access
from vts.store.server.spawn import ChildProcess, complete, spawn
from vts.store.server.stale import busy_seconds, clear, end_all
from vts.store.session.connection import Database

log = logging.getLogger(__name__)

QUIT_S: Final = 1.0  # an immediate shutdown writes nothing, it only ends processes
LOOK_EVERY_S: Final = 0.1
IDLE_START_S: Final = 300.0  # a recovery may last as long as it works; one that does nothing for so long is stuck

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
    "client_connection_check_interval": "2s",  # end what a client that has gone was waiting for
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

_BEGINNINGS: Final = f"""
CREATE ROLE {LOGIN} LOGIN CREATEROLE;
GRANT pg_monitor TO {LOGIN};
CREATE DATABASE {DATABASE} OWNER {LOGIN};
"""


class Embedded:
    """The embedded server as an actor. `run` ends by `stop` or cancellation; if the server ends by itself, by Outage.

    Started as root it runs as `user` (default: `vts` if there is such a user, else `nobody`). `settings` are added to
    the server's, for tests. `say` is told in one line what an operator should know.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        user: str | None = None,
        settings: Mapping[str, str] | None = None,
        say: Callable[[str], None] = log.warning,
        find_layout: Callable[[Path, str | None, Callable[[str], None]], Layout] = find_layout,
    ) -> None:
        self._find_layout = lambda: find_layout(data_dir, user, say)
        self._settings = dict(settings or {})
        self._layout: Layout | None = None
        self._child: ChildProcess | None = None
        self._stopping = False
        self._scope: trio.CancelScope | None = None
        self._ready = trio.Event()

    def url(self) -> str:
        """Where to connect. Raises StoreUnavailable before the first start."""
        if self._layout is None:
            raise StoreUnavailable("the embedded PostgreSQL has not been started yet")
        return self._layout.url

    @property
    def pid(self) -> int | None:
        """The process id of the running server."""
        return None if self._child is None else self._child.pid

    @property
    def data(self) -> Path | None:
        """The cluster's folder, once it is known."""
        return None if self._layout is None else self._layout.data

    async def wait_ready(self) -> None:
        """Wait until the running server, or the next one, has answered."""
        await self._ready.wait()

    def stop(self) -> None:
        """Ask for an orderly end: open transactions are rolled back, everything is written, `run` returns."""
        self._stopping = True
        if self._child is not None:
            self._child.send_signal(signal.SIGINT)
        elif self._scope is not None:
            self._scope.cancel()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Run the server. `started()` means spawned: a recovery may take minutes yet.

        Raises BadStart when there is no place for it, Outage when the server ends by itself.
        """
        with trio.CancelScope() as self._scope:
            self._layout = layout = await trio.to_thread.run_sync(self._find_layout)
            with _locked(layout.home):
                await clear(layout.data)
                await _make_cluster(layout)
                await trio.to_thread.run_sync(write_access, layout)
                await self._serve(layout, task_status)

    async def _serve(self, layout: Layout, task_status: trio.TaskStatus[None]) -> None:
        with _startup_log(layout.home) as said:
            self._child = child = await spawn(
                self._arguments(layout), user=layout.user, death_signal=signal.SIGQUIT, log=said
            )
        if self._stopping:
            child.send_signal(signal.SIGINT)
        task_status.started()
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._greet, layout)
                await child.exited.wait()
                nursery.cancel_scope.cancel()
        finally:
            self._child = None
            self._ready = trio.Event() if self._ready.is_set() else self._ready
            await _end(child, layout.data)
        if not self._stopping:
            raise Outage(f"PostgreSQL ended by itself with status {child.returncode}{_last_words(layout)}")

    def _arguments(self, layout: Layout) -> list[str | Path]:
        settings = {
            **SETTINGS,
            **(_SINCE_18 if layout.major >= 18 else {}),
            "unix_socket_directories": '"' + str(layout.socket).replace('"', '""') + '"',
            "hba_file": str(layout.home / "pg_hba.conf"),
            "ident_file": str(layout.home / "pg_ident.conf"),
            **self._settings,
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return [layout.programs / "postgres", "-D", layout.data, *options]

    async def _greet(self, layout: Layout) -> None:
        """Wait for the first answer, for as long as the server shows signs of work."""
        database = Database(url=lambda: layout.url, connect_timeout_s=2.0)
        began = quiet_since = trio.current_time()
        worked = None
        while not await _answers(database):
            now = trio.current_time()
            seen = busy_seconds(layout.data)
            if seen is None or seen != worked:
                worked, quiet_since = seen, now
            if now - quiet_since > IDLE_START_S:
                raise Outage(f"PostgreSQL has neither answered nor worked for {IDLE_START_S:.0f} s")
            await trio.sleep(LOOK_EVERY_S)
        self._ready.set()
        log.info("PostgreSQL %s is ready after %.1f s", layout.major, trio.current_time() - began)


async def _answers(database: Database) -> bool:
    try:
        connection = await database.connect("login")
    except StoreUnavailable:
        return False
    await connection.close()
    return True


async def _end(child: ChildProcess, data: Path) -> None:
    """Leave no process behind, whatever state they are in. Takes a moment at most, cancelled or not."""
    with trio.CancelScope(shield=True):
        if not child.exited.is_set():
            child.send_signal(signal.SIGQUIT)
            child.send_signal(signal.SIGCONT)
            with trio.move_on_after(QUIT_S):
                await child.exited.wait()
            child.send_signal(signal.SIGKILL)
            await end_all(data, quit_s=QUIT_S)


@contextmanager
def _locked(home: Path) -> Iterator[None]:
    """Hold the folder: one VTS process runs a cluster. The system takes the lock back from a process that dies."""
    folder = os.open(home, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise BadStart(f"another VTS process runs the database in {home}") from None
    finally:
        os.close(folder)


async def _make_cluster(layout: Layout) -> None:
    """Make the cluster under another name, and give it its own when it is whole: a half-made one never counts."""
    if layout.data.exists():
        return
    draft = layout.home / "data.new"
    await end_all(draft)
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    if layout.user is not None:
        os.chown(draft, layout.user.user_id, layout.user.group_id)
    options = ("--encoding=UTF8", "--locale=C", "--data-checksums", "--auth=reject", "--no-instructions")
    await _must_do(layout, [layout.programs / "initdb", "-D", draft, "-U", SUPERUSER, *options])
    quiet = ("-c", "log_checkpoints=off", "-c", "log_min_messages=error")
    await _must_do(layout, [layout.programs / "postgres", "--single", *quiet, "-D", draft, "postgres"], _BEGINNINGS)
    draft.rename(layout.data)
    folder = os.open(layout.home, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)


async def _must_do(layout: Layout, argv: list[Any], given: str = "") -> None:
    status, output = await complete(argv, user=layout.user, given=given.encode())
    if status != 0 or "ERROR:" in output:
        last = output.strip().rpartition("\n")[2]
        raise BadStart(f"the embedded database cannot be made in {layout.home}: {last or f'status {status}'}")


@contextmanager
def _startup_log(home: Path) -> Iterator[IO[bytes]]:
    """What the server says before its own log is open. Made anew: an old one may belong to another user."""
    path = home / "startup.log"
    path.unlink(missing_ok=True)
    with path.open("xb") as file:
        yield file


def _last_words(layout: Layout) -> str:
    try:
        lines = (layout.home / "startup.log").read_text(errors="replace").strip().splitlines()
    except OSError:
        return ""
    fatal = [line for line in lines if "FATAL" in line or "PANIC" in line]
    return f": {fatal[-1]}" if fatal else f" (see {layout.data / 'log'})"
