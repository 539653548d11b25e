"""Notices of a batch: all of it, in parts that one NOTIFY carries."""

from __future__ import annotations

import random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.model.quick import quick
from tests.store.drained import event
from vts.model.committed import NOW_US, Committed, DayTotals, notices_of, read_notice
from vts.model.day import SECOND_US

NOTIFY_MAX_BYTES = 8_000  # PostgreSQL, NOTIFY
NOW = 1_766_404_800 * SECOND_US
PLAIN = event(random.Random(1))


def committed(seen: list[tuple[int, int, int]], totals: int = 0) -> Committed:
    """A batch; `seen` are (post, viewer, seconds ago)."""
    events = [
        replace(PLAIN, post_id=post, viewer_key=viewer.to_bytes(8, "big") + bytes(8), created_at=NOW - ago * SECOND_US)
        for post, viewer, ago in seen
    ]
    days = [DayTotals(2**62 + n, 20_400, 10**9, 10**9) for n in range(totals)]
    return Committed(
        journal_id=b"j" * 16, last_seq=9, records=len(events), events=events, totals=days, run_id=b"r" * 16
    )


SEEN = st.lists(st.tuples(st.integers(1, 5), st.integers(0, 40), st.integers(-3, 400)), max_size=60)


@quick
@given(SEEN, st.integers(0, 200))
def test_the_notices_hold_each_viewer_of_five_minutes_with_its_last_time_and_every_total(
    seen: list[tuple[int, int, int]], totals: int
) -> None:
    batch = committed(seen, totals)
    notices = [read_notice(text) for text in notices_of(batch, NOW)]
    found = [(post, int.from_bytes(key, "big"), age) for one in notices for post, key, age in one.viewers()]
    last: dict[tuple[int, int], int] = {}
    for post, viewer, ago in seen:
        if ago * SECOND_US < NOW_US:
            last[post, viewer] = min(max(ago, 0), last.get((post, viewer), 10**9))
    assert sorted(found) == sorted((*name, age) for name, age in last.items())
    assert [one for notice in notices for one in notice.posts] == batch.totals
    assert {(one.journal, one.run, one.seq) for one in notices} == {("6a" * 16, "72" * 16, 9)}


def test_the_largest_batch_is_cut_into_parts_that_one_notify_carries() -> None:
    texts = notices_of(committed([(n, n, 0) for n in range(1, 2_000)], totals=2_000), NOW)
    assert len(texts) == 25
    assert max(len(text.encode()) for text in texts) < NOTIFY_MAX_BYTES


def test_an_empty_batch_has_a_notice_too() -> None:
    (text,) = notices_of(committed([]), NOW)
    assert read_notice(text).seq == 9


def test_a_notice_of_an_older_version_has_no_ages_and_no_run() -> None:
    notice = read_notice('{"journal":"ab","posts":[[1,20400,2,1]],"seen":"AAAAAAAAAAEAAAAAAAAAAg=="}')
    assert list(notice.viewers()) == [(1, (2).to_bytes(8, "big"), 0)]
    assert (notice.run, notice.seq, notice.posts[0].views) == ("", 0, 2)


@pytest.mark.parametrize("payload", ["", "{}", "[]", '{"journal":1,"posts":[],"seen":""}'])
def test_what_is_no_notice(payload: str) -> None:
    with pytest.raises(msgspec.MsgspecError):
        read_notice(payload)
