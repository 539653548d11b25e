"""Exactly once, under faults of the connection, of the data, and of other drains."""

from __future__ import annotations

import json
import random
import tempfile
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest
import trio
import trio.testing

from tests.store.cutting_proxy import Cut, CuttingProxy, cutting_proxy
from tests.store.drained import DAY, NOON_US, ListJournal, Told, assert_counted, drain_of, event, finish, supervise
from tests.support.waiting import until
from vts.model.committed import Committed, notices_of, read_notice
from vts.model.day import DAY_US
from vts.model.view import ViewEvent
from vts.store.drain.batch import key_of
from vts.store.drain.pace import Pace
from vts.store.session.connection import Connection, Database

SEED = 20260101


@pytest.fixture
def chance() -> random.Random:
    return random.Random(SEED)


@pytest.fixture
def journal(chance: random.Random) -> ListJournal:
    return ListJournal(chance.randbytes(16))


def by_key(events: Iterable[ViewEvent]) -> list[ViewEvent]:
    return sorted(events, key=key_of)


async def test_stores_what_the_journal_holds_and_counts_it(database, connect, journal, chance):
    events = [event(chance, post_id=chance.randrange(1, 9), day=DAY - chance.randrange(3)) for _ in range(300)]
    returning = [msgspec.structs.replace(event(chance, post_id=e.post_id), viewer_key=e.viewer_key) for e in events]
    for part in (events[:1], events[1:200], events[200:], returning):
        journal.append(*part)
    told = Told()
    assert await finish(drain_of(connect, journal, told, pace=Pace(batch_rows=250))) == 0
    await assert_counted(database, events + returning)
    assert len(told.commits) > 1
    assert journal.told == len(journal.rows)
    assert by_key(told.events()) == by_key(events + returning)


