"""One connection without a socket: the order of answers, what it waits for, how it ends."""

from __future__ import annotations

import re
from collections.abc import Callable
from math import inf

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from tests.capture.http_support import get, post
from vts.capture.http.connection import Closed, Connection, DoorContext, DoorEvents, Upgraded
from vts.capture.http.exchange import Exchange
from vts.capture.http.limits import ByteBudget, Limits
from vts.capture.http.replies import ACCEPTED_ONE, PIXEL, Framer
from vts.capture.http.request import AwaitedReply, CaptureHead, CaptureReply

VIEW = post("/api/view", b'{"post_id":1}')
LIMITS = Limits(header_timeout_s=5, body_timeout_s=7, keep_alive_s=75, body_max_bytes=64)


class Client:
    """The line, the capture decision and the client of one connection, as lists."""

    def __init__(self) -> None:
        self.written = b""
        self.woken = 0
        self.handed: list[Exchange] = []
        self.asked: list[tuple[CaptureHead, bytes]] = []
        self.refused: list[str] = []
        self.bugs: list[Exception] = []
        self.answers: list[Callable[[CaptureReply], None]] = []
        self.at_once: CaptureReply | None = None
        self.awaited_reply: AwaitedReply | None = None
        self.context = DoorContext(
            decide=self._decide,
            hand_over=self._hand_over,
            limits=LIMITS,
            budget=ByteBudget(1 << 20),
            framer=Framer(),
            events=DoorEvents(on_refused=self.refused.append, on_bug=self.bugs.append),
            now=100.0,
        )
        self.connection = Connection(self.context, self, "192.0.2.1")

    def write(self, data: bytes) -> None:
        self.written += data

    def wake(self) -> None:
        self.woken += 1

    async def flushed(self) -> None:
        await trio.lowlevel.checkpoint()

    def reset_on_close(self, *, on: bool) -> None:
        raise AssertionError("every answer here has a length")

    def notice_end(self) -> None:
        raise AssertionError("no answer here is endless")

    def send(self, data: bytes) -> bytes:
        """Send bytes, return what has been received by then."""
        self.connection.receive(data)
        return self.received()

    def received(self) -> bytes:
        answer, self.written = self.written, b""
        return answer

    def statuses(self) -> list[bytes]:
        return re.findall(rb"HTTP/1\.1 (\d+) ", self.received())

    async def _hand_over(self, exchange: Exchange) -> None:
        self.handed.append(exchange)
        exchange.begin(200, [(b"content-length", b"2")])
        await exchange.send(b"ok", more=False)

    def _decide(self, head: CaptureHead, body: bytes, answer: Callable[[CaptureReply], None]) -> AwaitedReply | None:
        self.asked.append((head, body))
        if self.awaited_reply is not None:
            return self.awaited_reply
        if self.at_once is not None:
            answer(self.at_once)
        else:
            self.answers.append(answer)
        return None


def test_a_pipelined_request_waits_for_the_answer_before_it() -> None:
    client = Client()
    assert client.send(VIEW * 3) == b""
    assert (len(client.asked), client.connection.busy) == (1, True)
    for answered in (2, 3, 3):
        client.answers.pop()(ACCEPTED_ONE)
        assert (len(client.asked), len(client.statuses())) == (answered, 1)
    assert (client.connection.busy, client.connection.end) == (False, None)


def test_a_thousand_pipelined_answers_need_no_deep_stack() -> None:
    client = Client()
    client.at_once = PIXEL
    client.connection.receive(get("/api/pixel.gif?post_id=1") * 1000)
    assert len(client.statuses()) == 1000


def test_a_thousand_requests_that_waited_need_no_deep_stack() -> None:
    client = Client()
    client.send(VIEW * 1000)
    client.at_once = ACCEPTED_ONE
    client.answers.pop()(ACCEPTED_ONE)
    assert len(client.statuses()) == 1000


def test_a_repeated_head_and_a_parsed_one_are_decided_alike() -> None:
    client = Client()
    client.at_once = ACCEPTED_ONE
    client.connection.receive(VIEW)
    client.connection.receive(VIEW)  # recognised
    client.connection.receive(VIEW[:30])  # parsed
    client.connection.receive(VIEW[30:])
    [first, again, parsed] = client.asked
    assert first[0] is again[0]
    assert first[1] == again[1] == parsed[1]
    assert [getattr(parsed[0], name) for name in CaptureHead.__slots__] == [
        getattr(first[0], name) for name in CaptureHead.__slots__
    ]
    assert client.statuses() == [b"202"] * 3


