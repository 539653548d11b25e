"""Mosquitto 2.0 sends several messages for each acknowledgement of a queue that waited: a session that is resumed then
has far more than one window in flight, and the subscriber has to get through that.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path

import mqtt5
import trio

from tests.capture.mqtt_support import KEY, Device, PlayerDoors
from tests.support.load import take_packets
from tests.support.mosquitto import Mosquitto
from tests.support.waiting import until

WAITING = 600
WINDOW = 10
ACKNOWLEDGED = 50


async def visit(port: int, filters: Sequence[str], acknowledge: int) -> None:
    """Be the subscriber for a moment: subscribe, acknowledge so many messages, and be gone."""
    async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
        connect = mqtt5.ConnectPacket("vts-test", clean_start=False, session_expiry_interval=3600, receive_max=WINDOW)
        asked = [mqtt5.TopicFilter(one, max_qos=mqtt5.QoS.AT_LEAST_ONCE) for one in filters]
        await stream.send_all(connect.write() + mqtt5.SubscribePacket(1, asked).write())
        seen: list[mqtt5.Packet] = []
        buffer = bytearray()
        while acknowledge or not any(isinstance(packet, mqtt5.SubAckPacket) for packet in seen):
            buffer += await stream.receive_some(4096)
            seen += (arrived := take_packets(buffer))
            for packet in arrived:
                if isinstance(packet, mqtt5.PublishPacket) and packet.packet_id is not None and acknowledge:
                    await stream.send_all(mqtt5.PubAckPacket(packet.packet_id).write())
                    acknowledge -= 1


def view(number: int) -> bytes:
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 6 * (WAITING - number)))
    return json.dumps({"post_id": 192, "timestamp": stamp}).encode()


async def test_a_session_with_many_windows_in_flight_is_read_to_its_end(tmp_path: Path) -> None:
    world = PlayerDoors()
    broker = Mosquitto(tmp_path)
    broker.start()
    try:
        await visit(broker.port, world.topics.filters, 0)
        async with Device.at(broker.port) as device:
            await device.publish(f"makapix/player/{KEY}/view", *(view(number) for number in range(WAITING)))
        await visit(broker.port, world.topics.filters, ACKNOWLEDGED)
        async with world.serving(f"mqtt://127.0.0.1:{broker.port}", receive_maximum=WINDOW):
            await until(lambda: len(world.admission.journal) >= WAITING - ACKNOWLEDGED)  # some acks may be lost with it
    finally:
        broker.stop()
