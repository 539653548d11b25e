"""The actor that listens to what other processes on the same database have committed."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Final

import msgspec
import trio

from vts.live.hub import Hub
from vts.service.known_counts import KnownCounts
from vts.store.drain.waterline import Waterline
from vts.store.peers.viewer_key_check import OTHER_KEYS, announce
from vts.store.session import channels
from vts.store.session.connection import Connection

_log: Final = logging.getLogger(__name__)

OpenSession = Callable[[], AbstractAsyncContextManager[Connection]]


class Notices:
    """Listens on one session, for the hub, the waterline and the counts that are kept.

    `viewer_keys` names the keys of this process. While the session lives it also announces these keys, and counts the
    processes that use others.
    """

    def __init__(
        self,
        session: OpenSession,
        hub: Hub,
        waterline: Waterline,
        viewer_keys: int,
        own_journal: Callable[[], bytes],
        note: Callable[[str], None],
        counts: KnownCounts,
    ) -> None:
        self._counts = counts
        self._session = session
        self._hub = hub
        self._waterline = waterline
        self._viewer_keys = viewer_keys
        self._own_journal = own_journal
        self._note = note

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Listen until cancelled. Raises StoreUnavailable when the session is lost."""
        task_status.started()
        async with self._session() as connection:
            await connection.listen(channels.LIVE, self._receive)
            await connection.listen(channels.COUNTS, lambda _: self._counts.clear())
            self._hub.resync()
            if others := await announce(connection, self._viewer_keys):
                self._note("other_viewer_keys")
                _log.error("%d other processes on this database %s; %s", others, *OTHER_KEYS)
            try:
                self._counts.clear()
                self._counts.listens = True
                await connection.stay()
            finally:
                self._counts.listens = False

    def _receive(self, payload: str) -> None:
        try:
            notice = self._hub.on_notify(payload)
        except msgspec.MsgspecError:
            self._note("unreadable_notice")
            return
        self._counts.touch(total.post_id for total in notice.posts)
        if notice.run and notice.journal != self._own_journal().hex():
            self._waterline.heard(bytes.fromhex(notice.run), notice.seq)
