"""What the journal's stories share: events, a clock, a journal in a folder of its own."""

from __future__ import annotations

import itertools
import os
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import trio

from supervisors.engine.mailbox import Mailbox
from vts.journal.damage_watch import OnLost
from vts.journal.entry import Entry
from vts.journal.journal import Journal
from vts.model.day import DAY_US
from vts.model.view import ViewEvent

_numbers = itertools.count(1)


def now_us() -> int:
    return time.time_ns() // 1000


def event(number: int | None = None, *, context: str | None = None) -> ViewEvent:
    """An event whose post_id tells it from all others."""
    at_us = now_us()
    return ViewEvent(
        post_id=next(_numbers) if number is None else number,
        event_day=at_us // DAY_US,
        event_id=os.urandom(16),
        viewer_key=os.urandom(16),
        key_version=1,
        viewer_user_id=None,
        authenticated=False,
        country_code="BR",
        device_type="desktop",
        view_source="web",
        view_type="intentional",
        user_agent_hash=os.urandom(16),
        referrer_domain="example.org",
        player_key=None,
        local_datetime=None,
        local_timezone=None,
        local_hour=None,
        local_weekday=None,
        play_order=None,
        channel=None,
        channel_context=context,
        playlist_id=None,
        created_at=at_us,
    )


@dataclass
class Clock:
    """Wall time that a story can move."""

    ahead_us: int = 0

    def __call__(self) -> int:
        return now_us() + self.ahead_us


def journal_at(
    path: Path,
    box: Mailbox[Entry],
    *,
    max_bytes: int = 2**30,
    clock: Clock | None = None,
    on_lost: OnLost | None = None,
) -> Journal:
    return Journal(path, box, max_bytes=max_bytes, keep_drained_s=3600, clock=clock or Clock(), on_lost=on_lost)


@asynccontextmanager
async def running(path: Path, **settings: Any) -> AsyncIterator[Journal]:
    """A journal that runs, and is closed in order when the story ends."""
    box: Mailbox[Entry] = Mailbox(1000)
    journal = journal_at(path, box, **settings)
    async with trio.open_nursery() as nursery:
        await nursery.start(journal.run)
        try:
            yield journal
        finally:
            box.seal()


async def everything(journal: Journal, after: int = 0) -> list[int]:
    """The post_ids of all records behind a row, by the reader."""
    posts: list[int] = []
    while True:
        part = await journal.read(after, 1000)
        if part.last_seq == after:
            return posts
        posts += [record.post_id for record in part.records]
        after = part.last_seq


@contextmanager
def other_connection(path: Path):
    """What another process does to the file."""
    db = sqlite3.connect(path, isolation_level=None)
    try:
        yield db
    finally:
        db.close()
