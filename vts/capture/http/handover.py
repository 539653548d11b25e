"""How requests that are not capture are answered: by hypercorn and the web application, one request to a connection.

Hypercorn never gets a second request, a malformed one, an upgrade or a client that stops reading; an exception that it
raises all the same ends its connection only.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, Final

import trio
from hypercorn.config import Config
from hypercorn.logging import Logger
from hypercorn.trio.lifespan import Lifespan
from hypercorn.trio.tcp_server import TCPServer
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import ASGIFramework, LifespanState
from hypercorn.utils import wrap_app

from vts.capture.http.head import Head
from vts.capture.http.replay import OneRequestStream, SecureOneRequestStream, request_bytes

OnBug = Callable[[Exception], None]
SHUTDOWN_S: Final = 2.0
STARTUP_S: Final = 30.0
H11_MAX_BYTES: Final = 64 * 1024  # four times what the door accepts as a head


class Handover:
    """An ASGI application behind the door. `run` is its lifespan; `serve` answers one request."""

    def __init__(self, app: ASGIFramework, on_bug: OnBug, write_timeout_s: float = 10.0) -> None:
        self._write_timeout_s = write_timeout_s
        self._app = wrap_app(app, 0, "asgi")
        self._config = _config(on_bug)
        self._context = WorkerContext(None)
        self._state: LifespanState = {}

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Start the application, keep it until cancelled, then shut it down."""
        lifespan = Lifespan(self._app, self._config, self._state)
        life = trio.CancelScope(shield=True)  # it must run until it has got the shutdown event
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_live, lifespan, life)
            try:
                await lifespan.wait_for_startup()
                task_status.started()
                await trio.sleep_forever()
            finally:
                with trio.move_on_after(SHUTDOWN_S, shield=True):
                    await lifespan.wait_for_shutdown()
                life.cancel()

    async def serve(self, head: Head, body: bytes, stream: trio.abc.Stream) -> None:
        """Answer one request on a stream that the caller closes. Raises what the framework does not catch."""
        replay = request_bytes(head, body)
        one = (
            SecureOneRequestStream(stream, replay, self._write_timeout_s)
            if isinstance(stream, trio.SSLStream)
            else OneRequestStream(stream, replay, self._write_timeout_s)
        )
        await TCPServer(self._app, self._config, self._context, self._state, one)  # type: ignore[arg-type]


async def _live(lifespan: Lifespan, life: trio.CancelScope) -> None:
    with life:
        await lifespan.handle_lifespan()


def _config(on_bug: OnBug) -> Config:
    config = Config()
    config.keep_alive_max_requests = 1
    config.include_server_header = False
    config.h11_max_incomplete_size = H11_MAX_BYTES
    config.startup_timeout = config.shutdown_timeout = STARTUP_S
    config.accesslog = config.errorlog = None
    config._log = _BugLog(config, on_bug)
    return config


class _BugLog(Logger):
    """Hypercorn's log: exceptions of the application are reported as bugs, the rest is dropped."""

    def __init__(self, config: Config, on_bug: OnBug) -> None:
        super().__init__(config)
        self._on_bug = on_bug

    async def exception(self, message: str, *args: Any, **kwargs: Any) -> None:
        """Report the exception that is being handled."""
        error = sys.exception()
        if isinstance(error, Exception):
            self._on_bug(error)
