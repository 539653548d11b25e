"""Which requests the reader accepts and which it refuses, byte for byte, however the bytes are cut."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vts.capture.http.head import Lane
from vts.capture.http.limits import ByteBudget, Limits
from vts.capture.http.reader import KNOWN_HEADS_MAX, RequestReader

LIMITS = Limits(header_max_bytes=1024, body_max_bytes=64, batch_body_max_bytes=128)
POST = b"POST /api/view HTTP/1.1\r\nHost: x\r\n"
GET = b"GET /a HTTP/1.1\r\nHost: x\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
LIVE = b"GET /live HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
KEY = b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
V13 = b"Sec-WebSocket-Version: 13\r\n"


def new_reader(budget: ByteBudget | None = None) -> RequestReader:
    return RequestReader(LIMITS, budget or ByteBudget(1 << 20), "192.0.2.1")


def read(data: bytes, size: int) -> RequestReader:
    reader = new_reader()
    for start in range(0, len(data), size):
        reader.feed(data[start : start + size])
    return reader


REFUSED = {
    "both lengths": (POST + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, "Content-Length"),
    "both, reversed": (POST + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n", 400, "Content-Length"),
    "two lengths": (POST + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\nab", 400, "Content-Length"),
    "list of lengths": (POST + b"Content-Length: 2, 2\r\n\r\nab", 400, "Content-Length"),
    "signed length": (POST + b"Content-Length: +2\r\n\r\nab", 400, "Content-Length"),
    "negative length": (POST + b"Content-Length: -2\r\n\r\nab", 400, "Content-Length"),
    "hex length": (POST + b"Content-Length: 0x2\r\n\r\nab", 400, "Content-Length"),
    "empty length": (POST + b"Content-Length: \r\n\r\nab", 400, "Content-Length"),
    "endless length": (POST + b"Content-Length: 99999999999999999999999\r\n\r\n", 400, "Content-Length"),
    "long length": (POST + b"Content-Length: 129\r\n\r\n", 413, "body"),
    "long length elsewhere": (b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 65\r\n\r\n", 413, "body"),
    "two codings": (POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501, "Transfer-Encoding"),
    "unknown coding": (POST + b"Transfer-Encoding: identity\r\n\r\nab", 501, "Transfer-Encoding"),
    "coding twice": (
        POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
        400,
        "Transfer-Encoding",
    ),
    "coding in 1.0": (b"POST /a HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, "Transfer-Encoding"),
    "bad chunk end": (CHUNKED + b"2\r\nabX\r\n0\r\n\r\n", 400, "chunk"),
    "bare LF after chunk": (CHUNKED + b"2\r\nab\n0\r\n\r\n", 400, "chunk"),
    "bare LF after size": (CHUNKED + b"2\nab\r\n0\r\n\r\n", 400, "chunk"),
    "space after size": (CHUNKED + b"2 \r\nab\r\n0\r\n\r\n", 400, "chunk"),
    "hex prefix": (CHUNKED + b"0x2\r\nab\r\n0\r\n\r\n", 400, "chunk"),
    "negative chunk": (CHUNKED + b"-2\r\nab\r\n0\r\n\r\n", 400, "chunk"),
    "huge chunk": (CHUNKED + b"FFFFFFFFFFFFFFFFF\r\n", 400, "hunk"),
    "much in chunks": (CHUNKED + b"80\r\n" + b"a" * 128 + b"\r\n1\r\na\r\n0\r\n\r\n", 413, "body"),
    "HTTP/2 preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", None, ""),
    "HTTP/2.0": (b"GET /a HTTP/2.0\r\nHost: x\r\n\r\n", 505, "HTTP/1.1"),
    "HTTP/0.9": (b"GET /a\r\n\r\n", 505, "HTTP/1.1"),
    "h2c": (GET + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: A\r\n\r\n", 400, "Upgrade"),
    "h2c unconnected": (GET + b"Upgrade: h2c\r\n\r\n", 400, "Upgrade"),
    "h2c with a body": (POST + b"Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 2\r\n\r\nab", 400, "Upgrade"),
    "WebSocket elsewhere": (
        GET + b"Connection: Upgrade\r\nUpgrade: websocket\r\n" + KEY + V13 + b"\r\n",
        404,
        "Upgrade",
    ),
    "WebSocket without key": (LIVE + V13 + b"\r\n", 400, "Sec-WebSocket-Key"),
    "WebSocket, two keys": (LIVE + KEY + KEY + V13 + b"\r\n", 400, "Sec-WebSocket-Key"),
    "WebSocket, short key": (LIVE + b"Sec-WebSocket-Key: YWJj\r\n" + V13 + b"\r\n", 400, "Sec-WebSocket-Key"),
    "WebSocket, no base64": (LIVE + b"Sec-WebSocket-Key: \xff*\r\n" + V13 + b"\r\n", 400, "Sec-WebSocket-Key"),
    "WebSocket without version": (LIVE + KEY + b"\r\n", 426, "Sec-WebSocket-Version"),
    "WebSocket 8": (LIVE + KEY + b"Sec-WebSocket-Version: 8\r\n\r\n", 426, "Sec-WebSocket-Version"),
    "WebSocket by POST": (LIVE.replace(b"GET", b"POST") + KEY + V13 + b"\r\n", 400, "WebSocket"),
    "WebSocket in 1.0": (LIVE.replace(b"1.1", b"1.0") + KEY + V13 + b"\r\n", 400, "WebSocket"),
    "WebSocket with a body": (LIVE + KEY + V13 + b"Content-Length: 1\r\n\r\na", 400, "WebSocket"),
    "WebSocket and h2c": (LIVE + b"Upgrade: h2c\r\n" + KEY + V13 + b"\r\n", 400, "Upgrade"),
    "no upgrade on /live": (b"GET /live HTTP/1.1\r\nHost: x\r\n\r\n", 426, "Upgrade"),
    "CONNECT": (b"CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", 400, "target"),
    "TRACE": (b"TRACE /a HTTP/1.1\r\nHost: x\r\n\r\n", 501, "method"),
    "no such method": (b"FOO /a HTTP/1.1\r\nHost: x\r\n\r\n", 501, "method"),
    "lower-case method": (b"get /a HTTP/1.1\r\nHost: x\r\n\r\n", 501, "method"),
    "wrong method": (b"GET /api/view HTTP/1.1\r\nHost: x\r\n\r\n", 405, "POST"),
    "bare LF": (b"GET /a HTTP/1.1\nHost: x\n\n", 400, "CRLF"),
    "header ends in LF": (b"GET /a HTTP/1.1\r\nHost: x\n\r\n", 400, "header"),
    "CR in a value": (b"GET /a HTTP/1.1\r\nHost: x\rX: y\r\n\r\n", 400, "header"),
    "folded header": (GET + b"A: b\r\n c\r\n\r\n", 400, "header"),
    "space before colon": (b"GET /a HTTP/1.1\r\nHost : x\r\n\r\n", 400, "header"),
    "nameless header": (GET + b": x\r\n\r\n", 400, "header"),
    "NUL in a value": (GET + b"A: x\0y\r\n\r\n", 400, "header"),
    "NUL in a name": (GET + b"A\0: x\r\n\r\n", 400, "header"),
    "NUL in the target": (b"GET /a\0b HTTP/1.1\r\nHost: x\r\n\r\n", 400, "URL"),
    "bytes in the target": (b"GET /a\xff HTTP/1.1\r\nHost: x\r\n\r\n", 400, "URL"),
    "fragment": (b"GET /a#b HTTP/1.1\r\nHost: x\r\n\r\n", 400, "target"),
    "asterisk": (b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", 400, "target"),
    "no Host": (b"GET /a HTTP/1.1\r\n\r\n", 400, "Host"),
    "two Hosts": (GET + b"Host: y\r\n\r\n", 400, "Host"),
    "odd Host": (b"GET /a HTTP/1.1\r\nHost: x y\r\n\r\n", 400, "Host"),
    "unknown expectation": (POST + b"Expect: cake\r\nContent-Length: 2\r\n\r\n", 417, "Expect"),
    "long headers": (GET + b"A: " + b"a" * 2000 + b"\r\n\r\n", 431, "headers"),
    "endless header": (GET + b"A: " + b"a" * 2000, 431, "headers"),
    "many headers": (GET + b"A:\r\n" * 200 + b"\r\n", 431, "headers"),
    "long target": (b"GET /" + b"a" * 2000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 431, "headers"),
    "endless blank lines": (b"\r\n" * 1000, 431, "headers"),
    "no HTTP at all": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc", 501, "method"),
}


@pytest.mark.parametrize("size", [1, 7, 1 << 16])
@pytest.mark.parametrize(("data", "status", "names"), REFUSED.values(), ids=REFUSED.keys())
def test_a_fault_is_named_however_the_bytes_are_cut(data: bytes, status: int | None, names: str, size: int) -> None:
    reader = read(data, size)
    assert reader.fault is not None
    assert status in (None, reader.fault.status)
    assert names in reader.fault.text
    assert not reader.ready


@pytest.mark.parametrize("size", [1, 7, 512])
@pytest.mark.parametrize("framing", [b"1;" + b"e" * 3000, b"1\r\na\r\n" * 700, b"0\r\n" + b"T: t\r\n" * 500])
def test_framing_without_an_end_is_cut_off(framing: bytes, size: int) -> None:
    reader = read(CHUNKED + framing, size)
    assert reader.fault is not None
    assert reader.fault.text.startswith("body: more")


@given(st.binary(max_size=200), st.integers(1, 50))
def test_any_bytes_end_in_requests_or_one_fault(noise: bytes, size: int) -> None:
    for data in (noise, GET + noise, CHUNKED + noise, LIVE + noise):
        reader = read(data, size)
        assert reader.fault is None or reader.fault.status >= 400


@given(st.lists(st.integers(0, 400), max_size=5))
def test_the_cut_does_not_matter(cuts: list[int]) -> None:
    stream = POST + b"Content-Length: 2\r\n\r\nab" + CHUNKED + b"2\r\ncd\r\n0\r\n\r\n" + GET + b"\r\n"
    places = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    reader = new_reader()
    for start, end in pairwise(places):
        if start < end:
            reader.feed(stream[start:end])
    assert [body for _, body in reader.ready] == [b"ab", b"cd", b""]


def test_the_preface_of_http_2_is_named_in_the_fault() -> None:
    reader = read(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 1 << 16)
    assert reader.fault is not None
    assert (reader.fault.status, "HTTP/2" in reader.fault.text) == (505, True)


PASSED = {
    "length": (POST + b"Content-Length: 2\r\n\r\nab", b"ab"),
    "length with space": (POST + b"Content-Length: 2 \r\n\r\nab", b"ab"),
    "no body": (POST + b"\r\n", b""),
    "chunks": (CHUNKED + b"1\r\na\r\n1\r\nb\r\n0\r\n\r\n", b"ab"),
    "chunk extension and trailer": (CHUNKED + b"2;a=b\r\nab\r\n0\r\nT: t\r\n\r\n", b"ab"),
    "leading blank line": (b"\r\n" + POST + b"Content-Length: 2\r\n\r\nab", b"ab"),
    "absolute target": (b"POST http://h/api/view HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\na", b"a"),
    "HTTP/1.0": (b"POST /api/view HTTP/1.0\r\nContent-Length: 1\r\n\r\na", b"a"),
    "names in any case": (b"POST /api/view HTTP/1.1\r\nhOsT: x\r\nCONTENT-LENGTH: 1\r\n\r\na", b"a"),
    "the most that may be": (POST + b"Content-Length: 128\r\n\r\n" + b"a" * 128, b"a" * 128),
}


@pytest.mark.parametrize("size", [1, 7, 1 << 16])
@pytest.mark.parametrize(("data", "body"), PASSED.values(), ids=PASSED.keys())
def test_a_good_request_is_read_however_its_bytes_are_cut(data: bytes, body: bytes, size: int) -> None:
    reader = read(data, size)
    assert reader.fault is None
    [(head, read_body)] = reader.ready
    assert (read_body, head.lane, head.path) == (body, Lane.CAPTURE, b"/api/view")


@pytest.mark.parametrize("size", [1, 7, 1 << 16])
def test_pipelined_requests_keep_their_order(size: int) -> None:
    one = POST + b"Content-Length: 1\r\n\r\na"
    reader = read(one + GET + b"\r\n" + CHUNKED + b"1\r\nb\r\n0\r\n\r\n" + one, size)
    assert [(head.lane, body) for head, body in reader.ready] == [
        (Lane.CAPTURE, b"a"),
        (Lane.HAND_OVER, b""),
        (Lane.CAPTURE, b"b"),
        (Lane.CAPTURE, b"a"),
    ]


def test_nothing_is_read_after_a_request_that_closes() -> None:
    reader = read(POST + b"Connection: close\r\nContent-Length: 1\r\n\r\na" + GET + b"\r\n", 1 << 16)
    assert len(reader.ready) == 1
    assert reader.fault is None


def test_a_fault_comes_after_the_requests_before_it() -> None:
    reader = read(POST + b"Content-Length: 1\r\n\r\nabroken\r\n\r\n", 1 << 16)
    assert len(reader.ready) == 1
    assert reader.fault is not None


def test_a_repeated_head_is_recognised_and_any_other_is_not() -> None:
    reader = new_reader()
    reader.feed(POST + b"Content-Length: 2\r\n\r\nab")
    head, _ = reader.ready.popleft()
    assert reader.repeated(POST + b"Content-Length: 2\r\n\r\ncd") == (head, b"cd")
    assert reader.repeated(POST + b"Content-Length: 2\r\n\r\ncde") is None  # more than one request
    assert reader.repeated(POST + b"Content-Length: 2\r\n\r\nc") is None  # less than one
    assert reader.repeated(POST + b"Content-Length: 3\r\n\r\nc") is None  # as long, but another head
    reader.feed(POST[:9])
    assert reader.repeated(POST + b"Content-Length: 2\r\n\r\ncd") is None  # in the middle of another request


@pytest.mark.parametrize("body", [b"ab", b"\r\n{}", b"\r\n\r\n"])
def test_a_line_end_behind_a_body_is_no_part_of_the_head(body: bytes) -> None:
    reader = new_reader()
    data = POST + b"Content-Length: %d\r\n\r\n" % len(body) + body + b"\r\n"
    for _ in range(3):
        reader.feed(data)
        assert reader.ready.popleft()[1] == body
        known = reader.repeated(data)
        assert known is None or known[1] == body
    assert reader.fault is None


def test_a_few_heads_are_remembered_at_once_and_the_oldest_is_replaced() -> None:
    reader = new_reader()
    sent = [POST + b"Content-Length: %d\r\n\r\n" % size + b"x" * size for size in range(1, KNOWN_HEADS_MAX + 2)]
    for data in sent[:-1]:
        reader.feed(data)
    heads = [head for head, _ in reader.ready]
    assert [reader.repeated(data) for data in sent[:-1]] == [(head, b"x" * size) for size, head in enumerate(heads, 1)]
    reader.feed(sent[-1])
    assert reader.repeated(sent[0]) is None
    assert all(reader.repeated(data) for data in sent[1:])


@pytest.mark.parametrize(
    "tail", [b"Connection: close\r\nContent-Length: 0\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"]
)
def test_a_head_that_closes_or_is_chunked_is_not_remembered(tail: bytes) -> None:
    reader = new_reader()
    reader.feed(POST + tail)
    assert reader.repeated(POST + tail) is None


def test_a_websocket_handshake_ends_the_reading_and_keeps_the_rest() -> None:
    reader = read(LIVE + KEY + V13 + b"\r\n\x81\x85frames", 1 << 16)
    [(head, _)] = reader.ready
    assert (head.lane, reader.rest, reader.fault) == (Lane.LIVE, b"\x81\x85frames", None)


def test_100_continue_is_due_once_and_only_before_the_body() -> None:
    reader = new_reader()
    reader.feed(POST + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n")
    assert reader.take_continue()
    assert not reader.take_continue()  # asked once
    reader = new_reader()
    reader.feed(POST + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\na")
    assert not reader.take_continue()


def test_unfinished_bodies_share_one_budget_and_return_their_bytes() -> None:
    budget = ByteBudget(10)
    first, second = new_reader(budget), new_reader(budget)
    first.feed(POST + b"Content-Length: 9\r\n\r\n" + b"a" * 8)
    second.feed(POST + b"Content-Length: 9\r\n\r\n" + b"a" * 8)
    assert second.fault is not None
    assert second.fault.status == 503
    second.forget()
    first.feed(b"a")
    assert len(first.ready) == 1
    assert budget.take(10)
