"""How a player comes in by the direct door: its CONNECT is read, and answered with the bounds that hold for it."""

from __future__ import annotations

from dataclasses import dataclass

import mqtt5
import trio

from vts.capture.mqtt.direct.line import READ_BYTES, Line
from vts.capture.mqtt.direct.login import Code, connect_length, refused
from vts.capture.mqtt.direct.peer import Goodbye
from vts.capture.mqtt.frames import BadPacket, Frames


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectLimits:
    """Bounds of the endpoint. Every one is announced to players where the protocol has a word for it."""

    receive_maximum: int = 100  # messages of one player on their way to the journal
    packet_max_bytes: int = 16_384  # the longest view is under 1 KB
    connect_s: float = 10.0  # TLS and CONNECT together
    write_s: float = 10.0  # a player that does not read for longer is gone
    keep_alive_max_s: int = 300  # a vanished player is forgotten after 1.5 × its keep-alive
    connections_max: int = 20_000
    connections_per_player: int = 4  # a device, and a person with a command line beside it
    session_expiry_max_s: int = 86_400
    sessions_max: int = 20_000  # subscriptions of players that are away, 12 MB at worst


async def read_connect(stream: trio.abc.Stream, packet_max_bytes: int) -> tuple[mqtt5.ConnectPacket, bytes]:
    """Return the first packet, and what came behind it. Raises Refusal; Goodbye when the other side hangs up."""
    data = b""
    while (length := connect_length(data, packet_max_bytes)) is None:
        more = await stream.receive_some(READ_BYTES)
        if not more:
            raise Goodbye(None)
        data += bytes(more)
    try:
        (connect,) = Frames(length).feed(data[:length])
    except BadPacket:
        raise refused(Code.MALFORMED_PACKET) from None
    if not isinstance(connect, mqtt5.ConnectPacket):
        raise refused(Code.MALFORMED_PACKET)
    return connect, data[length:]


def welcome(line: Line, connect: mqtt5.ConnectPacket, limits: DirectLimits, session_present: bool) -> bytes:
    """Write the CONNACK that lets a player in: what is granted, and every bound that holds for it."""
    return mqtt5.ConnAckPacket(
        session_present=session_present,
        session_expiry_interval=line.session_expiry_s,
        assigned_client_id=None if connect.client_id else line.client_id,
        server_keep_alive=None if line.keep_alive_s == connect.keep_alive else line.keep_alive_s,
        receive_max=limits.receive_maximum,
        max_qos=mqtt5.QoS.AT_LEAST_ONCE,
        retain_available=False,
        max_packet_size=limits.packet_max_bytes,
        topic_alias_max=0,
        subscription_id_available=False,
        shared_subscription_available=False,
    ).write()
