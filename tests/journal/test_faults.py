"""The journal in bad days: crashes, kills, full and stalled disks, the cap."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
import trio

from supervisors.engine.mailbox import Mailbox
from tests.journal.stories import event, everything, journal_at, other_connection, running
from tests.support.waiting import until
from vts.journal.entry import Entry
from vts.journal.file import JournalFile
from vts.journal.journal import Journal
from vts.model.faults import JournalFull
from vts.model.view import ViewEvent

ROOT = Path(__file__).parents[2]
BREAK = "CREATE TRIGGER broken BEFORE INSERT ON entries BEGIN SELECT RAISE(ABORT, 'scripted'); END"


async def keep_alive(journal: Journal, crashes: list[Exception]) -> None:
    """A supervisor of few words."""
    while True:
        try:
            return await journal.run()
        except Exception as error:
            crashes.append(error)
            await trio.lowlevel.checkpoint()


async def is_taken(journal: Journal, view: ViewEvent) -> bool:
    try:
        await journal.append([view])
    except JournalFull:
        return False
    return True


async def test_a_run_that_is_cut_off_anywhere_settles_every_entry_once(tmp_path: Path) -> None:
    seed = random.randrange(2**32)
    print("seed", seed)
    chance = random.Random(seed)
    box: Mailbox[Entry] = Mailbox(1000)
    journal = journal_at(tmp_path / "j.sqlite", box)
    told: Counter[int] = Counter()
    asked = 0
    for _ in range(40):
        with trio.CancelScope() as life:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(journal.run)
                for _ in range(chance.randrange(8)):
                    asked += 1
                    journal.submit([event(asked)], lambda fault, number=asked: told.update([number]))
                await trio.sleep(chance.random() * 0.003)
                life.cancel()
    box.seal()
    await journal.run()
    assert told == Counter(range(1, asked + 1))
    async with running(tmp_path / "j.sqlite") as again:
        assert sorted(await everything(again)) == list(range(1, asked + 1))


async def test_a_bug_in_the_file_crashes_the_run_and_loses_no_entry(tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite"
    box: Mailbox[Entry] = Mailbox(1000)
    journal = journal_at(path, box)
    crashes: list[Exception] = []
    told: Counter[int] = Counter()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(keep_alive, journal, crashes)
        await journal.append([event(1)])
        with other_connection(path) as db:
            db.execute(BREAK)
            for number in range(2, 12):
                journal.submit([event(number)], lambda fault, number=number: told.update([number]))
            await until(lambda: len(crashes) >= 3)
            assert not told
            db.execute("DROP TRIGGER broken")
        await journal.append([event(12)])
        box.seal()
    assert told == Counter(range(2, 12))
    async with running(path) as again:
        assert sorted(await everything(again)) == list(range(1, 13))


async def test_a_listener_that_fails_does_not_make_a_second_commit(tmp_path: Path) -> None:
    box: Mailbox[Entry] = Mailbox(10)
    journal = journal_at(tmp_path / "j.sqlite", box)
    crashes: list[Exception] = []

    def fail(fault: Exception | None) -> None:
        raise RuntimeError("scripted")

    async with trio.open_nursery() as nursery:
        entries = [journal.submit([event(1)], fail), journal.submit([event(2)])]
        nursery.start_soon(keep_alive, journal, crashes)
        for entry in entries:
            await entry.wait()
        await journal.append([event(3)])
        assert await everything(journal) == [1, 2, 3]
        box.seal()
    assert len(crashes) == 1


async def test_at_the_cap_the_new_is_refused_and_the_old_kept(tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite"
    async with running(path, max_bytes=256 * 1024) as journal:
        kept = 0
        with pytest.raises(JournalFull):
            while True:
                await journal.append([event(kept + 1)])
                kept += 1
        assert journal.refusing
        assert kept > 500
        assert await everything(journal) == list(range(1, kept + 1))
        with pytest.raises(JournalFull):
            await journal.append([event(0)])

        part = await journal.read(0, kept // 2)
        journal.drained(part.last_seq)
        await until(partial(is_taken, journal, event(kept + 1)))
        for number in range(kept + 2, kept + 101):
            await journal.append([event(number)])
        left = await everything(journal, part.last_seq)
        assert left == list(range(part.records[-1].post_id + 1, kept + 101))
        assert journal.bytes <= 256 * 1024
        assert path.stat().st_size <= 300 * 1024


async def test_a_site_that_fills_its_cap_every_day_never_stops(tmp_path: Path) -> None:
    async with running(tmp_path / "j.sqlite", max_bytes=256 * 1024) as journal:
        for number in range(1, 3000):
            await journal.append([event(number)])
            if number % 50 == 0:
                journal.drained(number)
        assert journal.bytes <= 256 * 1024


async def test_a_stalled_disk_stalls_acknowledgements_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite"
    async with running(path) as journal:
        with other_connection(path) as db:
            db.execute("BEGIN IMMEDIATE")  # the writer hangs in the kernel's or SQLite's hands, as it would on a disk
            entries = [journal.submit([event(number)]) for number in range(1, 101)]
            for _ in range(50):  # the loop goes on and the reader reads, while nothing is acknowledged
                assert await everything(journal) == []
            assert not any(entry.settled for entry in entries)
            db.execute("ROLLBACK")
        for entry in entries:
            await entry.wait()


@pytest.fixture(params=["limit", "tmpfs"])
def small_disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Path, list[str]]]:
    """A folder with little room, and how to tell the writer of it: a tmpfs where root may mount one, else a limit."""
    if request.param == "tmpfs" and os.geteuid() == 0:
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(tmp_path)], check=False, capture_output=True
        )
        if mounted.returncode == 0:
            yield tmp_path, ["fill"]
            subprocess.run(["umount", "-l", str(tmp_path)], check=True)
            return
    yield tmp_path, ["limit"]


def test_a_full_disk_refuses_and_recovers_by_itself(small_disk: tuple[Path, list[str]]) -> None:
    folder, how = small_disk
    done = subprocess.run(
        [sys.executable, "-m", "tests.journal.writer", str(folder / "j.sqlite"), *how],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    acknowledged = [int(line.split()[1]) for line in done.stdout.splitlines() if line.startswith("acked")]
    refused = [line for line in done.stdout.splitlines() if line.startswith("refused")]
    after = done.stdout.split("healed")[1]
    assert refused
    assert "acked" in after
    assert sorted(trio.run(_all_of, folder / "j.sqlite")) == sorted(acknowledged)


def test_kill_9_loses_nothing_acknowledged_and_repeats_nothing(tmp_path: Path) -> None:
    seed = random.randrange(2**32)
    print("seed", seed)
    chance = random.Random(seed)
    acknowledged: set[int] = set()
    path = tmp_path / "j.sqlite"
    for life in range(5):
        acknowledged |= _live_and_die(path, life * 1_000_000, chance.randrange(20, 400))
    kept = trio.run(_all_of, path)
    assert acknowledged <= set(kept)
    assert len(kept) == len(set(kept))
    assert len(acknowledged) > 100


def _live_and_die(path: Path, first: int, acknowledgements: int) -> set[int]:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.journal.writer", str(path), "forever", str(first)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        said = "".join(child.stdout.readline() for _ in range(acknowledgements))
        with suppress(ProcessLookupError):
            child.send_signal(signal.SIGKILL)
        lines = (said + child.stdout.read()).split("\n")[:-1]  # the last one may be cut off
    return {int(line.split()[1]) for line in lines}


async def _all_of(path: Path) -> list[int]:
    async with running(path) as journal:
        return await everything(journal)


def test_a_journal_that_cannot_be_opened_again_refuses(tmp_path: Path) -> None:
    """After a failed reopening (a disk that is gone) every use is an outage, and no bug."""
    file = JournalFile(tmp_path / "j.sqlite", 2**20)
    for use in (
        lambda: file.first_since(0),
        lambda: file.note_drained(0),
        lambda: file.append([[event(1)]], 0, 0),
        lambda: file.delete(1),
        file.scrub,
    ):
        with pytest.raises(JournalFull, match="not open"):
            use()
