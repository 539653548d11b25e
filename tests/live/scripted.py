"""A scripted world for the live counts: a database that counts, a clock, a hub, commits and notices."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import trio

from vts.live.asking import Sources
from vts.live.board import Reader
from vts.live.hub import Hub
from vts.live.topics import Topic
from vts.live.tracks import Counts, TopRow
from vts.model.committed import Committed, DayTotals, notices_of
from vts.model.day import DAY_US, SECOND_US, day_of
from vts.model.faults import StoreUnavailable
from vts.model.principal import Principal
from vts.model.reference import References
from vts.model.view import ViewEvent

HERE = b"h" * 16
THERE = b"t" * 16
NOON_US = 20_000 * DAY_US + DAY_US // 2
OWNER = Principal(7, frozenset(("user",)))
MODERATOR = Principal(1, frozenset(("moderator",)))


def viewer(number: int) -> bytes:
    return number.to_bytes(8, "big") * 2


def player_viewer(player_key: bytes) -> bytes:
    return bytes(byte ^ 0xFF for byte in player_key)


@dataclass
class CommittedViews:
    """What is committed, and how often it was asked for."""

    owners: dict[int, int] = field(default_factory=dict)
    views: Counter[tuple[int, int]] = field(default_factory=Counter)  # (post, day)
    viewers: dict[tuple[int, int], set[bytes]] = field(default_factory=dict)
    players: Counter[tuple[bytes, int]] = field(default_factory=Counter)
    asked: Counter[str] = field(default_factory=Counter)
    away: bool = False
    on_counts: Callable[[], None] = lambda: None  # what happens while the question is on its way
    hidden: set[int] = field(default_factory=set)
    start_us: int = NOON_US
    references: References | None = None

    def clock(self) -> int:
        return self.start_us + int(trio.current_time() * SECOND_US) - self._zero

    def __post_init__(self) -> None:
        self._zero = int(trio.current_time() * SECOND_US)

    def commit(self, *seen: tuple[int, bytes], day: int | None = None, player_key: bytes | None = None) -> Committed:
        """Views of (post, viewer), now or on another day."""
        now_us = self.clock()
        day = day_of(now_us) if day is None else day
        at_us = now_us if day == day_of(now_us) else day * DAY_US
        touched: dict[int, None] = {}
        for post_id, who in seen:
            for counted in (post_id, 0):
                self.views[counted, day] += 1
                self.viewers.setdefault((counted, day), set()).add(who)
                touched[counted] = None
            if player_key is not None:
                self.players[player_key, day] += 1
        return Committed(
            journal_id=HERE,
            last_seq=0,
            records=len(seen),
            events=[event(post_id, who, at_us, player_key) for post_id, who in seen],
            totals=[
                DayTotals(post_id, day, self.views[post_id, day], len(self.viewers[post_id, day]))
                for post_id in touched
            ],
        )

    def notices(self, committed: Committed, journal: bytes = THERE) -> list[str]:
        """The same batch, as a notice of another process."""
        theirs = Committed(
            journal_id=journal, last_seq=0, records=committed.records, events=committed.events, totals=committed.totals
        )
        return notices_of(theirs, self.clock())

    def _answer(self, what: str) -> None:
        self.asked[what] += 1
        if self.away:
            raise StoreUnavailable("scripted")

    def _counts(self, posts: Collection[int], today: int) -> Counts:
        keys = [key for key in self.views if key[0] in posts and key[1] <= today]
        of_today = [key for key in keys if key[1] == today]
        unique: set[bytes] = set().union(*(self.viewers[key] for key in of_today))
        return sum(self.views[key] for key in keys), sum(self.views[key] for key in of_today), len(unique)

    async def counts(self, post_ids: Sequence[int], day: int) -> dict[int, Counts]:
        self._answer("counts")
        self.on_counts()
        answer = {
            post_id: self._counts([post_id], day) for post_id in post_ids if any(k[0] == post_id for k in self.views)
        }
        await trio.sleep(0.01)
        return answer

    async def artist_posts(self, user_id: int) -> list[int]:
        self._answer("artist_posts")
        return [post_id for post_id, owner in self.owners.items() if owner == user_id]

    async def artist_counts(self, user_id: int, day: int) -> Counts:
        self._answer("artist_counts")
        return self._counts([post_id for post_id, owner in self.owners.items() if owner == user_id], day)

    async def player_counts(self, player_key: bytes, today: int) -> Counts:
        self._answer("player_counts")
        total = sum(count for (key, _), count in self.players.items() if key == player_key)
        count = self.players[player_key, today]
        return total, count, min(count, 1)

    async def top(self, limit: int, day: int) -> list[TopRow]:
        self._answer("top")
        posts = sorted(
            {k[0] for k in self.views if k[0] and k[0] not in self.hidden}, key=lambda post_id: self._rank(post_id, day)
        )
        rows = []
        for post_id in posts[:limit]:
            views, today, unique = self._counts([post_id], day)
            rows.append(
                TopRow(
                    post_id=post_id,
                    title=f"post {post_id}",
                    views=views,
                    views_today=today,
                    unique_viewers_today=unique,
                )
            )
        return rows

    def _rank(self, post_id: int, day: int) -> tuple[int, int]:
        return -self._counts([post_id], day)[1], post_id

    def sources(self) -> Sources:
        return Sources(
            counts=self.counts,
            artist_counts=self.artist_counts,
            artist_posts=self.artist_posts,
            player_counts=self.player_counts,
            top=self.top,
            owner_of=self.owners.get,
            viewer_of_player=player_viewer,
            references=lambda: self.references,
        )


def event(post_id: int, who: bytes, at_us: int, player_key: bytes | None = None) -> ViewEvent:
    return ViewEvent(
        post_id=post_id,
        event_day=day_of(at_us),
        event_id=os.urandom(16),
        viewer_key=who,
        key_version=1,
        viewer_user_id=None,
        authenticated=False,
        country_code=None,
        device_type="desktop",
        view_source="web",
        view_type="intentional",
        user_agent_hash=None,
        referrer_domain=None,
        player_key=player_key,
        local_datetime=None,
        local_timezone=None,
        local_hour=None,
        local_weekday=None,
        play_order=None,
        channel=None,
        channel_context=None,
        playlist_id=None,
        created_at=at_us,
    )


def everyone(principal: Principal | None, topic: Topic) -> bool:
    return True


def make_hub(world: CommittedViews, may_see: Callable[[Principal | None, Topic], Any] = everyone, **bounds: int) -> Hub:
    bounds = {"clients_max": 100, "clients_per_address": 50} | bounds
    return Hub(world.sources(), may_see, clock=world.clock, journal_id=lambda: HERE, **bounds)


@asynccontextmanager
async def running(world: CommittedViews, **options: Any) -> AsyncIterator[Hub]:
    hub = make_hub(world, **options)
    async with trio.open_nursery() as nursery:
        await nursery.start(hub.run)
        yield hub
        nursery.cancel_scope.cancel()


async def next_message(reader: Reader, within_s: float = 5.0) -> dict[str, Any]:
    """The next message of a reader."""
    with trio.fail_after(within_s):
        frame = await reader.next()
    assert frame is not None
    message: dict[str, Any] = json.loads(frame.text)
    return message


async def silent(reader: Reader, for_s: float) -> bool:
    """Return whether a reader gets no message for so long."""
    with trio.move_on_after(for_s) as patience:
        await reader.next()
    return patience.cancelled_caught
