"""One connection of a player: a stream, its protocol state, and since when we wait for the other side."""

from __future__ import annotations

from contextlib import suppress
from math import inf
from typing import Final

import mqtt5
import trio

from vts.capture.mqtt.direct.client_session import ClientSession
from vts.capture.mqtt.direct.peer import ConnectionEnds, Peer

READ_BYTES: Final = 16_384
LINGER_S: Final = 1.0  # for our DISCONNECT to arrive, and for the player to close
KEEP_ALIVE_GRACE: Final = 1.5  # MQTT 5, section 3.1.2.10


class PlayerConnection:
    """A stream and the protocol over it. Its own task reads; any task may add to `peer.outgoing` and flush.

    `reading_since` and `writing_since` are infinite while nothing is read or written.
    """

    __slots__ = ("keep_alive_s", "peer", "reading_since", "stream", "writing_since")

    def __init__(self, peer: Peer, stream: trio.abc.Stream, keep_alive_s: int) -> None:
        self.peer = peer
        self.stream = stream
        self.keep_alive_s = keep_alive_s
        self.reading_since = inf
        self.writing_since = inf

    @property
    def session(self) -> ClientSession:
        """The client's session."""
        return self.peer.session

    async def read(self) -> bytes:
        """Wait for bytes. Raises ConnectionEnds when there are no more."""
        self.reading_since = trio.current_time()
        data = await self.stream.receive_some(READ_BYTES)
        self.reading_since = inf
        if not data:
            raise ConnectionEnds(None)
        return bytes(data)

    async def flush(self) -> None:
        """Write what is ready; a task that is writing already also writes what others have added."""
        if self.writing_since != inf:
            return
        try:
            while data := self.peer.outgoing.ready():
                self.writing_since = trio.current_time()
                await self.stream.send_all(data)
        finally:
            self.writing_since = inf

    async def flush_before_read(self) -> None:
        """Write what is ready. Where the player has closed, what it had sent is still to be read."""
        with suppress(trio.BrokenResourceError):
            await self.flush()

    def is_silent(self, now: float) -> bool:
        """Whether we have waited for the player for longer than its keep-alive allows."""
        return now - self.reading_since > self.keep_alive_s * KEEP_ALIVE_GRACE

    @property
    def is_idle(self) -> bool:
        """Whether it waits for the player."""
        return self.reading_since != inf

    async def flush_from_another_task(self) -> None:
        """Write what another task has added; the connection's own task deals with one that breaks."""
        with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            await self.flush()

    async def end(self, reason: mqtt5.DisconnectReasonCode) -> None:
        """Send a DISCONNECT and close; the connection's own task then ends."""
        self.reading_since = inf
        self.peer.outgoing.put(disconnect(reason))
        with trio.move_on_after(LINGER_S):
            await self.flush_from_another_task()
        await trio.aclose_forcefully(self.stream)


async def send_and_linger(stream: trio.abc.Stream, data: bytes) -> None:
    """Write and wait until the other side closes: closing at once could take back what it has not read yet."""
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
    """Return the CN of the certificate that the player presented and that was verified, if any."""
    if not isinstance(stream, trio.SSLStream):
        return None
    certificate = stream.getpeercert() or {}
    names = [value for part in certificate.get("subject", ()) for name, value in part if name == "commonName"]
    return names[0] if len(names) == 1 else None
