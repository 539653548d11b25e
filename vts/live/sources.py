"""Where the live counts come from: the database while it is whole, the catalog, and the keys of viewers."""

from __future__ import annotations

from collections.abc import Collection, Coroutine, Mapping, Sequence
from typing import Any, TypeVar

from vts.enrich.viewer import ViewerKeys
from vts.live.asking import Sources
from vts.live.tracks import Counts, TopRow
from vts.model.day import date_of
from vts.model.faults import StoreUnavailable
from vts.model.ports import Catalog
from vts.query import live_counts
from vts.service.owners import owner_in
from vts.store.drain.waterline import Waterline
from vts.store.session.pool import Readers

T = TypeVar("T")


class DatabaseSources:
    """Reads counts; an answer of a database that lacks rows it had before is discarded, so shown counts never fall."""

    def __init__(self, readers: Readers, waterline: Waterline, catalog: Catalog, keys: ViewerKeys) -> None:
        self._readers = readers
        self._waterline = waterline
        self._catalog = catalog
        self._keys = keys

    def sources(self) -> Sources:
        """Return the callables that the hub asks."""
        return Sources(
            counts=self._counts,
            artist_counts=self._artist_counts,
            artist_posts=self._artist_posts,
            player_counts=self._player_counts,
            top=self._top,
            owner_of=owner_in(self._catalog),
            viewer_of_player=self._keys.player,
            references=lambda: self._catalog.references,
        )

    async def _counts(self, posts: Sequence[int], day: int) -> Mapping[int, Counts]:
        return await self._whole(live_counts.counts(self._readers, posts, date_of(day)))

    async def _artist_counts(self, user_id: int, day: int) -> Counts:
        return await self._whole(live_counts.artist_counts(self._readers, user_id, date_of(day)))

    async def _artist_posts(self, user_id: int) -> Collection[int]:
        return await self._whole(live_counts.artist_posts(self._readers, user_id))

    async def _player_counts(self, player_key: bytes, day: int) -> Counts:
        return await self._whole(live_counts.player_counts(self._readers, player_key, date_of(day)))

    async def _top(self, limit: int, day: int) -> list[TopRow]:
        rows = await self._whole(live_counts.top_posts(self._readers, limit, date_of(day)))
        return [TopRow(**row) for row in rows]

    async def _whole(self, answer: Coroutine[Any, Any, T]) -> T:
        """Return an answer of a database that has gone back neither before nor during it, else raise."""
        was_behind = self._waterline.is_behind
        found = await answer
        if was_behind or self._waterline.is_behind:
            raise StoreUnavailable("the database has gone back and is being filled up")
        return found
