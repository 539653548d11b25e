"""Whether a broker would accept us, tried without touching the session that it keeps for us."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

import mqtt5
import trio

from vts.capture.mqtt.broker.session import SessionOptions
from vts.capture.mqtt.frames import BadPacket, Frames

ANSWER_S: Final = 3.0  # TCP, TLS and CONNACK together: a broker that is slower is no reason to change the reader
_READ_BYTES: Final = 4_096
# An empty client id is the broker's to replace. One that requires an id (0x85) answers, and accepts ours later.
_ACCEPTING: Final = (mqtt5.ConnAckReasonCode.SUCCESS, mqtt5.ConnAckReasonCode.CLIENT_ID_NOT_VALID)


async def answers(dial: Callable[[], Awaitable[trio.abc.Stream]], options: SessionOptions) -> bool:
    """Log in for a moment under no client id, and keep no session. Returns within `ANSWER_S`, and never raises."""
    with trio.move_on_after(ANSWER_S):
        try:
            stream = await dial()
        except (OSError, trio.BrokenResourceError):
            return False
        try:
            return await _is_accepted(stream, options)
        except (BadPacket, trio.BrokenResourceError):
            return False
        finally:
            await trio.aclose_forcefully(stream)
    return False


async def _is_accepted(stream: trio.abc.Stream, options: SessionOptions) -> bool:
    connect = mqtt5.ConnectPacket(
        "", username=options.username, password=options.password, clean_start=True, keep_alive=options.keep_alive_s
    )
    await stream.send_all(connect.write())
    frames = Frames(options.packet_max_bytes)
    while data := await stream.receive_some(_READ_BYTES):
        for packet in frames.feed(bytes(data)):
            if not isinstance(packet, mqtt5.ConnAckPacket) or packet.reason_code not in _ACCEPTING:
                return False
            await stream.send_all(mqtt5.DisconnectPacket().write())
            return True
    return False
