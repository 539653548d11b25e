"""Pages of another origin for a real browser, under a name that the browser resolves to loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final

import trio

NAME: Final = "art.test"  # to the browser another site than 127.0.0.1
RESOLVE: Final = f"--host-resolver-rules=MAP {NAME} 127.0.0.1"
BLANK: Final = "<!doctype html><html lang=en><meta charset=utf-8><title>a page</title><link rel=icon href=data:,>"


@asynccontextmanager
async def pages(html: str | Mapping[str, str] = "", *, headers: Mapping[str, str] | None = None) -> AsyncIterator[str]:
    """Serve pages on a port of their own; yield their address. The browser needs the flag `RESOLVE`.

    `html` stands behind the head of every page, or of that of a path. Other paths are the same empty page. `headers`
    are those of every answer, a Content-Security-Policy for example. A path that ends with .js is a script.
    """

    def text_of(path: str) -> str:
        found = html if isinstance(html, str) else html.get(path, "")
        return found if path.endswith(".js") else BLANK + found

    async def serve(stream: trio.SocketStream) -> None:
        async with stream:
            request = b""
            while b"\r\n\r\n" not in request:
                received = await stream.receive_some()
                if not received:
                    return
                request += received
            path = request.split(b" ", 2)[1].decode().partition("?")[0]
            body = text_of(path).encode()
            kind = "text/javascript" if path.endswith(".js") else "text/html"
            lines = {"Content-Type": kind, "Connection": "close", "Content-Length": str(len(body))} | dict(
                headers or {}
            )
            head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
            await stream.send_all(f"HTTP/1.1 200 OK\r\n{head}\r\n".encode() + body)

    async with trio.open_nursery() as nursery:
        [listener] = await trio.open_tcp_listeners(0, host="127.0.0.1")
        nursery.start_soon(trio.serve_listeners, serve, [listener])
        yield f"http://{NAME}:{listener.socket.getsockname()[1]}/"
        nursery.cancel_scope.cancel()
