"""How a player connects: TLS, its CONNECT, and the CONNACK with the bounds that hold for it."""

from __future__ import annotations

from dataclasses import dataclass

import mqtt5
import trio

from vts.capture.mqtt.direct.client_session import ClientSession
from vts.capture.mqtt.direct.login import Authenticator, ConnAckCode, connect_length, refused
from vts.capture.mqtt.direct.peer import ConnectionEnds, Peer
from vts.capture.mqtt.direct.player_connection import READ_BYTES, PlayerConnection, common_name
from vts.capture.mqtt.frames import BadPacket, Frames
from vts.capture.players.topics import Topics


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectLimits:
    """Bounds of the endpoint. Every one is announced to players where the protocol has a field for it."""

    receive_maximum: int = 100  # messages of one player on their way to the journal
    packet_max_bytes: int = 16_384  # the longest view is under 1 KB
    connect_s: float = 10.0  # TLS and CONNECT together
    write_s: float = 10.0  # a player that does not read for longer is gone
    keep_alive_max_s: int = 300  # a vanished player is forgotten after 1.5 × its keep-alive
    connections_max: int = 20_000
    connections_per_player: int = 4  # a device, and a person with a command line beside it
    session_expiry_max_s: int = 86_400
    sessions_max: int = 20_000  # subscriptions of players that are away, 12 MB at worst


@dataclass(frozen=True, slots=True)
class Handshake:
    """Makes connections of streams whose CONNECT is accepted."""

    limits: DirectLimits
    topics: Topics
    authenticator: Authenticator

    async def accept(self, stream: trio.abc.Stream) -> tuple[PlayerConnection, mqtt5.ConnectPacket, bytes]:
        """Return the player's connection, its CONNECT, and the bytes behind that.

        Raises ConnectRefused; ConnectionEnds when the other side closes.
        """
        if isinstance(stream, trio.SSLStream):
            await stream.do_handshake()
        limits = self.limits
        connect, rest = await read_connect(stream, limits.packet_max_bytes)
        session = ClientSession(self.authenticator.authenticate(connect, common_name(stream)), connect)
        session.client_id = connect.client_id or f"vts-{id(session):x}"
        session.expiry_s = min(session.expiry_s, limits.session_expiry_max_s)
        peer = Peer(session, connect, self.topics, limits.receive_maximum, limits.packet_max_bytes)
        keep_alive_s = min(connect.keep_alive or limits.keep_alive_max_s, limits.keep_alive_max_s)
        return PlayerConnection(peer, stream, keep_alive_s), connect, rest

    def connack(self, connection: PlayerConnection, connect: mqtt5.ConnectPacket, session_present: bool) -> bytes:
        """Write the CONNACK of an accepted player: what is granted, and every bound that holds for it."""
        session, keep_alive_s = connection.session, connection.keep_alive_s
        return mqtt5.ConnAckPacket(
            session_present=session_present,
            session_expiry_interval=session.expiry_s,
            assigned_client_id=None if connect.client_id else session.client_id,
            server_keep_alive=None if keep_alive_s == connect.keep_alive else keep_alive_s,
            receive_max=self.limits.receive_maximum,
            max_qos=mqtt5.QoS.AT_LEAST_ONCE,
            retain_available=False,
            max_packet_size=self.limits.packet_max_bytes,
            topic_alias_max=0,
            subscription_id_available=False,
            shared_subscription_available=False,
        ).write()


async def read_connect(stream: trio.abc.Stream, packet_max_bytes: int) -> tuple[mqtt5.ConnectPacket, bytes]:
    """Return the first packet, and the bytes behind it. Raises ConnectRefused; ConnectionEnds at the end of input."""
    data = b""
    while (length := connect_length(data, packet_max_bytes)) is None:
        more = await stream.receive_some(READ_BYTES)
        if not more:
            raise ConnectionEnds(None)
        data += bytes(more)
    try:
        (connect,) = Frames(length).feed(data[:length])
    except BadPacket:
        raise refused(ConnAckCode.MALFORMED_PACKET) from None
    if not isinstance(connect, mqtt5.ConnectPacket):
        raise refused(ConnAckCode.MALFORMED_PACKET)
    return connect, data[length:]
