"""When a broker counts as gone: closed, silent, or not reading."""

from __future__ import annotations

from typing import Final

import trio

from vts.capture.mqtt.broker.session import ConnectionLost

READ_BYTES: Final = 65_536


class BrokerStream:
    """The bytes of one connection, and since when we wait for the broker. Faults are `ConnectionLost`."""

    __slots__ = ("_reading_since", "_stream", "_writing_since")

    def __init__(self, stream: trio.abc.Stream) -> None:
        self._stream = stream
        self._reading_since: float | None = None
        self._writing_since: float | None = None

    async def read(self) -> bytes:
        """Wait for bytes."""
        self._reading_since = trio.current_time()
        try:
            data = await self._stream.receive_some(READ_BYTES)
        except trio.BrokenResourceError:
            data = b""
        self._reading_since = None
        if not data:
            raise ConnectionLost("the broker closed the connection")
        return bytes(data)

    async def send(self, data: bytes) -> None:
        """Write all of some bytes."""
        self._writing_since = trio.current_time()
        try:
            await self._stream.send_all(data)
        except trio.BrokenResourceError:
            raise ConnectionLost("the broker closed the connection") from None
        self._writing_since = None

    def check(self, keep_alive_s: float) -> None:
        """Raise ConnectionLost where we have waited for the broker for a whole keep-alive."""
        long_ago = trio.current_time() - keep_alive_s
        if self._reading_since is not None and self._reading_since <= long_ago:
            raise ConnectionLost(f"the broker has been silent for {keep_alive_s} s")
        if self._writing_since is not None and self._writing_since <= long_ago:
            raise ConnectionLost(f"the broker has not read for {keep_alive_s} s")

    async def close(self) -> None:
        """Close without waiting for the broker."""
        await trio.aclose_forcefully(self._stream)
