"""The actor that reads files again while the process runs: all at SIGHUP, each when it has changed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import trio

from vts.model.faults import BadStart

_log: Final = logging.getLogger(__name__)

LOOK_S: Final = 30.0  # a certificate is renewed weeks before the former one ends; a country file is a month's

Stamp = tuple[tuple[int, int, int] | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewable:
    """Something that comes from files, none where it is read at SIGHUP only.

    `renew` reads it and puts it in force, in a worker thread. When it raises BadStart or OSError, what was there stays.
    """

    name: str
    files: tuple[Path, ...] = ()
    renew: Callable[[], None]


class Renewal:
    """The actor. `look_s` is the time between two checks."""

    def __init__(self, renewables: Sequence[Renewable], look_s: float = LOOK_S) -> None:
        self._renewables = renewables
        self._look_s = look_s
        self._asked = trio.Event()
        self._seen = {one.name: _stamp(one.files) for one in renewables}

    def ask(self) -> None:
        """Read everything again, soon."""
        self._asked.set()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Check the files until cancelled."""
        task_status.started()
        while True:
            with trio.move_on_after(self._look_s):
                await self._asked.wait()
            asked, self._asked = self._asked.is_set(), trio.Event()
            for one in self._renewables:
                await trio.to_thread.run_sync(self._look, one, asked)

    def _look(self, one: Renewable, asked: bool) -> None:
        """Renew what has changed. A file that changes meanwhile has another stamp at the next look."""
        stamp = _stamp(one.files)
        if not asked and stamp == self._seen[one.name]:
            return
        self._seen[one.name] = stamp
        try:
            one.renew()
        except (BadStart, OSError) as fault:
            _log.error("not read anew, the former stays in force", extra={"what": one.name, "error": str(fault)})
        else:
            _log.info("read anew", extra={"what": one.name})


def _stamp(files: Sequence[Path]) -> Stamp:
    """Return what changes whenever a file does: a rename gives another inode, a write another time of change."""
    return tuple(_stamp_of(path) for path in files)


def _stamp_of(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_ctime_ns
