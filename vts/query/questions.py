"""The questions that routes ask the database, each answered with facts. All raise StoreUnavailable."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, Final

from vts.model.day import SECOND_US
from vts.query import (
    analytics_load,
    artist_load,
    artist_posts_load,
    contents,
    counts,
    outcomes_load,
    players,
    post_load,
    site_load,
    top_load,
    zone_days_load,
)
from vts.query.analytics import Dimension, EngagementFacts, HoursFacts
from vts.query.artist import ArtistFacts
from vts.query.artist_posts import Asked, ListFacts
from vts.query.contents import ContentsAsked
from vts.query.counts import Counts, Undrained
from vts.query.outcomes import OutcomeRow
from vts.query.players import PlayersAsked
from vts.query.playlist import PlaylistFacts
from vts.query.post import PostFacts
from vts.query.site import SiteFacts
from vts.query.top import TopAsked, TopLine
from vts.query.zone_days import HourRow
from vts.query.zone_days_load import Counted
from vts.store.drain.texts import texts_of
from vts.store.session.pool import Readers

OFFLINE_AFTER_S: Final = 180.0  # `players.offline_after_s` unless it is set


class Questions:
    """Days are inclusive numbers of UTC days since 1970.

    `journal` holds what this process acknowledged and the database may lack. `database_lag_s` returns for how many
    seconds the database has been known to lack rows that it had before. A player is offline when it was silent for
    `offline_after_s`.
    """

    def __init__(
        self,
        readers: Readers,
        journal: Undrained,
        database_lag_s: Callable[[], float],
        offline_after_s: float = OFFLINE_AFTER_S,
    ) -> None:
        self._readers = readers
        self._journal = journal
        self._database_lag_s = database_lag_s
        self._offline_after_us = round(offline_after_s * SECOND_US)

    def lag_s(self) -> float:
        """Return for how many seconds at least acknowledged events have been missing in answers."""
        return max(self._journal.oldest_age_s, self._database_lag_s())

    async def texts(self, numbers: Collection[int]) -> dict[int, str]:
        """Return the texts of numbers that stand for texts. Without numbers there is no query."""
        if not numbers:
            return {}
        async with self._readers.connection() as connection:
            return await texts_of(connection, list(numbers))

    async def post_facts(self, post_id: int, first: int, last: int) -> PostFacts:
        """Return what the statistics of one content are made of."""
        return await post_load.post_facts(self._readers, post_id, first, last)

    async def counts(self, post_ids: Collection[int]) -> Counts:
        """Return the views of all time of each content. Views acknowledged by this process are waited for, bounded."""
        own_lag_s = await counts.wait_for_own_views(self._journal, post_ids)
        by_post = await counts.counts(self._readers, post_ids)
        return Counts(by_post, max(own_lag_s, self._database_lag_s()))

    async def artist_facts(self, user_id: int, first: int, last: int) -> ArtistFacts:
        """Return what the statistics over all contents of an artist are made of."""
        return await artist_load.artist_facts(self._readers, user_id, first, last)

    async def hour_rows(self, counted: Counted, name: int, first: int, last: int) -> list[HourRow]:
        """Return what a content, an artist or the site counted by UTC hour, for dates of a time zone."""
        return await zone_days_load.hour_rows(self._readers, counted, name, first, last)

    async def artist_posts(self, user_id: int, first: int, last: int, asked: Asked) -> ListFacts:
        """Return one page of an artist's contents, with the statistics of each."""
        return await artist_posts_load.artist_posts(self._readers, user_id, first, last, asked)

    async def top(self, asked: TopAsked) -> list[TopLine]:
        """Return the most viewed contents of a range of days."""
        return await top_load.top(self._readers, asked)

    async def site_facts(self, first: int, last: int, today: int) -> SiteFacts:
        """Return what the statistics of the whole site are made of."""
        return await site_load.site_facts(self._readers, first, last, today)

    async def outcomes(self, since_us: int) -> list[OutcomeRow]:
        """Return what became of events, by hour, since a time in microseconds."""
        return await outcomes_load.outcome_rows(self._readers, since_us)

    async def engagement_facts(self, dimension: Dimension, first: int, last: int) -> EngagementFacts:
        """Return views and time by channel or by play order."""
        return await analytics_load.engagement_facts(self._readers, dimension, first, last)

    async def hours_facts(self, first: int, last: int) -> HoursFacts:
        """Return views by hour and weekday."""
        return await analytics_load.hours_facts(self._readers, first, last)

    async def contents(self, asked: ContentsAsked) -> list[dict[str, Any]]:
        """Return a page of the catalog."""
        return await contents.contents(self._readers, asked)

    async def players(self, asked: PlayersAsked, now_us: int) -> list[dict[str, Any]]:
        """Return a page of players with their last status, as of `now_us`."""
        return await players.players(self._readers, asked, now_us - self._offline_after_us)

    async def playlist_facts(self, playlist_id: int, first: int, last: int) -> PlaylistFacts:
        """Return what the statistics of one playlist are made of."""
        return await analytics_load.playlist_facts(self._readers, playlist_id, first, last)
