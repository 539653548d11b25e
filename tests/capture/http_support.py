"""What the HTTP tests run: a door, a decision with real enrichment, a scripted admission, an echo, raw clients."""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import trio

from config.load import load
from tests.capture.fake_catalog import FakeCatalog
from tests.support.waiting import BOUND_S
from vts.admit.site import SiteAdmission
from vts.admit.site_rules import SiteRules
from vts.admit.texts import JournaledTexts
from vts.auth.tokens import Tokens
from vts.capture.events.decide import CaptureDecision
from vts.capture.events.parts import Admissions, Senders, reports_of
from vts.capture.http.connection import DoorEvents
from vts.capture.http.door import Door, Handlers, ListenAddress
from vts.capture.http.endings import LiveRequest
from vts.capture.http.handover import Handover
from vts.capture.http.limits import Limits
from vts.enrich.client_ip import Networks
from vts.enrich.country import Countries
from vts.enrich.enrich import Enricher
from vts.enrich.pages import Pages
from vts.enrich.timezones import TimeZones
from vts.enrich.viewer import ViewerKeys
from vts.model.faults import JournalFull
from vts.model.outcome import ACCEPTED, Outcome, Reason, Refused
from vts.model.record import Record
from vts.model.view import Report, ViewEvent, event_of

ROOT = Path(__file__).resolve().parents[2]
NOW_US = 1_760_000_000_000_000
SECRET = b"a secret of the tests, 32 bytes long"
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
ZONES = TimeZones()
COUNTRIES = Countries(ROOT / "config" / "dbip-country.mmdb")


class ScriptedAdmission:
    """Keeps every promise of `AdmitsViews`: one outcome for each report, in order; what is accepted is in `kept` first.

    `script` is the outcome of a content's views; while `held`, outcomes wait for `release`.
    """

    def __init__(self) -> None:
        self.script: dict[int, Refused] = {}
        self.kept: list[ViewEvent] = []
        self.reports: list[Report] = []
        self.batches: list[int] = []
        self.held = False
        self._waiting: list[Callable[[], None]] = []
        self._batches_waiting = 0
        self._released = trio.Event()

    def submit_one_soon(self, report: Report, settle: Callable[[Outcome], None]) -> None:
        if self.held:
            self._waiting.append(lambda: settle(self._decide(report)))
        else:
            settle(self._decide(report))

    async def submit(self, reports: Sequence[Report]) -> list[Outcome]:
        await trio.lowlevel.checkpoint()
        while self.held:
            self._batches_waiting += 1
            await self._released.wait()
            self._batches_waiting -= 1
        self.batches.append(len(reports))
        return [self._decide(report) for report in reports]

    @property
    def waiting(self) -> int:
        """How many submissions wait for `release`."""
        return len(self._waiting) + self._batches_waiting

    def release(self) -> None:
        self.held = False
        waiting, self._waiting = self._waiting, []
        for settle in waiting:
            settle()
        self._released.set()
        self._released = trio.Event()

    def _decide(self, report: Report) -> Outcome:
        self.reports.append(report)
        refused = self.script.get(report.post_id)
        if refused is None and report.bot and not report.trusted:
            refused = Refused(Reason.BOT)
        if refused is not None:
            return refused
        self.kept.append(event_of(report, report.event_id or bytes(16), report.arrived_us))
        return ACCEPTED


class SiteJournal:
    """Keeps records that are no views, as the journal does; while `full` it refuses."""

    def __init__(self) -> None:
        self.entries: list[list[Record]] = []
        self.full = False

    def submit(self, records: Sequence[Record], on_settled: Callable[[Exception | None], None]) -> object:
        if self.full:
            raise JournalFull("the journal is at its cap")
        self.entries.append(list(records))
        on_settled(None)
        return None

    @property
    def records(self) -> list[Any]:
        return [record for entry in self.entries for record in entry]


@dataclass
class WebDoor:
    """The parts of a running door that a test looks at."""

    decision: CaptureDecision
    admission: ScriptedAdmission
    catalog: FakeCatalog
    tokens: Tokens
    counted: Counter[tuple[str, str]]
    ignored: Counter[str]
    player_payloads: list[tuple[bytes, bytes]]
    site: SiteJournal
    door: Door | None = None
    refused: list[str] = field(default_factory=list)
    bugs: list[Exception] = field(default_factory=list)
    seen_by_app: list[dict[str, Any]] = field(default_factory=list)
    left: int = 0  # clients that left an endless answer
    stream_ends: trio.Event = field(default_factory=trio.Event)

    @property
    def open_connections(self) -> int:
        return self.door.connections if self.door is not None else 0

    @property
    def unsent(self) -> bool:
        """Whether some client has not taken all of its answers."""
        return self.door is not None and any(getattr(line, "unsent", b"") for line in self.door._lines)


