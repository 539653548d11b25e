"""A proxy in front of PostgreSQL's socket that cuts the connection at a chosen request."""

from __future__ import annotations

import enum
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import trio


class Cut(enum.Enum):
    """When the connection goes, seen from the request that it hits."""

    BEFORE = "the server never sees it"
    SENT = "the server has it, and no client waits for the result"
    ANSWERED = "the server has answered, and the answer is lost"


class CuttingProxy:
    """Counts what the client sends, chunk by chunk, once `armed`; cuts at chunk number `at`, once."""

    def __init__(self, server: Path) -> None:
        self._server = server
        self.armed = False
        self.at = -1
        self.cut = Cut.BEFORE
        self.seen = 0
        self.fired = False

    def arm(self, at: int, cut: Cut) -> None:
        self.at, self.cut, self.seen, self.fired, self.armed = at, cut, 0, False, True

    async def serve(self, client: trio.SocketStream) -> None:
        server = await trio.open_unix_socket(str(self._server))
        gone = trio.CancelScope()
        with gone:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._answer, server, client, gone)
                await self._ask(client, server, gone)
        await trio.aclose_forcefully(client)
        await trio.aclose_forcefully(server)

    async def _ask(self, client: trio.SocketStream, server: trio.SocketStream, gone: trio.CancelScope) -> None:
        while data := await _receive(client):
            hit = self.armed and not self.fired and self.seen == self.at
            self.seen += self.armed
            if hit:
                self.fired = True
            if hit and self.cut is Cut.BEFORE:
                break
            if not await _send(server, data) or (hit and self.cut is Cut.SENT):
                break
        gone.cancel()

    async def _answer(self, server: trio.SocketStream, client: trio.SocketStream, gone: trio.CancelScope) -> None:
        while data := await _receive(server):
            if self.fired and self.cut is Cut.ANSWERED and self.seen == self.at + 1:
                self.seen += 1
                break
            if not await _send(client, data):
                break
        gone.cancel()


async def _receive(stream: trio.SocketStream) -> bytes:
    try:
        return bytes(await stream.receive_some(65536))
    except (trio.BrokenResourceError, trio.ClosedResourceError):
        return b""


async def _send(stream: trio.SocketStream, data: bytes) -> bool:
    try:
        await stream.send_all(data)
    except (trio.BrokenResourceError, trio.ClosedResourceError):
        return False
    return True


@asynccontextmanager
async def cutting_proxy(folder: Path, server: Path) -> AsyncIterator[CuttingProxy]:
    """Listen on `folder`'s PostgreSQL socket in front of the server's."""
    proxy = CuttingProxy(server / ".s.PGSQL.5432")
    listening: Any = trio.socket.socket(trio.socket.AF_UNIX, trio.socket.SOCK_STREAM)
    await listening.bind(str(folder / ".s.PGSQL.5432"))
    listening.listen(16)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.serve_listeners, proxy.serve, [trio.SocketListener(listening)])
        yield proxy
        nursery.cancel_scope.cancel()
    listening.close()
