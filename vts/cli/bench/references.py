"""What VTS is compared with, each as a process: two responders that answer 202 and do nothing, and a plain COPY.

`python -m vts.cli.bench.references TASK`, a `Responder` or a `Copy` as JSON. A responder writes its port in a line and
serves until its standard input is closed; a copy answers a `Copied`.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import sys
import threading
import time
import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final, Literal

import asyncpg
import httptools
import msgspec
import trio
from hypercorn.config import Config
from hypercorn.trio import serve

from vts.cli.bench import ids

BODY: Final = b'{"accepted":1,"dropped":{}}'
ANSWER: Final = b"HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (
    len(BODY),
    BODY,
)
CHUNK: Final = 65536
COPY_ROWS: Final = 2_000
COPY_POSTS: Final = 1_000
COLUMNS: Final = [
    "post_id",
    "created_at",
    "event_day",
    "key_version",
    "authenticated",
    "event_id",
    "viewer_key",
    "device_type",
    "view_source",
    "view_type",
    "viewer_user_id",
    "playlist_id",
    "local_datetime",
    "local_hour",
    "local_weekday",
    "play_order",
    "player_key",
    "country_code",
    "user_agent_hash",
    "referrer_domain",
    "local_timezone",
    "channel",
    "channel_context",
]


class Responder(msgspec.Struct, frozen=True, tag=True):
    """A responder to serve."""

    kind: Literal["httptools", "hypercorn"]


class Copy(msgspec.Struct, frozen=True, tag=True):
    """Rows to copy into tomorrow's partition, which is empty before and after."""

    url: str
    seconds: float


class Copied(msgspec.Struct, frozen=True):
    """How many rows were committed."""

    rows: int
    seconds: float


class Request:
    """Takes a request apart and forgets it."""

    def __init__(self) -> None:
        self.done = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        """Look at a header."""

    def on_body(self, body: bytes) -> None:
        """Look at the body."""

    def on_message_complete(self) -> None:
        """Count a request."""
        self.done += 1


async def respond(stream: trio.SocketStream) -> None:
    """Answer every request of a connection."""
    request = Request()
    parser = httptools.HttpRequestParser(request)
    with suppress(trio.BrokenResourceError):  # wrk hangs up in the middle
        while data := await stream.receive_some(CHUNK):
            parser.feed_data(data)
            if request.done:
                await stream.send_all(ANSWER * request.done)
                request.done = 0


async def application(
    scope: dict[str, Any],
    receive: Callable[[], Awaitable[dict[str, Any]]],
    send: Callable[[dict[str, Any]], Awaitable[None]],
) -> None:
    """Be the smallest ASGI application that reads its body."""
    if scope["type"] == "lifespan":
        while (message := await receive())["type"] != "lifespan.shutdown":
            await send({"type": message["type"] + ".complete"})
        return
    while (await receive()).get("more_body"):
        pass
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(BODY))]
    await send({"type": "http.response.start", "status": 202, "headers": headers})
    await send({"type": "http.response.body", "body": BODY})


async def serve_responder(kind: str) -> None:
    """Serve on a free port of loopback and say which."""
    listener = (await trio.open_tcp_listeners(0, host="127.0.0.1"))[0]
    port = listener.socket.getsockname()[1]
    say(port)
    if kind == "httptools":
        await trio.serve_listeners(respond, [listener])
        return
    config = Config()
    config.bind = [f"fd://{listener.socket.fileno()}"]
    config.accesslog = config.errorlog = None
    await serve(application, config)  # type: ignore[arg-type]  # which wants the scope's exact type


def say(value: object) -> None:
    """Write one line of JSON."""
    sys.stdout.buffer.write(msgspec.json.encode(value) + b"\n")
    sys.stdout.buffer.flush()


async def copy(task: Copy) -> Copied:
    """COPY batches of 2,000 rows, each a transaction, into a day partition with its key."""
    day = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=1)
    table = f"view_events_{day:%Y%m%d}"
    connection = await asyncpg.connect(task.url, server_settings={"synchronous_commit": "on"})
    await connection.execute("SELECT make_day($1)", day)
    if await connection.fetchval(f"SELECT EXISTS (SELECT FROM {table})"):  # noqa: S608 -- our own name
        raise SystemExit(f"{table} is not empty")
    try:
        return await copy_into(connection, table, day, task.seconds)
    finally:
        await connection.execute(f"TRUNCATE {table}")
        with suppress(asyncpg.InsufficientPrivilegeError):
            await connection.execute("CHECKPOINT")  # what this has written is not VTS's to flush
        await connection.close()


async def copy_into(connection: Any, table: str, day: dt.date, seconds: float) -> Copied:
    """Copy until the time is over."""
    series = int.from_bytes(uuid.uuid4().bytes[:2], "big")
    started = time.monotonic()
    rows = 0
    while (took := time.monotonic() - started) < seconds:
        batch = [row_of(series, number, day) for number in range(rows, rows + COPY_ROWS)]
        await connection.copy_records_to_table(table, records=batch, columns=COLUMNS)
        rows += COPY_ROWS
    return Copied(rows, took)


def row_of(series: int, number: int, day: dt.date) -> tuple[object, ...]:
    """Write a row like the ones that the load leaves behind."""
    at = dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC) + dt.timedelta(microseconds=number)
    text = (number % COPY_POSTS + 1, at, day, 1, False, ids.event_id(series, number), series.to_bytes(16, "big"))
    return (*text, "desktop", "web", "intentional", *[None] * 8, b"0123456789abcdef", None, None, None, None)


def end_with_parent() -> None:
    """End this process as soon as its standard input is closed."""

    def wait() -> None:
        sys.stdin.buffer.read()
        os._exit(0)

    threading.Thread(target=wait, daemon=True).start()


def main() -> None:
    """Do the task of the command line."""
    task = msgspec.json.decode(sys.argv[1], type=Responder | Copy)
    if isinstance(task, Copy):
        say(asyncio.run(copy(task)))
    else:
        end_with_parent()
        trio.run(serve_responder, task.kind)


if __name__ == "__main__":
    main()
