"""Imports of a site's day: neither the order nor the parts of imports change what counts."""

from __future__ import annotations

import copy
import random

from hypothesis import given
from hypothesis import strategies as st

from tests.model.quick import quick
from vts.model import tally
from vts.model.imported_site import NOTHING, DayViews, SiteDay, replace

PAIR = st.integers(0, 50).flatmap(lambda n: st.integers(0, n).map(lambda signed: [n, signed]))
BREAKDOWNS = st.dictionaries(
    st.sampled_from(["country", "device"]), st.dictionaries(st.sampled_from("abc"), PAIR, max_size=3), max_size=2
)
ROWS = st.lists(st.tuples(st.booleans(), PAIR, BREAKDOWNS), max_size=6)


def imported(rows: list[tuple[bool, list[int], tally.Breakdowns]]) -> SiteDay:
    day = NOTHING
    for of_site, (views, signed), breakdowns in rows:
        if of_site:
            day = day._replace(site=day.site.plus((views, signed), breakdowns))
        else:
            day = day._replace(contents=day.contents.plus((views, signed), breakdowns))
    return day


@quick
@given(ROWS, st.integers(0, 100))
def test_the_order_of_imports_makes_no_difference(
    rows: list[tuple[bool, list[int], tally.Breakdowns]], seed: int
) -> None:
    shuffled = random.Random(seed).sample(rows, len(rows))
    assert imported(shuffled).counted() == imported(rows).counted()


@quick
@given(ROWS)
def test_what_counts_is_the_larger_of_both_sides_and_never_becomes_less(
    rows: list[tuple[bool, list[int], tally.Breakdowns]],
) -> None:
    before = 0
    for end in range(len(rows) + 1):
        day = imported(rows[:end])
        assert day.counted().views == max(day.site.views, day.contents.views) >= before
        before = day.counted().views


@quick
@given(BREAKDOWNS, BREAKDOWNS, BREAKDOWNS)
def test_replacing_what_was_imported_leaves_what_was_counted_here(
    here: tally.Breakdowns, former: tally.Breakdowns, present: tally.Breakdowns
) -> None:
    into: tally.Breakdowns = {}
    tally.merge(into, copy.deepcopy(here))
    tally.merge(into, former)
    replace(into, former, present)
    expected: tally.Breakdowns = {}
    tally.merge(expected, here)
    tally.merge(expected, present)
    without_zeros = [
        {name: kept for name, values in one.items() if (kept := {v: pair for v, pair in values.items() if pair[0]})}
        for one in (into, expected)
    ]
    assert without_zeros[0] == without_zeros[1]


def test_a_pair_that_was_folded_is_taken_out_of_other() -> None:
    into = {"country": {"BR": [2, 0], tally.OTHER: [5, 1]}}
    replace(into, {"country": {"BR": [4, 1]}}, {})
    assert into == {"country": {tally.OTHER: [3, 0]}}


def test_views_of_a_signed_in_viewer_count_where_either_side_has_them() -> None:
    assert SiteDay(DayViews(10, 7), DayViews(12, 3)).counted()[:2] == (12, 7)
