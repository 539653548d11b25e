"""Passing keys: one a window, in one direction only."""

from __future__ import annotations

import pytest

from vts.enrich.client_ip import parse_address
from vts.enrich.rotation import EPOCH_DAY, KEY_BYTES, RotatingKey, advanced, first_key
from vts.enrich.viewer import ViewerKeys
from vts.model.identity import parse

BEGIN = RotatingKey(EPOCH_DAY, b"k" * KEY_BYTES)
ADDRESS = parse_address("203.0.113.7")


@pytest.mark.parametrize("window_days", [1, 2, 7, 30, 366])
def test_a_window_has_one_key_and_the_next_another(window_days: int) -> None:
    begin = 20_000 - 20_000 % window_days
    window = {advanced(BEGIN, day, window_days) for day in range(begin, begin + window_days)}
    after = advanced(BEGIN, begin + window_days, window_days)
    assert {key.day for key in window} == {begin}
    assert len(window) == 1
    assert after.day == begin + window_days
    assert after.key not in {key.key for key in window}


def test_it_does_not_matter_how_often_a_process_looked() -> None:
    stepwise = BEGIN
    for day in range(EPOCH_DAY, EPOCH_DAY + 50):
        stepwise = advanced(stepwise, day, 3)
    assert stepwise == advanced(BEGIN, EPOCH_DAY + 49, 3)


def test_processes_with_one_secret_have_one_key_whenever_they_start() -> None:
    one, other = first_key(b"s" * 32), first_key(b"s" * 32)
    assert advanced(advanced(one, 20_000, 7), 20_500, 7) == advanced(other, 20_500, 7)
    assert one != first_key(b"t" * 32)


def test_a_clock_that_was_set_back_and_a_longer_window_leave_the_key() -> None:
    newest = advanced(BEGIN, 20_003, 1)
    assert advanced(newest, 19_000, 1) == newest
    assert advanced(newest, 20_004, 30) == newest


def test_keys_of_visitors_and_video_players_rotate_and_those_of_users_and_players_stay() -> None:
    assert ADDRESS is not None
    keys = ViewerKeys(b"v" * 32)
    player = parse("01890a5d-ac96-774b-bcce-b302099a8057")

    def rotating() -> list[bytes]:
        return [keys.visitor(ADDRESS, "agent"), keys.client("screen"), keys.agent_hash("agent")]

    def staying() -> list[bytes]:
        return [keys.user(7), keys.player(player), keys.address(ADDRESS)]

    before, named = rotating(), staying()
    keys.rotate(advanced(BEGIN, 20_001, 1))
    after = rotating()
    assert not set(before) & set(after)
    assert staying() == named
    assert (keys.version, keys.rotating_version) == (1, 2 + 20_001 - EPOCH_DAY)


def test_versions_fit_their_column_for_this_century() -> None:
    assert advanced(BEGIN, 36_500 + EPOCH_DAY - 8_000, 1).version < 2**15
