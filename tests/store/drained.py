"""What the drain's tests share: events, a journal in memory, a supervisor in miniature, the recount that decides."""

from __future__ import annotations

import json
import random
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec
import trio

from vts.model import identity
from vts.model.committed import Committed
from vts.model.day import DAY_US, HOUR_US, date_of, day_of_date, us_of
from vts.model.faults import StoreUnavailable
from vts.model.journal_run import Run
from vts.model.view import ViewEvent
from vts.store.drain.actor import Drain
from vts.store.session.connection import Connection, Database

DAY = 20_454  # 2026-01-01
NOON_US = DAY * DAY_US + 12 * HOUR_US


def event(chance: random.Random, *, post_id: int = 1, day: int = DAY, version: int = 7, **fields: object) -> ViewEvent:
    """Return a plausible view, with the given fields."""
    created_at = day * DAY_US + chance.randrange(DAY_US)
    raw = bytearray(chance.randbytes(16))
    raw[6] = version << 4 | raw[6] & 0x0F
    raw[8] = 0x80 | raw[8] & 0x3F
    view = ViewEvent(
        post_id=post_id,
        event_day=day,
        event_id=identity.version_7(created_at, chance.randbytes(10)) if version == 7 else bytes(raw),
        viewer_key=chance.randbytes(16),
        key_version=1,
        viewer_user_id=None,
        authenticated=chance.random() < 0.3,
        country_code=chance.choice([None, "BR", "DE", "US"]),
        device_type=chance.choice(["desktop", "mobile"]),
        view_source="web",
        view_type="intentional",
        user_agent_hash=chance.randbytes(16),
        referrer_domain=chance.choice([None, "example.org"]),
        player_key=None,
        local_datetime=None,
        local_timezone=None,
        local_hour=chance.choice([None, 7]),
        local_weekday=None,
        play_order=chance.choice([None, 0, 2]),
        channel=None,
        channel_context=None,
        playlist_id=chance.choice([None, 9]),
        created_at=created_at,
    )
    return msgspec.structs.replace(view, **fields)


class Part(msgspec.Struct, frozen=True):
    records: list[ViewEvent]
    last_seq: int
    run: Run


class ListJournal:
    """A journal in memory: a row is a list of events. It keeps everything, so that it can be drained again."""

    def __init__(self, journal_id: bytes) -> None:
        self.journal_id = journal_id
        self.runs = [Run(1, journal_id)]
        self.rows: list[list[ViewEvent]] = []
        self.told = -1
        self.opened = trio.Event()
        self._grown = trio.Event()

    def append(self, *events: ViewEvent) -> None:
        self.rows.append(list(events))
        self._grown.set()
        self._grown = trio.Event()

    @property
    def depth(self) -> int:
        return sum(map(len, self.rows[max(self.told, 0) :]))

    async def read(self, after: int, limit_rows: int) -> Part:
        await trio.lowlevel.checkpoint()
        records: list[ViewEvent] = []
        upto = after
        while upto < len(self.rows) and (not records or len(records) + len(self.rows[upto]) <= limit_rows):
            records += self.rows[upto]
            upto += 1
        return Part(records, upto, self.runs[-1])

    @property
    def last_seq(self) -> int:
        return len(self.rows)

    def becomes(self, run_id: bytes) -> None:
        """All of it is now of another run: to the database it is another journal."""
        self.runs = [Run(1, run_id)]

    async def wait_beyond(self, seq: int) -> None:
        while len(self.rows) <= seq:
            await self._grown.wait()

    def drained(self, seq: int) -> None:
        self.told = seq
        self.opened.set()


class Told:
    """What a drain reported, in order."""

    def __init__(self) -> None:
        self.commits: list[Committed] = []
        self._more = trio.Event()

    def __call__(self, committed: Committed) -> None:
        self.commits.append(committed)
        self._more.set()
        self._more = trio.Event()

    async def wait_for(self, commits: int) -> None:
        with trio.fail_after(60):
            while len(self.commits) < commits:
                await self._more.wait()

    def events(self) -> list[ViewEvent]:
        return [event for commit in self.commits for event in commit.events]


