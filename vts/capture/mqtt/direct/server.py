"""One run of the direct endpoint: who is connected, and what becomes of what they say.

One task for each connection, one sweeper for all deadlines. What one turn of the loop reads is decided together. A
message is acknowledged when it is journaled; what cannot be kept is not, and its player is asked to come back.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final

import mqtt5
import trio

from vts.capture.mqtt.direct.entrance import DirectLimits, read_connect, welcome
from vts.capture.mqtt.direct.line import Line, common_name, disconnect, last_words
from vts.capture.mqtt.direct.login import Doorkeeper, Refusal
from vts.capture.mqtt.direct.peer import Gone, Goodbye, PubAck, Published
from vts.capture.mqtt.direct.registry import Registry, Will
from vts.capture.players.reports import OutgoingMessage, PlayerMessage, PlayerReports, Settled
from vts.capture.players.views import SOURCE
from vts.capture.tls import ListenerTls
from vts.model.outcome import Reason

SWEEP_S: Final = 1.0
TOGETHER_MAX: Final = 500  # packets, before those of the last read: as many as a batch by HTTP may have
_log: Final = logging.getLogger(__name__)

_TOPIC_CODES: Final = {Reason.INVALID: PubAck.TOPIC_NAME_INVALID, Reason.IDENTITY_MISMATCH: PubAck.NOT_AUTHORIZED}
_PAYLOAD_CODES: Final = {
    Reason.INVALID: PubAck.PAYLOAD_FORMAT_INVALID,
    Reason.IDENTITY_MISMATCH: PubAck.NOT_AUTHORIZED,
    Reason.AUTHENTICATION_FAILED: PubAck.NOT_AUTHORIZED,
    Reason.RATE_LIMITED: PubAck.QUOTA_EXCEEDED,
}


class _Gathering:
    """What is decided together: packets of many connections, and what became of them, in the same order."""

    __slots__ = ("messages", "over", "settled")

    def __init__(self) -> None:
        self.messages: list[PlayerMessage] = []
        self.settled: list[Settled] = []
        self.over = trio.Event()


class DirectServer:
    """Everything of one run: who is connected, whose session is parked, who is on the way in."""

    def __init__(
        self,
        limits: DirectLimits,
        reports: PlayerReports,
        doorkeeper: Doorkeeper,
        tls: ListenerTls | None,
        nursery: trio.Nursery,
    ) -> None:
        self._limits = limits
        self._reports = reports
        self._doorkeeper = doorkeeper
        self._tls = tls
        self._nursery = nursery
        self._registry = Registry[Line](limits.connections_per_player, limits.sessions_max)
        self._listening = trio.CancelScope()
        self._entering: set[trio.CancelScope] = set()
        self._stopping = False
        self._empty = trio.Event()
        self._gathering: _Gathering | None = None
        self.count = 0

    async def serve(self, listeners: Sequence[trio.SocketListener]) -> None:
        """Accept players until `stop`, then wait until the last one is gone."""
        self._nursery.start_soon(self._sweep)
        with self._listening:
            await trio.serve_listeners(self._handle, list(listeners), handler_nursery=self._nursery)
        if self.count:
            await self._empty.wait()
        self._nursery.cancel_scope.cancel()

    def stop(self) -> None:
        """Stop listening and send everybody away; whoever is being decided gets its acknowledgement first."""
        self._stopping = True
        self._listening.cancel()
        for scope in self._entering:
            scope.cancel()
        for line in self._registry.everybody():
            if line.is_idle:
                self._nursery.start_soon(line.end, Gone.SERVER_SHUTTING_DOWN)

    async def _handle(self, stream: trio.abc.Stream) -> None:
        """Serve one connection; nothing that happens on it leaves this function."""
        self.count += 1
        try:
            if self.count <= self._limits.connections_max and not self._stopping:
                await self._converse(stream)
        except (trio.BrokenResourceError, trio.ClosedResourceError, trio.BusyResourceError, OSError, Goodbye):
            pass  # it hung up, or another task has hung up on it
        except Exception:
            _log.exception("a player's connection failed")
        finally:
            self.count -= 1
            if self.count == 0 and self._stopping:
                self._empty.set()
            await trio.aclose_forcefully(stream)

    async def _converse(self, stream: trio.abc.Stream) -> None:
        if self._tls is not None:
            stream = trio.SSLStream(stream, self._tls.context, server_side=True, https_compatible=True)
        entered = None
        try:
            with trio.move_on_after(self._limits.connect_s) as scope:
                self._entering.add(scope)
                entered = await self._enter(stream)
        except Refusal as refusal:
            self._reports.count(SOURCE, refusal.reason, 1)
            if refusal.answer:
                await last_words(stream, refusal.answer)
        finally:
            self._entering.discard(scope)
        if entered is not None:
            await self._attend(*entered)

    async def _enter(self, stream: trio.abc.Stream) -> tuple[Line, mqtt5.ConnectPacket, bytes]:
        """Find out who it is. Return also what came behind the CONNECT. Raises Refusal."""
        if isinstance(stream, trio.SSLStream):
            await stream.do_handshake()
        connect, rest = await read_connect(stream, self._limits.packet_max_bytes)
        key = self._doorkeeper.judge(connect, common_name(stream))
        limits = self._limits
        line = Line(key, connect, self._reports.topics, limits.receive_maximum, limits.packet_max_bytes)
        line.client_id = connect.client_id or f"vts-{id(line):x}"
        line.session_expiry_s = min(line.session_expiry_s, limits.session_expiry_max_s)
        line.attach(stream, min(connect.keep_alive or limits.keep_alive_max_s, limits.keep_alive_max_s))
        return line, connect, rest

    async def _attend(self, line: Line, connect: mqtt5.ConnectPacket, early: bytes) -> None:
        """Serve a player until it, or we, say goodbye."""
        goodbye = Goodbye(None)
        try:
            await self._let_in(line, connect)
            await self._serve(line, early)
        except Goodbye as said:
            goodbye = said
        finally:
            will = self._registry.leave(line, goodbye.keeps_will, trio.current_time())
            if will is not None and not self._stopping:
                self._nursery.start_soon(self._say_wills, (will,))
        if goodbye.reason is not None:
            if goodbye.reason == Gone.RETAIN_NOT_SUPPORTED:
                self._reports.count(SOURCE, "retained", 1)
            await last_words(line.stream, line.outgoing.ready() + disconnect(goodbye.reason))

    async def _let_in(self, line: Line, connect: mqtt5.ConnectPacket) -> None:
        """Put a player in its place and the former holder out of it; CONNACK is the first that it hears."""
        entrance = self._registry.enter(line, connect.clean_start, trio.current_time())
        line.outgoing.put(welcome(line, connect, self._limits, entrance.session_present))
        if entrance.replaced is not None:
            self._nursery.start_soon(entrance.replaced.end, Gone.SESSION_TAKEN_OVER)
        if entrance.evicted is not None:
            self._nursery.start_soon(entrance.evicted.end, Gone.QUOTA_EXCEEDED)
        await self._say_wills(entrance.wills)

    async def _serve(self, line: Line, data: bytes) -> None:
        while True:
            published = line.receive(data)
            if published:
                await self._decide(line, published)
            await line.flush_if_heard()
            if line.goodbye is not None:
                raise line.goodbye
            if self._stopping:
                raise Goodbye(Gone.SERVER_SHUTTING_DOWN)
            if not self._doorkeeper.may_stay(line.key):
                raise Goodbye(Gone.NOT_AUTHORIZED)
            data = await line.read()

    async def _decide(self, line: Line, published: list[Published]) -> None:
        """Have everything that one read brought decided together, then answer and acknowledge in its order."""
        own = [one.message for one in published if one.message is not None]
        settled = iter(await self._settle(own))
        for packet, _, refusal in published:
            if refusal is not None:
                self._reports.count(SOURCE, refusal, 1)
                line.acknowledge(packet, _TOPIC_CODES[refusal])
            else:
                await self._perform(line, packet, next(settled))

    async def _settle(self, messages: list[PlayerMessage]) -> list[Settled]:
        """Have messages decided with those of everybody else who was read in this turn of the loop."""
        if not messages:
            return []
        gathering = self._gathering
        if gathering is None or len(gathering.messages) >= TOGETHER_MAX:
            gathering = self._gathering = _Gathering()
            self._nursery.start_soon(self._decide_together, gathering)
        begin = len(gathering.messages)
        gathering.messages += messages
        await gathering.over.wait()
        return gathering.settled[begin : begin + len(messages)]

    async def _decide_together(self, gathering: _Gathering) -> None:
        """One submission for all: what a gate and a journal cost for each is most of what they cost for one event."""
        if self._gathering is gathering:
            self._gathering = None
        try:
            gathering.settled = await self._reports.settle(gathering.messages)
        except Exception:
            _log.exception("players' messages could not be decided")
            gathering.settled = [Settled(keep=False)] * len(gathering.messages)
        gathering.over.set()

    async def _perform(self, line: Line, packet: mqtt5.PublishPacket, settled: Settled) -> None:
        if settled.answer is not None:
            self._deliver(line, settled.answer)
        if settled.reaction is not None:
            self._deliver(line, await self._reports.store(settled.reaction))
        if not settled.keep:
            raise Goodbye(Gone.SERVER_BUSY)
        refusal = settled.refusal
        line.acknowledge(packet, _PAYLOAD_CODES.get(refusal, PubAck.SUCCESS) if refusal else PubAck.SUCCESS)

    def _deliver(self, line: Line, answer: OutgoingMessage) -> None:
        """Publish to every connection of a player that wants to hear it."""
        topic, payload = answer
        for other in self._registry.of(line.key):
            qos = other.hears(topic)
            if qos is None:
                continue
            other.outgoing.publish(topic, payload, qos)
            if other is not line:
                self._nursery.start_soon(other.nudge)

    async def _say_wills(self, wills: Sequence[Will]) -> None:
        """Publish last wills as messages of their players. One that cannot be kept is lost, as its player is."""
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
            for line in self._registry.everybody():
                if line.is_silent(now):
                    self._nursery.start_soon(line.end, Gone.KEEP_ALIVE_TIMEOUT)
                elif now - line.writing_since > self._limits.write_s:
                    self._nursery.start_soon(trio.aclose_forcefully, line.stream)
            await self._say_wills(self._registry.due(now))
