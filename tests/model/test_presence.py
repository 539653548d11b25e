"""What players show between two writes: one entry a player, the same however the messages fall into writes."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from vts.model.presence import Presence, Status

KEY = b"k" * 16
ON, OFF = Status(online=True), Status(online=False)
STATUSES = st.builds(
    Status, online=st.booleans(), post_id=st.sampled_from([1, 2, None]), firmware=st.sampled_from(["a", "b", None])
) | st.sampled_from([ON, OFF])
MESSAGES = st.lists(st.tuples(STATUSES | st.sampled_from(["view", "ping"]), st.integers(1, 3)), min_size=1, max_size=12)


def tell(presence: Presence, message: Any, now_us: int) -> None:
    match message:
        case "view":
            presence.viewed(KEY, now_us)
        case "ping":
            presence.alive(KEY, now_us)
        case status:
            presence.said(KEY, status, now_us)


@given(MESSAGES, st.sets(st.integers(0, 11)))
def test_a_write_that_fails_changes_nothing(messages: list[tuple[Any, int]], failures: set[int]) -> None:
    presence, undisturbed, now_us = Presence(), Presence(), 1_000
    for place, (message, pause) in enumerate(messages):
        now_us += pause
        if place in failures:
            taken = presence.take()
            tell(presence, message, now_us)
            presence.put_back(taken)
        else:
            tell(presence, message, now_us)
        tell(undisturbed, message, now_us)
    found, expected = presence.take()[KEY], undisturbed.take()[KEY]
    assert (found.active_us > found.offline_us) == (expected.active_us > expected.offline_us)
    assert (found.first_us, found.seen_us, found.view_us) == (expected.first_us, expected.seen_us, expected.view_us)
    assert (found.post_id, found.firmware) == (expected.post_id, expected.firmware)


def test_messages_of_one_read_are_taken_in_their_order() -> None:
    for messages, online in (([ON, OFF], False), ([OFF, ON], True), ([OFF, "view"], True), (["view", OFF], False)):
        presence = Presence()
        for message in messages:
            tell(presence, message, 5)
        change = presence.take()[KEY]
        assert (change.active_us > change.offline_us) is online, messages


def test_a_flood_is_one_entry() -> None:
    presence = Presence()
    for n in range(1_000):
        presence.said(KEY, Status(online=True, post_id=n), n)
    assert len(presence) == 1
    assert presence.take()[KEY].post_id == 999
    assert len(presence) == 0
