"""A page of another origin for a real browser: empty, and under a name that the browser resolves to loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import trio

NAME: Final = "art.test"  # to the browser another site than 127.0.0.1
RESOLVE: Final = f"--host-resolver-rules=MAP {NAME} 127.0.0.1"
BLANK: Final = b"<!doctype html><meta charset=utf-8><title>a page</title><link rel=icon href=data:,>"


@asynccontextmanager
async def pages() -> AsyncIterator[str]:
    """Serve one empty page on a port of its own; yield its address. The browser needs the flag `RESOLVE`."""

    async def serve(stream: trio.SocketStream) -> None:
        async with stream:
            await stream.receive_some()
            head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\nContent-Length: "
            await stream.send_all(head + str(len(BLANK)).encode() + b"\r\n\r\n" + BLANK)

    async with trio.open_nursery() as nursery:
        [listener] = await trio.open_tcp_listeners(0, host="127.0.0.1")
        nursery.start_soon(trio.serve_listeners, serve, [listener])
        yield f"http://{NAME}:{listener.socket.getsockname()[1]}/"
        nursery.cancel_scope.cancel()
