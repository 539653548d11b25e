"""`vts watch post:42`: live counts in a terminal, a line for every change."""

from __future__ import annotations

import json
import ssl
import sys
from collections.abc import Iterable
from typing import Any

import click
import msgspec
import trio
from trio_websocket import ConnectionClosed, ConnectionRejected, HandshakeError, WebSocketConnection, open_websocket_url

from vts.cli.client import headers_of, no_answer, refusal
from vts.cli.mistakes import CannotRun
from vts.live.topics import STREAM, BadTopic, read_name
from vts.model.content import KINDS


def checked(names: Iterable[str]) -> list[str]:
    """Return the names of topics as the server writes them; `blog:1030` is `post:blog:1030`.

    Raises click.UsageError for one that is none.
    """
    try:
        return list(dict.fromkeys(read_name(f"post:{name}" if _is_content(name) else name).name for name in names))
    except BadTopic as fault:
        raise click.UsageError(str(fault)) from None


def _is_content(name: str) -> bool:
    kind = name.partition(":")[0]
    return kind in KINDS and kind != STREAM


def line_of(message: dict[str, Any]) -> str:
    """Say one message of the live stream in a line."""
    if "error" in message:
        return f"{message.get('topic') or ''} error: {message['error']}".strip()
    if message["topic"] == "top":
        posts = ", ".join(f"{row['post_id']}: {row['views_today']}" for row in message.get("posts", []))
        return f"top  {posts}"
    return (
        f"{message['at']}  {message['topic']}  views {message['views']}  today {message['views_today']}  "
        f"viewers today {message['unique_viewers_today']}  now {message['viewers_now']}"
    )


async def follow(url: str, topics: list[str], token: str, limit: int | None) -> None:
    """Print changes until interrupted, or `limit` of them. Raises ClickException when the stream ends.

    It ends, too, when the server has refused every topic.
    """
    address = url.replace("http", "ws", 1).rstrip("/") + "/live"
    headers = [(name.encode(), value.encode()) for name, value in headers_of(token).items()]
    try:
        async with open_websocket_url(address, extra_headers=headers) as socket:
            await socket.send_message(json.dumps({"op": "subscribe", "topics": topics}))
            await _print(socket, set(topics), limit)
    except ConnectionRejected as fault:
        raise click.ClickException(refusal(fault.status_code, _error_in(fault.body))) from None
    except (OSError, HandshakeError, ssl.SSLError, trio.BrokenResourceError) as fault:
        raise click.ClickException(no_answer(url, fault)) from None
    except ConnectionClosed as fault:
        why = fault.reason.reason if fault.reason is not None else None
        raise click.ClickException(f"the stream ended: {why or 'the connection was closed'}") from None


async def _print(socket: WebSocketConnection, topics: set[str], limit: int | None) -> None:
    seen = 0
    while limit is None or seen < limit:
        message = json.loads(await socket.get_message())
        click.echo(line_of(message), err="error" in message)
        sys.stdout.flush()
        seen += 1
        if "error" in message:
            topics.discard(message.get("topic"))
            if not topics:
                raise CannotRun("there is nothing left to follow")


def _error_in(body: bytes | None) -> str:
    try:
        return str(msgspec.json.decode(body or b"", type=dict[str, str])["error"])
    except (msgspec.DecodeError, KeyError):
        return "refused"


def run(url: str, topics: list[str], token: str, limit: int | None) -> None:
    """Follow topics until the user stops it."""
    try:
        trio.run(follow, url, topics, token, limit)
    except KeyboardInterrupt:
        raise SystemExit(0) from None
