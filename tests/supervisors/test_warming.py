"""How far back the gate's tables are filled from the journal after a start."""

from __future__ import annotations

from supervisors.tree.admission import warm_since_us
from vts.model.day import DAY_US, HOUR_US, MINUTE_US

NOON = 20_400 * DAY_US + 12 * HOUR_US


def test_minutes_for_retries() -> None:
    assert warm_since_us(NOON, view_once=False) == NOON - 15 * MINUTE_US


def test_the_utc_day_where_a_viewer_has_one_view_in_it_and_retries_across_midnight() -> None:
    assert warm_since_us(NOON, view_once=True) == NOON - 12 * HOUR_US
    midnight = NOON - 12 * HOUR_US
    assert warm_since_us(midnight + MINUTE_US, view_once=True) == midnight - 14 * MINUTE_US
