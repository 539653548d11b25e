"""A load generator that writes a ledger: an id enters it only after its acknowledgement was read.

Bounded in count and time, and it talks to loopback only.
"""

from __future__ import annotations

import json
import math
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

import mqtt5
import trio

from tests.support.process import BROWSER
from tests.support.waiting import until

CHUNK = 65536
RECONNECT_S = 0.05


@dataclass
class Ledger:
    """What was acknowledged, and how long each acknowledgement took."""

    acknowledged: set[str] = field(default_factory=set)
    latencies_s: list[float] = field(default_factory=list)
    refused: dict[int, int] = field(default_factory=dict)

    def p99_s(self) -> float:
        """99th percentile of the time to an acknowledgement."""
        ranked = sorted(self.latencies_s)
        return ranked[int(len(ranked) * 0.99)]


def views(count: int, posts: int = 50) -> Iterator[dict[str, object]]:
    """Yield that many views with ids of their own."""
    for number in range(count):
        yield {"post_id": number % posts + 1, "event_id": str(uuid.uuid4())}


def request_bytes(event: dict[str, object]) -> bytes:
    """One single-event capture request."""
    body = json.dumps(event).encode()
    head = f"POST /api/view HTTP/1.1\r\nHost: load\r\nUser-Agent: {BROWSER}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def read_answer(stream: trio.SocketStream, buffer: bytearray) -> tuple[int, bytes]:
    """Read one answer with a Content-Length; return its status and body."""
    while (end := buffer.find(b"\r\n\r\n")) < 0:
        await _more(stream, buffer)
    head = bytes(buffer[:end]).decode("latin-1").lower()
    length = int(head.split("content-length:", 1)[1].split("\r\n", 1)[0])
    while len(buffer) < end + 4 + length:
        await _more(stream, buffer)
    body = bytes(buffer[end + 4 : end + 4 + length])
    del buffer[: end + 4 + length]
    return int(head.split(" ", 2)[1]), body


async def _more(stream: trio.SocketStream, buffer: bytearray) -> None:
    chunk = await stream.receive_some(CHUNK)
    if not chunk:
        raise trio.BrokenResourceError("the server closed the connection")
    buffer += chunk


async def send_views(
    port: Callable[[], int],
    events: Iterator[dict[str, object]],
    ledger: Ledger,
    *,
    connections: int = 16,
    pause_s: float = 0.0,
) -> None:
    """Send every event once over keep-alive connections; an event whose answer was lost is not sent again.

    While the server is away the events wait for it.
    """

    async def worker() -> None:
        is_over = False
        while not is_over:
            stream = await until(partial(connected, port), math.inf, RECONNECT_S)
            try:
                is_over = await send(stream)
            except (OSError, trio.BrokenResourceError, trio.ClosedResourceError):
                continue
            finally:
                await trio.aclose_forcefully(stream)

    async def send(stream: trio.SocketStream) -> bool:
        buffer = bytearray()
        for event in events:
            started = time.perf_counter()
            await stream.send_all(request_bytes(event))
            status, body = await read_answer(stream, buffer)
            ledger.latencies_s.append(time.perf_counter() - started)
            if status == 202 and json.loads(body)["accepted"] == 1:
                ledger.acknowledged.add(str(event["event_id"]))
            else:
                ledger.refused[status] = ledger.refused.get(status, 0) + 1
            if pause_s:
                await trio.sleep(pause_s)
        return True

    async with trio.open_nursery() as nursery:
        for _ in range(connections):
            nursery.start_soon(worker)


async def connected(port: Callable[[], int]) -> trio.SocketStream | None:
    try:
        return await trio.open_tcp_stream("127.0.0.1", port())
    except OSError:
        return None


async def publish(
    port: int, messages: Iterator[tuple[str, bytes, str]], ledger: Ledger, *, client_id: str, window: int = 100
) -> None:
    """Publish (topic, payload, id) with QoS 1 through a broker; an id enters the ledger at its PUBACK."""
    stream = await trio.open_tcp_stream("127.0.0.1", port)
    await stream.send_all(mqtt5.ConnectPacket(client_id=client_id, clean_start=True, keep_alive=60).write())
    waiting: dict[int, str] = {}
    free = trio.Semaphore(window)
    numbers = iter(range(1, 65536))

    async def read_acks(task_status: trio.TaskStatus[None]) -> None:
        buffer = bytearray()
        while True:
            chunk = await stream.receive_some(CHUNK)
            if not chunk:
                raise trio.BrokenResourceError("the broker closed the connection")
            buffer += chunk
            for packet in take_packets(buffer):
                if isinstance(packet, mqtt5.ConnAckPacket):
                    task_status.started()
                elif isinstance(packet, mqtt5.PubAckPacket):
                    ledger.acknowledged.add(waiting.pop(packet.packet_id))
                    free.release()

    async with stream, trio.open_nursery() as nursery:
        await nursery.start(read_acks)
        for topic, payload, name in messages:
            await free.acquire()
            number = next(numbers)
            waiting[number] = name
            await stream.send_all(
                mqtt5.PublishPacket(topic, payload, qos=mqtt5.QoS.AT_LEAST_ONCE, packet_id=number).write()
            )
        for _ in range(window):
            await free.acquire()
        nursery.cancel_scope.cancel()


def take_packets(buffer: bytearray) -> list[mqtt5.Packet]:
    """Take every whole packet off the front of a buffer."""
    packets = []
    while buffer:
        try:
            packet, size = mqtt5.read(memoryview(bytes(buffer)))
        except IndexError:
            break
        packets.append(packet)
        del buffer[:size]
    return packets
