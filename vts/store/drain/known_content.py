"""Which viewed contents get a provisional row: those that no service has described."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import trio

from vts.model.view import ViewEvent
from vts.store.drain.revision import BUMP
from vts.store.session import channels
from vts.store.session.connection import Connection
from vts.store.session.queries import queries_beside

query = queries_beside(__file__)

POSTS_REMEMBERED: Final = 100_000  # that have a content row: 10 MB
POSTS_REMEMBERED_S: Final = 300.0  # a provisional row may have been removed meanwhile

_UNKNOWN_CONTENT: Final = query("drain_unknown_content")
_REGISTER_CONTENT: Final = query("drain_register_content")
_NOTIFY: Final = "SELECT pg_notify($1, $2)"


class KnownContent:
    """Remembers, for a session, which posts have a content row."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._posts: set[int] = set()
        self._posts_since_s = trio.current_time()

    async def register(self, events: Iterable[ViewEvent]) -> None:
        """Give unknown posts a provisional row, in the caller's transaction.

        The revision is taken first, as all writers of the catalog do.
        """
        now_s = trio.current_time()
        if now_s - self._posts_since_s > POSTS_REMEMBERED_S or len(self._posts) > POSTS_REMEMBERED:
            self._posts.clear()
            self._posts_since_s = now_s
        posts = {event.post_id for event in events} - self._posts
        if not posts:
            return
        unknown = [row[0] for row in await self._connection.fetch(_UNKNOWN_CONTENT, sorted(posts))]
        if unknown:
            revision = await self._connection.fetchval(BUMP)
            await self._connection.execute(_REGISTER_CONTENT, sorted(unknown), revision)
            await self._connection.execute(_NOTIFY, channels.CATALOG, str(revision))
        self._posts |= posts
