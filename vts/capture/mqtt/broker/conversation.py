"""One connection to a broker: what arrives is decided in batches, answered and acknowledged, until it ends.

Everything here ends with the connection: unacknowledged messages stay with the broker, which sends them again.
"""

from __future__ import annotations

from typing import Final

import mqtt5
import trio

from vts.capture.mqtt.broker.session import ConnectionLost, Session
from vts.capture.mqtt.broker.stream import BrokerStream
from vts.capture.players.reports import PendingReaction, PlayerMessage, PlayerReports
from vts.capture.players.views import SOURCE

EARLY_MAX_BYTES: Final = 64 << 20  # before the SUBACK: all that a broker may have in flight, at 1 KB each
LEAVING_S: Final = 1.0  # for our DISCONNECT to arrive, and for the broker to close
BATCH: Final = 500  # decided without a pause: some 15 ms of the loop at worst
INBOX_READS: Final = 16  # reads that wait while one batch is journaled; beyond them TCP holds the broker back
REACTIONS_MAX: Final = 256  # reactions that wait for PostgreSQL; beyond them players get `unavailable`

Messages = list[mqtt5.PublishPacket]


class Conversation:
    """A reader, a decider, a writer, a task that stores reactions and one that pings, around one session.

    Only the writer sends, so that no cancellation of another task can cut a packet in half.
    """

    def __init__(self, stream: BrokerStream, session: Session, reports: PlayerReports) -> None:
        self.stream = stream
        self._session = session
        self._reports = reports
        self._wake = trio.Event()
        self._closing = trio.CancelScope()
        self._disconnected = False
        self._refused = False
        self._to_store, self._pending_reactions = trio.open_memory_channel[PendingReaction](REACTIONS_MAX)

    async def open(self) -> Messages:
        """Connect and subscribe; return the messages that came before the SUBACK."""
        self._session.connect()
        await self.stream.send(self._session.outgoing())
        early: Messages = []
        early_bytes = 0
        while not self._session.subscribed:
            messages = await self._read()
            early += messages
            early_bytes += sum(len(message.payload) for message in messages)
            if early_bytes > EARLY_MAX_BYTES:
                raise ConnectionLost(f"the broker sent {early_bytes} bytes before it let us subscribe")
            await self.stream.send(self._session.outgoing())
        return early

    def count_refused_answers(self) -> None:
        """Count the answers that the broker did not take."""
        if self._session.answers_refused:
            self._reports.count(SOURCE, "answer_refused", self._session.answers_refused)

    async def run(self, early: Messages, listening: trio.CancelScope) -> None:
        """Serve until `listening` is cancelled; then finish what was read and disconnect."""
        inbox, arrived = trio.open_memory_channel[Messages](INBOX_READS)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._ping)
            nursery.start_soon(self._store_reactions)
            nursery.start_soon(self._write)
            nursery.start_soon(self._decide, arrived, listening)
            await self._listen(early, inbox, listening)
            await self._await_close()
            nursery.cancel_scope.cancel()
        if self._refused:
            raise ConnectionLost("views cannot be kept right now: the broker keeps them")

    async def _listen(
        self, early: Messages, inbox: trio.MemorySendChannel[Messages], listening: trio.CancelScope
    ) -> None:
        with inbox, listening:
            for first in range(0, len(early), BATCH):
                await inbox.send(early[first : first + BATCH])
            early.clear()
            while True:
                messages = await self._read()
                if messages:
                    await inbox.send(messages)
                self._wake.set()  # an acknowledged answer may make room for the next

    async def _await_close(self) -> None:
        """Let the broker close, so that it has read all that we wrote; what it sends meanwhile stays its own."""
        with self._closing:
            try:
                while True:
                    await self._read()
                    self._wake.set()
            except ConnectionLost:
                if not self._disconnected:
                    raise

    async def _read(self) -> Messages:
        return self._session.receive(await self.stream.read())

    async def _decide(self, arrived: trio.MemoryReceiveChannel[Messages], listening: trio.CancelScope) -> None:
        """Settle everything that has arrived meanwhile as one batch, again and again."""
        async for batch in arrived:
            while len(batch) < BATCH:
                try:
                    batch.extend(arrived.receive_nowait())
                except (trio.WouldBlock, trio.EndOfChannel):
                    break
            if not await self._settle(batch):
                self._refused = True
                listening.cancel()
                break
        self._session.leave()
        self._disconnected = True
        self._closing.deadline = trio.current_time() + LEAVING_S
        self._wake.set()

    async def _settle(self, batch: Messages) -> bool:
        """Have a batch journaled, then acknowledge it up to the first message that could not be kept, if any."""
        kept = True
        parse = self._reports.topics.parse
        messages = [PlayerMessage(parse(packet.topic), packet.payload, packet.retain) for packet in batch]
        for packet, settled in zip(batch, await self._reports.settle(messages), strict=True):
            if settled.answer is not None:
                self._session.answer(*settled.answer)
            if settled.reaction is not None:
                self._store_soon(settled.reaction)
            kept = kept and settled.keep
            if kept:
                self._session.acknowledge(packet)
        self._wake.set()
        return kept

    def _store_soon(self, pending: PendingReaction) -> None:
        try:
            self._to_store.send_nowait(pending)
        except trio.WouldBlock:
            self._session.answer(*self._reports.decline(pending))

    async def _store_reactions(self) -> None:
        async for pending in self._pending_reactions:
            self._session.answer(*await self._reports.store(pending))
            self._wake.set()

    async def _ping(self) -> None:
        """Ping twice in a keep-alive; a broker that has not written, or not read, for a whole one is gone."""
        keep_alive_s = self._session.keep_alive_s
        while True:
            await trio.sleep(keep_alive_s / 2)
            self.stream.check(keep_alive_s)
            self._session.ping()
            self._wake.set()

    async def _write(self) -> None:
        while True:
            data = self._session.outgoing()
            if data:
                await self.stream.send(data)
            else:
                await self._wake.wait()
                self._wake = trio.Event()