def test_a_repeated_head_waits_its_turn_too() -> None:
    client = Client()
    client.send(VIEW)
    client.answers.pop()(ACCEPTED_ONE)
    client.send(VIEW)
    assert client.connection.busy
    assert client.connection.deadline == inf


@pytest.mark.parametrize(
    ("request_line", "lines", "closes", "header"),
    [
        (b"HTTP/1.1", b"", False, None),
        (b"HTTP/1.1", b"Connection: close\r\n", True, b"Connection: close"),
        (b"HTTP/1.1", b"Connection: x, CLOSE\r\n", True, b"Connection: close"),
        (b"HTTP/1.0", b"", True, b"Connection: close"),
        (b"HTTP/1.0", b"Connection: keep-alive\r\n", False, b"Connection: keep-alive"),
    ],
    ids=["1.1", "1.1 close", "1.1 close in a list", "1.0", "1.0 keep-alive"],
)
def test_when_the_connection_is_closed(request_line: bytes, lines: bytes, closes: bool, header: bytes | None) -> None:
    client = Client()
    client.at_once = ACCEPTED_ONE
    answer = client.send(VIEW.replace(b"HTTP/1.1", request_line).replace(b"Host:", lines + b"Host:"))
    assert isinstance(client.connection.end, Closed) == closes
    assert (b"Connection:" in answer) == (header is not None)
    assert header is None or header in answer


