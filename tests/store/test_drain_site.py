"""What is no view: page views, host events and playback are drained exactly once too, and artists' days are counted."""

from __future__ import annotations

import json
import random
from functools import partial

import msgspec
import pytest

from tests.store.drained import DAY, NOON_US, ListJournal, Told, drain_of, event, finish, recount
from vts.model import identity, sketch
from vts.model.day import HOUR_US, date_of
from vts.model.site import PlaybackEvent, SiteEvent
from vts.store.drain.pace import Pace
from vts.store.session.connection import Database


@pytest.fixture
def chance() -> random.Random:
    return random.Random(7)


@pytest.fixture
def journal(chance: random.Random) -> ListJournal:
    return ListJournal(chance.randbytes(16))


@pytest.fixture
async def connect(database: Database):
    return partial(database.connect, "writer")


@pytest.fixture
async def look(database: Database):
    connection = await database.connect("reader")
    yield connection
    await connection.close()


def reported(chance: random.Random, event_type: str = "page_view", **fields: object) -> SiteEvent:
    created_at = NOON_US + chance.randrange(HOUR_US)
    made = SiteEvent(
        event_id=identity.version_7(created_at, chance.randbytes(10)),
        event_day=DAY,
        event_type=event_type,
        viewer_key=chance.randbytes(16),
        key_version=1,
        viewer_user_id=None,
        authenticated=chance.random() < 0.5,
        country_code=chance.choice([None, "BR"]),
        device_type="desktop",
        user_agent_hash=None,
        referrer_domain=None,
        page="/search" if event_type == "page_view" else None,
        error_type="TimeoutError" if event_type == "error" else None,
        event_data=None,
        created_at=created_at,
    )
    return msgspec.structs.replace(made, **fields)


def played(chance: random.Random, **fields: object) -> PlaybackEvent:
    made = PlaybackEvent(
        stream_id=5,
        event_day=DAY,
        event_id=identity.version_7(NOON_US, chance.randbytes(10)),
        client_key=chance.randbytes(16),
        key_version=1,
        event_type="heartbeat",
        video_time=15.0,
        country_code="BR",
        device_type="mobile",
        referrer_domain=None,
        extra='{"bitrate":800}',
        created_at=NOON_US,
    )
    return msgspec.structs.replace(made, **fields)


async def test_all_kinds_go_in_once_whatever_is_repeated(look, connect, journal, chance):
    pages = [reported(chance) for _ in range(30)]
    others = [reported(chance, kind) for kind in ("signup", "upload", "api_call", "error", "error")]
    plays = [played(chance) for _ in range(10)]
    views = [event(chance) for _ in range(20)]
    journal.append(*views, *pages[:20], *plays)
    journal.append(*pages[10:], *others, *plays[5:], plays[0])
    told = Told()
    await finish(drain_of(connect, journal, told, pace=Pace(batch_rows=60)))
    journal.becomes(chance.randbytes(16))  # a restored journal: everything comes again
    await finish(drain_of(connect, journal, told, pace=Pace(batch_rows=60)))

    assert await look.fetchval("SELECT count(*) FROM view_events") == 20
    assert await look.fetchval("SELECT count(*) FROM playback_events") == 10
    assert await look.fetchval("SELECT count(*) FROM site_events") == 35
    row = await look.fetchrow("SELECT * FROM site_stats_daily")
    signed = [page for page in pages if page.authenticated]
    assert row["day"] == date_of(DAY)
    assert (row["page_views"], row["page_views_authenticated"]) == (30, len(signed))
    assert (row["unique_visitors"], row["unique_visitors_authenticated"]) == (30, len(signed))
    assert [row[name] for name in ("signups", "uploads", "api_calls", "errors")] == [1, 1, 1, 2]
    breakdowns = json.loads(row["breakdowns"])
    assert breakdowns["page"] == {"/search": [30, len(signed)]}
    assert breakdowns["hour_utc"] == {"12": [30, len(signed)]}
    assert breakdowns["country"]["BR"][0] == sum(page.country_code == "BR" for page in pages)
    assert breakdowns["error_type"]["TimeoutError"][0] == 2
    assert sum(commit.duplicates for commit in told.commits) == 16 + 65 + 16
    assert sum(len(commit.events) for commit in told.commits) == 20


async def test_a_sketch_carries_its_version(look, connect, journal, chance):
    journal.append(event(chance), reported(chance))
    await finish(drain_of(connect, journal, Told(), owner_of=lambda post_id: 7))
    journal.append(event(chance, key_version=3), reported(chance, key_version=3))
    await finish(drain_of(connect, journal, Told(), owner_of=lambda post_id: 7))
    for table in ("post_stats_daily", "artist_stats_daily", "site_stats_daily"):
        rows = await look.fetch(f"SELECT DISTINCT sketch_format, sketch_lg_k, key_version FROM {table}")
        assert [tuple(row) for row in rows] == [("HLL_4", sketch.LG_K, 3)]


async def test_bad_rows_of_every_kind_are_split_off(look, connect, journal, chance):
    sound = [reported(chance), played(chance), event(chance)]
    poison = [reported(chance, page="/a\0"), played(chance, extra="\0"), reported(chance, event_id=b"short")]
    journal.append(*sound, *poison)
    told = Told()
    await finish(drain_of(connect, journal, told))
    assert [commit.dead for commit in told.commits] == [3]
    assert await look.fetchval("SELECT count(*) FROM dead_letters") == 3
    assert await look.fetchval("SELECT page_views FROM site_stats_daily") == 1
    assert await look.fetchval("SELECT total_views FROM post_stats_daily WHERE post_id = 1") == 1


async def test_a_journal_without_views_moves_on(look, connect, journal, chance):
    journal.append(reported(chance, "signup"))
    told = Told()
    await finish(drain_of(connect, journal, told))
    assert [(commit.events, commit.totals) for commit in told.commits] == [([], [])]
    assert await look.fetchval("SELECT signups FROM site_stats_daily") == 1


async def test_the_days_of_artists_are_counted_with_those_of_their_posts(look, connect, journal, chance):
    rounds = [[event(chance, post_id=post_id) for post_id in (1, 2, 3, 1, 4)] for _ in range(20)]
    owners = {1: 7, 2: 7, 3: 8}
    told = Told()
    for views in rounds:
        journal.append(*views)
        await finish(drain_of(connect, journal, told, owner_of=owners.get))
    rows = {row["owner_id"]: row for row in await look.fetch("SELECT * FROM artist_stats_daily")}
    assert set(rows) == {7, 8}
    for owner, row in rows.items():
        theirs = [view for views in rounds for view in views if owners.get(view.post_id) == owner]
        signed = [view for view in theirs if view.authenticated]
        assert (row["total_views"], row["total_views_authenticated"]) == (len(theirs), len(signed))
        assert row["unique_viewers"] == len({view.viewer_key for view in theirs})
        assert row["unique_viewers_authenticated"] == len({view.viewer_key for view in signed})
        assert json.loads(row["breakdowns"]) == recount(theirs)
