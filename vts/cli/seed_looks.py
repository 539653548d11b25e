"""How people look at the demo site of `vts seed`: from where, with what, through which channel. Pure."""

from __future__ import annotations

import datetime as dt
import math
import random
from dataclasses import dataclass
from typing import Any, Final

MARK: Final = "seed-"
FANS: Final = 400
VISITORS: Final = 3_000  # addresses from which anonymous people come
NETWORKS: Final = {
    "US": "8.8", "GB": "81.2", "BR": "177.32", "JP": "133.11", "ZA": "196.25", "IN": "103.21",
    "DE": "5.9", "FR": "90.1",
}  # fmt: skip
ZONES: Final = {"US": "America/New_York", "BR": "America/Sao_Paulo", "DE": "Europe/Berlin", "JP": "Asia/Tokyo"}
REFERRERS: Final = (None, None, "www.google.com", "bsky.app", "news.ycombinator.com", "duckduckgo.com")
TYPES: Final = ("intentional",) * 5 + ("listing",) * 3 + ("search", "widget")
CHANNELS: Final = ("all", "promoted", "user", "by_user", "artwork", "hashtag", "playlist", "reactions")
_MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) AppleWebKit/605.1.15"
_CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0"
_IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15"
AGENTS: Final = (
    ("desktop", f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_CHROME} Safari/537.36"),
    ("desktop", f"{_MAC} (KHTML, like Gecko) Version/17.5 Safari/605.1.15"),
    ("mobile", f"{_IPHONE} Version/17.5 Mobile/15E148 Safari/604.1"),
    ("mobile", f"Mozilla/5.0 (Linux; Android 14; Pixel 8) {_CHROME} Mobile Safari/537.36"),
    ("tablet", f"{_IPHONE.replace('iPhone; CPU iPhone', 'iPad; CPU')} (KHTML, like Gecko) Version/17.5 Safari/604.1"),
    ("tv", "Mozilla/5.0 (SMART-TV; Linux; Tizen 7.0) AppleWebKit/537.36 (KHTML, like Gecko) TV Safari/537.36"),
)  # fmt: skip

Row = dict[str, Any]
Facts = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Look:
    """A way to look at something: the fields of a view, and the values under which it counts."""

    fields: Row
    facts: Facts
    visitor: int
    fan: int | None


def look_of(rng: random.Random, playlists: list[str]) -> Look:
    """Return a way to look at something."""
    country = rng.choices(list(NETWORKS), [30, 10, 16, 9, 3, 12, 12, 8])[0]
    device, agent = rng.choices(AGENTS, [8, 5, 7, 7, 2, 1])[0]
    referrer, view_type = rng.choice(REFERRERS), rng.choice(TYPES)
    visitor = int(VISITORS * rng.random() ** 1.5)
    fan = rng.randrange(FANS) if rng.random() < 0.2 else None
    hour = next(hour for hour in iter(lambda: rng.randrange(24), None) if rng.random() < _busy(hour))
    facts = [
        ("country", country),
        ("device", device),
        ("type", view_type),
        ("source", "web"),
        ("hour_utc", str(hour)),
    ]
    fields: Row = {
        "view_type": view_type,
        "user_agent": agent,
        "hour": hour,
        "client_ip": f"{NETWORKS[country]}.{visitor // 250 % 256}.{visitor % 250 + 1}",
    }
    if referrer:
        fields["referrer"] = f"https://{referrer}/"
        facts.append(("referrer", referrer.removeprefix("www.")))
    if rng.random() < 0.6:
        fields["channel"] = rng.choice(CHANNELS)
        facts.append(("channel", fields["channel"]))
    if fields.get("channel") == "playlist" and playlists:
        fields |= {"playlist_id": rng.choice(playlists), "play_order": rng.randrange(3)}
        facts += [("playlist", fields["playlist_id"]), ("play_order", str(fields["play_order"]))]
    if fan is not None:
        fields["user_id"] = f"{MARK}fan-{fan}"
    return Look(fields, tuple(facts), visitor, fan)


def counted(date: dt.date, looks: list[Look]) -> Row:
    """Return a row of counters of a day."""
    breakdowns: dict[str, dict[str, list[int]]] = {}
    for look in looks:
        signed = int(look.fan is not None)
        for dimension, value in look.facts:
            count(breakdowns, dimension, value, signed)
    return {
        "day": str(date),
        "views": len(looks),
        "views_authenticated": sum(look.fan is not None for look in looks),
        **people("unique_viewers", looks),
        "breakdowns": breakdowns,
    }


def count(breakdowns: dict[str, dict[str, list[int]]], dimension: str, value: str, signed: int) -> None:
    """Count a value once more."""
    pair = breakdowns.setdefault(dimension, {}).setdefault(value, [0, 0])
    pair[0] += 1
    pair[1] += signed


def people(name: str, looks: list[Look]) -> Row:
    """Return how many different people looked: all, and those who were signed in."""
    fans = {look.fan for look in looks if look.fan is not None}
    others = {(look.visitor, look.fields["user_agent"]) for look in looks if look.fan is None}
    return {name: len(fans) + len(others), f"{name}_authenticated": len(fans)}


def _busy(hour: int) -> float:
    return 0.6 + 0.4 * math.sin((hour - 14) / 24 * 2 * math.pi)
