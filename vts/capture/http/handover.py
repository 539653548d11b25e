"""How requests that are not capture reach the web application: an ASGI call for each, without a server in between.

The application gets the head that the door accepted and the whole body that it read, never bytes of the connection.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final
from urllib.parse import unquote

import trio

from vts.capture.http.exchange import BadAnswer, Exchange

Message = dict[str, Any]
Application = Callable[[Any, Callable[[], Awaitable[Any]], Callable[[Any], Awaitable[None]]], Awaitable[None]]
"""An ASGI 3 application."""
SHUTDOWN_S: Final = 2.0
STARTUP_S: Final = 30.0
_ASGI: Final = {"version": "3.0", "spec_version": "2.4"}
# Hop-by-hop or about framing (RFC 9110, section 7.6.1): the door has applied these itself.
_APPLIED: Final = frozenset(
    (b"connection", b"content-length", b"expect", b"keep-alive", b"te", b"trailer", b"transfer-encoding", b"upgrade")
)


class LifespanFailed(Exception):
    """The application could not start or stop."""


class Handover:
    """An ASGI application behind the door. `run` is its lifespan; `serve` answers one request."""

    def __init__(self, app: Application) -> None:
        self._app = app

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Start the application, keep it until cancelled, then shut it down. Raises LifespanFailed."""
        lifespan = _Lifespan()
        life = trio.CancelScope(shield=True)  # it must run until it has got the shutdown event
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._live, lifespan, life)
            try:
                with trio.fail_after(STARTUP_S):
                    await lifespan.started.wait()
                task_status.started()
                await trio.sleep_forever()
            finally:
                lifespan.stopping.set()
                with trio.move_on_after(SHUTDOWN_S, shield=True):
                    await lifespan.stopped.wait()
                life.cancel()

    async def serve(self, exchange: Exchange) -> None:
        """Let the application answer one request. Raises what it does not catch."""
        call = _Call(exchange)
        await self._app(_scope(exchange), call.receive, call.send)

    async def _live(self, lifespan: _Lifespan, life: trio.CancelScope) -> None:
        with life:
            await self._app({"type": "lifespan", "asgi": _ASGI}, lifespan.receive, lifespan.send)


class _Lifespan:
    """The application's side of the lifespan protocol."""

    def __init__(self) -> None:
        self.started, self.stopping, self.stopped = trio.Event(), trio.Event(), trio.Event()
        self._asked = False

    async def receive(self) -> Message:
        """Return the startup event, then, when it is time, the shutdown event."""
        if not self._asked:
            self._asked = True
            await trio.lowlevel.checkpoint()
            return {"type": "lifespan.startup"}
        await self.stopping.wait()
        return {"type": "lifespan.shutdown"}

    async def send(self, message: Message) -> None:
        """Take what became of them."""
        match message["type"]:
            case "lifespan.startup.complete":
                self.started.set()
            case "lifespan.shutdown.complete":
                self.stopped.set()
            case _:
                raise LifespanFailed(f"{message['type']}: {message.get('message', '')}")


class _Call:
    """One request as ASGI events."""

    __slots__ = ("_asked", "_exchange")

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._asked = False

    async def receive(self) -> Message:
        """Return the whole body, then, when the client leaves, that it has left."""
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": self._exchange.body, "more_body": False}
        await self._exchange.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """Take the beginning of the answer or a piece of its body. Raises ClientGone and BadAnswer."""
        match message["type"]:
            case "http.response.start":
                self._exchange.begin(message["status"], message.get("headers", ()))
            case "http.response.body":
                await self._exchange.send(message.get("body", b""), more=message.get("more_body", False))
            case kind:
                raise BadAnswer(f"an answer has no {kind}")


def _scope(exchange: Exchange) -> Message:
    verdict = exchange.verdict
    head = verdict.head
    headers = [line for line in head.headers if line[0] not in _APPLIED]
    if exchange.body or head.method in (b"POST", b"PUT", b"PATCH"):
        headers.append((b"content-length", b"%d" % len(exchange.body)))
    return {
        "type": "http",
        "asgi": _ASGI,
        "http_version": head.version,
        "method": head.method.decode("ascii"),
        "scheme": "https" if exchange.secure else "http",
        "path": unquote(verdict.path.decode("ascii")),
        "raw_path": verdict.path,
        "query_string": verdict.query,
        "root_path": "",
        "headers": headers,
        "client": (exchange.peer, 0),  # of a client only the address is used
        "server": None,
        "extensions": {},
    }
