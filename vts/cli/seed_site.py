"""The demo site of `vts seed`: what it has and what happens on it, the same for the same numbers. Pure.

Everything is named in a range of its own: contents `artwork:seed-7`, people `seed-artist-3` and `seed-fan-9`. No
integer and no text of a host's own can be among them. A day's events depend on the seed and the date alone.
"""

from __future__ import annotations

import datetime as dt
import itertools
import random
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from vts.cli.seed_looks import FANS, MARK, ZONES, Look, Row, count, counted, look_of, people
from vts.model import identity
from vts.model.day import DAY_US, HOUR_US, day_of_date, us_of

ARTISTS: Final = 40
TEMPLATES: Final = 4_096  # different ways to look at something
SPIKE: Final = {0: 6.0, 1: 3.5, 2: 2.0, 3: 1.4}  # days since a content went around → how much more is viewed
SPIKE_AT: Final = 0.8  # of the days
WEEK: Final = (0.9, 0.88, 0.92, 1.0, 1.08, 1.25, 1.2)  # Monday first
PAGES_A_VIEW: Final = 0.6
EMOJI: Final = ("❤️", "🔥", "😂", "👏", "😮")
KINDS: Final = ("artwork",) * 8 + ("blog", "playlist")
PAGE_FACTS: Final = ("country", "device", "referrer", "hour_utc")
PATHS: Final = ("/", "/recent", "/search", "/about", "/artists", "/upload")
ADJECTIVES: Final = ("Quiet", "Neon", "Lost", "Tiny", "Golden", "Broken", "Slow", "Distant", "Paper", "Midnight")
NOUNS: Final = ("Harbour", "Forest", "Machine", "Garden", "Signal", "Tower", "River", "Mask", "Window", "Moon")
HASHTAGS: Final = ("pixel", "loop", "night", "city", "nature")
CATEGORIES: Final = ("abstract", "landscape", "portrait", "animation")


