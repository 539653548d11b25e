"""The protocol state alone, and the subscriber against brokers that misbehave: streams in memory, virtual time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import mqtt5
import pytest
import trio
from trio.testing import memory_stream_pair

from tests.capture.fake_broker import FakeBroker
from tests.capture.mqtt_support import KEY, PlayerDoors, view
from tests.support.waiting import until
from vts.capture.mqtt.broker.session import ConnectionLost, Session
from vts.capture.mqtt.broker.subscriber import OPENING_S, MqttSubscriber

VIEW = f"makapix/player/{KEY}/view"
Script = Callable[[trio.abc.Stream], Awaitable[None]]


def message(packet_id: int, payload: bytes | None = None, topic: str = VIEW, **fields: object) -> bytes:
    payload = view(at=packet_id) if payload is None else payload
    qos = fields.pop("qos", mqtt5.QoS.AT_LEAST_ONCE)
    return mqtt5.PublishPacket(topic, payload, qos=qos, packet_id=packet_id, **fields).write()  # type: ignore[arg-type]


def opened(**connack: int) -> Session:
    session = Session(PlayerDoors().options(receive_maximum=3))
    session.connect()
    session.outgoing()
    session.receive(mqtt5.ConnAckPacket(**connack).write())  # type: ignore[arg-type]
    session.outgoing()
    session.receive(mqtt5.SubAckPacket(1, [mqtt5.SubAckReasonCode.GRANTED_QOS_AT_LEAST_ONCE] * 3).write())
    return session


def packets(data: bytes) -> list[mqtt5.Packet]:
    found = []
    while data:
        packet, size = mqtt5.read(memoryview(data))
        found.append(packet)
        data = data[size:]
    return found


def test_connect_asks_for_a_session_that_outlives_us() -> None:
    session = Session(PlayerDoors().options(username="vts", password=b"secret"))
    session.connect()
    (connect,) = packets(session.outgoing())
    assert isinstance(connect, mqtt5.ConnectPacket)
    assert (connect.clean_start, connect.session_expiry_interval) == (False, 86_400)
    assert (connect.receive_max, connect.max_packet_size, connect.topic_alias_max) == (1_000, 65_536, 0)
    assert (connect.username, connect.password) == ("vts", b"secret")


def test_acknowledgements_leave_in_the_order_of_arrival() -> None:
    session = opened()
    for packet in session.receive(message(9) + message(4) + message(7)):
        session.acknowledge(packet)
    acks = packets(session.outgoing())
    assert [ack.packet_id for ack in acks if isinstance(ack, mqtt5.PubAckPacket)] == [9, 4, 7]


def test_an_answer_beyond_the_quota_holds_back_the_acknowledgement_behind_it() -> None:
    session = opened(receive_max=1)
    first, second = session.receive(message(1) + message(2))
    session.answer("a", b"1")
    session.acknowledge(first)
    session.answer("b", b"2")
    session.acknowledge(second)
    said = packets(session.outgoing())
    assert [type(packet).__name__ for packet in said] == ["PublishPacket", "PubAckPacket"]
    assert session.outgoing() == b""
    session.receive(mqtt5.PubAckPacket(said[0].packet_id).write())  # type: ignore[union-attr]
    assert [type(packet).__name__ for packet in packets(session.outgoing())] == ["PublishPacket", "PubAckPacket"]


def test_an_answer_that_the_broker_would_not_take_is_left_out() -> None:
    session = opened(max_packet_size=50)
    session.answer("a", bytes(100))
    session.answer("b", b"2")
    assert [packet.topic for packet in packets(session.outgoing())] == ["b"]  # type: ignore[union-attr]
    assert session.answers_refused == 1


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (message(1, topic_alias=1), "alias"),
        (message(1, qos=mqtt5.QoS.EXACTLY_ONCE), "QoS 2"),
        (b"".join(message(i % 65_535 + 1) for i in range(65_536)), "Receive Maximum"),
        (mqtt5.DisconnectPacket(reason_code=mqtt5.DisconnectReasonCode.SESSION_TAKEN_OVER).write(), "TAKEN_OVER"),
        (mqtt5.ConnAckPacket().write(), "twice"),
        (mqtt5.PubAckPacket(77).write(), "never sent"),
        (mqtt5.SubscribePacket(1, [mqtt5.TopicFilter("a")]).write(), "nothing asked"),
        (b"\x30\xff\xff\xff\x7f", "maximum"),
        (b"\x30\xff\xff\xff\xff\x01", "four bytes"),
        (b"\x30\x05\x00\x02\xc0\xaf\x00", "UTF-8"),
        (b"\x30\x05\x00\x09ab\x00", "beyond"),
        (b"\x00\x00", "PacketType"),
    ],
)  # fmt: skip
def test_a_broker_that_breaks_the_protocol_is_left(data: bytes, what: str) -> None:
    with pytest.raises(ConnectionLost, match=what):
        opened().receive(data)


def test_packets_arrive_whole_however_they_are_cut() -> None:
    data = message(1) + mqtt5.PingRespPacket().write() + message(2)
    for size in (1, 2, 7, 100):
        session = opened()
        arrived = [one for i in range(0, len(data), size) for one in session.receive(data[i : i + size])]
        assert [packet.packet_id for packet in arrived] == [1, 2]


def test_refusals_name_their_reason() -> None:
    session = Session(PlayerDoors().options())
    with pytest.raises(ConnectionLost, match="BAD_USER_NAME_OR_PASSWORD"):
        session.receive(mqtt5.ConnAckPacket(reason_code=mqtt5.ConnAckReasonCode.BAD_USER_NAME_OR_PASSWORD).write())
    with pytest.raises(ConnectionLost, match="does not speak MQTT 5"):
        Session(PlayerDoors().options()).receive(b"\x20\x02\x00\x01")
    session = Session(PlayerDoors().options())
    session.receive(mqtt5.ConnAckPacket().write())
    with pytest.raises(ConnectionLost, match=r"player/\+/view: NOT_AUTHORIZED"):
        session.receive(mqtt5.SubAckPacket(1, [mqtt5.SubAckReasonCode.NOT_AUTHORIZED] * 3).write())


def in_memory(world: PlayerDoors, script: Script, nursery: trio.Nursery) -> MqttSubscriber:
    """A subscriber whose every connection is served by `script`."""

    async def dial() -> trio.abc.Stream:
        ours, theirs = memory_stream_pair()
        nursery.start_soon(script, theirs)
        return ours

    return MqttSubscriber(dial, world.options(), world.reports)


async def test_a_broker_that_never_answers_is_left(autojump_clock: object, nursery: trio.Nursery) -> None:
    async def mute(stream: trio.abc.Stream) -> None:
        await trio.sleep_forever()

    subscriber = in_memory(PlayerDoors(), mute, nursery)
    with pytest.raises(ConnectionLost, match="let us in"):
        await subscriber.run()
    assert trio.current_time() >= OPENING_S - 1
    nursery.cancel_scope.cancel()


async def test_a_broker_that_falls_silent_is_noticed(autojump_clock: object, nursery: trio.Nursery) -> None:
    async def dying(stream: trio.abc.Stream) -> None:
        broker = FakeBroker()
        with trio.move_on_after(300):
            await broker.serve(_Unclosable(stream))
        await trio.sleep_forever()

    start = trio.current_time()
    with pytest.raises(ExceptionGroup) as caught:
        await in_memory(PlayerDoors(), dying, nursery).run()
    assert caught.group_contains(ConnectionLost, match="silent")
    assert 300 < trio.current_time() - start <= 300 + 2 * 20
    nursery.cancel_scope.cancel()


class _Unclosable(trio.abc.Stream):
    """A stream whose peer vanishes without a word when it is closed."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self._stream = stream

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await self._stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self._stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        return await self._stream.receive_some(max_bytes)

    async def aclose(self) -> None:
        await trio.lowlevel.checkpoint()


