"""Texts of references reach the journal with what was admitted, in its entry, and no more often than needed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.admit.test_entries import PlayedAdmission
from tests.admit.world import DELETED, NOW, S, signed_in, visit
from vts.admit.texts import REMEMBERED_US
from vts.model.content import Content
from vts.model.faults import JournalFull
from vts.model.reference import ReferenceKey, References, ReferenceText
from vts.model.view import Report

NAMES = References(ReferenceKey(b"k" * 32))
BLOG = ReferenceText(NAMES.content("blog:1030"), "blog:1030")
ALICE = ReferenceText(NAMES.user("alice"), "alice")


def of_blog(**fields: Any) -> Report:
    return visit(BLOG.number, texts=(BLOG,), **fields)


def of_alice(**fields: Any) -> Report:
    return signed_in(ALICE.number, texts=(ALICE,), **fields)


def texts_in(world: PlayedAdmission) -> list[list[str]]:
    """The texts of each entry that waits."""
    return [[one.text for one in records if isinstance(one, ReferenceText)] for records, _ in world.entries]


def test_a_text_stands_before_its_event_in_the_same_entry() -> None:
    world = PlayedAdmission()
    told = world.tell(of_blog())
    (records, _) = world.entries[0]
    assert [type(one).__name__ for one in records] == ["ReferenceText", "ViewEvent"]
    assert records[0] == BLOG and records[1].post_id == BLOG.number  # type: ignore[union-attr]
    world.settle()
    assert told == ["accepted"]


@pytest.mark.parametrize(
    "refused",
    [of_blog(bot="tool"), visit(DELETED, texts=(ALICE,), viewer_user_id=ALICE.number)],
    ids=["bot", "deleted content"],
)
def test_what_is_refused_leaves_no_text(refused: Report) -> None:
    world = PlayedAdmission()
    assert world.tell(refused) != ["accepted"]
    assert world.entries == []


def test_in_strict_mode_an_unknown_text_leaves_nothing() -> None:
    world = PlayedAdmission(strict=True)
    assert world.tell(of_blog()) == ["not_found"]
    assert world.entries == []


def test_a_users_text_is_written_once_an_hour() -> None:
    world = PlayedAdmission()
    world.tell(of_alice())
    world.tell(of_alice())
    assert texts_in(world) == [["alice"], ["alice"]]  # the first is not durable yet
    world.settle()
    world.tell(of_alice())
    assert texts_in(world) == [[]]
    for passed in (REMEMBERED_US + S, 2 * REMEMBERED_US + 2 * S):
        world.admission._submission.age(NOW + passed)
    world.tell(of_alice())
    assert texts_in(world) == [[], ["alice"]]


def test_a_text_that_was_not_kept_is_written_again() -> None:
    world = PlayedAdmission()
    world.tell(of_alice())
    world.settle(JournalFull("full"))
    world.tell(of_alice())
    assert texts_in(world) == [["alice"]]


def test_a_provisional_content_brings_its_text_every_time_and_a_registered_one_never() -> None:
    world = PlayedAdmission()
    for _ in range(2):
        world.tell(of_blog())
        assert texts_in(world) == [["blog:1030"]]
        world.settle()
    world.catalog.put_content(BLOG.number, Content(9, "blog", False, False, False))
    world.tell(of_blog())
    assert texts_in(world) == [[]]


async def test_a_batch_has_each_of_its_texts_once(autojump_clock: object) -> None:
    world = PlayedAdmission()
    written: list[list[str]] = []

    def write(records: Any, settled: Any) -> None:
        written.append([one.text for one in records if isinstance(one, ReferenceText)])
        settled(None)

    world.submit = write
    await world.admission.submit([of_blog(), of_alice(), of_blog(viewer=b"W" * 16), visit()])
    assert written == [["blog:1030", "alice"]]
