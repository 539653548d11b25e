"""One connection of a player: a stream, its protocol state, and since when we wait for the other side."""

from __future__ import annotations

from contextlib import suppress
from math import inf
from typing import Final

import mqtt5
import trio

from vts.capture.mqtt.direct.peer import Goodbye, Peer

READ_BYTES: Final = 16_384
LINGER_S: Final = 1.0  # for our last words to get out, and for the player to hang up
KEEP_ALIVE_GRACE: Final = 1.5  # MQTT 5, section 3.1.2.10


class Line(Peer):
    """A peer with its stream. Its own task reads; any task may add to `outgoing` and flush."""

    __slots__ = ("keep_alive_s", "reading_since", "stream", "writing_since")

    stream: trio.abc.Stream
    keep_alive_s: int
    reading_since: float
    writing_since: float

    def attach(self, stream: trio.abc.Stream, keep_alive_s: int) -> None:
        """Give it its stream, and the time after which silence is the end."""
        self.stream = stream
        self.keep_alive_s = keep_alive_s
        self.reading_since = inf
        self.writing_since = inf

    async def read(self) -> bytes:
        """Wait for bytes. Raises Goodbye when there are no more."""
        self.reading_since = trio.current_time()
        data = await self.stream.receive_some(READ_BYTES)
        self.reading_since = inf
        if not data:
            raise Goodbye(None)
        return bytes(data)

    async def flush(self) -> None:
        """Write what is ready; whoever is at it already takes along what others have added."""
        if self.writing_since != inf:
            return
        try:
            while data := self.outgoing.ready():
                self.writing_since = trio.current_time()
                await self.stream.send_all(data)
        finally:
            self.writing_since = inf

    async def flush_if_heard(self) -> None:
        """Write what is ready. A player that has gone does not hear it; what it had sent is still to be read."""
        with suppress(trio.BrokenResourceError):
            await self.flush()

    def is_silent(self, now: float) -> bool:
        """Whether we have waited for the player for longer than its keep-alive allows."""
        return now - self.reading_since > self.keep_alive_s * KEEP_ALIVE_GRACE

    @property
    def is_idle(self) -> bool:
        """Whether it waits for the player."""
        return self.reading_since != inf

    async def nudge(self) -> None:
        """Flush what another task has added; a connection that breaks is its own task's to notice."""
        with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            await self.flush()

    async def end(self, reason: mqtt5.DisconnectReasonCode) -> None:
        """Tell the player why, and hang up; its own task then notices."""
        self.reading_since = inf
        self.outgoing.put(disconnect(reason))
        with trio.move_on_after(LINGER_S):
            await self.nudge()
        await trio.aclose_forcefully(self.stream)


async def last_words(stream: trio.abc.Stream, data: bytes) -> None:
    """Write and wait until the other side hangs up: closing at once could take back what it has not read yet."""
    with trio.move_on_after(LINGER_S):
        await stream.send_all(data)
        if isinstance(stream, trio.SocketStream):
            await stream.send_eof()
        while await stream.receive_some(READ_BYTES):
            pass


def disconnect(reason: mqtt5.DisconnectReasonCode) -> bytes:
    """Write a DISCONNECT."""
    return mqtt5.DisconnectPacket(reason_code=reason).write()


def common_name(stream: trio.abc.Stream) -> str | None:
    """Return the CN of the certificate that the player showed and that was verified, if any."""
    if not isinstance(stream, trio.SSLStream):
        return None
    certificate = stream.getpeercert() or {}
    names = [value for part in certificate.get("subject", ()) for name, value in part if name == "commonName"]
    return names[0] if len(names) == 1 else None
