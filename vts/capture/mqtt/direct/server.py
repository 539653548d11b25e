"""One run of the direct endpoint: which players are connected, and what becomes of their messages.

One task for each connection, one sweeper for all deadlines. A message is acknowledged when it is journaled; what cannot
be kept is not acknowledged, and its player is asked to connect again later.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final

import mqtt5
import trio

from vts.capture.mqtt.direct.handshake import Handshake
from vts.capture.mqtt.direct.login import ConnectRefused
from vts.capture.mqtt.direct.open_connections import OpenConnections
from vts.capture.mqtt.direct.peer import ConnectionEnds, DisconnectCode, PubAckCode, Published
from vts.capture.mqtt.direct.player_connection import PlayerConnection, disconnect, send_and_linger
from vts.capture.mqtt.direct.registry import PlayerWill, Registry
from vts.capture.mqtt.direct.shared_batch import SharedBatches
from vts.capture.players.reports import OutgoingMessage, PlayerMessage, PlayerReports, Settled
from vts.capture.players.views import SOURCE
from vts.capture.tls import ListenerTls
from vts.model.outcome import Reason

SWEEP_S: Final = 1.0
_log: Final = logging.getLogger(__name__)

_TOPIC_CODES: Final = {
    Reason.INVALID: PubAckCode.TOPIC_NAME_INVALID,
    Reason.IDENTITY_MISMATCH: PubAckCode.NOT_AUTHORIZED,
}
_PAYLOAD_CODES: Final = {
    Reason.INVALID: PubAckCode.PAYLOAD_FORMAT_INVALID,
    Reason.IDENTITY_MISMATCH: PubAckCode.NOT_AUTHORIZED,
    Reason.AUTHENTICATION_FAILED: PubAckCode.NOT_AUTHORIZED,
    Reason.RATE_LIMITED: PubAckCode.QUOTA_EXCEEDED,
}


class DirectServer:
    """The connections of one run, and the sessions that are kept between them."""

    def __init__(
        self, handshake: Handshake, reports: PlayerReports, tls: ListenerTls | None, nursery: trio.Nursery
    ) -> None:
        self._handshake = handshake
        self._limits = handshake.limits
        self._reports = reports
        self._tls = tls
        self._nursery = nursery
        self._batches = SharedBatches(reports, nursery)
        self._registry = Registry[PlayerConnection](self._limits.connections_per_player, self._limits.sessions_max)
        self._open = OpenConnections()
        self._listening = trio.CancelScope()
        self._stopping = False

    @property
    def connections(self) -> int:
        """How many connections there are, those whose CONNECT is not accepted yet included."""
        return self._open.count

    async def serve(self, listeners: Sequence[trio.SocketListener]) -> None:
        """Accept players until `stop`, then wait until the last one is gone."""
        self._nursery.start_soon(self._sweep)
        with self._listening:
            await trio.serve_listeners(self._handle, list(listeners), handler_nursery=self._nursery)
        await self._open.wait_until_none()
        self._nursery.cancel_scope.cancel()

    def stop(self) -> None:
        """Stop listening and disconnect all players; a message that is being decided is acknowledged first."""
        self._stopping = True
        self._listening.cancel()
        self._open.cancel_handshakes()
        for connection in self._registry.all():
            if connection.is_idle:
                self._nursery.start_soon(connection.end, DisconnectCode.SERVER_SHUTTING_DOWN)

    async def _handle(self, stream: trio.abc.Stream) -> None:
        """Serve one connection; no fault on it leaves this function."""
        self._open.count += 1
        try:
            if self._open.count <= self._limits.connections_max and not self._stopping:
                await self._accept(stream)
        except (trio.BrokenResourceError, trio.ClosedResourceError, trio.BusyResourceError, OSError, ConnectionEnds):
            pass  # the player, or another task, has closed it
        except Exception:
            _log.exception("a player's connection failed")
        finally:
            self._open.close_one()
            await trio.aclose_forcefully(stream)

    async def _accept(self, stream: trio.abc.Stream) -> None:
        if self._tls is not None:
            stream = trio.SSLStream(stream, self._tls.context, server_side=True, https_compatible=True)
        accepted = None
        try:
            with trio.move_on_after(self._limits.connect_s) as scope, self._open.handshake(scope):
                accepted = await self._handshake.accept(stream)
        except ConnectRefused as refusal:
            self._reports.count(SOURCE, refusal.reason, 1)
            if refusal.answer:
                await send_and_linger(stream, refusal.answer)
        if accepted is not None:
            await self._attend(*accepted)

    async def _attend(self, connection: PlayerConnection, connect: mqtt5.ConnectPacket, early: bytes) -> None:
        """Serve a player until one side ends the connection; `early` are the bytes behind its CONNECT."""
        ended = ConnectionEnds(None)
        try:
            await self._register(connection, connect)
            await self._serve(connection, early)
        except ConnectionEnds as end:
            ended = end
        finally:
            will = self._registry.leave(connection, ended.keeps_will, trio.current_time())
            if will is not None and not self._stopping:
                self._nursery.start_soon(self._publish_wills, (will,))
        if ended.reason is not None:
            if ended.reason == DisconnectCode.RETAIN_NOT_SUPPORTED:
                self._reports.count(SOURCE, "retained", 1)
            last = connection.peer.outgoing.ready() + disconnect(ended.reason)
            await send_and_linger(connection.stream, last)

    async def _register(self, connection: PlayerConnection, connect: mqtt5.ConnectPacket) -> None:
        """Register the connection; close the one it replaces. CONNACK is the first packet that is sent."""
        entered = self._registry.enter(connection, connect.clean_start, trio.current_time())
        connection.peer.outgoing.put(self._handshake.connack(connection, connect, entered.session_present))
        if entered.replaced is not None:
            self._nursery.start_soon(entered.replaced.end, DisconnectCode.SESSION_TAKEN_OVER)
        if entered.evicted is not None:
            self._nursery.start_soon(entered.evicted.end, DisconnectCode.QUOTA_EXCEEDED)
        await self._publish_wills(entered.wills)

    async def _serve(self, connection: PlayerConnection, data: bytes) -> None:
        peer = connection.peer
        while True:
            published = peer.receive(data)
            if published:
                await self._decide(connection, published)
            elif data and peer.ended is None:
                self._reports.alive(peer.session.key)
            await connection.flush_before_read()
            if peer.ended is not None:
                raise peer.ended
            if self._stopping:
                raise ConnectionEnds(DisconnectCode.SERVER_SHUTTING_DOWN)
            if not self._handshake.authenticator.is_registered(peer.session.key):
                raise ConnectionEnds(DisconnectCode.NOT_AUTHORIZED)
            data = await connection.read()

    async def _decide(self, connection: PlayerConnection, published: list[Published]) -> None:
        """Have everything that one read brought decided together, then answer and acknowledge in its order."""
        own = [one.message for one in published if one.message is not None]
        settled = iter(await self._batches.settle(own))
        for packet, _, refusal in published:
            if refusal is not None:
                self._reports.count(SOURCE, refusal, 1)
                connection.peer.acknowledge(packet, _TOPIC_CODES[refusal])
            else:
                await self._answer(connection, packet, next(settled))

    async def _answer(self, connection: PlayerConnection, packet: mqtt5.PublishPacket, settled: Settled) -> None:
        if settled.answer is not None:
            self._deliver(connection, settled.answer)
        if settled.reaction is not None:
            self._deliver(connection, await self._reports.store(settled.reaction))
        if not settled.keep:
            raise ConnectionEnds(DisconnectCode.SERVER_BUSY)
        refusal = settled.refusal
        code = _PAYLOAD_CODES.get(refusal, PubAckCode.SUCCESS) if refusal else PubAckCode.SUCCESS
        connection.peer.acknowledge(packet, code)

    def _deliver(self, connection: PlayerConnection, answer: OutgoingMessage) -> None:
        """Publish to every connection of a player that has subscribed to the topic."""
        topic, payload = answer
        for other in self._registry.of(connection.session.key):
            qos = other.session.granted_qos(topic)
            if qos is None:
                continue
            other.peer.outgoing.publish(topic, payload, qos)
            if other is not connection:
                self._nursery.start_soon(other.flush_from_another_task)

    async def _publish_wills(self, wills: Sequence[PlayerWill]) -> None:
        """Publish last wills as messages of their players. One that cannot be kept is lost: no player waits for it."""
        parse = self._reports.topics.parse
        messages = [PlayerMessage(parse(will.topic), will.payload or b"") for _, will in wills]
        if not messages:
            return
        try:
            await self._reports.settle(messages)
        except Exception:
            _log.exception("a last will could not be published")

    async def _sweep(self) -> None:
        while True:
            await trio.sleep(SWEEP_S)
            now = trio.current_time()
            for connection in self._registry.all():
                if connection.is_silent(now):
                    self._nursery.start_soon(connection.end, DisconnectCode.KEEP_ALIVE_TIMEOUT)
                elif now - connection.writing_since > self._limits.write_s:
                    self._nursery.start_soon(trio.aclose_forcefully, connection.stream)
            await self._publish_wills(self._registry.due(now))
