"""The broker's session of a process that leads without a proof, and what makes it let go: on a clock that jumps."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import mqtt5
import pytest
import trio
from trio.testing import MockClock, memory_stream_pair

from config.load import load
from supervisors.engine.supervisor import alone
from supervisors.tree.components import Components
from supervisors.tree.root import Tree
from tests.capture.fake_broker import FakeBroker
from tests.capture.mqtt_support import PlayerDoors
from tests.support.waiting import until
from vts.capture.mqtt.broker.probe import answers
from vts.capture.mqtt.broker.session import ConnectionLost, TakenOver
from vts.capture.mqtt.broker.subscriber import MqttSubscriber
from vts.capture.mqtt.broker.tenure import TRIAL_S, BrokerSession
from vts.model.faults import StoreUnavailable
from vts.store.peers.broker_lock import session_name
from vts.store.peers.leader import Leader
from vts.store.peers.leader_memory import LeaderMemory, LeaderMemoryFile
from vts.store.session.connection import Connection

DATABASE = bytes(range(16))
SESSION = session_name(DATABASE, "makapix")


class House:
    """A process that led when it was last heard of, without a database, beside a broker that it can reach."""

    def __init__(self, folder: Path, nursery: trio.Nursery, *, led: bool = True) -> None:
        self.memory = LeaderMemoryFile(folder / "leader.json")
        self.memory.write(LeaderMemory(DATABASE, led))
        self.broker = FakeBroker()
        self.leader = Leader(self._connect, self.memory, lambda database: session_name(database, "makapix"))
        self.session = BrokerSession(self.leader, self._subscribe, self._probe)
        self._nursery = nursery

    async def _connect(self) -> Connection:
        raise StoreUnavailable("away")

    def _subscribe(self, client_id: str) -> MqttSubscriber:
        world = PlayerDoors()
        return MqttSubscriber(self._dial, world.options(client_id=client_id), world.reports)

    async def _probe(self) -> bool:
        return await answers(self._dial, PlayerDoors().options(client_id=""))

    async def _dial(self) -> trio.abc.Stream:
        ours, theirs = memory_stream_pair()
        self._nursery.start_soon(self.broker.serve, theirs)
        return ours

    async def presume(self) -> None:
        with pytest.raises(ExceptionGroup):
            await self.leader.run()

    async def lose(self, broker_does: Callable[[], Awaitable[None]]) -> Exception | None:
        """Connect, have the broker do something, and return what the session ended by."""
        ended: list[Exception | None] = []

        async def run() -> None:
            try:
                await self.session.run()
                ended.append(None)
            except ExceptionGroup as error:
                ended.append(alone(error))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(run)
            await until(lambda: self.session.connected)
            assert self.session.state == "ok"
            await broker_does()
        return ended[0]

    async def say_taken_over(self) -> None:
        reason = mqtt5.DisconnectReasonCode.SESSION_TAKEN_OVER
        self.broker.connections[-1].write(mqtt5.DisconnectPacket(reason_code=reason))


@pytest.fixture
def house(tmp_path: Path, nursery: trio.Nursery) -> House:
    return House(tmp_path, nursery)


async def test_a_session_that_another_client_took_over_is_given_up(house: House) -> None:
    await house.presume()
    assert isinstance(await house.lose(house.say_taken_over), TakenOver)
    assert house.broker.connections[-1].connect.client_id == SESSION
    assert house.session.state == "waiting for the database"
    assert house.memory.read() == LeaderMemory(DATABASE, False)
    await house.presume()
    assert house.leader.tenure is None, "it has been told"


async def test_a_broker_that_says_nothing_is_tried_once_more(house: House, autojump_clock: MockClock) -> None:
    """Such a broker restarts in the same way: the second end, soon after, is what gives the other one away."""
    await house.presume()

    async def later() -> None:
        await trio.sleep(TRIAL_S + 1)
        await house.broker.cut()

    assert type(await house.lose(later)) is ConnectionLost
    assert house.session.state == "not connected"
    assert type(await house.lose(house.broker.cut)) is ConnectionLost
    assert house.session.state == "waiting for the database"


async def test_a_broker_that_refuses_every_client_takes_no_session_away(house: House) -> None:
    await house.presume()

    async def hang_up() -> trio.abc.Stream:
        ours, theirs = memory_stream_pair()
        await theirs.aclose()
        return ours

    house._dial = hang_up  # type: ignore[method-assign]
    with pytest.raises(ExceptionGroup) as ended:
        await house.session.run()
    assert isinstance(alone(ended.value), ConnectionLost)
    assert house.session.state == "not connected"


async def test_a_tenure_that_ends_leaves_the_broker_in_order(house: House, autojump_clock: MockClock) -> None:
    await house.presume()

    async def resign_and_stop() -> None:
        tenure = house.leader.tenure
        assert tenure is not None
        house.leader.taken_over()
        await until(lambda: not house.session.connected)
        assert house.broker.sessions[SESSION].connection is None
        house.session.stop()

    assert await house.lose(resign_and_stop) is None


async def test_a_process_that_does_not_lead_waits_and_can_be_stopped(
    tmp_path: Path, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    house = House(tmp_path, nursery, led=False)
    await house.presume()
    nursery.start_soon(house.session.run)
    await trio.sleep(1)
    assert house.session.state == "waiting for the database"
    assert not house.broker.connections
    house.session.stop()
    await house.session.run()


def test_in_a_shared_subscription_every_process_reads_under_a_name_of_its_own(tmp_path: Path) -> None:
    """Also where the folders have the same path on different machines and the secrets are the same."""
    told = {
        "VTS_DATABASE__URL": "postgresql://nobody@127.0.0.1:1/void",
        "VTS_PRIVACY__VIEWER_SECRET": "v" * 32,
        "VTS_MQTT__URL": "mqtt://127.0.0.1:1",
    }
    shared = load(told | {"VTS_MQTT__SHARE_GROUP": "vts"})
    names = []
    for machine in ("one", "other"):
        folder = tmp_path / machine
        folder.mkdir()
        tree = Tree(Components(shared, folder))
        assert tree.doors.broker is not None and tree.doors.broker.leader is None
        assert isinstance(tree.doors.broker.subscriber, MqttSubscriber)
        names += [tree.components.process_id, Components(shared, folder).process_id]
    assert names[0] == names[1] != names[2] == names[3]
    alone = Tree(Components(load(told), tmp_path / "one")).doors.broker
    assert alone is not None and isinstance(alone.subscriber, BrokerSession)
