"""`vts seed`: a realistic demo site, sent through the front door of a running VTS.

Everything goes over HTTP with a service token, so what the seed shows is what any host application would get.
"""

from __future__ import annotations

import math
import random
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

import click
import httpx
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from vts.cli.client import headers_of, refuse, speaking_to
from vts.model import identity
from vts.model.day import DAY_US, HOUR_US

BATCH: Final = 500  # the largest array that the capture API takes
ARTISTS: Final = 40
TIMEOUT_S: Final = 30

_MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) AppleWebKit/605.1.15"
_IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15"
AGENTS: Final = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36",
    f"{_MAC} (KHTML, like Gecko) Version/17.5 Safari/605.1.15",
    f"{_IPHONE} Version/17.5 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Mobile Safari/537.36",
    "Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/604.1",
    "Mozilla/5.0 (SMART-TV; Linux; Tizen 7.0) AppleWebKit/537.36 (KHTML, like Gecko) TV Safari/537.36",
)
REFERRERS: Final = (
    None,
    None,
    "https://www.google.com/",
    "https://bsky.app/",
    "https://news.ycombinator.com/",
    "https://duckduckgo.com/",
)
VIEW_TYPES: Final = ("intentional",) * 5 + ("listing",) * 3 + ("search", "widget")
NETWORKS: Final = ("8.8", "81.2", "177.32", "133.11", "196.25", "103.21", "5.9", "90.1", "200.221", "41.0")
ADJECTIVES: Final = ("Quiet", "Neon", "Lost", "Tiny", "Golden", "Broken", "Slow", "Distant", "Paper", "Midnight")
NOUNS: Final = ("Harbour", "Forest", "Machine", "Garden", "Signal", "Tower", "River", "Mask", "Window", "Moon")


def contents(count: int, rng: random.Random) -> Iterator[dict[str, Any]]:
    """Yield the rows of `POST /api/content`: mostly artworks, some blog posts and playlists."""
    kinds = ("artwork",) * 8 + ("blog", "playlist")
    for post_id in range(1, count + 1):
        title = f"{rng.choice(ADJECTIVES)} {rng.choice(NOUNS)} {post_id}"
        yield {
            "post_id": post_id,
            "kind": rng.choice(kinds),
            "owner_id": rng.randint(1, ARTISTS),
            "title": title,
            "hashtags": rng.sample(["pixel", "loop", "night", "city", "nature"], 2),
        }


def players(count: int, rng: random.Random) -> Iterator[dict[str, Any]]:
    """Yield the rows of `POST /api/players`, the same keys for the same random seed."""
    for number in range(1, count + 1):
        key = uuid.UUID(bytes=rng.randbytes(16), version=4)
        country = rng.choice(("BR", "DE", "US", "JP"))
        yield {
            "player_key": str(key),
            "owner_id": rng.randint(1, ARTISTS),
            "name": f"Wall {number}",
            "country": country,
        }


def views(count: int, posts: int, days: int, now_us: int, rng: random.Random) -> Iterator[dict[str, Any]]:
    """Yield views of the last `days` days: few contents get most of them, evenings more than nights."""
    for _ in range(count):
        when_us = _moment(now_us, days, rng)
        yield {
            "post_id": min(posts, int(posts ** rng.random() ** 1.5)),
            "event_id": identity.text_of(identity.version_7(when_us, rng.randbytes(10))),
            "view_type": rng.choice(VIEW_TYPES),
            "client_ip": f"{rng.choice(NETWORKS)}.{int(rng.paretovariate(1)) % 256}.{rng.randint(1, 254)}",
            "user_agent": rng.choice(AGENTS),
            "referrer": rng.choice(REFERRERS),
        }


def _moment(now_us: int, days: int, rng: random.Random) -> int:
    oldest_us = (now_us // DAY_US - days + 1) * DAY_US  # what is older is too late
    while True:
        when_us = now_us - int(rng.random() * (now_us - oldest_us))
        hour = when_us % DAY_US / HOUR_US
        if rng.random() < 0.6 + 0.4 * math.sin((hour - 14) / 24 * 2 * math.pi):
            return when_us


def batched(rows: Iterator[dict[str, Any]], size: int) -> Iterator[list[dict[str, Any]]]:
    """Yield lists of up to `size` rows."""
    while batch := list(islice(rows, size)):
        yield batch


def run(url: str, token: str, *, posts: int, devices: int, events: int, days: int, seed: int) -> None:
    """Send the demo site. Raises ClickException that says what the server refused."""
    rng = random.Random(seed)  # noqa: S311 -- a demo that repeats, not a secret
    now_us = time.time_ns() // 1000
    plan = (
        ("contents", "/api/content", contents(posts, rng), posts),
        ("players", "/api/players", players(devices, rng), devices),
        ("views", "/api/view", views(events, posts, days, now_us, rng), events),
    )
    columns = (TextColumn("{task.description:<9}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    client = httpx.Client(base_url=url, headers=headers_of(token), timeout=TIMEOUT_S)
    dropped: Counter[str] = Counter()
    with speaking_to(url), client, Progress(*columns) as progress:
        for name, path, rows, total in plan:
            task = progress.add_task(name, total=total)
            for batch in batched(rows, BATCH):
                progress.advance(task, _taken(_send(client, path, batch), dropped))
    for reason, count in sorted(dropped.items()):
        click.echo(f"not counted: {count:,} views, {reason}")


def _taken(said: dict[str, Any], dropped: Counter[str]) -> int:
    """Return how many rows of an answer are kept, and note why the others are not."""
    dropped.update(said.get("dropped", {}))
    return int(said.get("accepted", said.get("upserted", 0)))


def _send(client: httpx.Client, path: str, batch: list[dict[str, Any]]) -> dict[str, Any]:
    answer = client.post(path, json=batch)
    while answer.status_code == httpx.codes.SERVICE_UNAVAILABLE:
        time.sleep(float(answer.headers.get("Retry-After", "1")))
        answer = client.post(path, json=batch)
    refuse(answer, path)
    said: dict[str, Any] = answer.json()
    return said
