"""Players that publish views with QoS 1, as a process: `python -m vts.cli.bench.publisher TASK`, a `Task` as JSON.

It answers a `Sent` as JSON. A number enters the ledger only after its PUBACK was read.
"""

from __future__ import annotations

import datetime as dt
import selectors
import socket
import sys
import threading
import time
from array import array
from pathlib import Path
from typing import Final

import httpx
import mqtt5
import msgspec

from vts.cli.bench import ids
from vts.cli.bench.figures import percentile
from vts.cli.bench.sender import Sent
from vts.cli.bench.target import Metrics

ANSWER_S: Final = 15.0
CHUNK: Final = 65536
PACKET_IDS: Final = 65535
LOOK_EVERY_S: Final = 0.5
AHEAD_MAX: Final = 50_000  # messages that the broker may hold for VTS: two looks of a fast one
PAUSE_S: Final = 0.02


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """What to publish. Players are numbered from 1; every connection speaks for all of them, or for one, its own.

    `window` messages of a connection wait for their PUBACK at a time. `metrics` is where VTS says how many it has
    accepted, so that a broker's queue stays bounded; "" where the PUBACKs do that.
    """

    host: str
    port: int
    connections: int
    seconds: float
    series: int
    first: int
    first_post: int
    posts: int
    players: int
    window: int
    as_players: bool
    metrics: str
    prefix: str
    ledger: str


