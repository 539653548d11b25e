"""The actor that rotates the key of anonymous visitors, and the file that holds the newest key."""

from __future__ import annotations

import logging
import secrets
from pathlib import Path
from typing import Final

import trio

from vts.auth.secrets import replace_secret
from vts.enrich.enrich import Enricher
from vts.enrich.rotation import EPOCH_DAY, FIRST_VERSION, KEY_BYTES, RotatingKey, advanced, first_key
from vts.model.day import DAY_US, SECOND_US, day_of
from vts.model.faults import BadStart
from vts.model.ports import Clock

_log: Final = logging.getLogger(__name__)

LAST_DAY: Final = EPOCH_DAY + 32_767 - FIRST_VERSION  # 2109: the version is a smallint in the database
_REMEDY: Final = (
    "restore the file from a backup of today, or remove it to have a new one made (visitors of before count as new)"
)
LOOK_S: Final = 60.0  # a machine may sleep, and its clock may be set


class Rotation:
    """Gives `enricher` the key of the current window, from the moment when this is made.

    `shared_secret` is what other processes derive the same keys from; without one (empty), keys begin by chance, and
    `path` alone holds the newest. Raises BadStart when that cannot be kept.
    """

    def __init__(self, enricher: Enricher, clock: Clock, window_days: int, path: Path, shared_secret: bytes) -> None:
        self._enricher = enricher
        self._clock = clock
        self._window_days = window_days
        self._path = None if shared_secret else path
        today = day_of(clock())
        begin = first_key(shared_secret) if shared_secret else load_key(path) or _new_key(today)
        self._key = advanced(begin, today, window_days)
        try:
            self._keep()
        except OSError as fault:
            raise BadStart(f"{path}: the key of visitors cannot be kept here: {fault.strerror}") from fault
        enricher.rotate(self._key)

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Turn at the beginning of every window."""
        task_status.started()
        kept = True
        while True:
            now_us = self._clock()
            await trio.sleep(min(LOOK_S, (DAY_US - now_us % DAY_US) / SECOND_US))
            key = advanced(self._key, day_of(self._clock()), self._window_days)
            if key != self._key:
                self._key = key
                self._enricher.rotate(key)
                kept = False
            if not kept:
                kept = await self._try_keeping()

    async def _try_keeping(self) -> bool:
        """Write the key. A full disk does not stop the rotation: later keys are derived from an older one as well."""
        try:
            await trio.to_thread.run_sync(self._keep)
        except OSError as fault:
            _log.error("the key of visitors could not be kept", extra={"path": str(self._path), "error": str(fault)})
            return False
        return True

    def _keep(self) -> None:
        if self._path is not None:
            replace_secret(self._path, f"{self._key.day} {self._key.key.hex()}\n".encode("ascii"))


def load_key(path: Path) -> RotatingKey | None:
    """Return the key in a file, None when there is no file. Raises BadStart for one that holds something else."""
    try:
        day, key = path.read_text("ascii").split()
        found = RotatingKey(int(day), bytes.fromhex(key))
    except FileNotFoundError:
        return None
    except OSError as fault:
        raise BadStart(f"{path}: the key of visitors cannot be read: {fault.strerror}; {_REMEDY}") from fault
    except ValueError as fault:
        raise BadStart(f"{path}: not a key of visitors; {_REMEDY}") from fault
    if not EPOCH_DAY <= found.day <= LAST_DAY or len(found.key) != KEY_BYTES or len(set(found.key)) == 1:
        raise BadStart(f"{path}: not a key of visitors; {_REMEDY}")
    return found


def _new_key(today: int) -> RotatingKey:
    return RotatingKey(today, secrets.token_bytes(KEY_BYTES))
