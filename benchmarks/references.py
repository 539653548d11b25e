"""What single views are compared with: responders that answer 202 and do nothing.

`references.py httptools|hypercorn PORT`
"""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Any

import httptools
import trio
from hypercorn.config import Config
from hypercorn.trio import serve

BODY = b'{"accepted":1,"dropped":{}}'
ANSWER = b"HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(BODY), BODY)


class Request:
    """Takes a request apart and forgets it."""

    def __init__(self) -> None:
        self.done = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        """Look at a header."""

    def on_body(self, body: bytes) -> None:
        """Look at the body."""

    def on_message_complete(self) -> None:
        """Count a request."""
        self.done += 1


async def respond(stream: trio.SocketStream) -> None:
    """Answer every request of a connection."""
    request = Request()
    parser = httptools.HttpRequestParser(request)
    with suppress(trio.BrokenResourceError):  # wrk hangs up in the middle
        while data := await stream.receive_some(65536):
            parser.feed_data(data)
            if request.done:
                await stream.send_all(ANSWER * request.done)
                request.done = 0


async def application(scope: Any, receive: Any, send: Any) -> None:
    """The smallest ASGI application that reads its body."""
    if scope["type"] == "lifespan":
        while (message := await receive())["type"] != "lifespan.shutdown":
            await send({"type": message["type"] + ".complete"})
        return
    while (await receive()).get("more_body"):
        pass
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(BODY))]
    await send({"type": "http.response.start", "status": 202, "headers": headers})
    await send({"type": "http.response.body", "body": BODY})


async def main(kind: str, port: int) -> None:
    """Serve until ended."""
    if kind == "httptools":
        await trio.serve_tcp(respond, port, host="127.0.0.1")
    config = Config()
    config.bind = [f"127.0.0.1:{port}"]
    config.accesslog = config.errorlog = None
    await serve(application, config)


if __name__ == "__main__":
    trio.run(main, sys.argv[1], int(sys.argv[2]))