def new_world(
    *,
    trusted: Sequence[str] = (),
    limits: Limits | None = None,
    says_counted: bool = False,
    unknown_intent: str = "intentional",
) -> WebDoor:
    admission, catalog, site = ScriptedAdmission(), FakeCatalog(), SiteJournal()
    counted: Counter[tuple[str, str]] = Counter()
    ignored: Counter[str] = Counter()
    payloads: list[tuple[bytes, bytes]] = []
    tokens = Tokens(secret=SECRET, references=lambda: catalog.references)

    def count(source: str, outcome: str, number: int) -> None:
        counted[source, str(outcome)] += number

    async def player_view(key: bytes, payload: bytes) -> Outcome:
        payloads.append((key, payload))
        return admission.script.get(0, ACCEPTED)

    rules = SiteRules(catalog, raw_days=7, per_minute=60, burst=120)
    admissions = Admissions(
        views=admission,
        site=SiteAdmission(rules, site.submit, JournaledTexts(catalog), lambda: NOW_US, count),
        player_view=player_view,
    )
    shipped = load({}).site
    enricher = Enricher(
        keys=ViewerKeys(SECRET), countries=COUNTRIES, zones=ZONES, trusted=Networks(trusted), own_domain="own.example"
    )
    pages = Pages(shipped.page_rules, shipped.page_strip)
    decision = CaptureDecision(
        admissions=admissions,
        reports=reports_of(enricher, catalog, pages.page_of, lambda name: ignored.update([name]), unknown_intent),
        senders=Senders(tokens=tokens, catalog=catalog),
        clock=lambda: NOW_US,
        on_refused=lambda source, reason, detail: count(source, reason, 1),
        limits=limits,
        says_counted=says_counted,
    )
    return WebDoor(decision, admission, catalog, tokens, counted, ignored, payloads, site)