async def test_counts_many_posts_at_once(database, connect, journal, chance):
    """New rows come another way into the table than views of rows that are there."""
    rounds = [[event(chance, post_id=n // 2 + start) for n in range(240)] for start in (1, 1, 60)]
    told = Told()
    for events in rounds:
        journal.append(*events)
        await finish(drain_of(connect, journal, told))
    await assert_counted(database, [view for events in rounds for view in events])
    assert {total.post_id: total.views for total in told.commits[-1].totals}[60] == 6


async def test_under_load_a_small_batch_waits_for_more_and_a_lone_event_does_not(connect, journal, chance):
    told = Told()
    drain = drain_of(connect, journal, told, pace=Pace(linger_s=3600))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(drain.run)
        await journal.opened.wait()
        journal.append(event(chance))
        await told.wait_for(1)
        journal.append(event(chance))
        await trio.testing.wait_all_tasks_blocked()
        journal.append(event(chance))
        drain.stop()  # else it would wait for an hour
    assert [commit.records for commit in told.commits] == [1, 2]


async def test_totals_are_reported_after_each_commit(connect, journal, chance):
    first, second = event(chance, post_id=5), event(chance, post_id=5)
    told = Told()
    journal.append(first)
    await finish(drain_of(connect, journal, told))
    journal.append(second, event(chance, post_id=6, day=DAY - 1))
    await finish(drain_of(connect, journal, told))
    assert told.commits[0].totals == [(0, DAY, 1, 1), (5, DAY, 1, 1)]
    assert set(told.commits[1].totals) == {(0, DAY, 2, 2), (5, DAY, 2, 2), (0, DAY - 1, 1, 1), (6, DAY - 1, 1, 1)}


async def test_a_viewer_counts_once_a_day_also_when_signed_in_later(look, connect, journal, chance):
    anonymous = event(chance, authenticated=False)
    signed = event(chance, authenticated=True, viewer_key=anonymous.viewer_key)
    for view in (anonymous, signed):
        journal.append(view)
        await finish(drain_of(connect, journal, Told()))
    row = await look.fetchrow("SELECT unique_viewers, unique_viewers_authenticated FROM post_stats_daily LIMIT 1")
    assert tuple(row) == (1, 1)


@pytest.mark.parametrize("cut", Cut)
async def test_a_cut_at_any_request_of_the_transaction_loses_and_doubles_nothing(database, chance, cut):
    """The connection goes at the first request, at the second, … until a run gets through uncut."""
    stored: list[ViewEvent] = []
    async with _proxied(database) as (proxy, connect):
        for at in range(60):
            journal = ListJournal(chance.randbytes(16))
            # Every other time a version-4 id and a duplicate lead through the careful way, too.
            events = [event(chance, post_id=chance.randrange(1, 4), version=4 if at % 2 else 7) for _ in range(5)]
            journal.append(*events, *(stored[:1] if at % 2 else ()))
            told = Told()
            restarts = await finish(drain_of(connect_armed(connect, proxy, at, cut), journal, told))
            stored += events
            assert by_key(told.events()) == by_key(events), f"told wrongly after a cut at request {at}"
            if restarts == 0:  # everything up to the close got through
                break
        assert 12 < at < 59, "the cuts did not reach through the whole transaction"
        await assert_counted(database, stored)


def connect_armed(
    connect: Callable[[], Awaitable[Connection]], proxy: CuttingProxy, at: int, cut: Cut
) -> Callable[[], Awaitable[Connection]]:
    """Arm the proxy when the first session is there: the cut is to hit the drain, not the greeting."""

    async def armed() -> Connection:
        connection = await connect()
        if not proxy.armed or proxy.at != at:
            proxy.arm(at, cut)
        return connection

    return armed


class _proxied:
    """A database behind a cutting proxy."""

    def __init__(self, database: Database) -> None:
        self._server = Path(parse_qs(urlsplit(database.url()).query)["host"][0])
        self._name = urlsplit(database.url()).path.strip("/")

    async def __aenter__(self) -> tuple[CuttingProxy, Callable[[], Awaitable[Connection]]]:
        self._folder = tempfile.TemporaryDirectory(prefix="vts-cut-")
        folder = Path(self._folder.name)
        self._proxy = cutting_proxy(folder, self._server)
        proxy = await self._proxy.__aenter__()
        behind = Database(url=lambda: f"postgresql://vts@/{self._name}?host={folder}")
        return proxy, partial(behind.connect, "writer")

    async def __aexit__(self, *fault: object) -> None:
        await self._proxy.__aexit__(None, None, None)
        self._folder.cleanup()


async def test_a_terminated_backend_costs_a_restart_and_nothing_else(database, connect, look, journal, chance):
    events = [event(chance) for _ in range(20)]
    told = Told()
    drain = drain_of(connect, journal, told, pace=Pace(linger_s=0))
    journal.append(*events[:10])
    async with trio.open_nursery() as nursery:
        nursery.start_soon(supervise, drain)
        await told.wait_for(1)
        owner = await database.connect("login")
        await owner.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'vts writer'"
        )
        await owner.close()
        journal.append(*events[10:])
        await told.wait_for(2)
        drain.stop()
    await assert_counted(database, events)


async def test_an_offset_that_went_back_is_drained_again_and_counts_once(database, connect, journal, chance):
    events = [event(chance, version=chance.choice([4, 7, 8])) for _ in range(40)]
    for view in events:
        journal.append(view)
    await finish(drain_of(connect, journal, Told()))
    owner = await database.connect("owner")
    await owner.execute("UPDATE journal_offset SET seq = 11")
    await owner.close()
    told = Told()
    await finish(drain_of(connect, journal, told))
    assert told.events() == []
    assert sum(commit.duplicates for commit in told.commits) == len(events) - 11
    await assert_counted(database, events)


async def test_an_event_counts_once_however_often_it_comes(database, connect, journal, chance):
    events = [event(chance, post_id=chance.randrange(1, 4), version=chance.choice([4, 7, 8])) for _ in range(30)]
    journal.append(*events, *events[:10])
    await finish(drain_of(connect, journal, Told()))
    journal.append(*events[5:15], more := event(chance))
    told = Told()
    await finish(drain_of(connect, journal, told))
    assert [(c.records, c.duplicates, c.dead) for c in told.commits] == [(11, 10, 0)]
    assert told.events() == [more]
    await assert_counted(database, [*events, more])


async def test_a_version_4_id_counts_once_across_midnight(database, connect, journal, chance):
    """A client sends the same event again after midnight: within one batch, and in a later one."""
    evening = event(chance, version=4, day=DAY)
    morning = msgspec.structs.replace(evening, event_day=DAY + 1, created_at=evening.created_at + DAY_US)
    journal.append(evening, morning)
    await finish(drain_of(connect, journal, Told()))
    journal.append(morning)
    await finish(drain_of(connect, journal, Told()))
    earlier = msgspec.structs.replace(evening, event_day=DAY - 1, created_at=evening.created_at - DAY_US)
    journal.append(earlier)
    await finish(drain_of(connect, journal, Told()))
    await assert_counted(database, [evening])
    # Two days apart it is another event, as it is under another post, or with an id that says its day.
    others = [
        msgspec.structs.replace(evening, event_day=DAY + 2, created_at=evening.created_at + 2 * DAY_US),
        msgspec.structs.replace(morning, post_id=99),
    ]
    journal.append(*others)
    await finish(drain_of(connect, journal, Told()))
    await assert_counted(database, [evening, *others])


BAD_ROWS = {
    "NUL in a text": {"referrer_domain": "a\0b"},
    "lone surrogate": {"channel_context": "\ud800"},
    "number beyond 64 bits": {"viewer_user_id": 2**70},
    "post beyond 64 bits": {"post_id": 2**70, "version": 4},
    "number beyond 16 bits": {"local_hour": 2**20},
    "post 0": {"post_id": 0},
    "year 300000": {"event_day": 109_000_000, "created_at": 109_000_000 * DAY_US, "version": 4},
    "last day of the calendar": {"event_day": 2_932_896, "created_at": 2_932_896 * DAY_US, "version": 4},
    "short viewer key": {"viewer_key": b"abc"},
    "long viewer key": {"viewer_key": bytes(10_000)},
    "short event id": {"event_id": b"abc"},
    "short player key": {"player_key": b"abc"},
}


@pytest.mark.parametrize("name", BAD_ROWS)
async def test_a_bad_row_becomes_a_dead_letter_and_the_rest_commits(database, look, connect, journal, chance, name):
    good = [event(chance, post_id=chance.randrange(1, 4)) for _ in range(12)]
    bad = event(chance, **BAD_ROWS[name])
    journal.append(*good[:7], bad, *good[7:])
    told = Told()
    assert await finish(drain_of(connect, journal, told)) == 0
    await assert_counted(database, good)
    letters = await look.fetch("SELECT journal_id, seq, index, reason, body FROM dead_letters")
    assert [(row["journal_id"], row["seq"], row["index"]) for row in letters] == [(journal.journal_id, 1, 7)]
    assert letters[0]["reason"]
    body = json.loads(letters[0]["body"])
    assert body["event_id"] == bad.event_id.hex()
    assert body["referrer_domain"] == bad.referrer_domain
    assert [(c.records, c.duplicates, c.dead) for c in told.commits] == [(13, 0, 1)]


async def test_a_batch_of_bad_rows_only_becomes_dead_letters(look, connect, journal, chance):
    journal.append(*(event(chance, referrer_domain="\0") for _ in range(5)), event(chance, created_at=2**70))
    await finish(drain_of(connect, journal, Told()))
    assert await look.fetchval("SELECT count(*) FROM dead_letters") == 6
    assert await look.fetchval("SELECT count(*) FROM post_stats_daily") == 0
    assert await look.fetchval("SELECT seq FROM journal_offset") == 1


async def test_a_late_row_makes_its_day_and_counts_there(database, look, connect, journal, chance):
    events = [event(chance, day=DAY), event(chance, day=DAY - 400), event(chance, day=DAY + 400)]
    journal.append(*events)
    await finish(drain_of(connect, journal, Told()))
    await assert_counted(database, events)
    assert await look.fetchval("SELECT count(*) FROM dead_letters") == 0


async def test_a_partition_that_went_meanwhile_is_made_again(database, look, connect, journal, chance):
    told = Told()
    drain = drain_of(connect, journal, told, pace=Pace(linger_s=0))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(drain.run)
        journal.append(event(chance))
        await told.wait_for(1)
        owner = await database.connect("owner")
        await owner.execute("DROP TABLE view_events_20260101")
        await owner.close()
        journal.append(after := event(chance))
        drain.stop()
    assert [row[0] for row in await look.fetch("SELECT event_id FROM view_events")] == [after.event_id]


async def test_events_that_wait_while_nothing_is_committed_are_reported(connect, journal, chance):
    told = Told()
    drain = drain_of(connect, journal, told, pace=Pace(linger_s=0))
    assert (drain.state(0.0), drain.state(4.0)) == ("not connected", "no commit for 4 s")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(drain.run)
        journal.append(event(chance))
        await told.wait_for(1)
        assert drain.state(2.0) == "ok"
        assert drain.waits_s(1e9) < 1e9, "its last commit was a moment ago"
        drain.stop()
    assert drain.state(0.0) == "not connected"


async def test_a_partition_that_goes_again_and_again_makes_no_dead_letters(database, look, connect, journal, chance):
    """Each time between its making and the copy: the drain waits for the journal's offset meanwhile."""
    told, held = Told(), trio.Event()
    drain = drain_of(connect, journal, told, pace=Pace(linger_s=0))
    first, *others = [event(chance), *(event(chance, day=DAY + 1) for _ in range(5))]
    admins = [await database.connect("owner") for _ in range(2)]

    async def drop(admin: Connection, others_wait: int) -> None:
        async with admin.transaction():
            await admin.execute("SELECT FROM journal_offset WHERE journal_id = $1 FOR UPDATE", journal.journal_id)
            held.set()
            await waiting_for_the_offset(admin, others_wait)
            await admin.execute("DROP TABLE view_events_20260102")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(supervise, drain)
        journal.append(first)
        await told.wait_for(1)
        nursery.start_soon(drop, admins[0], 2)  # for the drain, and for the second one behind it
        await held.wait()
        journal.append(*others)
        await waiting_for_the_offset(look, 1)
        nursery.start_soon(drop, admins[1], 1)
        await told.wait_for(2)
        drain.stop()
    for admin in admins:
        await admin.close()
    assert await look.fetchval("SELECT count(*) FROM dead_letters") == 0
    await assert_counted(database, [first, *others])


async def waiting_for_the_offset(look: Connection, sessions: int) -> None:
    """Wait until so many sessions wait for a row or for a session that has it."""
    statement = "SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted"

    async def wait() -> bool:
        return await look.fetchval(statement) == sessions

    await until(wait)


@pytest.mark.parametrize("shared", [0, 60, 600])
@pytest.mark.parametrize("version", [4, 7])
async def test_drains_of_two_journals_at_once_neither_wait_in_a_circle_nor_miscount(
    database, connect, chance, version, shared
):
    """Both have the same posts, days and viewers, and some of the same events, in orders of their own."""
    viewers = [chance.randbytes(16) for _ in range(40)]
    common, *own = (
        [
            event(
                chance,
                post_id=chance.randrange(1, 30),
                day=DAY - chance.randrange(2),
                version=version,
                viewer_key=chance.choice(viewers),
            )
            for _ in range(count)
        ]
        for count in (shared, 600 - shared, 600 - shared)
    )
    journals = [ListJournal(chance.randbytes(16)) for _ in range(2)]
    for journal, alone in zip(journals, own, strict=True):
        mine = common + alone
        chance.shuffle(mine)
        for view in mine:
            journal.append(view)
    tolds = [Told(), Told()]
    restarts = []

    async def run(journal: ListJournal, told: Told) -> None:
        restarts.append(await finish(drain_of(connect, journal, told, pace=Pace(batch_rows=60)), restarts=0))

    async with trio.open_nursery() as nursery:
        for journal, told in zip(journals, tolds, strict=True):
            nursery.start_soon(run, journal, told)
    assert restarts == [0, 0]
    await assert_counted(database, [*common, *own[0], *own[1]])
    assert by_key(tolds[0].events() + tolds[1].events()) == by_key([*common, *own[0], *own[1]])


async def test_two_drains_of_one_journal_store_it_once(database, connect, journal, chance):
    """The session of a drain that was given up may still be at work when the next one begins."""
    events = [event(chance, post_id=chance.randrange(1, 4)) for _ in range(200)]
    for view in events:
        journal.append(view)
    told = Told()
    async with trio.open_nursery() as nursery:
        for _ in range(2):
            nursery.start_soon(partial(finish, drain_of(connect, journal, told, pace=Pace(batch_rows=7)), restarts=60))
    await assert_counted(database, events)
    # The offset alone keeps them apart: neither ever stores a row that the other has stored.
    assert sum(commit.duplicates for commit in told.commits) == 0


async def test_content_without_a_description_gets_a_provisional_row(look, database, connect, journal, chance):
    owner = await database.connect("owner")
    await owner.execute("INSERT INTO content (post_id, kind, owner_id, revision) VALUES (7, 'blog', 1, 0)")
    await owner.close()
    journal.append(event(chance, post_id=7), event(chance, post_id=8), event(chance, post_id=8))
    heard: list[str] = []
    await look.listen("vts_catalog", heard.append)
    await finish(drain_of(connect, journal, Told()))
    rows = await look.fetch("SELECT post_id, owner_id, kind, provisional, revision FROM content ORDER BY post_id")
    assert [tuple(row) for row in rows] == [(7, 1, "blog", False, 0), (8, None, None, True, 1)]
    assert heard == ["1"]


async def test_other_processes_are_notified_of_every_commit(look, connect, journal, chance):
    events = [event(chance, post_id=n + 1, created_at=NOON_US - 60_000_000) for n in range(400)]
    journal.append(*events)
    heard: list[str] = []
    await look.listen("vts_live", heard.append)
    told = Told()
    await finish(drain_of(connect, journal, told))
    await look.fetchval("SELECT 1")
    assert max(len(payload.encode()) for payload in heard) < 7_900
    notices = [read_notice(payload) for payload in heard]
    assert {notice.journal for notice in notices} == {journal.journal_id.hex()}
    assert sorted(total for notice in notices for total in notice.posts) == sorted(told.commits[0].totals)
    seen = {who for notice in notices for who in notice.viewers()}
    assert seen == {(e.post_id, e.viewer_key[:8], 60) for e in events}
    assert {notice.seq for notice in notices} == {1}


def test_a_notice_of_the_widest_numbers_fits(chance):
    totals = [(2**63 - 1, 99_999, 10**9, 10**9)] * 500
    events = [event(chance, post_id=2**63 - 1, created_at=NOON_US) for _ in range(500)]
    committed = Committed(journal_id=bytes(16), last_seq=1, records=500, events=events, totals=totals)
    assert max(len(notice) for notice in notices_of(committed, NOON_US)) < 7_900
    nothing = Committed(journal_id=bytes(16), last_seq=1, records=0, events=[], totals=[])
    (only,) = map(read_notice, notices_of(nothing, NOON_US))  # for followers of how far the journal is drained
    assert (only.posts, only.seen, only.seq) == ([], b"", 1)


async def test_a_stop_finishes_what_the_journal_holds(database, connect, journal, chance):
    events = [event(chance) for _ in range(100)]
    drain = drain_of(connect, journal, Told(), pace=Pace(batch_rows=10))
    async with trio.open_nursery() as nursery:
        await nursery.start(lambda task_status: drain.run(task_status=task_status))
        for view in events:
            journal.append(view)
        drain.stop()
    await assert_counted(database, events)


async def test_a_stop_ends_an_idle_drain(connect, journal):
    drain = drain_of(connect, journal, Told())
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(drain.run)
            await journal.opened.wait()
            drain.stop()


async def test_an_empty_journal_row_moves_the_offset(look, connect, journal, chance):
    journal.append()
    journal.append(event(chance))
    await finish(drain_of(connect, journal, Told()))
    assert await look.fetchval("SELECT seq FROM journal_offset") == 2