def drain_of(connect: Callable[[], Awaitable[Connection]], journal: ListJournal, told: Told, **settings: Any) -> Drain:
    return Drain(
        connect=connect,
        journal=journal,
        on_committed=told,
        clock=lambda: NOON_US,
        **settings,
    )


async def finish(drain: Drain, restarts: int = 5) -> int:
    """Let the drain empty its journal and return. Returns how often it was started again."""
    drain.stop()
    return await supervise(drain, restarts)


async def supervise(drain: Drain, restarts: int = 5) -> int:
    """Start the drain again after every outage, as its supervisor would, until it returns."""
    for again in range(restarts + 1):
        try:
            await drain.run()
        except StoreUnavailable:
            continue
        return again
    raise AssertionError("the drain did not get through")


async def assert_counted(database: Database, events: Sequence[ViewEvent]) -> None:
    """Assert that exactly these events are stored, and that every counter equals a recount of them."""
    connection = await database.connect("reader")
    try:
        rows = await connection.fetch("SELECT post_id, event_day, event_id, created_at FROM view_events")
        stored = Counter((row[0], day_of_date(row[1]), row[2], us_of(row[3])) for row in rows)
        assert stored == Counter((e.post_id, e.event_day, e.event_id, e.created_at) for e in events)
        stats = await connection.fetch("SELECT * FROM post_stats_daily")
    finally:
        await connection.close()
    groups: dict[tuple[int, int], list[ViewEvent]] = defaultdict(list)
    for view in events:
        groups[view.post_id, view.event_day].append(view)
        groups[0, view.event_day].append(view)
    assert {(row["post_id"], day_of_date(row["day"])) for row in stats} == set(groups)
    for row in stats:
        assert_row(row, groups[row["post_id"], day_of_date(row["day"])])


def assert_row(row: object, views: Sequence[ViewEvent]) -> None:
    signed = [view for view in views if view.authenticated]
    assert row["total_views"] == len(views)
    assert row["total_views_authenticated"] == len(signed)
    assert row["unique_viewers"] == len({view.viewer_key for view in views})
    assert row["unique_viewers_authenticated"] == len({view.viewer_key for view in signed})
    assert us_of(row["first_view_at"]) == min(view.created_at for view in views)
    assert us_of(row["last_view_at"]) == max(view.created_at for view in views)
    if signed:
        assert us_of(row["first_view_at_authenticated"]) == min(view.created_at for view in signed)
        assert us_of(row["last_view_at_authenticated"]) == max(view.created_at for view in signed)
    else:
        assert row["first_view_at_authenticated"] is None
    assert json.loads(row["breakdowns"]) == recount(views)


def recount(views: Sequence[ViewEvent]) -> dict[str, dict[str, list[int]]]:
    """Count the plain way."""
    found: dict[str, dict[str, list[int]]] = {}
    for view in views:
        for name, value in {
            "country": view.country_code,
            "device": view.device_type,
            "type": view.view_type,
            "source": view.view_source,
            "channel": view.channel,
            "play_order": view.play_order,
            "referrer": view.referrer_domain,
            "playlist": view.playlist_id,
            "hour_utc": view.created_at // HOUR_US % 24,
            "hour_local": view.local_hour,
            "weekday_local": view.local_weekday,
        }.items():
            if value is not None:
                pair = found.setdefault(name, {}).setdefault(str(value), [0, 0])
                pair[0] += 1
                pair[1] += view.authenticated
    return found


__all__ = [
    "DAY",
    "NOON_US",
    "ListJournal",
    "Told",
    "assert_counted",
    "date_of",
    "drain_of",
    "event",
    "finish",
    "recount",
    "supervise",
]