def echo_app(world: WebDoor) -> Any:
    """An ASGI application that answers with what it was sent."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
        else:
            await _echo(world, scope, receive, send)

    return app


async def _echo(world: WebDoor, scope: Any, receive: Any, send: Any) -> None:
    body = await _body(receive)
    seen = {"method": scope["method"], "target": scope["raw_path"], "body": body, "client": scope["client"]}
    world.seen_by_app.append(seen | {"headers": dict(scope["headers"])})
    if scope["path"] == "/crash":
        raise RuntimeError("a bug of the application")
    special = APPLICATIONS.get(scope["path"])
    if special is not None:
        await special(world, receive, send)
    else:
        await _send(send, 200, [(b"content-type", b"text/plain")], b"echo:" + body)


async def _lifespan(receive: Any, send: Any) -> None:
    for step in ("startup", "shutdown"):
        await receive()
        await send({"type": f"lifespan.{step}.complete"})


async def _body(receive: Any) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


async def _send(send: Any, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    lines = [*headers, (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": lines})
    await send({"type": "http.response.body", "body": body})


async def _start(send: Any, *headers: tuple[bytes, bytes], status: int = 200) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})


async def _piece(send: Any, data: bytes, *, more: bool = True) -> None:
    await send({"type": "http.response.body", "body": data, "more_body": more})


async def _big(world: WebDoor, receive: Any, send: Any) -> None:
    await _start(send)
    for _ in range(BIG_PIECES):
        await _piece(send, bytes(65536))
    await _piece(send, b"", more=False)


async def _stream(world: WebDoor, receive: Any, send: Any) -> None:
    await _start(send)
    for piece in (b"one,", b"", b"two"):
        await _piece(send, piece)
    await _piece(send, b"", more=False)


async def _breaks(world: WebDoor, receive: Any, send: Any) -> None:
    await _start(send)
    await _piece(send, b"a part,")
    raise RuntimeError("broke off")


async def _short(world: WebDoor, receive: Any, send: Any) -> None:
    await _start(send, (b"content-length", b"100"))
    await _piece(send, b"a part,")
    await _piece(send, b"", more=False)


async def _stops(world: WebDoor, receive: Any, send: Any) -> None:
    await _start(send)
    await _piece(send, b"a part,")


async def _long(world: WebDoor, receive: Any, send: Any) -> None:
    await _start(send, (b"content-length", b"3"))
    await _piece(send, b"four", more=False)


async def _split(world: WebDoor, receive: Any, send: Any) -> None:
    await _start(send, (b"x-a", b"b\r\nx-c: d"), (b"content-length", b"0"))
    await _piece(send, b"", more=False)


async def _none(world: WebDoor, receive: Any, send: Any) -> None:
    await _start(send, (b"content-length", b"0"), status=204)
    await _piece(send, b"", more=False)


async def _same(world: WebDoor, receive: Any, send: Any) -> None:
    await _start(send, (b"etag", b'"a"'), (b"content-length", b"7"), status=304)
    await _piece(send, b"", more=False)


async def _hangs_up(world: WebDoor, receive: Any, send: Any) -> None:
    await _start(send, (b"connection", b"close"), (b"content-length", b"3"))
    await _piece(send, b"end", more=False)


async def _events(world: WebDoor, receive: Any, send: Any) -> None:
    """Send one event, then wait until the client has left or the test ends the stream."""
    await _start(send, (b"content-type", b"text/event-stream"))
    await _piece(send, b"data: 1\n\n")

    async def notice() -> None:
        assert (await receive())["type"] == "http.disconnect"
        world.left += 1
        nursery.cancel_scope.cancel()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(notice)
        await world.stream_ends.wait()
        await _piece(send, b"data: 2\n\n", more=False)
        nursery.cancel_scope.cancel()


BIG_PIECES = 400
APPLICATIONS = {
    "/big": _big,
    "/stream": _stream,
    "/breaks": _breaks,
    "/short": _short,
    "/stops": _stops,
    "/long": _long,
    "/split": _split,
    "/none": _none,
    "/same": _same,
    "/hangs-up": _hangs_up,
    "/events": _events,
}


@asynccontextmanager
async def open_world(
    *, limits: Limits | None = None, on_websocket: Any = None, tls: Any = None, **rules: Any
) -> AsyncIterator[WebDoor]:
    """Run a door on a free port of loopback, with a decision and an application behind it."""
    world = new_world(limits=limits, **rules)
    handover = Handover(echo_app(world))
    door = Door(
        handlers=Handlers(
            decide=world.decision.decide, hand_over=handover.serve, on_websocket=on_websocket or _no_websocket
        ),
        clock=lambda: NOW_US,
        address=ListenAddress(tls=tls),
        limits=limits,
        events=DoorEvents(on_refused=world.refused.append, on_bug=world.bugs.append),
    )
    world.door = door
    async with trio.open_nursery() as nursery:
        await nursery.start(lambda task_status: handover.run(task_status=task_status))
        await nursery.start(lambda task_status: door.run(task_status=task_status))
        with trio.fail_after(BOUND_S):
            yield world
        nursery.cancel_scope.cancel()


async def _no_websocket(request: LiveRequest, stream: trio.abc.Stream) -> None:
    raise AssertionError("no WebSocket is expected here")


@dataclass
class Answer:
    """One answer as it was on the wire."""

    status: int
    headers: dict[str, str]
    body: bytes


class Client:
    """A raw connection."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self.stream = stream
        self._buffer = b""

    async def send(self, data: bytes) -> None:
        await self.stream.send_all(data)

    async def answer(self, *, body: bool = True) -> Answer:
        """Read one answer that has a length or chunks, or a 1xx, 204, 304 or HEAD answer that has no body."""
        while b"\r\n\r\n" not in self._buffer:
            await self._more()
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        status_line, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        status = int(status_line.split(" ")[1])
        length = int(headers.get("content-length", "0")) if body and status >= 200 else 0
        while len(self._buffer) < length:
            await self._more()
        content, self._buffer = self._buffer[:length], self._buffer[length:]
        if body and headers.get("transfer-encoding") == "chunked":
            content = b"".join([piece async for piece in self._chunks()])
        return Answer(status, headers, content)

    async def _chunks(self) -> AsyncIterator[bytes]:
        piece = b"-"
        while piece:
            while b"\r\n" not in self._buffer:
                await self._more()
            size, _, self._buffer = self._buffer.partition(b"\r\n")
            length = int(size, 16)
            while len(self._buffer) < length + 2:
                await self._more()
            piece, self._buffer = self._buffer[:length], self._buffer[length + 2 :]
            yield piece

    async def rest(self) -> bytes:
        """Read to the end of the connection."""
        data, self._buffer = self._buffer, b""
        while piece := await self.stream.receive_some():
            data += piece
        return data

    async def _more(self) -> None:
        piece = await self.stream.receive_some()
        if not piece:
            raise EOFError(f"the connection ended after {self._buffer!r}")
        self._buffer += piece


async def connect(world: WebDoor, receive_buffer_bytes: int | None = None) -> Client:
    assert world.door is not None
    if receive_buffer_bytes is None:
        return Client(await trio.open_tcp_stream("127.0.0.1", world.door.port))
    small = socket.socket()
    small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
    stream = trio.SocketStream(trio.socket.from_stdlib_socket(small))
    await stream.socket.connect(("127.0.0.1", world.door.port))
    return Client(stream)


async def ask(world: WebDoor, data: bytes) -> Answer:
    client = await connect(world)
    async with client.stream:
        await client.send(data)
        return await client.answer()


def post(path: str, body: bytes, *headers: str) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: x", f"User-Agent: {BROWSER}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def get(path: str, *headers: str, method: str = "GET") -> bytes:
    return (
        "\r\n".join([f"{method} {path} HTTP/1.1", "Host: x", f"User-Agent: {BROWSER}", *headers]).encode() + b"\r\n\r\n"
    )
