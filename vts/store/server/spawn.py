"""A child process that ends when we do, even on `kill -9`, and whose end Trio can wait for.

The parent-death signal belongs to the thread that spawned the child, and a worker thread of Trio's ends after 10 idle
seconds. So each child gets a thread that spawns it and then waits for it: it lives exactly as long as the child.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

import trio

_LAUNCHER: Final = Path(__file__).with_name("launch.py")
ENVIRONMENT: Final = {"LC_ALL": "C", "PATH": "/usr/bin:/bin"}  # nothing of ours, least of all PG* variables and secrets


@dataclass(frozen=True, slots=True)
class User:
    """Who the child becomes; only root may choose."""

    name: str
    user_id: int
    group_id: int


def launch_command(
    argv: Sequence[str | Path], user: User | None, death_signal: int, reach: Sequence[Path] = ()
) -> list[str]:
    """Return the command that becomes `user`, checks `reach`, arms the death signal and then becomes `argv`."""
    order = {
        "user": None if user is None else [user.user_id, user.group_id],
        "parent": os.getpid(),
        "death_signal": death_signal,
        "reach": [str(path) for path in reach],
        "argv": [str(word) for word in argv],
        "environment": ENVIRONMENT,
    }
    return [sys.executable, "-I", "-S", str(_LAUNCHER), json.dumps(order)]


def reaches(user: User, *paths: Path) -> bool:
    """Whether the user may enter these folders and run these programs. Blocks for some tens of milliseconds."""
    command = launch_command([], user, signal.SIGKILL, paths)
    return subprocess.run(command, check=False, stderr=subprocess.DEVNULL, cwd="/").returncode == 0  # noqa: S603


def runs(user: User, program: Path) -> bool:
    """Whether the user can run this program, libraries included. Blocks for some tens of milliseconds."""
    command = launch_command([program, "--version"], user, signal.SIGKILL)
    quiet = subprocess.DEVNULL
    return subprocess.run(command, check=False, stdout=quiet, stderr=quiet, cwd="/").returncode == 0  # noqa: S603


class ChildProcess:
    """A running program. `exited` is set when it has ended and been reaped."""

    def __init__(self) -> None:
        self.exited = trio.Event()
        self.output = b""
        self._spawned = trio.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._error: OSError | None = None

    @property
    def pid(self) -> int:
        """The process id; it stays the same when the launcher becomes the program."""
        assert self._process is not None
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """The exit status, minus the signal's number when a signal ended it, None while it runs."""
        return None if self._process is None else self._process.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended already."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.send_signal(number)

    def _live(self, token: trio.lowlevel.TrioToken, command: list[str], given: bytes, log: IO[bytes] | None) -> None:
        try:
            self._process = subprocess.Popen(  # noqa: S603 - a fixed program with fixed arguments
                command,
                stdin=subprocess.PIPE,
                stdout=log or subprocess.PIPE,
                stderr=log or subprocess.STDOUT,
                env=ENVIRONMENT,
                start_new_session=True,  # a terminal's Ctrl-C is for us; the database stops last, by our signal
            )
        except OSError as error:
            self._error = error
            _tell(token, self._spawned)
            return
        _tell(token, self._spawned)
        self.output = self._process.communicate(given)[0] or b""
        _tell(token, self.exited)


def _tell(token: trio.lowlevel.TrioToken, event: trio.Event) -> None:
    with suppress(trio.RunFinishedError):
        token.run_sync_soon(event.set)


async def spawn(
    argv: Sequence[str | Path],
    *,
    user: User | None = None,
    death_signal: int = signal.SIGKILL,
    given: bytes = b"",
    log: IO[bytes] | None = None,
) -> ChildProcess:
    """Start a program as a direct child. Raises OSError when it cannot be started.

    `given` is its standard input. Its output goes to `log`, or else into `output` when it has ended.
    """
    child = ChildProcess()
    arguments = (trio.lowlevel.current_trio_token(), launch_command(argv, user, death_signal), given, log)
    threading.Thread(target=child._live, args=arguments, name=f"child {Path(argv[0]).name}", daemon=True).start()
    with trio.CancelScope(shield=True):  # some milliseconds; a child must not start when no task waits for it any more
        await child._spawned.wait()
    if child._error is not None:
        raise child._error
    return child


async def complete(argv: Sequence[str | Path], *, user: User | None = None, given: bytes = b"") -> tuple[int, str]:
    """Run a program to its end, or kill it when cancelled. Returns its exit status and its output."""
    child = await spawn(argv, user=user, given=given)
    try:
        await child.exited.wait()
    finally:
        child.send_signal(signal.SIGKILL)
    return child.returncode or 0, child.output.decode(errors="replace")
