"""One intentional view for a viewer, content and UTC day, where the host wants that."""

from __future__ import annotations

from msgspec.structs import replace

from tests.admit.test_entries import PlayedAdmission
from tests.admit.world import (
    NOW,
    OWNED_PLAYER,
    PLAYER,
    S,
    admit,
    decide,
    gate,
    id_4,
    id_7,
    keep,
    lose,
    play,
    visit,
)
from vts.admit.gate import Gate
from vts.model.day import DAY_US
from vts.model.faults import JournalFull

MIDNIGHT = (NOW // DAY_US + 1) * DAY_US
OTHER = b"W" * 16


def once(**rules: object) -> Gate:
    return gate(view_once=True, **rules)


def test_a_second_view_of_the_day_is_a_duplicate_and_uses_no_allowance() -> None:
    judge = once(web_per_minute=1, web_burst=2)
    assert keep(judge, visit(5)).event.once
    for again in (visit(5), visit(5, event_id=id_4(1)), visit(5, event_id=id_7(NOW)), visit(5, trusted=True)):
        assert decide(judge, again) == "duplicate"
    keep(judge, visit(6))  # the burst was of two
    assert decide(judge, visit(5), MIDNIGHT - 1) == "duplicate"
    assert decide(judge, visit(5), MIDNIGHT) == "admitted"


def test_other_viewers_contents_days_and_types_count() -> None:
    judge = once()
    keep(judge, visit(5))
    keep(judge, visit(5, OTHER))
    keep(judge, visit(6))
    keep(judge, visit(5, event_id=id_7(NOW - 13 * 3600 * S)))  # yesterday, at 23:00
    for view_type in ("listing", "search", "widget") * 2:
        assert not keep(judge, visit(5, view_type=view_type)).event.once


def test_without_the_rule_every_view_counts() -> None:
    judge = gate()
    assert [keep(judge, visit(5)).event.once for _ in range(2)] == [False, False]


def test_a_view_that_was_not_kept_is_no_first_view() -> None:
    judge = once()
    lose(judge, visit(5))
    lose(judge, visit(5, event_id=id_4(1)))
    keep(judge, visit(5, event_id=id_4(1)))
    assert decide(judge, visit(5)) == "duplicate"


async def test_the_second_view_waits_for_the_first_to_be_durable() -> None:
    world = PlayedAdmission(view_once=True)
    first, second = world.tell(visit(5)), world.tell(visit(5, event_id=id_4(1)))
    assert (first, second, len(world.entries)) == ([], [], 1)
    world.settle(JournalFull("at its cap"))
    assert (first, second, len(world.entries)) == (["unavailable"], [], 1)  # the second is now the first
    third = world.tell(visit(5))
    world.settle()
    assert (second, third, world.entries) == (["accepted"], ["duplicate"], [])


def test_a_retry_is_a_duplicate_also_from_another_address() -> None:
    judge = once()
    keep(judge, visit(5, event_id=id_4(1)))
    assert decide(judge, visit(5, OTHER, event_id=id_4(1))) == "duplicate"


def test_the_player_of_a_person_and_their_browser_are_one_viewer() -> None:
    judge = once()
    person = b"7" * 16
    keep(judge, visit(5, person, viewer_user_id=7, authenticated=True))
    shown = play(5, at=NOW, key=OWNED_PLAYER)
    assert decide(judge, replace(shown, viewer_key=person)) == "duplicate"
    keep(judge, play(5, at=NOW))
    assert decide(judge, play(5, at=NOW + 9 * S)) == "duplicate"
    assert decide(judge, play(5, at=NOW + 9 * S, view_type="listing")) == "admitted"
    assert admit(judge, play(6, at=NOW + 20 * S, key=PLAYER)).event.once


def test_what_is_imported_was_counted_by_other_rules() -> None:
    judge = once()
    for n in (1, 2):
        imported = keep(judge, visit(5, trusted=True, device_time_us=NOW - S, event_id=id_4(n)))
        assert not imported.event.once


def test_a_restart_knows_what_was_durable() -> None:
    before, after = once(), once()
    events = [keep(before, visit(5)).event, keep(before, visit(6, event_id=id_4(1))).event]
    after.warm(events)
    after.age(NOW)
    assert [decide(after, visit(5)), decide(after, visit(6)), decide(after, visit(7))] == [
        "duplicate",
        "duplicate",
        "admitted",
    ]


def test_days_that_are_over_are_forgotten() -> None:
    judge = once(web_per_minute=0)
    keep(judge, visit(5))
    for day in range(3):
        judge.age(NOW + day * DAY_US)
    assert judge.sizes()["identities"] == 0
