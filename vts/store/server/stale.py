"""Which processes of a cluster have lost their parent, and how they are ended: a signal to quit, then a kill.

A parent that is killed takes its server along, but not at once; a server that is killed leaves its workers for a
moment; and a frozen one leaves them for ever. None of them may still be there when the next server starts.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

import trio

from vts.model.faults import Outage

QUIT_S: Final = 5.0  # an immediate shutdown takes milliseconds; a process in a long disk write takes longer
KILLED_S: Final = 5.0
_LOOK_AGAIN_S: Final = 0.02


def processes_of(data: Path) -> list[int]:
    """Return the servers and workers of the cluster in this folder: each of them works in it."""
    if sys.platform == "linux":
        return [pid for pid in _all_processes() if _works_in(pid, data)]
    return [pid for pid in _noted(data) if _is_postgres(pid, data)]


def _all_processes() -> Iterable[int]:
    return (int(entry) for entry in os.listdir("/proc") if entry.isdigit())  # noqa: PTH208 - a hot look at /proc


def _works_in(pid: int, data: Path) -> bool:
    try:
        return Path(f"/proc/{pid}/cwd").readlink() == data and Path(f"/proc/{pid}/comm").read_text() == "postgres\n"
    except OSError:  # it has ended meanwhile, or belongs to another user
        return False


def _noted(data: Path) -> list[int]:
    try:
        return [int((data / "postmaster.pid").read_text().split("\n", 1)[0])]
    except (OSError, ValueError):
        return []


def _is_postgres(pid: int, data: Path) -> bool:
    shown = subprocess.run(["/bin/ps", "-p", str(pid), "-o", "command="], check=False, capture_output=True)  # noqa: S603
    return str(data).encode() in shown.stdout


def send_all(pids: Iterable[int], number: int) -> None:
    """Send a signal to each of them that still lives."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


async def end_all(data: Path, quit_s: float = QUIT_S) -> int:
    """End every process of the cluster and return how many there were. Raises Outage when one will not go."""
    found = processes_of(data)
    if not found:
        return 0
    send_all(found, signal.SIGQUIT)
    send_all(found, signal.SIGCONT)  # a stopped process acts on nothing but SIGKILL
    with trio.move_on_after(quit_s):
        await _gone(data)
    send_all(processes_of(data), signal.SIGKILL)
    with trio.move_on_after(KILLED_S):
        await _gone(data)
    if left := processes_of(data):
        raise Outage(f"processes of an earlier PostgreSQL do not end: {left}")
    return len(found)


async def _gone(data: Path) -> None:
    while processes_of(data):  # noqa: ASYNC110 - they are not our children, so no event is set
        await trio.sleep(_LOOK_AGAIN_S)


async def clear(data: Path) -> int:
    """End what is left of an old server, and remove its lock file if there is one.

    The caller holds the lock of the folder, so a server that runs here has lost its parent. PostgreSQL itself would
    refuse to start when the process id in a stale file happens to be alive again as something else.
    """
    ended = await end_all(data)
    if sys.platform == "linux":
        (data / "postmaster.pid").unlink(missing_ok=True)
    return ended


def busy_seconds(data: Path) -> float | None:
    """Return the processor time that the cluster's processes have used, None where that cannot be seen."""
    if sys.platform != "linux":
        return None
    ticks = 0
    for pid in processes_of(data):
        with suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])  # utime, stime: proc(5)
    return ticks / os.sysconf("SC_CLK_TCK")
