"""A count waits for the views of its own contents that this process has acknowledged, and for no others."""

from __future__ import annotations

from pathlib import Path

import pytest
import trio
import trio.testing

from tests.journal.stories import event, running
from vts.query.counts import OWN_VIEWS_S, wait_for_own_views


async def test_views_of_other_contents_are_not_waited_for(tmp_path: Path) -> None:
    async with running(tmp_path / "j.sqlite") as journal:
        await journal.append([event(1)])
        assert await wait_for_own_views(journal, {2, 3}) == 0.0
        assert await wait_for_own_views(journal, {1, 2}) >= OWN_VIEWS_S, "it is not stored, and the answer says so"


async def test_a_count_of_many_goes_on_when_the_view_of_one_is_stored(tmp_path: Path) -> None:
    lags: list[float] = []

    async def wait() -> None:
        lags.append(await wait_for_own_views(journal, {1, 2, 3}))

    async with running(tmp_path / "j.sqlite") as journal, trio.open_nursery() as nursery:
        await journal.append([event(2)])
        nursery.start_soon(wait)
        await trio.testing.wait_all_tasks_blocked(0.01)
        assert lags == []
        journal.drained(journal.last_seq)
        nursery.start_soon(wait)
    assert lags == [0.0, 0.0]


async def test_views_that_are_on_disk_only_are_not_waited_for_and_the_answer_lags(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vts.journal.tail.TAIL_RECORDS", 1)
    async with running(tmp_path / "j.sqlite") as journal:
        for post_id in (1, 2):
            await journal.append([event(post_id)])
        with trio.fail_after(60):
            lag_s = await wait_for_own_views(journal, {3})
        assert journal.has_unread
        assert 0.0 < lag_s <= journal.oldest_age_s
