"""`vts watch post:42`: live counts in a terminal, a line for every change."""

from __future__ import annotations

import json
import sys
from typing import Any

import click
import trio
from trio_websocket import ConnectionClosed, HandshakeError, open_websocket_url


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
    """Print changes until interrupted, or `limit` of them. Raises ClickException when the stream ends."""
    address = url.replace("http", "ws", 1).rstrip("/") + "/live"
    try:
        async with open_websocket_url(
            address, extra_headers=[(b"Authorization", f"Bearer {token}".encode())]
        ) as socket:
            await socket.send_message(json.dumps({"op": "subscribe", "topics": topics}))
            seen = 0
            while limit is None or seen < limit:
                click.echo(line_of(json.loads(await socket.get_message())))
                sys.stdout.flush()
                seen += 1
    except (OSError, HandshakeError) as fault:
        raise click.ClickException(f"no live stream at {address}: {fault}") from None
    except ConnectionClosed as fault:
        raise click.ClickException(f"the stream ended: {fault.reason}") from None


def run(url: str, topics: list[str], token: str, limit: int | None) -> None:
    """Follow topics until the user stops it."""
    try:
        trio.run(follow, url, topics, token, limit)
    except KeyboardInterrupt:
        raise SystemExit(0) from None
