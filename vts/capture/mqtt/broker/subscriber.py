"""Takes what players publish through a broker: reads, has it decided and journaled, acknowledges, answers.

One connection is one `_Conversation`; everything in it dies with it. A fault of any kind ends it, unacknowledged
messages stay with the broker, and the supervisor's restart gets them again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

import mqtt5
import trio

from vts.capture.mqtt.broker.session import ConnectionLost, Session, SessionOptions
from vts.capture.players.reports import PendingReaction, PlayerMessage, PlayerReports
from vts.capture.players.views import SOURCE

READ_BYTES: Final = 65_536
OPENING_S: Final = 15.0  # TCP, TLS, CONNACK and SUBACK together; a broker that is slower is away
EARLY_MAX_BYTES: Final = 64 << 20  # before the SUBACK: all that a broker may have in flight, at 1 KB each
LEAVING_S: Final = 1.0  # for our last words to get out, and for the broker to hang up
BATCH: Final = 500  # decided without a pause: some 15 ms of the loop at worst
INBOX_READS: Final = 16  # reads that wait while one batch is journaled; beyond them TCP holds the broker back
REACTIONS_MAX: Final = 256  # reactions that wait for PostgreSQL; beyond them players get `unavailable`

Dial = Callable[[], Awaitable[trio.abc.Stream]]


class MqttSubscriber:
    """The actor that holds the broker's session. It starts at once and never waits for a broker to be there."""

    def __init__(self, dial: Dial, options: SessionOptions, reports: PlayerReports) -> None:
        self._dial = dial
        self._options = options
        self._reports = reports
        self._stopping = False
        self._listening: trio.CancelScope | None = None
        self.connected = False
        self.connected_at: float | None = None  # of the last connection, also when it has ended

    def stop(self) -> None:
        """Stop reading; `run` returns when what was read is journaled and acknowledged. The session is kept."""
        self._stopping = True
        if self._listening is not None:
            self._listening.cancel()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve one connection until `stop`. Raises an Outage or OSError when the broker is lost."""
        task_status.started()
        with self._listen() as scope:
            conversation = await self._open()
        if scope.cancelled_caught:
            return
        try:
            await conversation.hold(self._listen())
        finally:
            self.connected = False
            conversation.close_books()
            await trio.aclose_forcefully(conversation.stream)

    def _listen(self) -> trio.CancelScope:
        self._listening = trio.CancelScope()
        if self._stopping:
            self._listening.cancel()
        return self._listening

    async def _open(self) -> _Conversation:
        session = Session(self._options)
        with trio.move_on_after(OPENING_S):
            stream = await _translated(self._dial)
            conversation = _Conversation(stream, session, self._reports)
            try:
                await conversation.open()
            except BaseException:
                await trio.aclose_forcefully(stream)
                raise
            self.connected = True
            self.connected_at = trio.current_time()
            return conversation
        raise ConnectionLost(f"the broker did not let us in within {OPENING_S:g} s")


async def _translated(dial: Dial) -> trio.abc.Stream:
    try:
        return await dial()
    except trio.BrokenResourceError as fault:
        raise ConnectionLost(f"TLS with the broker failed: {fault.__cause__ or fault}") from None


class _Conversation:
    """One connection: a reader, a decider, a writer, one that stores reactions and a pulse around one session.

    Only the writer sends, so that no cancellation of another task can cut a packet in half.
    """

    def __init__(self, stream: trio.abc.Stream, session: Session, reports: PlayerReports) -> None:
        self.stream = stream
        self._session = session
        self._reports = reports
        self._wake = trio.Event()
        self._left = False
        self._refused = False
        self._listening = trio.CancelScope()
        self._parting = trio.CancelScope()
        self._reading_since: float | None = None
        self._writing_since: float | None = None
        self._early: list[mqtt5.PublishPacket] = []
        self._to_decide, self._decided = trio.open_memory_channel[list[mqtt5.PublishPacket]](INBOX_READS)
        self._to_store, self._pending_reactions = trio.open_memory_channel[PendingReaction](REACTIONS_MAX)

    async def open(self) -> None:
        """Connect and subscribe; messages that come before the SUBACK are kept."""
        self._session.connect()
        await self._send(self._session.outgoing())
        early_bytes = 0
        while not self._session.subscribed:
            messages = await self._read()
            self._early += messages
            early_bytes += sum(len(message.payload) for message in messages)
            if early_bytes > EARLY_MAX_BYTES:
                raise ConnectionLost(f"the broker sent {early_bytes} bytes before it let us subscribe")
            await self._send(self._session.outgoing())

    def close_books(self) -> None:
        """Count what became of the answers."""
        if self._session.answers_refused:
            self._reports.count(SOURCE, "answer_refused", self._session.answers_refused)

    async def hold(self, scope: trio.CancelScope) -> None:
        """Serve until `scope` is cancelled; then finish what was read and say goodbye."""
        self._listening = scope
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._pulse)
            nursery.start_soon(self._store_reactions)
            nursery.start_soon(self._write)
            nursery.start_soon(self._decide)
            await self._listen()
            await self._part()
            nursery.cancel_scope.cancel()
        if self._refused:
            raise ConnectionLost("views cannot be kept right now: the broker keeps them")

    async def _listen(self) -> None:
        with self._to_decide, self._listening:
            for first in range(0, len(self._early), BATCH):
                await self._to_decide.send(self._early[first : first + BATCH])
            self._early.clear()
            while True:
                messages = await self._read()
                if messages:
                    await self._to_decide.send(messages)
                self._wake.set()  # an acknowledged answer may make room for the next

    async def _part(self) -> None:
        """Let the broker hang up, so that it has read all that we wrote; what it sends meanwhile stays its own."""
        with self._parting:
            try:
                while True:
                    await self._read()
                    self._wake.set()
            except ConnectionLost:
                if not self._left:
                    raise

    async def _read(self) -> list[mqtt5.PublishPacket]:
        self._reading_since = trio.current_time()
        try:
            data = await self.stream.receive_some(READ_BYTES)
        except trio.BrokenResourceError:
            data = b""
        self._reading_since = None
        if not data:
            raise ConnectionLost("the broker closed the connection")
        return self._session.receive(bytes(data))

    async def _decide(self) -> None:
        """Settle everything that has arrived meanwhile as one batch, again and again."""
        async for batch in self._decided:
            while len(batch) < BATCH:
                try:
                    batch.extend(self._decided.receive_nowait())
                except (trio.WouldBlock, trio.EndOfChannel):
                    break
            if not await self._settle(batch):
                self._refused = True
                self._listening.cancel()
                break
        self._session.leave()
        self._left = True
        self._parting.deadline = trio.current_time() + LEAVING_S
        self._wake.set()

    async def _settle(self, batch: list[mqtt5.PublishPacket]) -> bool:
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

    async def _pulse(self) -> None:
        """Ping twice in a keep-alive; a broker that is silent, or deaf, for a whole one is gone."""
        keep_alive_s = self._session.keep_alive_s
        while True:
            await trio.sleep(keep_alive_s / 2)
            long_ago = trio.current_time() - keep_alive_s
            if self._reading_since is not None and self._reading_since <= long_ago:
                raise ConnectionLost(f"the broker has been silent for {keep_alive_s} s")
            if self._writing_since is not None and self._writing_since <= long_ago:
                raise ConnectionLost(f"the broker has not read for {keep_alive_s} s")
            self._session.ping()
            self._wake.set()

    async def _write(self) -> None:
        while True:
            data = self._session.outgoing()
            if data:
                await self._send(data)
            else:
                await self._wake.wait()
                self._wake = trio.Event()

    async def _send(self, data: bytes) -> None:
        self._writing_since = trio.current_time()
        try:
            await self.stream.send_all(data)
        except trio.BrokenResourceError:
            raise ConnectionLost("the broker closed the connection") from None
        self._writing_since = None