async def test_no_acknowledgement_reaches_another_connection(nursery: trio.Nursery) -> None:
    """The connection breaks while the journal writes; what was journaled is acknowledged on the next one only."""
    world, broker = PlayerDoors(), FakeBroker()
    subscriber = in_memory(world, broker.serve, nursery)
    writing = trio.Event()
    world.admission.gate = writing.wait

    async def first_life() -> None:
        with pytest.raises(ExceptionGroup) as caught:
            await subscriber.run()
        assert caught.group_contains(ConnectionLost)

    async with trio.open_nursery() as life:
        life.start_soon(first_life)
        await until(lambda: subscriber.connected)
        broker.publish(mqtt5.PublishPacket(VIEW, view()))
        await trio.testing.wait_all_tasks_blocked(0.01)
        await broker.cut()
    world.admission.gate = None
    nursery.start_soon(subscriber.run)
    await until(lambda: len(broker.connections) == 2 and broker.connections[1].acked_ids)
    assert broker.connections[0].acked_ids == []
    assert len(world.admission.journal) == 1
    subscriber.stop()


async def test_an_early_stop_ends_at_once(autojump_clock: object, nursery: trio.Nursery) -> None:
    async def mute(stream: trio.abc.Stream) -> None:
        await trio.sleep_forever()

    subscriber = in_memory(PlayerDoors(), mute, nursery)
    nursery.start_soon(subscriber.run)
    await trio.sleep(1)
    subscriber.stop()
    await trio.testing.wait_all_tasks_blocked()
    await subscriber.run()
    assert trio.current_time() < 5
    nursery.cancel_scope.cancel()
