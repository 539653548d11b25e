"""Whether this process is connected to the broker: one connection after the other, each under a supervisor's start.

A fault of any kind ends a connection; unacknowledged messages stay with the broker, and the restart gets them again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

import trio

from vts.capture.mqtt.broker.conversation import Conversation, Messages
from vts.capture.mqtt.broker.session import ConnectionLost, Session, SessionOptions
from vts.capture.mqtt.broker.stream import BrokerStream
from vts.capture.players.reports import PlayerReports

OPENING_S: Final = 15.0  # TCP, TLS, CONNACK and SUBACK together; a broker that is slower is away

Dial = Callable[[], Awaitable[trio.abc.Stream]]


class MqttSubscriber:
    """The actor that holds the broker's session. It starts at once, also while no broker answers."""

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
        with self._new_scope() as scope:
            conversation, early = await self._open()
        if scope.cancelled_caught:
            return
        try:
            await conversation.run(early, self._new_scope())
        finally:
            self.connected = False
            conversation.count_refused_answers()
            await conversation.stream.close()

    def _new_scope(self) -> trio.CancelScope:
        """Return a scope that `stop` cancels."""
        self._listening = trio.CancelScope()
        if self._stopping:
            self._listening.cancel()
        return self._listening

    async def _open(self) -> tuple[Conversation, Messages]:
        with trio.move_on_after(OPENING_S):
            stream = BrokerStream(await _translated(self._dial))
            conversation = Conversation(stream, Session(self._options), self._reports)
            try:
                early = await conversation.open()
            except BaseException:
                await stream.close()
                raise
            self.connected = True
            self.connected_at = trio.current_time()
            return conversation, early
        raise ConnectionLost(f"the broker did not let us in within {OPENING_S:g} s")


async def _translated(dial: Dial) -> trio.abc.Stream:
    try:
        return await dial()
    except trio.BrokenResourceError as fault:
        raise ConnectionLost(f"TLS with the broker failed: {fault.__cause__ or fault}") from None
