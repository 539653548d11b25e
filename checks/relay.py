"""Carries bytes between a free port of loopback and another one, until it is killed: `python relay.py PORT`.

Prints the port that it listens on.
"""

from __future__ import annotations

import sys
from contextlib import suppress

import trio


async def carry(one: trio.SocketStream, other: trio.SocketStream, scope: trio.CancelScope) -> None:
    with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
        async for data in one:
            await other.send_all(data)
    scope.cancel()


async def main(port: int) -> None:
    async def serve(client: trio.SocketStream) -> None:
        with suppress(OSError):
            server = await trio.open_tcp_stream("127.0.0.1", port)
            async with server, trio.open_nursery() as nursery:
                nursery.start_soon(carry, client, server, nursery.cancel_scope)
                nursery.start_soon(carry, server, client, nursery.cancel_scope)

    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    print(listeners[0].socket.getsockname()[1], flush=True)
    await trio.serve_listeners(serve, listeners)


if __name__ == "__main__":
    trio.run(main, int(sys.argv[1]))
