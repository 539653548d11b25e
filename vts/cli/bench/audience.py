"""Clients of the live counts, as a process: many WebSockets that each follow one topic and note each message.

`python -m vts.cli.bench.audience TASK`, a `Task` as JSON. It prints one line when every client has a first message,
then listens for the time of the task, and answers a `Heard` as JSON. Of RFC 6455 it has what such a client needs.
"""

from __future__ import annotations

import base64
import selectors
import socket
import struct
import sys
import time
from array import array
from pathlib import Path
from typing import Final

import msgspec

CHUNK: Final = 65536
CONNECT_S: Final = 30.0
TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
_KEY: Final = base64.b64encode(bytes(16)).decode()
_NO_MASK: Final = bytes(4)  # a mask of zeros leaves the payload as it is


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """Client number n follows `post:` of content `first_post` + n % `topics`. `notes` is the file of messages."""

    host: str
    port: int
    token: str
    clients: int
    topics: int
    first_post: int
    seconds: float
    notes: str


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """How many messages came, to how many clients, and how many clients were lost."""

    messages: int
    clients: int
    lost: int


class Message(msgspec.Struct, frozen=True):
    """What is read of a message."""

    views: int


_decode: Final = msgspec.json.Decoder(Message).decode


class Client:
    """One connection: what has come and is not whole yet."""

    __slots__ = ("buffer", "heard", "number", "socket", "upgraded")

    def __init__(self, task: Task, number: int) -> None:
        self.number = number
        self.buffer = bytearray()
        self.upgraded = self.heard = False
        self.socket = socket.create_connection((task.host, task.port), CONNECT_S)
        self.socket.sendall(
            f"GET /live HTTP/1.1\r\nHost: {task.host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {_KEY}\r\n"
            f"Authorization: Bearer {task.token}\r\n\r\n".encode()
        )
        topic = task.first_post + number % task.topics
        self.socket.sendall(frame(TEXT, b'{"op":"subscribe","topics":["post:%d"]}' % topic))

    def texts(self, data: bytes) -> list[bytes]:
        """Take bytes; return the texts that are whole. Raises ConnectionError when the server closes the stream."""
        self.buffer += data
        if not self.upgraded and not self._upgrade():
            return []
        texts = []
        while (found := _cut(self.buffer)) is not None:
            kind, payload, end = found
            del self.buffer[:end]
            if kind == TEXT:
                texts.append(payload)
            elif kind == PING:
                self.socket.sendall(frame(PONG, payload))
            elif kind == CLOSE:
                raise ConnectionError("the server closed")
        return texts

    def _upgrade(self) -> bool:
        end = self.buffer.find(b"\r\n\r\n") + 4
        if end < 4:
            return False
        if not self.buffer.startswith(b"HTTP/1.1 101"):
            raise ConnectionError(bytes(self.buffer[:200]).decode(errors="replace"))
        del self.buffer[:end]
        self.upgraded = True
        return True


def frame(kind: int, payload: bytes) -> bytes:
    """Return a client's frame of up to 64 KiB."""
    head = struct.pack(">BB", 0x80 | kind, 0x80 | len(payload))
    if len(payload) > 125:
        head = struct.pack(">BBH", 0x80 | kind, 0x80 | 126, len(payload))
    return head + _NO_MASK + payload


def _cut(buffer: bytearray) -> tuple[int, bytes, int] | None:
    """Return kind, payload and end of the first frame of a server, None while it is not whole."""
    if len(buffer) < 4:
        return None
    length, start = buffer[1], 2
    if length == 126:
        length, start = int.from_bytes(buffer[2:4], "big"), 4
    end = start + length
    return (buffer[0] & 15, bytes(buffer[start:end]), end) if len(buffer) >= end else None


class Audience:
    """All clients in one loop. `notes` are (client, views, monotonic time) in the order of arrival."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._selector = selectors.DefaultSelector()
        self._clients, self._views, self._times = array("Q"), array("Q"), array("d")
        self._lost = 0
        self._silent = task.clients
        for number in range(task.clients):
            client = Client(task, number)
            client.socket.setblocking(False)
            self._selector.register(client.socket, selectors.EVENT_READ, client)

    def run(self) -> Heard:
        """Listen until the time is over."""
        self._listen(time.monotonic() + CONNECT_S, until_all=True)
        if self._silent:
            raise TimeoutError(f"{self._silent} clients have received nothing")
        sys.stdout.write("1\n")
        sys.stdout.flush()
        self._listen(time.monotonic() + self._task.seconds, until_all=False)
        notes = self._clients.tobytes() + self._views.tobytes() + self._times.tobytes()
        Path(self._task.notes).write_bytes(notes)
        return Heard(messages=len(self._times), clients=self._task.clients, lost=self._lost)

    def _listen(self, deadline: float, *, until_all: bool) -> None:
        while (left := deadline - time.monotonic()) > 0 and not (until_all and not self._silent):
            for key, _ in self._selector.select(left):
                self._read(key.data)

    def _read(self, client: Client) -> None:
        try:
            data = client.socket.recv(CHUNK)
            if not data:
                raise ConnectionError("gone")
            texts = client.texts(data)
        except BlockingIOError:
            return
        except OSError:
            self._lost += 1
            self._selector.unregister(client.socket)
            client.socket.close()
            return
        now = time.monotonic()
        for text in texts:
            self._clients.append(client.number)
            self._views.append(_decode(text).views)
            self._times.append(now)
        if texts and not client.heard:
            client.heard = True
            self._silent -= 1


def main() -> None:
    """Do the task of the command line."""
    task = msgspec.json.decode(sys.argv[1], type=Task)
    sys.stdout.buffer.write(msgspec.json.encode(Audience(task).run()))


if __name__ == "__main__":
    main()