def test_100_continue_is_sent_once_and_only_when_the_request_before_is_answered() -> None:
    client = Client()
    head = post("/api/view", b"", "Expect: 100-continue").replace(b"Content-Length: 0", b"Content-Length: 13")
    assert client.send(VIEW + head) == b""
    client.answers.pop()(ACCEPTED_ONE)
    assert client.received().endswith(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert client.send(b'{"post_id":') == b""
    client.send(b"1}")
    client.answers.pop()(ACCEPTED_ONE)
    assert client.statuses() == [b"202"]
    assert [body for _, body in client.asked] == [b'{"post_id":1}'] * 2


def test_a_client_that_did_not_wait_gets_no_100_continue() -> None:
    client = Client()
    client.at_once = ACCEPTED_ONE
    assert not client.send(post("/api/view", b"{}", "Expect: 100-continue")).startswith(b"HTTP/1.1 100")


def test_a_refusal_names_the_fault_and_closes() -> None:
    client = Client()
    answer = client.send(post("/api/view", b"").replace(b"Length: 0", b"Length: x"))
    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"\r\nConnection: close\r\n" in answer
    assert b'"error_code":"bad_request"' in answer
    assert client.connection.end == Closed(unread=True)
    assert client.refused == ["bad_request"]


def test_what_was_whole_is_answered_before_the_refusal() -> None:
    client = Client()
    client.send(VIEW + b"nonsense\r\n\r\n")
    client.answers.pop()(ACCEPTED_ONE)
    assert client.statuses() == [b"202", b"501"]


async def test_other_requests_are_handed_over_one_at_a_time() -> None:
    client = Client()
    client.send(post("/api/content", b"[]") + get("/second"))
    for path, body in ((b"/api/content", b"[]"), (b"/second", b"")):
        assert (client.connection.busy, client.connection.deadline) == (True, inf)
        await client.connection.perform()
        assert (client.handed[-1].verdict.path, client.handed[-1].body) == (path, body)
        assert client.received().endswith(b"\r\n\r\nok")
    assert (len(client.handed), client.connection.busy, client.connection.end) == (2, False, None)


async def test_capture_and_other_requests_mix_in_order() -> None:
    client = Client()
    client.send(VIEW + get("/second") + VIEW)
    assert client.connection.work is None
    client.answers.pop()(ACCEPTED_ONE)
    assert (client.statuses(), len(client.asked)) == ([b"202"], 1)
    await client.connection.perform()
    assert (client.statuses(), len(client.asked)) == ([b"200"], 2)
    client.answers.pop()(ACCEPTED_ONE)
    assert (client.statuses(), client.connection.busy) == ([b"202"], False)


async def test_a_closing_door_closes_behind_an_answer_of_the_application() -> None:
    client = Client()
    client.send(get("/one") + get("/two"))
    client.context.closing = True
    client.connection.retire()
    await client.connection.perform()
    assert (client.statuses(), client.connection.end) == ([b"200"], Closed(unread=True))


def test_an_upgrade_ends_the_connection_with_the_bytes_behind_it() -> None:
    client = Client()
    lines = ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"]
    client.send(get("/live", *lines, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==") + b"frames")
    end = client.connection.end
    assert isinstance(end, Upgraded)
    assert (end.verdict.path, end.rest) == (b"/live", b"frames")


@pytest.mark.parametrize("request_", [get("/api/view", method="OPTIONS"), get("/api/post/1/count")])
async def test_a_repeated_head_that_is_no_view_is_answered_each_time(request_: bytes) -> None:
    client = Client()
    received = []
    for _ in range(3):
        client.connection.receive(request_)
        if client.connection.work is not None:
            await client.connection.perform()
        received += client.statuses()
    assert (len(received), len(set(received)), client.bugs) == (3, 1, [])


def test_every_wait_has_its_deadline_and_pieces_do_not_prolong_it() -> None:
    client = Client()
    assert client.connection.deadline == 105.0  # for the first byte of the first request
    client.send(VIEW[:5])
    assert client.connection.deadline == 105.0
    client.context.now = 103.0
    client.send(VIEW[5:10])
    assert client.connection.deadline == 105.0
    client.send(VIEW[10:-3])
    assert client.connection.deadline == 110.0  # for its body
    client.context.now = 109.0
    client.send(VIEW[-3:-1])
    assert client.connection.deadline == 110.0
    client.send(VIEW[-1:])
    assert client.connection.deadline == inf  # now the client waits for us
    client.answers.pop()(ACCEPTED_ONE)
    assert client.connection.deadline == 184.0


@pytest.mark.parametrize(("sent", "part"), [(10, b"headers"), (len(VIEW) - 3, b"body")], ids=["headers", "body"])
def test_a_slow_request_gets_408_with_its_slow_part(sent: int, part: bytes) -> None:
    client = Client()
    client.send(VIEW[:sent])
    client.connection.expire()
    answer = client.received()
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert part + b": not complete in time" in answer
    assert client.connection.end == Closed(unread=False)


def test_an_idle_connection_ends_without_an_answer() -> None:
    client = Client()
    client.connection.expire()
    assert (client.received(), client.connection.end) == (b"", Closed(unread=False))


def test_a_closing_door_ends_idle_connections_at_once() -> None:
    client = Client()
    client.context.closing = True
    client.connection.retire()
    assert client.connection.end == Closed(unread=False)


def test_a_closing_door_answers_what_is_under_way() -> None:
    client = Client()
    client.send(VIEW * 2)
    client.context.closing = True
    client.connection.retire()
    assert client.connection.end is None
    client.answers.pop()(ACCEPTED_ONE)
    answer = client.received()
    assert (answer.count(b"HTTP/1.1 202"), b"Connection: close" in answer) == (1, True)
    assert isinstance(client.connection.end, Closed)


def test_a_reply_for_a_client_that_has_gone_is_dropped() -> None:
    client = Client()
    client.send(VIEW)
    client.connection.lose()
    client.answers.pop()(ACCEPTED_ONE)
    assert (client.received(), client.bugs) == (b"", [])


def test_a_bug_of_the_decision_ends_one_connection() -> None:
    client = Client()

    def fail(head: CaptureHead, body: bytes, answer: object) -> None:
        raise KeyError("a bug")

    client.context.decide = fail
    answer = client.send(VIEW)
    assert answer.startswith(b"HTTP/1.1 500 ")
    assert b"a bug" not in answer
    assert ([type(bug) for bug in client.bugs], client.connection.end) == ([KeyError], Closed(unread=True))


async def test_an_awaited_reply_is_awaited_by_the_lines_task() -> None:
    client = Client()

    async def reply() -> CaptureReply:
        await trio.lowlevel.checkpoint()
        return ACCEPTED_ONE

    client.awaited_reply = reply
    assert client.send(VIEW * 2) == b""
    for _ in range(2):
        assert client.connection.work is not None
        await client.connection.perform()
        assert client.statuses() == [b"202"]
    assert client.connection.work is None


async def test_a_bug_in_an_awaited_reply_ends_one_connection() -> None:
    client = Client()

    async def reply() -> CaptureReply:
        await trio.lowlevel.checkpoint()
        raise KeyError("a bug")

    client.awaited_reply = reply
    client.send(VIEW)
    await client.connection.perform()
    assert client.statuses() == [b"500"]
    assert len(client.bugs) == 1


PIECES = [VIEW, VIEW[:40], VIEW[40:], get("/api/pixel.gif"), b"\r\n", b"\0", b"0\r\n\r\n"]


@given(st.lists(st.sampled_from(PIECES), max_size=8))
def test_no_bytes_are_a_bug(pieces: list[bytes]) -> None:
    client = Client()
    client.at_once = ACCEPTED_ONE
    for piece in pieces:
        if client.connection.end is None:
            client.send(piece)
    assert client.bugs == []
