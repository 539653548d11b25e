"""Our own generator over HTTP, as a process: keep-alive connections, each with one request in flight.

`python -m vts.cli.bench.sender TASK`, a `Task` as JSON; answers a `Sent` as JSON. A number enters the
ledger only after its 202 was read.
"""

from __future__ import annotations

import selectors
import socket
import sys
import time
from array import array
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from vts.cli.bench import ids
from vts.cli.bench.figures import percentile

ANSWER_S: Final = 15.0  # longer than any answer of VTS takes; then the connection is given up
CHUNK: Final = 65536
BROWSER: Final = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36"  # no bot's
)


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """What to send. Events are numbered from `first`; number n is a view of post `first_post` + n % `posts`.

    `limit` ends it after so many events, `per_s` spreads them evenly; 0 means no such bound. With `as_players` every
    event is reported by a player of its own, the one of its number. `ledger` is a file for the acknowledged numbers,
    `times` one for the moment of each acknowledgement (seconds of the machine's monotonic clock).
    """

    host: str
    port: int
    connections: int
    seconds: float
    series: int
    first: int
    first_post: int
    posts: int
    batch: int = 1
    per_s: float = 0.0
    limit: int = 0
    viewers: int = 0
    token: str = ""
    as_players: bool = False
    ledger: str = ""
    times: str = ""


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """What became of it. `used` is how many numbers were given out; those without an answer are `unanswered`."""

    used: int
    acknowledged: int
    unanswered: int
    refused: dict[int, int]
    seconds: float
    p50_ms: float | None
    p99_ms: float | None


class SenderConnection:
    """A connection and the request that is on it."""

    __slots__ = ("answer", "count", "due", "first", "socket")

    def __init__(self, host: str, port: int) -> None:
        self.socket = socket.create_connection((host, port), ANSWER_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.answer = bytearray()
        self.first = self.count = 0
        self.due = 0.0


class Requests:
    """Writes requests."""

    def __init__(self, task: Task) -> None:
        self._task = task
        extra = f"Authorization: Bearer {task.token}\r\n" if task.token else ""
        path = "/player/events/view" if task.as_players else "/api/view"
        self._head = (
            f"POST {path} HTTP/1.1\r\nHost: {task.host}\r\nUser-Agent: {BROWSER}\r\n"
            f"Content-Type: application/json\r\n{extra}"
        )

    def write(self, first: int, count: int) -> bytes:
        """Return one request with `count` events."""
        events = ",".join(map(self._event, range(first, first + count)))
        body = events if self._task.batch == 1 else f"[{events}]"
        return f"{self._head}{self._who(first)}Content-Length: {len(body)}\r\n\r\n{body}".encode()

    def _event(self, number: int) -> str:
        task = self._task
        post = task.first_post + number % task.posts
        return f'{{"post_id":{post},"event_id":"{ids.event_id(task.series, number)}"}}'

    def _who(self, number: int) -> str:
        task = self._task
        if task.as_players:
            return f"Authorization: {ids.basic(task.series, number)}\r\n"
        return f"X-Forwarded-For: {ids.address(number % task.viewers)}\r\n" if task.viewers else ""


class Sender:
    """Sends until the time or the numbers are over, then waits for the last answers."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._requests = Requests(task)
        self._selector = selectors.DefaultSelector()
        self._next = task.first
        self._last = task.first + task.limit if task.limit else sys.maxsize
        self._unanswered = 0
        self._refused: dict[int, int] = {}
        self._acknowledged = array("Q")
        self._times = array("d")
        self._latencies = array("d")

    def run(self) -> Sent:
        """Send everything. Raises OSError when nothing listens."""
        idle = [self._line() for _ in range(self._task.connections)]
        started = time.monotonic()
        self._ends = started + self._task.seconds
        self._due = started
        while True:
            self._send(idle)
            busy = self._task.connections - len(idle)
            if not busy and self._is_over(time.monotonic()):
                break
            idle.extend(self._receive(self._patience(idle)))
        return self._sum_up(time.monotonic() - started)

    def _line(self) -> SenderConnection:
        line = SenderConnection(self._task.host, self._task.port)
        self._selector.register(line.socket, selectors.EVENT_READ, line)
        return line

    def _is_over(self, now: float) -> bool:
        return now >= self._ends or self._next >= self._last

    def _send(self, idle: list[SenderConnection]) -> None:
        while idle and not self._is_over(now := time.monotonic()):
            if self._task.per_s and now < self._due:
                return
            line = idle.pop()
            # From when it was due: a request that had to wait for a free connection has waited for VTS.
            line.due = self._due if self._task.per_s else now
            line.first, line.count = self._next, min(self._task.batch, self._last - self._next)
            self._next += line.count
            if self._task.per_s:
                self._due += line.count / self._task.per_s
            try:
                line.socket.sendall(self._requests.write(line.first, line.count))
            except OSError:
                idle.append(self._replace(line))

    def _receive(self, patience_s: float) -> Iterator[SenderConnection]:
        """Give the connections that are free again."""
        for key, _ in self._selector.select(patience_s):
            line: SenderConnection = key.data
            try:
                chunk = line.socket.recv(CHUNK)
            except OSError:
                chunk = b""
            if not chunk:
                yield self._replace(line)
                continue
            line.answer += chunk
            if self._has_answer(line):
                yield line

    def _patience(self, idle: list[SenderConnection]) -> float:
        now = time.monotonic()
        if not idle or not self._task.per_s or self._is_over(now):
            return ANSWER_S  # an answer is what it waits for: to look for more would take the processor from VTS
        return min(max(0.0, self._due - now), 1.0)

    def _has_answer(self, line: SenderConnection) -> bool:
        end = line.answer.find(b"\r\n\r\n") + 4
        if end < 4:
            return False
        head = bytes(line.answer[:end]).lower()
        size = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
        if len(line.answer) < end + size:
            return False
        self._note(line, int(head[9:12]), bytes(line.answer[end : end + size]))
        line.answer.clear()
        return True

    def _note(self, line: SenderConnection, status: int, body: bytes) -> None:
        now = time.monotonic()
        self._latencies.append(now - line.due)
        if status == 202 and body.startswith(b'{"accepted":%d,' % line.count):
            self._acknowledged.extend(range(line.first, line.first + line.count))
            self._times.extend([now] * line.count)
        else:
            self._refused[status] = self._refused.get(status, 0) + line.count

    def _replace(self, line: SenderConnection) -> SenderConnection:
        self._unanswered += line.count
        self._selector.unregister(line.socket)
        with suppress(OSError):
            line.socket.close()
        return self._line()

    def _sum_up(self, seconds: float) -> Sent:
        for path, numbers in ((self._task.ledger, self._acknowledged), (self._task.times, self._times)):
            if path:
                Path(path).write_bytes(numbers.tobytes())
        ranked = sorted(self._latencies)
        p50, p99 = percentile(ranked, 0.5), percentile(ranked, 0.99)
        return Sent(
            used=self._next - self._task.first,
            acknowledged=len(self._acknowledged),
            unanswered=self._unanswered,
            refused=self._refused,
            seconds=seconds,
            p50_ms=None if p50 is None else p50 * 1000,
            p99_ms=None if p99 is None else p99 * 1000,
        )


def main() -> None:
    """Do the task of the command line."""
    task = msgspec.json.decode(sys.argv[1], type=Task)
    sys.stdout.buffer.write(msgspec.json.encode(Sender(task).run()))


if __name__ == "__main__":
    main()