class PublisherConnection:
    """A connection and what waits on it."""

    __slots__ = ("buffer", "first_player", "next_id", "players", "socket", "waiting")

    def __init__(self, task: Task, number: int) -> None:
        self.socket = socket.create_connection((task.host, task.port), ANSWER_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = bytearray()
        self.waiting: dict[int, tuple[int, float]] = {}
        self.next_id = 0
        self.first_player, self.players = (number + 1, 1) if task.as_players else (1, task.players)
        self._log_in(task, number)

    def _log_in(self, task: Task, number: int) -> None:
        packet = mqtt5.ConnectPacket(client_id=f"bench-{task.series}-{number}", clean_start=True, keep_alive=600)
        if task.as_players:
            packet = mqtt5.ConnectPacket(
                client_id=f"bench-{task.series}-{number}",
                clean_start=True,
                keep_alive=600,
                username=ids.player_key(task.series, number + 1),
                password=ids.credential(task.series, number + 1).encode(),
            )
        self.socket.sendall(packet.write())
        while not (packets := self.read()):
            pass
        answer = packets[0]
        if not isinstance(answer, mqtt5.ConnAckPacket) or answer.reason_code.value:
            raise SystemExit(f"the connection was refused: {answer}")

    def read(self) -> list[mqtt5.Packet]:
        """Read what has come. Raises SystemExit when the other side has hung up."""
        chunk = self.socket.recv(CHUNK)
        if not chunk:
            raise SystemExit("the connection was closed by the other side")
        self.buffer += chunk
        packets, at = [], 0
        whole = bytes(self.buffer)
        with memoryview(whole) as view:
            while at < len(whole):
                try:
                    packet, size = mqtt5.read(view[at:])
                except IndexError:  # the rest of it is on the way
                    break
                packets.append(packet)
                at += size
        del self.buffer[:at]
        return packets


class Publisher:
    """Publishes until the time is over, then waits for the last PUBACKs."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._next = task.first
        self._acknowledged = array("Q")
        self._latencies = array("d")
        self._refused: dict[int, int] = {}
        self._selector = selectors.DefaultSelector()
        self._keys = [ids.player_key(task.series, player) for player in range(1, task.players + 1)]
        self._base = f"{task.prefix}/player/"
        self._second, self._time = 0, ""
        self._heard = task.first if task.metrics else sys.maxsize

    def run(self) -> Sent:
        """Publish everything. Raises SystemExit with what the other side refused."""
        lines = [PublisherConnection(self._task, number) for number in range(self._task.connections)]
        for line in lines:
            self._selector.register(line.socket, selectors.EVENT_READ, line)
        if self._task.metrics:
            threading.Thread(target=self._look, args=(accepted_at(self._task.metrics),), daemon=True).start()
        started = time.monotonic()
        ends = started + self._task.seconds
        free = lines
        while time.monotonic() < ends:
            self._publish(free)
            free = self._receive(lines)
        while any(line.waiting for line in lines):
            self._receive(lines)
        return self._sum_up(time.monotonic() - started)

    def _look(self, before: float) -> None:
        while True:
            time.sleep(LOOK_EVERY_S)
            self._heard = self._task.first + int(accepted_at(self._task.metrics) - before)

    def _publish(self, lines: list[PublisherConnection]) -> None:
        if self._next - self._heard > AHEAD_MAX:
            time.sleep(PAUSE_S)
            return
        for line in lines:
            out = bytearray()
            now = time.monotonic()
            while len(line.waiting) < self._task.window:
                out += self._packet(line, now)
            line.socket.sendall(out)

    def _packet(self, line: PublisherConnection, now: float) -> bytes:
        number = self._next
        self._next += 1
        line.next_id = line.next_id % PACKET_IDS + 1
        line.waiting[line.next_id] = number, now
        player = line.first_player + number % line.players
        topic = f"{self._base}{self._keys[player - 1]}/view"
        return mqtt5.PublishPacket(
            topic, self._payload(number), qos=mqtt5.QoS.AT_LEAST_ONCE, packet_id=line.next_id
        ).write()

    def _payload(self, number: int) -> bytes:
        post = self._task.first_post + number % self._task.posts
        if (second := int(time.time())) != self._second:
            self._second, self._time = second, dt.datetime.fromtimestamp(second, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return (
            f'{{"post_id":{post},"event_id":"{ids.event_id(self._task.series, number)}","timestamp":"{self._time}",'
            '"timezone":"","intent":"channel","play_order":2,"channel":"all"}'
        ).encode()

    def _receive(self, lines: list[PublisherConnection]) -> list[PublisherConnection]:
        """Wait for PUBACKs; give the connections that have room again."""
        waiting = any(line.waiting for line in lines)
        for key, _ in self._selector.select(ANSWER_S if waiting else 0):
            line: PublisherConnection = key.data
            now = time.monotonic()
            for packet in line.read():
                self._note(line, packet, now)
        half = self._task.window // 2
        return [line for line in lines if len(line.waiting) <= half]

    def _note(self, line: PublisherConnection, packet: mqtt5.Packet, now: float) -> None:
        if not isinstance(packet, mqtt5.PubAckPacket):
            raise SystemExit(f"unexpected: {packet}")
        number, sent_at = line.waiting.pop(packet.packet_id)
        self._latencies.append(now - sent_at)
        code = packet.reason_code.value
        if code < mqtt5.PubAckReasonCode.UNSPECIFIED_ERROR.value:
            self._acknowledged.append(number)
        else:
            self._refused[code] = self._refused.get(code, 0) + 1

    def _sum_up(self, seconds: float) -> Sent:
        Path(self._task.ledger).write_bytes(self._acknowledged.tobytes())
        ranked = sorted(self._latencies)
        p50, p99 = percentile(ranked, 0.5), percentile(ranked, 0.99)
        return Sent(
            used=self._next - self._task.first,
            acknowledged=len(self._acknowledged),
            unanswered=0,
            refused=self._refused,
            seconds=seconds,
            p50_ms=None if p50 is None else p50 * 1000,
            p99_ms=None if p99 is None else p99 * 1000,
        )


def accepted_at(url: str) -> float:
    """Read how many views VTS has accepted since its start."""
    return Metrics(httpx.get(url, timeout=ANSWER_S).text).accepted


def main() -> None:
    """Do the task of the command line."""
    task = msgspec.json.decode(sys.argv[1], type=Task)
    sys.stdout.buffer.write(msgspec.json.encode(Publisher(task).run()))


if __name__ == "__main__":
    main()
