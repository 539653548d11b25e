"""The journal in good days: order, one outcome for each, what a restart finds, what the drain reads."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import pytest
import trio
import trio.testing

from supervisors.engine.mailbox import Mailbox
from tests.journal.stories import Clock, event, everything, journal_at, other_connection, running
from vts.journal.entry import BadRecord, Entry
from vts.journal.file import ROW_RECORDS
from vts.journal.housekeeping import HOUSEKEEPING_S
from vts.model.faults import BadStart, JournalFull


async def test_what_was_appended_is_read_back_whole_and_in_order(tmp_path: Path) -> None:
    events = [event() for _ in range(ROW_RECORDS * 2 + 7)]
    async with running(tmp_path / "j.sqlite") as journal:
        await journal.append(events[:1])
        await journal.append(events[1:])
        first = await journal.read(0, 10)
        assert first.records == events[:1]
        rest = await journal.read(first.last_seq, 5000)
        assert rest.records == events[1:]
        assert journal.depth == len(events)


async def test_a_drain_that_is_behind_reads_each_record_once_and_finds_what_came_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vts.journal.tail.TAIL_RECORDS", 3)
    numbers = iter(range(1, 1_000))
    written, read = [], []
    async with running(tmp_path / "j.sqlite") as journal:
        after = 0
        for grown in (20, 7, 0, 1, 12, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0):
            for _ in range(grown):
                one = event(next(numbers))
                await journal.append([one])
                written.append(one)
            part = await journal.read(after, 4)  # what is read ahead ends where the journal ended then
            await trio.testing.wait_all_tasks_blocked(0.01)
            read += part.records
            after = part.last_seq
        while after < journal.last_seq:
            part = await journal.read(after, 4)
            assert part.records, "there is more"
            read += part.records
            after = part.last_seq
        assert read == written
        assert (await journal.read(0, 4)).records == written[:4], "from any row, also from one that was read ahead"


async def test_what_is_changed_is_read_changed_though_it_was_read_ahead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vts.journal.tail.TAIL_RECORDS", 1)
    async with running(tmp_path / "j.sqlite") as journal:
        for number in range(1, 11):
            await journal.append([event(number, context="of a person")])
        part = await journal.read(0, 4)
        await trio.testing.wait_all_tasks_blocked(0.01)
        assert await journal.rewrite(lambda record: msgspec.structs.replace(record, channel_context=None)) == 10
        part = await journal.read(part.last_seq, 4)
        assert [(one.post_id, one.channel_context) for one in part.records] == [(n, None) for n in (5, 6, 7, 8)]


async def test_the_newest_undrained_row_of_a_content_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vts.journal.tail.TAIL_RECORDS", 4)
    async with running(tmp_path / "j.sqlite") as journal:
        for posts in ((1,), (2, 1), (3,)):
            await journal.append([event(post_id) for post_id in posts])
        assert [journal.last_undrained({post_id}) for post_id in (1, 2, 3, 4)] == [2, 2, 3, 0]
        assert [journal.last_undrained(posts) for posts in ({1, 3}, {1, 2}, {4, 7})] == [3, 2, 0]
        journal.drained(2)
        assert [journal.last_undrained({post_id}) for post_id in (1, 2, 3, 4)] == [0, 0, 3, 0]
        assert not journal.has_unread
        await journal.append([event(5) for _ in range(4)])
        assert [journal.last_undrained({post_id}) for post_id in (3, 4, 5)] == [0, 0, 4]
        assert journal.has_unread, "row 3 is on disk only"
        journal.drained(4)
        assert [journal.last_undrained({post_id}) for post_id in (3, 4, 5)] == [0, 0, 0]
        assert not journal.has_unread
        await journal.append([event(6)])
    async with running(tmp_path / "j.sqlite") as journal:
        assert (journal.last_undrained({6}), journal.has_unread) == (0, True), "of a former process: on disk only"


async def test_a_restart_finds_everything_under_the_same_run(tmp_path: Path) -> None:
    events = [event() for _ in range(20)]
    async with running(tmp_path / "j.sqlite") as journal:
        for one in events:
            await journal.append([one])
        part = await journal.read(0, 5)
        journal.drained(part.last_seq)
        runs = list(journal.runs)
    async with running(tmp_path / "j.sqlite") as journal:
        assert journal.runs == runs
        assert journal.depth == 15
        assert journal.oldest_age_s < 60
        assert (await journal.read(0, 1000)).records == events
        journal.drained(20)
        assert (journal.depth, journal.oldest_age_s) == (0, 0.0)


async def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    async with running(tmp_path / "j.sqlite") as journal:
        await journal.append([event()])
        assert modes(tmp_path) == {0o600}


async def test_the_drain_is_woken_by_rows_behind_its_own(tmp_path: Path) -> None:
    async with running(tmp_path / "j.sqlite") as journal, trio.open_nursery() as nursery:
        woken = trio.Event()

        async def drain() -> None:
            await journal.wait_beyond(1)
            woken.set()

        await journal.append([event()])
        nursery.start_soon(drain)
        await trio.testing.wait_all_tasks_blocked()
        assert not woken.is_set()
        await journal.append([event()])
        with trio.fail_after(60):
            await woken.wait()


async def test_a_database_that_went_back_gets_the_rows_again(tmp_path: Path) -> None:
    async with running(tmp_path / "j.sqlite") as journal:
        for number in range(1, 7):
            await journal.append([event(number)])
        journal.drained(6)
        journal.drained(2)  # a promoted replica: its offset is older
        assert await everything(journal, 2) == [3, 4, 5, 6]
        assert journal.depth == 4


async def test_one_bad_record_does_not_cost_its_neighbours(tmp_path: Path) -> None:
    async with running(tmp_path / "j.sqlite") as journal:
        entries = [journal.submit([event(1)]), journal.submit([event(2, context="\ud800")]), journal.submit([event(3)])]
        await entries[0].wait()
        await entries[2].wait()
        with pytest.raises(BadRecord):
            await entries[1].wait()
        assert await everything(journal) == [1, 3]


async def test_a_sealed_mailbox_is_emptied_and_then_refuses(tmp_path: Path) -> None:
    box: Mailbox[Entry] = Mailbox(10)
    journal = journal_at(tmp_path / "j.sqlite", box)
    waiting = journal.submit([event(1)])
    box.seal()
    await journal.run()
    await waiting.wait()
    with pytest.raises(JournalFull):
        journal.submit([event(2)])


async def test_a_cancelled_caller_takes_nothing_back(tmp_path: Path) -> None:
    told: list[Exception | None] = []
    async with running(tmp_path / "j.sqlite") as journal:
        with trio.CancelScope() as impatience:
            impatience.cancel()
            await journal.append([event(1)], told.append)
        await journal.append([event(2)])
        assert told == [None]
        assert await everything(journal) == [1, 2]


async def test_the_warm_up_gets_what_is_recent(tmp_path: Path) -> None:
    clock = Clock(ahead_us=-7_200_000_000)
    async with running(tmp_path / "j.sqlite", clock=clock) as journal:
        for number in range(1, 31):
            await journal.append([event(number)])
        clock.ahead_us = 0
        since_us = clock()
        await journal.append([event(31), event(32)])
        await journal.append([event(33)])
        journal.drained(33)
        parts = [part async for part in journal.recent(since_us)]
        assert [record.post_id for part in parts for record in part] == [31, 32, 33]
        assert [part async for part in journal.recent(clock() + 1)] == []


async def test_drained_rows_age_out_and_no_number_is_used_twice(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    clock = Clock()
    async with running(tmp_path / "j.sqlite", clock=clock) as journal:
        for number in range(1, 6):
            await journal.append([event(number)])
        journal.drained(4)
        clock.ahead_us = 7_200_000_000
        while await everything(journal) != [5]:
            await trio.sleep(HOUSEKEEPING_S)
        journal.drained(5)
        for _ in range(3):
            await trio.sleep(HOUSEKEEPING_S)
            assert await everything(journal) == [5]  # the newest row stays: it carries the number
    async with running(tmp_path / "j.sqlite", clock=clock) as journal:
        await journal.append([event(6)])
        assert (await journal.read(5, 10)).last_seq == 6


async def test_a_copied_file_keeps_the_run_of_its_rows_and_writes_under_a_new_one(tmp_path: Path) -> None:
    async with running(tmp_path / "j.sqlite") as journal:
        await journal.append([event(1)])
        (first,) = journal.runs
    shutil.copy(tmp_path / "j.sqlite", tmp_path / "copy.sqlite")
    runs = []
    for name in ("j", "copy"):
        async with running(tmp_path / f"{name}.sqlite") as journal:
            assert list(journal.runs) == [first]
            await journal.append([event(2)])
            runs.append(journal.runs[-1])
            part = await journal.read(0, 10)
            assert ([record.post_id for record in part.records], part.run) == ([1], first), "one run at a time"
            assert (await journal.read(part.last_seq, 10)).run == runs[-1]
    assert [run.first for run in runs] == [2, 2]
    assert len({first.id, *(run.id for run in runs)}) == 3


async def test_a_file_restored_in_place_reports_its_lost_tail_and_uses_no_number_twice(tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite"
    async with running(path) as journal:
        await journal.append([event(1)])
    shutil.copy(path, tmp_path / "older")
    async with running(path) as journal:
        for number in (2, 3):
            await journal.append([event(number)])
        runs = list(journal.runs)
        journal.drained(3)  # noted at the end
    shutil.copy(tmp_path / "older", path)
    lost = []
    async with running(path, on_lost=lambda more, mended: lost.extend(more)) as journal:
        assert [(one.first, one.last, one.reason) for one in lost] == [
            (2, 3, "the journal ended at row 1, expected at least 3")
        ]
        await journal.append([event(4)])
        assert await everything(journal) == [1, 4]
        assert (journal.runs[0], journal.runs[-1].first) == (runs[0], 4)
        assert journal.runs[-1].id not in {run.id for run in runs}
        assert journal.quarantined == 1


async def test_a_folder_that_cannot_be_used_is_an_error_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(BadStart):
        await journal_at(tmp_path / "nowhere" / "j.sqlite", Mailbox(1)).run()


async def test_another_process_s_lock_delays_and_refuses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite"
    async with running(path) as journal:
        with other_connection(path) as db:
            db.execute("BEGIN IMMEDIATE")
            waiting = journal.submit([event(1)])
            for _ in range(50):
                assert await everything(journal) == []  # by the reader, which waits for no lock
            assert not waiting.settled
            db.execute("ROLLBACK")
        await waiting.wait()


def modes(folder: Path) -> set[int]:
    return {path.stat().st_mode & 0o777 for path in folder.iterdir()}
