"""What the product answers, held against the ledger: every field of every answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.truth.ledger import SITE, Ledger
from vts.model.day import date_of, day_of
from vts.query import artist, counts, live_counts, post, site
from vts.query.artist_load import artist_facts
from vts.query.post_load import post_facts
from vts.query.site_load import site_facts
from vts.store.session.pool import Readers

ALL_DAYS = 60  # longer than every story
SITE_VIEWS = ("total_views", "unique_viewers", "unique_viewers_imported")


class Display:
    """`compared` counts the values that were held against the ledger."""

    def __init__(self, readers: Readers, ledger: Ledger) -> None:
        self.readers = readers
        self.ledger = ledger
        self.compared = 0
        self._totals: dict[int, int] = {}

    async def poll(self, posts: Sequence[int], now_us: int, *, may_fall: bool) -> None:
        """Totals are right at every moment, and never fall but where early views of authors leave."""
        today = day_of(now_us)
        shown = await live_counts.counts(self.readers, [SITE, *posts], date_of(today))
        expected = self.ledger.totals([SITE, *posts], today)
        assert shown == expected, (shown, expected)
        totals = {post_id: views for post_id, (views, _, _) in shown.items()}
        fallen = [post_id for post_id, views in self._totals.items() if totals.get(post_id, 0) < views]
        assert may_fall or not fallen, fallen
        self._totals = totals
        self.compared += 1

    async def compare(
        self, ranges: Sequence[tuple[int, int]], posts: Sequence[int], users: Sequence[int], now_us: int
    ) -> None:
        """Ask everything about these ranges of days."""
        for first, last in ranges:
            for post_id in (SITE, *posts):
                facts = await post_facts(self.readers, post_id, first, last)
                self._same(post.answer(facts, now_us=0, lag_s=0), self.ledger.of_post(post_id, first, last))
            for user in users:
                mine = await artist_facts(self.readers, user, first, last)
                self._same(artist.answer(mine, now_us=0, lag_s=0), self.ledger.of_artist(user, first, last))
            await self._compare_site(first, last, now_us)
        for post_id, count in (await counts.counts(self.readers, posts)).items():
            assert count.views == self._totals.get(post_id, 0), post_id
            last = day_of(now_us) + 1  # views may be of tomorrow by their own clock
            whole = post.answer(await post_facts(self.readers, post_id, last - ALL_DAYS, last), now_us=0, lag_s=0)
            assert {name: n for name, n in count.by_type.items() if n} == whole["views_by_type"], post_id

    async def _compare_site(self, first: int, last: int, now_us: int) -> None:
        facts = await site_facts(self.readers, first, last, day_of(now_us))
        said = site.answer(facts, limit=100, player_of=lambda key: None, now_us=now_us, lag_s=0)
        views = self.ledger.of_post(SITE, first, last)
        twins = [name + suffix for name in SITE_VIEWS for suffix in ("", "_authenticated")]
        self._same(said, self.ledger.of_visits(first, last) | {name: views[name] for name in twins})

    def _same(self, said: dict[str, Any], expected: dict[str, Any]) -> None:
        wrong = {name: (said[name], value) for name, value in expected.items() if said[name] != value}
        assert not wrong, wrong
        self.compared += len(expected)
