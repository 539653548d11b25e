"""When this process holds the broker's session: whenever it leads; otherwise it gives the session up in order."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

import trio

from vts.capture.mqtt.broker.session import ConnectionLost, TakenOver
from vts.capture.mqtt.broker.subscriber import MqttSubscriber
from vts.store.peers.leader import Leader, Tenure

# Mosquitto before 2.0.15 closes the connection of a session that is taken over without a reason. A process that takes
# it back does so within the longest backoff, so a connection that ends sooner than this ended so.
TRIAL_S: Final = 60.0


class BrokerSession:
    """An actor like the subscriber that it runs for every tenure. `subscribe` makes one for a client id.

    `probe` returns whether the broker would accept this process; the leader calls it before it hands the session over.
    """

    def __init__(
        self, leader: Leader, subscribe: Callable[[str], MqttSubscriber], probe: Callable[[], Awaitable[bool]]
    ) -> None:
        self._leader = leader
        self._subscribe = subscribe
        self._probe = probe
        leader.watch(self)
        self._stopping = False
        self._waiting = trio.CancelScope()
        self._subscriber: MqttSubscriber | None = None

    @property
    def connected(self) -> bool:
        """Whether this process is connected and subscribed."""
        return self._subscriber is not None and self._subscriber.connected

    async def answers(self) -> bool:
        """Whether the broker would accept this process, tried now."""
        return await self._probe()

    @property
    def state(self) -> str:
        """The state: "ok", "standby" while another process leads, or what is missing."""
        if self._leader.tenure is not None:
            return "ok" if self.connected else "not connected"
        return "standby" if self._leader.others_lead else "waiting for the database"

    def stop(self) -> None:
        """Stop reading; `run` returns when what was read is journaled and acknowledged. The session is kept."""
        self._stopping = True
        self._waiting.cancel()
        if self._subscriber is not None:
            self._subscriber.stop()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve one tenure after the other until `stop`. Raises an Outage or OSError when the broker is lost."""
        task_status.started()
        while not self._stopping:
            with trio.CancelScope() as self._waiting:
                tenure = await self._leader.next_tenure()
            if not self._waiting.cancelled_caught:
                await self._serve(tenure)

    async def _serve(self, tenure: Tenure) -> None:
        subscriber = self._subscriber = self._subscribe(tenure.session)
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_end_with, tenure, subscriber)
                await subscriber.run()
                nursery.cancel_scope.cancel()
        except* TakenOver:
            self._leader.taken_over()
            raise
        except* ConnectionLost:
            if self._seems_taken(subscriber):
                self._leader.taken_over()
            raise
        finally:
            self._subscriber = None

    def _seems_taken(self, subscriber: MqttSubscriber) -> bool:
        """Whether a connection ended as it does when another takes the session over, and we could not take it back."""
        since = subscriber.connected_at
        if self._leader.proven or since is None:
            return False
        return self._leader.others_lead or trio.current_time() - since < TRIAL_S


async def _end_with(tenure: Tenure, subscriber: MqttSubscriber) -> None:
    await tenure.over.wait()
    subscriber.stop()
