"""A journal that is damaged, older or copied: what is intact is stored once, the rest is told, and it always starts."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
import trio

from tests.journal.damage import Written, copy_journal, put_back, same, wound
from tests.journal.drained import Stored, life
from tests.journal.stories import event
from vts.journal.format import Lost
from vts.journal.quarantine import Quarantine
from vts.model.view import ViewEvent

STATES = ["up", "away", "older", "empty"]


def first_seed() -> int:
    """The same damages in every run, unless VTS_DAMAGE_SEED asks for others."""
    return int(os.environ.get("VTS_DAMAGE_SEED", "1"))


class Story:
    """A journal with a past, a database that has seen a part of it, and what follows."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.chance = random.Random(seed)
        self.path = folder / "journal.sqlite"
        self.written = Written(self.path)
        self.stored, self.older = Stored(), Stored()
        self.lost: list[Lost] = []
        self.new: list[ViewEvent] = []

    def write(self) -> None:
        chance = self.chance
        self.written.write(chance, event, chance.randrange(5, 60), keep_log=False)
        self._drain_a_part()
        self.older = self.stored.copy()
        self._drain_a_part()
        self.written.write(chance, event, chance.randrange(5, 60), keep_log=chance.random() < 0.7)

    def _drain_a_part(self) -> None:
        """As a drain did: rows in their order, the offset with them."""
        for seq in range(1, self.chance.randrange(len(self.written.rows)) + 1):
            run = self.written.runs[seq]
            if self.stored.offsets.get(run, 0) < seq:
                self.stored.events |= {one.event_id: one for one in self.written.rows[seq]}
                self.stored.counted.update(one.event_id for one in self.written.rows[seq])
                self.stored.offsets[run] = seq

    def go_on(self, state: str) -> Stored:
        """Start with the database in this state, and again when it is well; returns the database."""
        stored = {"older": self.older, "empty": Stored()}.get(state, self.stored)
        for attempt in (None, stored) if state == "away" else (stored, stored):
            self.new.append(event())
            trio.run(life, self.path, attempt, [[self.new[-1]]], self.lost)
        return stored

    def check(self, stored: Stored, may_be_lost: set[int], known_end: int) -> None:
        originals = {one.event_id: one for records in self.written.rows.values() for one in records}
        originals |= {one.event_id: one for one in self.new}
        assert set(stored.counted.values()) <= {1}, "counted twice"
        for event_id, kept in stored.events.items():
            assert same(kept, originals[event_id]), "altered"
        assert {one.event_id for one in self.new} <= set(stored.events), "what came after the damage is lost"
        gone = {seq for seq, records in self.written.rows.items() if records[0].event_id not in stored.events}
        assert gone <= may_be_lost, f"intact and not stored: {sorted(gone - may_be_lost)}"
        lines = Quarantine(self.path.with_suffix(".quarantine")).lines()
        untold = [seq for seq in gone if seq <= known_end and not any(one.first <= seq <= one.last for one in lines)]
        assert not untold, f"lost without a word: {untold}"


def damaged_story(folder: Path, seed: int, state: str) -> None:
    story = Story(folder, seed)
    story.write()
    places = story.written.places()
    assert set(places) == set(story.written.rows)
    hurt = wound(story.chance, story.written)
    print("seed", seed, state, hurt.name)
    hit = {seq for seq, where in places.items() if any(hurt.hits(which, at) for which, at in where)}
    before = max(story.written.rows)
    stored = story.go_on(state)
    # Behind the last row that mark or database knew of, a lost tail leaves no trace.
    kept = [seq for seq, records in story.written.rows.items() if records[0].event_id in stored.events]
    known_end = before if before not in hit or "cut" not in hurt.name else max(kept, default=0)
    story.check(stored, hit, known_end)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("turn", range(4))
def test_what_is_intact_is_stored_once_and_the_rest_is_reported(tmp_path: Path, turn: int, state: str) -> None:
    damaged_story(tmp_path, first_seed() + turn, state)


def older_copy_story(folder: Path, seed: int, state: str, *, in_place: bool) -> None:
    """A backup comes back while the database has seen more than it holds."""
    story = Story(folder, seed)
    story.written.write(story.chance, event, story.chance.randrange(5, 40), keep_log=story.chance.random() < 0.5)
    trio.run(life, story.path, None, [], story.lost)
    backup = copy_journal(story.path, folder / "backup")
    in_backup = set(story.written.rows)
    story.older = story.stored.copy()
    story.written.write(story.chance, event, story.chance.randrange(5, 40), keep_log=False)
    upto = story.chance.randrange(1, max(story.written.rows) + 1)
    trio.run(life, story.path, story.stored if upto % 2 else None, [], story.lost)
    if in_place:
        put_back(backup, story.path)
    else:
        for part in story.path.parent.glob("journal.*"):
            part.unlink()
        copy_journal(backup, folder / "restored")
        story.path = folder / "restored" / story.path.name
    stored = story.go_on(state)
    for _ in range(3):  # long enough for the new rows to pass the numbers of the old ones
        more = [event() for _ in range(40)]
        story.new += more
        trio.run(life, story.path, stored, [[one] for one in more], story.lost)
    gone = set(story.written.rows) - in_backup
    story.check(stored, gone, known_end=max(story.written.rows) if in_place else 0)


@pytest.mark.parametrize("in_place", [True, False], ids=["in place", "as a new file"])
@pytest.mark.parametrize("state", STATES)
def test_an_older_copy_loses_nothing_new_and_repeats_nothing_old(tmp_path: Path, state: str, in_place: bool) -> None:
    older_copy_story(tmp_path, first_seed(), state, in_place=in_place)
