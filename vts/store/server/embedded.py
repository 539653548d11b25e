"""The PostgreSQL that VTS runs itself: made once, watched while it runs, and ended when VTS ends, also by a crash.

The server is a direct child without a network port. One line of `pg_hba.conf` lets the user that runs VTS in over a
private socket, and no other user.
"""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import trio

from vts.model.faults import Outage, StoreUnavailable
from vts.store.server.cluster import locked, make_cluster
from vts.store.server.layout import Layout, find_layout, write_access
from vts.store.server.server_settings import command_of
from vts.store.server.spawn import ChildProcess, spawn
from vts.store.server.stale import clear, end_all
from vts.store.server.startup import fatal_line, first_answer, startup_log

log = logging.getLogger(__name__)

QUIT_S: Final = 1.0  # an immediate shutdown writes nothing, it only ends processes


class Embedded:
    """The embedded server as an actor. `run` ends by `stop` or cancellation; if the server ends by itself, by Outage.

    Started as root it runs as `user` (default: `vts` if there is such a user, else `nobody`). `settings` are added to
    the server's, for tests. `say` is called with one line that an operator should know.
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
            with locked(layout.home):
                await clear(layout.data)
                await make_cluster(layout)
                await trio.to_thread.run_sync(write_access, layout)
                await self._serve(layout, task_status)

    async def _serve(self, layout: Layout, task_status: trio.TaskStatus[None]) -> None:
        with startup_log(layout.home) as said:
            self._child = child = await spawn(
                command_of(layout, self._settings), user=layout.user, death_signal=signal.SIGQUIT, log=said
            )
        if self._stopping:
            child.send_signal(signal.SIGINT)
        task_status.started()
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._note_ready, layout)
                await child.exited.wait()
                nursery.cancel_scope.cancel()
        finally:
            self._child = None
            self._ready = trio.Event() if self._ready.is_set() else self._ready
            await _end(child, layout.data)
        if not self._stopping:
            raise Outage(f"PostgreSQL ended by itself with status {child.returncode}{fatal_line(layout)}")

    async def _note_ready(self, layout: Layout) -> None:
        began = trio.current_time()
        await first_answer(layout)
        self._ready.set()
        log.info("PostgreSQL %s is ready after %.1f s", layout.major, trio.current_time() - began)


async def _end(child: ChildProcess, data: Path) -> None:
    """Leave no process behind, in any state. Takes a moment at most, cancelled or not."""
    with trio.CancelScope(shield=True):
        if not child.exited.is_set():
            child.send_signal(signal.SIGQUIT)
            child.send_signal(signal.SIGCONT)
            with trio.move_on_after(QUIT_S):
                await child.exited.wait()
            child.send_signal(signal.SIGKILL)
            await end_all(data, quit_s=QUIT_S)
