"""A topic's board and its readers: one text per change, encoded once, and one pending slot per reader and topic.

How a reader that misses changes sees no gap: `seq` counts what *this reader* was sent. Readers that keep up share
the board's own number, and so the very bytes; for one that missed k changes since it subscribed, the number is k lower,
and its few digits are spliced into the same text. A change that finds the slot still full only raises k: a slow reader
costs one addition per change.
"""

from __future__ import annotations

from typing import Final

import msgspec
import trio

from vts.live.topics import Topic
from vts.model.principal import Principal

_TEXT: Final = 0x81  # RFC 6455, section 5.2: a final text frame
_LENGTH_16: Final = 126
_SPLICED_MAX: Final = 16  # slow readers of one topic are few, or differ in how slow they are


class Frame:
    """One message, as WebSocket and SSE send it. Each form is made once, when it is first asked for."""

    __slots__ = ("_event", "_frame", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._frame: bytes | None = None
        self._event: bytes | None = None

    @property
    def websocket(self) -> bytes:
        """A server's frame: unmasked, uncompressed, whole (RFC 6455, section 5)."""
        if self._frame is None:
            body = self.text.encode()
            size = len(body)
            if size < _LENGTH_16:
                head = bytes((_TEXT, size))
            elif size < 1 << 16:
                head = bytes((_TEXT, _LENGTH_16)) + size.to_bytes(2, "big")
            else:
                head = bytes((_TEXT, _LENGTH_16 + 1)) + size.to_bytes(8, "big")
            self._frame = head + body
        return self._frame

    @property
    def server_sent_event(self) -> bytes:
        """An event of the EventSource format; JSON as written here has no line breaks."""
        if self._event is None:
            self._event = b"data: " + self.text.encode() + b"\n\n"
        return self._event


class Board:
    """The newest state of one topic, numbered."""

    __slots__ = ("_body", "_epoch", "_frames", "_name", "readers", "rests_until_s", "seq", "topic", "unread_since_s")

    def __init__(self, topic: Topic, epoch: str) -> None:
        self.topic = topic
        self._name = msgspec.json.encode(topic.name).decode()  # a user's text may hold quotes
        self.readers: dict[Reader, None] = {}
        self.unread_since_s: float | None = None
        self.rests_until_s = float("-inf")
        self._frames: dict[int, Frame] = {}
        self.begin(epoch)

    def begin(self, epoch: str) -> None:
        """Start an epoch: the next text is number 1 for everyone, and so a snapshot."""
        self._epoch = epoch
        self._body: str | None = None
        self._frames.clear()
        self.seq = 0
        for reader in self.readers:
            reader.forget(self)

    def publish(self, body: str) -> list[Reader]:
        """Publish a new text: the fields behind `seq`, without braces. It fills every reader's slot.

        Returns the readers to wake; to wake thousands in one step would delay every other task.
        """
        self._body = body
        self._frames.clear()
        self.seq += 1
        return [reader for reader in self.readers if reader.offer(self)]

    def add(self, reader: Reader) -> None:
        """Add a reader. The current text is its snapshot; without one, the first text is."""
        self.unread_since_s = None
        reader.forget(self)
        self.readers[reader] = None
        if self._body is not None and reader.offer(self):
            reader.wake()

    def remove(self, reader: Reader, now_s: float) -> None:
        """Remove a reader."""
        reader.forget(self)
        self.readers.pop(reader, None)
        if not self.readers:
            self.unread_since_s = now_s

    def frame(self, missed: int) -> Frame:
        """Return the current text, numbered for a reader that missed so many."""
        frame = self._frames.get(missed)
        if frame is None:
            head = f'{{"topic":{self._name},"epoch":"{self._epoch}","seq":{self.seq - missed}'
            frame = Frame(f"{head},{self._body}}}")
            if len(self._frames) < _SPLICED_MAX:
                self._frames[missed] = frame
        return frame


class Reader:
    """One connection's slots. Memory grows with its topics, not with the changes that it does not read."""

    __slots__ = (
        "_missed",
        "_notes",
        "_pending",
        "_wake",
        "expired",
        "is_public",
        "left",
        "principal",
        "topics",
        "topics_max",
    )

    def __init__(self, principal: Principal | None = None, topics_max: int = 100, *, is_public: bool = False) -> None:
        """`is_public`: it follows what everyone may see, and nothing else."""
        self.topics: dict[str, Board] = {}
        self.is_public = is_public
        self.topics_max = topics_max
        self._notes: list[Frame] = []
        self.principal = principal
        self.left = False
        self.expired = False  # it left because its token has ended
        self._pending: dict[Board, None] = {}
        self._missed: dict[Board, int] = {}
        self._wake: trio.Event | None = None

    def follow(self, name: str, board: Board) -> None:
        """Read a topic, whose snapshot is pending at once when there is one."""
        self.topics[name] = board
        board.add(self)

    def unfollow(self, name: str, now_s: float) -> None:
        """Stop reading a topic. One that is not read is no error."""
        board = self.topics.pop(name, None)
        if board is not None:
            board.remove(self, now_s)

    def end_topic(self, name: str, why: Frame, now_s: float) -> None:
        """Stop reading a topic that has ended, and say why: at most one such frame for each topic that was read."""
        if name in self.topics:
            self.unfollow(name, now_s)
            self._notes.append(why)
            self.wake()

    def unfollow_all(self, now_s: float) -> None:
        """Stop reading every topic."""
        for name in list(self.topics):
            self.unfollow(name, now_s)

    def offer(self, board: Board) -> bool:
        """Fill the slot of a topic; a text that is still pending is replaced. Return whether `next` must be woken."""
        if board in self._pending:
            self._missed[board] = self._missed.get(board, 0) + 1
            return False
        self._pending[board] = None
        return self._wake is not None

    def forget(self, board: Board) -> None:
        """Empty the slot of a topic and start its numbers anew."""
        self._pending.pop(board, None)
        self._missed.pop(board, None)

    def leave(self) -> None:
        """End the reading: `next` returns None from now on."""
        self.left = True
        self.wake()

    def expire(self) -> None:
        """End the reading, since the token that allowed it has ended."""
        self.expired = True
        self.leave()

    async def next(self) -> Frame | None:
        """Wait for a change of any topic and take it, the longest waiting first. None: the reading is over."""
        while not self._pending and not self._notes and not self.left:
            self._wake = trio.Event()
            await self._wake.wait()
        if self.left:
            return None
        if self._notes:
            return self._notes.pop(0)
        board = next(iter(self._pending))
        del self._pending[board]
        return board.frame(self._missed.get(board, 0))

    def wake(self) -> None:
        """Wake the task that waits in `next`."""
        if self._wake is not None:
            self._wake.set()
            self._wake = None