@dataclass(frozen=True)
class DemoSite:
    """`until` is when it was made, in UTC; `views` are those of all days together, without those of players."""

    seed: int
    until: dt.datetime
    posts: int
    players: int
    views: int
    days: int
    credentials: dict[str, str] = field(default_factory=dict)

    @property
    def last(self) -> dt.date:
        """The newest day."""
        return self.until.date()

    @property
    def first(self) -> dt.date:
        """The oldest day."""
        return self.last - dt.timedelta(days=self.days - 1)

    def _rng(self, *what: object) -> random.Random:
        return random.Random(f"{self.seed} {what}")  # noqa: S311 -- a demo that repeats, not a secret

    @cached_property
    def refs(self) -> list[str]:
        """Return how the contents are named, the most viewed first."""
        rng = self._rng("kinds")
        return [f"{rng.choice(KINDS)}:{MARK}{number}" for number in range(1, self.posts + 1)]

    @cached_property
    def playlists(self) -> list[str]:
        """Return those that are playlists."""
        return [ref for ref in self.refs if ref.startswith("playlist:")][:20]

    @cached_property
    def created(self) -> list[int]:
        """Return on which day of the site, from 0, each content was made: a third was there before."""
        rng = self._rng("created")
        return [0 if rng.random() < 0.33 else int(rng.random() * self.days * 0.97) for _ in self.refs]

    def contents(self) -> Iterator[Row]:
        """Yield the rows of `POST /api/content`."""
        rng = self._rng("contents")
        for place, ref in enumerate(self.refs):
            day = self.first + dt.timedelta(days=self.created[place])
            yield {
                "post_id": ref,
                "owner_id": f"{MARK}artist-{1 + int(ARTISTS * rng.random() ** 2)}",
                "title": f"{rng.choice(ADJECTIVES)} {rng.choice(NOUNS)} {place + 1}",
                "category": rng.choice(CATEGORIES),
                "hashtags": rng.sample(HASHTAGS, 2),
                "created_at": f"{day}T00:00:00Z",
            }

    def player_rows(self) -> Iterator[Row]:
        """Yield the rows of `POST /api/players`, with the credentials by which they report."""
        rng = self._rng("players")
        for number in range(1, self.players + 1):
            key, credential = str(uuid.UUID(bytes=rng.randbytes(16), version=4)), rng.randbytes(32).hex()
            self.credentials[key] = credential
            yield {
                "player_key": key,
                "owner_id": f"{MARK}artist-{rng.randint(1, ARTISTS)}",
                "name": f"Demo wall {number}",
                "country": rng.choice(list(ZONES)),
                "credential": credential,
            }

    def reactions(self) -> Iterator[Row]:
        """Yield the rows of `POST /api/reactions`: more for what is viewed more."""
        rng = self._rng("reactions")
        for place, ref in enumerate(self.refs):
            for fan in rng.sample(range(FANS), min(40, 1 + 60 // (place + 2))):
                yield {"post_id": ref, "user_id": f"{MARK}fan-{fan}", "emoji": rng.choice(EMOJI), "op": "add"}

    def comments(self) -> Iterator[Row]:
        """Yield the rows of `POST /api/comments`."""
        rng = self._rng("comments")
        for place, ref in enumerate(self.refs):
            for number in range(rng.randint(0, 2 + 20 // (place + 2))):
                user = f"{MARK}fan-{rng.randrange(FANS)}"
                yield {"post_id": ref, "user_id": user, "comment_id": f"{MARK}{place + 1}-{number}", "op": "add"}

    # ---- days

    @cached_property
    def _looks(self) -> list[Look]:
        rng = self._rng("looks")
        return [look_of(rng, self.playlists) for _ in range(TEMPLATES)]

    @cached_property
    def _shares(self) -> list[float]:
        """Return how much each content is viewed: few get most of it."""
        return [1 / (place + 4) ** 0.85 for place in range(self.posts)]

    @cached_property
    def _strength(self) -> list[float]:
        """Return how much is viewed on each day: it grows, has a weekly rhythm, and once a content goes around."""
        spike = int(self.days * SPIKE_AT)
        return [
            (0.6 + 0.7 * day / self.days)
            * WEEK[(self.first + dt.timedelta(days=day)).weekday()]
            * SPIKE.get(day - spike, 1.0)
            * self._rng("strength", day).uniform(0.92, 1.08)
            for day in range(self.days)
        ]

    def looks_of(self, date: dt.date) -> list[tuple[int, Look]]:
        """Return the views of a day: the place of the content, and how it is looked at."""
        day, rng = (date - self.first).days, self._rng("day", date)
        strength = self._strength[day]
        count = round(self.views * strength / sum(self._strength))
        there = [place for place, created in enumerate(self.created) if created <= day]
        if not there:
            return []
        shares = [self._shares[place] for place in there]
        if (since := day - int(self.days * SPIKE_AT)) in SPIKE:
            shares[len(there) // 3] += sum(shares) * (SPIKE[since] - 1)
        places = rng.choices(there, shares, k=count)
        return list(zip(places, rng.choices(self._looks, k=count), strict=True))

    def counters(self, date: dt.date) -> Iterator[Row]:
        """Yield the rows of `POST /api/import/daily` of a day, post_id 0 for the whole site."""
        looks = self.looks_of(date)
        by_post: dict[int, list[Look]] = {}
        for place, look in looks:
            by_post.setdefault(place, []).append(look)
        for place in sorted(by_post):
            yield {"post_id": self.refs[place], **counted(date, by_post[place])}
        if looks:
            row = counted(date, [look for _, look in looks])
            yield {"post_id": 0, "day": row["day"], "unique_viewers": row["unique_viewers"]}

    def site_counters(self, date: dt.date) -> Row | None:
        """Return the row of `POST /api/import/site-stats` of a day, None for a day without anything."""
        pages, events = self._pages(date), self._host_events(date)
        if not pages:
            return None
        counts = Counter(kind for kind, _ in events)
        breakdowns: dict[str, dict[str, list[int]]] = {}
        for path, look in pages:
            signed = int(look.fan is not None)
            values = [
                ("page", path),
                *(fact for fact in look.facts if fact[0] in ("country", "device", "referrer", "hour_utc")),
            ]
            for dimension, value in values:
                count(breakdowns, dimension, value, signed)
        for kind, error in events:
            if kind == "error":
                count(breakdowns, "error_type", error, 0)
        return {
            "day": str(date),
            "page_views": len(pages),
            "page_views_authenticated": sum(look.fan is not None for _, look in pages),
            **people("unique_visitors", [look for _, look in pages]),
            "signups": counts["signup"],
            "uploads": counts["upload"],
            "errors": counts["error"],
            "breakdowns": breakdowns,
        }

    def view_events(self, date: dt.date) -> Iterator[Row]:
        """Yield the events of `POST /api/view` of a day; those later than `until` are still to come."""
        for number, (place, look) in enumerate(self.looks_of(date)):
            rng = self._rng("view", date, number)
            at_us = _at_us(date, look, rng)
            if at_us <= us_of(self.until):
                fields = {name: value for name, value in look.fields.items() if name != "hour"}
                yield {"post_id": self.refs[place], "event_id": _event_id(at_us, rng), **fields}

    def site_events(self, date: dt.date) -> Iterator[Row]:
        """Yield the events of `POST /api/track/event` of a day, likewise."""
        for number, (path, look) in enumerate(self._pages(date)):
            rng = self._rng("page", date, number)
            at_us = _at_us(date, look, rng)
            names = ("client_ip", "user_agent", "user_id", "referrer")
            fields = {name: look.fields[name] for name in names if name in look.fields}
            if at_us <= us_of(self.until):
                yield {"event_type": "page_view", "page_path": path, "event_id": _event_id(at_us, rng), **fields}
        for number, (kind, error) in enumerate(self._host_events(date)):
            rng = self._rng("host", date, number)
            at_us = day_of_date(date) * DAY_US + rng.randrange(DAY_US)
            if at_us <= us_of(self.until):
                data = {"event_data": {"error_type": error}} if kind == "error" else {}
                yield {"event_type": kind, "event_id": _event_id(at_us, rng), **data}

    def player_views(self, date: dt.date) -> Iterator[tuple[str, Row]]:
        """Yield a player's key and its report, for `POST /player/events/view`."""
        for key in self.credentials:
            rng = self._rng("player", key, date)
            for hour in rng.sample(range(8, 24), 3):
                at_us = day_of_date(date) * DAY_US + hour * HOUR_US + rng.randrange(HOUR_US)
                if at_us > us_of(self.until):
                    continue
                at = dt.datetime.fromtimestamp(at_us / 1_000_000, dt.UTC)
                channel = rng.choice(("all", "promoted", "playlist", "hashtag"))
                yield (
                    key,
                    {
                        "post_id": self.refs[int(len(self.refs) * rng.random() ** 2)],
                        "event_id": _event_id(at_us, rng),
                        "timestamp": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
                        "timezone": rng.choice(list(ZONES.values())),
                        "intent": rng.choice(("channel", "channel", "artwork")),
                        "channel": channel,
                        "play_order": rng.randrange(3),
                        "channel_hashtag": rng.choice(HASHTAGS) if channel == "hashtag" else None,
                        "playlist_id": rng.choice(self.playlists) if channel == "playlist" and self.playlists else None,
                    },
                )

    def _pages(self, date: dt.date) -> list[tuple[str, Look]]:
        rng, looks = self._rng("pages", date), self.looks_of(date)
        return [
            (rng.choice(PATHS) if rng.random() < 0.5 else f"/{self.refs[place].replace(':', '/')}", one)
            for place, one in looks[: int(len(looks) * PAGES_A_VIEW)]
        ]

    def _host_events(self, date: dt.date) -> list[tuple[str, str]]:
        rng, day = self._rng("events", date), (date - self.first).days
        uploads = [("upload", "")] * sum(created == day for created in self.created)
        signups = [("signup", "")] * round(rng.uniform(0, 6) * self._strength[day])
        return [
            *uploads,
            *signups,
            *(("error", rng.choice(("404", "500", "timeout"))) for _ in range(rng.randint(0, 4))),
        ]


def _at_us(date: dt.date, look: Look, rng: random.Random) -> int:
    return day_of_date(date) * DAY_US + int(look.fields["hour"]) * HOUR_US + rng.randrange(HOUR_US)


def _event_id(at_us: int, rng: random.Random) -> str:
    return identity.text_of(identity.version_7(at_us, rng.randbytes(10)))


def batched(rows: Iterator[Row], size: int) -> Iterator[list[Row]]:
    """Yield lists of up to `size` rows."""
    while batch := list(itertools.islice(rows, size)):
        yield batch
