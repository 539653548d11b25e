"""The actor that listens to what other processes on the same database have committed."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Final

import msgspec
import trio

from vts.live.hub import Hub
from vts.store.drain.waterline import Waterline
from vts.store.peers.viewer_key_check import OTHER_KEYS, announce
from vts.store.session import channels
from vts.store.session.connection import Connection

_log: Final = logging.getLogger(__name__)

OpenSession = Callable[[], AbstractAsyncContextManager[Connection]]


class Notices:
    """Listens on one session, for the hub and the waterline. `viewer_keys` names the keys of this process.

    While the session lives it also announces these keys, and counts the processes that use others.
    """

    def __init__(
        self,
        session: OpenSession,
        hub: Hub,
        waterline: Waterline,
        viewer_keys: int,
        own_journal: Callable[[], bytes],
        note: Callable[[str], None],
    ) -> None:
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
            self._hub.resync()
            if others := await announce(connection, self._viewer_keys):
                self._note("other_viewer_keys")
                _log.error("%d other processes on this database %s; %s", others, *OTHER_KEYS)
            await connection.stay()

    def _receive(self, payload: str) -> None:
        try:
            notice = self._hub.on_notify(payload)
        except msgspec.MsgspecError:
            self._note("unreadable_notice")
            return
        if notice.run and notice.journal != self._own_journal().hex():
            self._waterline.heard(bytes.fromhex(notice.run), notice.seq)
